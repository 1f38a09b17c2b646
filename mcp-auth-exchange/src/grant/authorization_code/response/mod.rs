//! Reading what the authorization server sent back through the user agent (RFC 6749 §4.1.2, RFC 9207).

use std::fmt;

use url::form_urlencoded;

use mcp_auth_discovery::Secret;

use super::State;

#[cfg(test)]
mod tests;

/// The greatest length of the query of a redirect, in bytes (16 KiB).
pub const MAX_QUERY_BYTES: usize = 16 * 1024;

/// The greatest number of parameters.
const MAX_PARAMETERS: usize = 64;

/// A successful authorization response: state and issuer were checked, the code may be sent to the token
/// endpoint of that issuer.
#[derive(Clone, Debug)]
pub struct AuthorizationResponse {
    code: Secret,
}

/// Why an authorization response is refused; no code is sent anywhere then. The text holds nothing of the query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("authorization response: {kind}")]
pub struct AuthorizationResponseError {
    kind: AuthorizationResponseErrorKind,
}

/// The kinds of [`AuthorizationResponseError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizationResponseErrorKind {
    /// Longer than [`MAX_QUERY_BYTES`] or with too many parameters.
    #[error("too large")]
    TooLarge,
    /// `state`, `iss`, `code` or `error` occurs twice (RFC 6749 §3.1).
    #[error("repeated parameter")]
    DuplicateParameter,
    /// `state` is absent.
    #[error("state is missing")]
    StateMissing,
    /// `state` is not the one of this request.
    #[error("state is not the one of the request")]
    StateMismatch,
    /// `iss` is absent though the server advertises it (RFC 9207 §2.4).
    #[error("issuer is missing")]
    IssuerMissing,
    /// `iss` is not byte for byte the expected issuer, or none is expected (RFC 9207 §2.4): a mix-up.
    #[error("issuer is not the expected one")]
    IssuerMismatch,
    /// Neither a usable `code` nor an `error`, or both.
    #[error("neither code nor error")]
    Malformed,
    /// The server or the user refused (RFC 6749 §4.1.2.1).
    #[error("refused with `{0}`")]
    Refused(AuthorizationErrorCode),
}

/// An error code of an authorization response (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthorizationErrorCode {
    /// `invalid_request`
    InvalidRequest,
    /// `unauthorized_client`
    UnauthorizedClient,
    /// `access_denied`: the user said no.
    AccessDenied,
    /// `unsupported_response_type`
    UnsupportedResponseType,
    /// `invalid_scope`
    InvalidScope,
    /// `invalid_target` (RFC 8707 §2)
    InvalidTarget,
    /// `server_error`
    ServerError,
    /// `temporarily_unavailable`
    TemporarilyUnavailable,
    /// `interaction_required`
    InteractionRequired,
    /// `login_required`
    LoginRequired,
    /// `consent_required`
    ConsentRequired,
    /// Any other code; its text came through the user agent and is not kept.
    Other,
}

impl AuthorizationResponse {
    /// Reads the query of a redirect, without its `?`.
    ///
    /// `expected_iss` is the issuer that the user was sent to, as its metadata writes it; `iss_required` is
    /// [`requires_response_iss`](mcp_auth_discovery::AuthorizationServerMetadata::requires_response_iss). An
    /// `iss` that is there is always compared, and refused when none is expected. State and issuer are checked
    /// before anything else is looked at, in error responses too.
    ///
    /// ```
    /// use mcp_auth_exchange::grant::authorization_code::{AuthorizationResponse, State};
    ///
    /// let state = State::parse("xyz")?;
    /// let issuer = Some("https://login.example.com");
    /// let read = |query| AuthorizationResponse::parse(query, &state, issuer, true);
    /// assert_eq!(read("code=c1&state=xyz&iss=https%3A%2F%2Flogin.example.com")?.into_code().expose(), "c1");
    /// assert!(read("code=c1&state=xyz").is_err(), "no iss");
    /// assert!(read("code=c1&state=abc&iss=https%3A%2F%2Flogin.example.com").is_err(), "another state");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AuthorizationResponseError`] with the first fault.
    pub fn parse(
        query: &str,
        expected_state: &State,
        expected_iss: Option<&str>,
        iss_required: bool,
    ) -> Result<Self, AuthorizationResponseError> {
        read(query, expected_state, expected_iss, iss_required)
            .map_err(|kind| AuthorizationResponseError { kind })
    }

    /// The authorization code.
    pub fn code(&self) -> &Secret {
        &self.code
    }

    /// The authorization code, for its one use.
    pub fn into_code(self) -> Secret {
        self.code
    }
}

impl AuthorizationResponseError {
    /// What was wrong.
    pub fn kind(&self) -> &AuthorizationResponseErrorKind {
        &self.kind
    }
}

fn read(
    query: &str,
    expected_state: &State,
    expected_iss: Option<&str>,
    iss_required: bool,
) -> Result<AuthorizationResponse, AuthorizationResponseErrorKind> {
    use AuthorizationResponseErrorKind as Kind;

    let parameters = Parameters::read(query)?;
    match parameters.state {
        None => return Err(Kind::StateMissing),
        Some(state) if !expected_state.matches(&state) => return Err(Kind::StateMismatch),
        Some(_) => {}
    }
    match (parameters.iss, expected_iss) {
        (None, _) if iss_required => return Err(Kind::IssuerMissing),
        (None, _) => {}
        (Some(iss), Some(expected)) if iss == expected => {}
        (Some(_), _) => return Err(Kind::IssuerMismatch),
    }
    match (parameters.code, parameters.error) {
        (None, Some(error)) => Err(Kind::Refused(AuthorizationErrorCode::parse(&error))),
        (Some(code), None) if !code.is_empty() && code.bytes().all(|b| (0x20..=0x7e).contains(&b)) => {
            Ok(AuthorizationResponse { code: Secret::new(code) })
        }
        _ => Err(Kind::Malformed),
    }
}

#[derive(Default)]
struct Parameters {
    state: Option<String>,
    iss: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

impl Parameters {
    fn read(query: &str) -> Result<Self, AuthorizationResponseErrorKind> {
        if query.len() > MAX_QUERY_BYTES {
            return Err(AuthorizationResponseErrorKind::TooLarge);
        }
        let mut found = Self::default();
        for (i, (name, value)) in form_urlencoded::parse(query.as_bytes()).enumerate() {
            if i >= MAX_PARAMETERS {
                return Err(AuthorizationResponseErrorKind::TooLarge);
            }
            let slot = match &*name {
                "state" => &mut found.state,
                "iss" => &mut found.iss,
                "code" => &mut found.code,
                "error" => &mut found.error,
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(AuthorizationResponseErrorKind::DuplicateParameter);
            }
        }
        Ok(found)
    }
}

impl AuthorizationErrorCode {
    fn parse(text: &str) -> Self {
        match text {
            "invalid_request" => Self::InvalidRequest,
            "unauthorized_client" => Self::UnauthorizedClient,
            "access_denied" => Self::AccessDenied,
            "unsupported_response_type" => Self::UnsupportedResponseType,
            "invalid_scope" => Self::InvalidScope,
            "invalid_target" => Self::InvalidTarget,
            "server_error" => Self::ServerError,
            "temporarily_unavailable" => Self::TemporarilyUnavailable,
            "interaction_required" => Self::InteractionRequired,
            "login_required" => Self::LoginRequired,
            "consent_required" => Self::ConsentRequired,
            _ => Self::Other,
        }
    }

    /// The code on the wire, `other` for codes that are not known.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InteractionRequired => "interaction_required",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for AuthorizationErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
