//! Answers without a token.

use http::StatusCode;

use mcp_auth_core::json::{Object, Value};

/// The greatest length of an error code, in bytes.
const MAX_CODE_BYTES: usize = 64;

/// The greatest length of the other texts of an error response, in bytes; longer ones read as absent.
const MAX_TEXT_BYTES: usize = 8 * 1024;

/// Why there is no token. The text never holds anything of the answer but a registered error code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("token endpoint answered {}: {kind}", .status.as_u16())]
pub struct TokenResponseError {
    pub(super) status: StatusCode,
    pub(super) retry_after_seconds: Option<u32>,
    pub(super) kind: TokenResponseErrorKind,
}

/// The kinds of [`TokenResponseError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenResponseErrorKind {
    /// The server refused with an OAuth error (RFC 6749 §5.2).
    #[error("refused with `{}`", .0.code().as_known_str())]
    Refused(TokenErrorResponse),
    /// Neither a token nor an OAuth error, by its status: a redirect, a proxy's error page, an overload.
    #[error("no OAuth answer")]
    Status,
    /// Longer or deeper than is read.
    #[error("the answer exceeds a limit")]
    TooLarge,
    /// Not JSON, by its media type or by its text.
    #[error("the answer is not JSON")]
    NotJson,
    /// A member occurs twice in one object.
    #[error("the answer repeats a member")]
    DuplicateMember,
    /// This member is absent or has a value that it cannot have.
    #[error("member `{0}` is absent or not valid")]
    Member(&'static str),
}

/// An OAuth error response (RFC 6749 §5.2).
#[derive(Clone, PartialEq, Eq)]
pub struct TokenErrorResponse {
    code: TokenErrorCode,
    details: Box<Details>,
}

/// What stands beside the code.
#[derive(Clone, Default, PartialEq, Eq)]
struct Details {
    description: Option<String>,
    suberror: Option<String>,
    claims: Option<String>,
    acr_values: Option<String>,
    max_age_seconds: Option<u64>,
    scope: Option<String>,
}

/// An error code (RFC 6749 §5.2 and the registry of OAuth extensions errors).
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenErrorCode {
    /// `invalid_request`
    InvalidRequest,
    /// `invalid_client`: our own credentials are refused.
    InvalidClient,
    /// `invalid_grant`: the code, refresh token, assertion or subject is refused.
    InvalidGrant,
    /// `unauthorized_client`
    UnauthorizedClient,
    /// `unsupported_grant_type`
    UnsupportedGrantType,
    /// `invalid_scope`
    InvalidScope,
    /// `invalid_target` (RFC 8707 §2, RFC 8693 §2.2.2)
    InvalidTarget,
    /// `invalid_dpop_proof` (RFC 9449 §5)
    InvalidDpopProof,
    /// `use_dpop_nonce` (RFC 9449 §8)
    UseDpopNonce,
    /// `interaction_required` (OpenID Connect, Microsoft Entra)
    InteractionRequired,
    /// `consent_required` (OpenID Connect, Microsoft Entra)
    ConsentRequired,
    /// `login_required` (OpenID Connect)
    LoginRequired,
    /// `insufficient_user_authentication` (RFC 9470 §3): the user has to authenticate again, and better.
    InsufficientUserAuthentication,
    /// `access_denied`
    AccessDenied,
    /// `server_error`
    ServerError,
    /// `temporarily_unavailable`
    TemporarilyUnavailable,
    /// Another code, at most 64 visible ASCII characters: the server's text, not ours.
    Other(String),
}

impl TokenResponseError {
    /// What was wrong.
    pub fn kind(&self) -> &TokenResponseErrorKind {
        &self.kind
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// `Retry-After` in seconds, when it was given as a number (RFC 9110 §10.2.3).
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.retry_after_seconds
    }

