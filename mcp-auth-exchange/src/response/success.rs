//! Answers with a token.

use http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};

use mcp_auth_core::json::{Document, JsonErrorKind, Limits, Object, Value};
use mcp_auth_discovery::Secret;

use super::error::{TokenErrorResponse, TokenResponseError, TokenResponseErrorKind as Kind};
use crate::{AuthorizationDetails, TokenType};

/// The greatest length of an answer, in bytes (64 KiB).
pub const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// A successful token response (RFC 6749 §5.1, RFC 8693 §2.2.1). `Debug` has nothing of the server's text.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use mcp_auth_exchange::{TokenErrorCode, TokenResponse};
///
/// let body = br#"{"error":"invalid_grant","error_description":"user alice@example.com is locked"}"#;
/// let error = TokenResponse::parse(StatusCode::BAD_REQUEST, &HeaderMap::new(), body).unwrap_err();
/// assert_eq!(error.refusal().map(|r| r.code()), Some(&TokenErrorCode::InvalidGrant));
/// assert_eq!(error.to_string(), "token endpoint answered 400: refused with `invalid_grant`");
/// ```
#[derive(Clone)]
pub struct TokenResponse {
    access_token: Secret,
    token_type: TokenType,
    expires_in_seconds: Option<u64>,
    refresh_token: Option<Secret>,
    id_token: Option<Secret>,
    scope: Option<String>,
    issued_token_type: Option<String>,
    authorization_details: Option<AuthorizationDetails>,
}

impl TokenResponse {
    /// Reads an answer: 200 with JSON of at most [`MAX_RESPONSE_BYTES`].
    ///
    /// `expires_in` may be a whole number (`300`, `300.0`) or a string of digits; anything else reads as absent. Members that are `null` read as absent.
    ///
    /// # Errors
    ///
    /// [`TokenResponseError`]. An OAuth error is recognized with any status, because some servers send it with
    /// 200.
    pub fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Self, TokenResponseError> {
        read(status, headers, body).map_err(|kind| TokenResponseError {
            status,
            retry_after_seconds: retry_after_seconds(headers),
            kind,
        })
    }

    /// Reads an answer whose body was collected.
    ///
    /// # Errors
    ///
    /// As [`TokenResponse::parse`].
    pub fn from_http<B: AsRef<[u8]>>(response: &http::Response<B>) -> Result<Self, TokenResponseError> {
        Self::parse(response.status(), response.headers(), response.body().as_ref())
    }

    /// The token that was issued; for token exchange it may be of another kind than an access token.
    pub fn access_token(&self) -> &Secret {
        &self.access_token
    }

    /// How the token is presented.
    pub fn token_type(&self) -> &TokenType {
        &self.token_type
    }

    /// Its lifetime in seconds, counted from when the answer was made. Absent means that the server did not say.
    pub fn expires_in_seconds(&self) -> Option<u64> {
        self.expires_in_seconds
    }

    /// The refresh token. Absent in answer to a refresh means that the old one stays valid (RFC 6749 §6).
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref()
    }

    /// The ID token (OpenID Connect). Not verified.
    pub fn id_token(&self) -> Option<&Secret> {
        self.id_token.as_ref()
    }

    /// The scope of the token as the server wrote it. Absent means the scope that was asked for.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// What was issued in a token exchange (RFC 8693 §2.2.1).
    pub fn issued_token_type(&self) -> Option<&str> {
        self.issued_token_type.as_deref()
    }

    /// The details that were granted (RFC 9396 §7). Absent where the server did not say, and where what it said is not an
    /// array of typed objects of at most
    /// [`MAX_AUTHORIZATION_DETAILS_BYTES`](crate::target::MAX_AUTHORIZATION_DETAILS_BYTES).
    pub fn authorization_details(&self) -> Option<&AuthorizationDetails> {
        self.authorization_details.as_ref()
    }
}

impl std::fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenResponse")
            .field("token_type", &self.token_type)
            .field("expires_in_seconds", &self.expires_in_seconds)
            .field("refresh_token", &self.refresh_token.is_some())
            .field("id_token", &self.id_token.is_some())
            .finish_non_exhaustive()
    }
}

fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<TokenResponse, Kind> {
    let document = match parse_json(headers, body) {
        Ok(document) => document,
        // A proxy's error page: the status says more than that it is not JSON.
        Err(Kind::NotJson | Kind::Member(_)) if status != StatusCode::OK => return Err(Kind::Status),
        Err(kind) => return Err(kind),
    };
    let Some(object) = document.as_object() else {
        return Err(if status == StatusCode::OK { Kind::Member("access_token") } else { Kind::Status });
    };
    if let Some(refusal) = TokenErrorResponse::read(object) {
        return Err(Kind::Refused(refusal));
    }
    if status != StatusCode::OK {
        return Err(Kind::Status);
    }
    if object.get("error").is_some_and(|error| error != Value::Null) {
        return Err(Kind::Member("error"));
    }
    success(object)
}

fn success(object: Object<'_>) -> Result<TokenResponse, Kind> {
    Ok(TokenResponse {
        access_token: token(object, "access_token")?.ok_or(Kind::Member("access_token"))?,
        token_type: text(object, "token_type")?
            .and_then(TokenType::parse)
            .ok_or(Kind::Member("token_type"))?,
        expires_in_seconds: expires_in(object),
        refresh_token: token(object, "refresh_token")?,
        id_token: token(object, "id_token")?,
        scope: text(object, "scope")?.map(str::to_owned),
        issued_token_type: text(object, "issued_token_type")?.map(str::to_owned),
        authorization_details: object
            .get("authorization_details")
            .and_then(|details| AuthorizationDetails::parse(&details.to_json()).ok()),
    })
}

fn parse_json(headers: &HeaderMap, body: &[u8]) -> Result<Document, Kind> {
    read_json(headers, body).map_err(|error| match error {
        JsonAnswerError::TooLarge => Kind::TooLarge,
        JsonAnswerError::NotJson => Kind::NotJson,
        JsonAnswerError::DuplicateMember => Kind::DuplicateMember,
    })
}

/// Why an answer's body is not a JSON document that is read.
pub(crate) enum JsonAnswerError {
    TooLarge,
    NotJson,
    DuplicateMember,
}

/// The one bounded JSON document of an answer.
pub(crate) fn read_json(headers: &HeaderMap, body: &[u8]) -> Result<Document, JsonAnswerError> {
    if body.len() > MAX_RESPONSE_BYTES {
        return Err(JsonAnswerError::TooLarge);
    }
    if !headers.get(CONTENT_TYPE).is_none_or(|value| value.to_str().is_ok_and(is_json)) {
        return Err(JsonAnswerError::NotJson);
    }
    let limits = Limits::default().max_bytes(MAX_RESPONSE_BYTES);
    Document::parse(body, &limits).map_err(|error| match error.kind() {
        JsonErrorKind::DuplicateMember => JsonAnswerError::DuplicateMember,
        JsonErrorKind::TooLong | JsonErrorKind::TooDeep | JsonErrorKind::TooManyNodes => {
            JsonAnswerError::TooLarge
        }
        _ => JsonAnswerError::NotJson,
    })
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.starts_with("application/") && essence.ends_with("+json")
}

fn text<'a>(object: Object<'a>, name: &'static str) -> Result<Option<&'a str>, Kind> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Kind::Member(name)),
    }
}

/// Tokens are visible ASCII (RFC 6749 Appendix A.12, A.17): they go into headers and forms.
fn token(object: Object<'_>, name: &'static str) -> Result<Option<Secret>, Kind> {
    match text(object, name)? {
        None => Ok(None),
        Some(token) if !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()) => {
            Ok(Some(Secret::new(token)))
        }
        Some(_) => Err(Kind::Member(name)),
    }
}

/// Advice (RFC 6749 §5.1: "RECOMMENDED"): what cannot be read is as if it were not there. What is too large is large.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole, not negative, and saturating"
)]
fn expires_in(object: Object<'_>) -> Option<u64> {
    match object.get("expires_in")? {
        Value::Int(seconds) => u64::try_from(seconds).ok(),
        Value::Uint(seconds) => Some(seconds),
        Value::Double(seconds) if seconds >= 0.0 && seconds.fract() == 0.0 => Some(seconds as u64),
        Value::String(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some(digits.parse().unwrap_or(u64::MAX))
        }
        _ => None,
    }
}

/// Seconds, or a date (RFC 9110 §10.2.3), which is taken by the provider's own clock. No pause is no advice: zero reads as
/// absent.
fn retry_after_seconds(headers: &HeaderMap) -> Option<u32> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = if text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse().ok()?
    } else {
        let date = |text: &str| httpdate::parse_http_date(text).ok();
        let now = date(headers.get(DATE)?.to_str().ok()?)?;
        u32::try_from(date(text)?.duration_since(now).ok()?.as_secs()).ok()?
    };
    Some(seconds).filter(|seconds| *seconds > 0)
}
