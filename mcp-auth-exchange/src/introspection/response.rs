//! What an introspection endpoint answers.

use http::{HeaderMap, StatusCode};

use mcp_auth_core::json::Value;

use crate::response::{JsonAnswerError, read_json};

/// An answer to an introspection request, RFC 7662 §2.2.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use mcp_auth_exchange::introspection::IntrospectionResponse;
///
/// let answer = IntrospectionResponse::parse(StatusCode::OK, &HeaderMap::new(), br#"{"active":false}"#)?;
/// assert!(matches!(answer, IntrospectionResponse::Inactive));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum IntrospectionResponse {
    /// The token is good for somebody; the claims say for whom.
    Active(Box<[u8]>),
    /// The token is unknown, expired, revoked, or not for us to know about.
    Inactive,
}

/// Claims are personal data.
impl std::fmt::Debug for IntrospectionResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Active(_) => "Active([redacted])",
            Self::Inactive => "Inactive",
        })
    }
}

/// The endpoint gave no answer to go by. Says nothing about the token: a request with it is neither let through
/// nor told that its token is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("introspection endpoint answered {}: {kind}", .status.as_u16())]
pub struct IntrospectionError {
    status: StatusCode,
    kind: IntrospectionErrorKind,
}

/// The kinds of [`IntrospectionError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IntrospectionErrorKind {
    /// 401 or 403: our own credentials are refused.
    #[error("it refuses this client: check client id, secret and authentication method")]
    Client,
    /// Another status than 200.
    #[error("expected 200")]
    Status,
    /// Longer or deeper than is read.
    #[error("the answer exceeds a limit")]
    TooLarge,
    /// Not JSON, or with a member twice.
    #[error("the answer is not one JSON object without repeated members")]
    NotJson,
    /// `active` is absent or not a boolean (RFC 7662 §2.2).
    #[error("`active` is absent or not a boolean")]
    Active,
}

impl IntrospectionError {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What was wrong.
    pub fn kind(&self) -> IntrospectionErrorKind {
        self.kind
    }
}

impl IntrospectionResponse {
    /// Reads an answer: 200 with a JSON object of at most 64 KiB.
    ///
    /// # Errors
    ///
    /// [`IntrospectionError`].
    pub fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<Self, IntrospectionError> {
        read(status, headers, body).map_err(|kind| IntrospectionError { status, kind })
    }

    /// Reads an answer whose body was collected.
    ///
    /// # Errors
    ///
    /// As [`IntrospectionResponse::parse`].
    pub fn from_http<B: AsRef<[u8]>>(response: &http::Response<B>) -> Result<Self, IntrospectionError> {
        Self::parse(response.status(), response.headers(), response.body().as_ref())
    }
}

fn read(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<IntrospectionResponse, IntrospectionErrorKind> {
    use IntrospectionErrorKind as Kind;
    match status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(Kind::Client),
        _ => return Err(Kind::Status),
    }
    let document = read_json(headers, body).map_err(|e| match e {
        JsonAnswerError::TooLarge => Kind::TooLarge,
        _ => Kind::NotJson,
    })?;
    let members = document.as_object().ok_or(Kind::NotJson)?;
    match members.get("active") {
        Some(Value::Bool(true)) => Ok(IntrospectionResponse::Active(body.into())),
        // RFC 7662 §2.2: nothing else of an inactive token's answer is looked at.
        Some(Value::Bool(false)) => Ok(IntrospectionResponse::Inactive),
        _ => Err(Kind::Active),
    }
}