    /// The OAuth error, when there was one.
    pub fn refusal(&self) -> Option<&TokenErrorResponse> {
        match &self.kind {
            TokenResponseErrorKind::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the same request may succeed later: 429, 5xx, `server_error`, `temporarily_unavailable`.
    pub fn is_transient(&self) -> bool {
        let code = self.refusal().map(TokenErrorResponse::code);
        self.status == StatusCode::TOO_MANY_REQUESTS
            || self.status.is_server_error()
            || matches!(code, Some(TokenErrorCode::ServerError | TokenErrorCode::TemporarilyUnavailable))
    }
}

impl TokenErrorResponse {
    /// The error code.
    pub fn code(&self) -> &TokenErrorCode {
        &self.code
    }

    /// `error_description`: the server's text, for debug logs only. It may name users and tenants.
    pub fn description(&self) -> Option<&str> {
        self.details.description.as_deref()
    }

    /// `suberror` (Microsoft Entra): a finer code, such as `bad_token`.
    pub fn suberror(&self) -> Option<&str> {
        self.details.suberror.as_deref()
    }

    /// `claims` (Microsoft Entra, OpenID Connect): what a client must ask for to pass conditional access.
    pub fn claims(&self) -> Option<&str> {
        self.details.claims.as_deref()
    }

    /// `acr_values` (RFC 9470 §3): how the user has to authenticate.
    pub fn acr_values(&self) -> Option<&str> {
        self.details.acr_values.as_deref()
    }

    /// `max_age` (RFC 9470 §3): how long ago the user may have authenticated, in seconds.
    pub fn max_age_seconds(&self) -> Option<u64> {
        self.details.max_age_seconds
    }

    /// `scope` (RFC 6750 §3, ID-JAG §7): what the token has to have.
    pub fn scope(&self) -> Option<&str> {
        self.details.scope.as_deref()
    }

    /// Reads an error response; `None` when `error` is absent or not an error code.
    pub(super) fn read(object: Object<'_>) -> Option<Self> {
        let text = |name: &str| {
            object.get(name).and_then(Value::as_str).filter(|t| t.len() <= MAX_TEXT_BYTES).map(str::to_owned)
        };
        let details = Details {
            description: text("error_description"),
            suberror: text("suberror"),
            claims: text("claims"),
            acr_values: text("acr_values"),
            max_age_seconds: match object.get("max_age") {
                Some(Value::Int(seconds)) => u64::try_from(seconds).ok(),
                Some(Value::String(digits)) if digits.len() <= 12 => digits.parse().ok(),
                _ => None,
            },
            scope: text("scope"),
        };
        Some(Self {
            code: TokenErrorCode::parse(object.get("error")?.as_str()?)?,
            details: Box::new(details),
        })
    }
}

/// The code only: the rest is the server's text.
impl std::fmt::Debug for TokenErrorResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenErrorResponse").field("code", &self.code).finish_non_exhaustive()
    }
}

/// Another code is the server's text: its length only.
impl std::fmt::Debug for TokenErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Other(text) => write!(f, "other({} bytes)", text.len()),
            known => f.write_str(known.as_known_str()),
        }
    }
}

impl TokenErrorCode {
    /// Reads a code; `None` when it is empty, longer than 64 bytes, or outside of RFC 6749 §5.2.
    pub fn parse(text: &str) -> Option<Self> {
        let legal = |b: u8| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        if text.is_empty() || text.len() > MAX_CODE_BYTES || !text.bytes().all(legal) {
            return None;
        }
        Some(match text {
            "invalid_request" => Self::InvalidRequest,
            "invalid_client" => Self::InvalidClient,
            "invalid_grant" => Self::InvalidGrant,
            "unauthorized_client" => Self::UnauthorizedClient,
            "unsupported_grant_type" => Self::UnsupportedGrantType,
            "invalid_scope" => Self::InvalidScope,
            "invalid_target" => Self::InvalidTarget,
            "invalid_dpop_proof" => Self::InvalidDpopProof,
            "use_dpop_nonce" => Self::UseDpopNonce,
            "interaction_required" => Self::InteractionRequired,
            "consent_required" => Self::ConsentRequired,
            "login_required" => Self::LoginRequired,
            "insufficient_user_authentication" => Self::InsufficientUserAuthentication,
            "access_denied" => Self::AccessDenied,
            "server_error" => Self::ServerError,
            "temporarily_unavailable" => Self::TemporarilyUnavailable,
            other => Self::Other(other.to_owned()),
        })
    }

    /// The code on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => known.as_known_str(),
        }
    }

    /// The code when it is a registered one, else `other`: safe for labels of metrics and for error texts.
    pub fn as_known_str(&self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InteractionRequired => "interaction_required",
            Self::ConsentRequired => "consent_required",
            Self::LoginRequired => "login_required",
            Self::InsufficientUserAuthentication => "insufficient_user_authentication",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::Other(_) => "other",
        }
    }
}
