//! Giving a token back (RFC 7009).

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use mcp_auth_discovery::Secret;

use crate::form::Form;
use crate::{ClientAuthentication, TokenEndpoint, TokenErrorCode, TokenResponse};

/// What kind of token is given back, so that the server finds it sooner (RFC 7009 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenTypeHint {
    /// `access_token`
    AccessToken,
    /// `refresh_token`
    RefreshToken,
}

/// A revocation request, RFC 7009 §2.1.
///
/// ```
/// use mcp_auth_exchange::revocation::{RevocationRequest, TokenTypeHint};
/// use mcp_auth_exchange::{ClientAuthentication, Secret, TokenEndpoint};
/// use url::Url;
///
/// let endpoint = TokenEndpoint::new(&Url::parse("https://as.example.com/revoke")?)?;
/// let request = RevocationRequest::new(Secret::new("r1"), ClientAuthentication::none("c"))
///     .hint(TokenTypeHint::RefreshToken)
///     .into_http(&endpoint);
/// assert_eq!(request.body().as_ref(), b"token=r1&token_type_hint=refresh_token&client_id=c");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RevocationRequest {
    token: Secret,
    hint: Option<TokenTypeHint>,
    client: ClientAuthentication,
}

/// Why a token was not revoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("revocation endpoint answered {}: {}", .status.as_u16(), .code.as_ref().map_or("no OAuth answer", |c| c.as_known_str()))]
pub struct RevocationError {
    status: StatusCode,
    code: Option<TokenErrorCode>,
    retry: bool,
}

impl RevocationRequest {
    /// Gives `token` back. A refresh token takes its access tokens with it where the server can (RFC 7009 §2.1).
    pub fn new(token: Secret, client: ClientAuthentication) -> Self {
        Self { token, hint: None, client }
    }

    /// Says what kind of token it is.
    pub fn hint(mut self, hint: TokenTypeHint) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The request. Its body holds the token.
    pub fn into_http(self, endpoint: &TokenEndpoint) -> Request<Bytes> {
        let mut form = Form::empty();
        form.push("token", self.token.expose());
        form.push_some(
            "token_type_hint",
            self.hint.map(|hint| match hint {
                TokenTypeHint::AccessToken => "access_token",
                TokenTypeHint::RefreshToken => "refresh_token",
            }),
        );
        form.into_http(endpoint, &self.client)
    }
}

impl RevocationError {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The OAuth error, where there was one; `unsupported_token_type` is RFC 7009's own.
    pub fn code(&self) -> Option<&TokenErrorCode> {
        self.code.as_ref()
    }

    /// Whether to try again later: the token is to be taken as still valid meanwhile (RFC 7009 §2.2.1).
    pub fn is_transient(&self) -> bool {
        self.retry
    }
}

/// Reads an answer. 200 is a success whatever its body, for unknown tokens too (RFC 7009 §2.2).
///
/// # Errors
///
/// [`RevocationError`].
pub fn read_response(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<(), RevocationError> {
    if status == StatusCode::OK {
        return Ok(());
    }
    let error = TokenResponse::parse(status, headers, body).err();
    Err(RevocationError {
        status,
        code: error.as_ref().and_then(|e| e.refusal()).map(|r| r.code().clone()),
        retry: error.is_some_and(|e| e.is_transient()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_7009_answers() {
        let read = |status: u16, body: &str| {
            read_response(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes())
        };
        assert_eq!(read(200, ""), Ok(()));
        assert_eq!(read(200, "<html>"), Ok(()));
        let error =
            read(400, r#"{"error":"unsupported_token_type","error_description":"canary"}"#).unwrap_err();
        assert_eq!(error.code().unwrap().as_str(), "unsupported_token_type");
        assert!(!error.is_transient() && !format!("{error} {error:?}").contains("canary"));
        let error = read(503, "<html>").unwrap_err();
        assert!(error.is_transient() && error.code().is_none());
        assert_eq!(error.to_string(), "revocation endpoint answered 503: no OAuth answer");
        assert!(!read(302, "").unwrap_err().is_transient());
    }
}
