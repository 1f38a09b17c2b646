//! Why a registration is refused.

use std::borrow::Cow;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use crate::document::{self, DocumentError};

/// A refused registration (RFC 7591 §3.2.2), answered with 400.
///
/// ```
/// use mcp_auth_discovery::registration::{RegistrationError, RegistrationErrorCode};
///
/// let error = RegistrationError::new(RegistrationErrorCode::InvalidClientMetadata, "unknown `application_type`");
/// let response = error.to_http();
/// assert_eq!(response.status(), 400);
/// assert_eq!(response.headers()["content-type"], "application/json");
/// assert_eq!(
///     response.body().as_ref(),
///     br#"{"error":"invalid_client_metadata","error_description":"unknown `application_type`"}"#,
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", .code.as_str())]
pub struct RegistrationError {
    code: RegistrationErrorCode,
    description: Cow<'static, str>,
}

/// The error codes of RFC 7591 §3.2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegistrationErrorCode {
    /// A redirect URI is not acceptable.
    InvalidRedirectUri,
    /// Another member is not acceptable, or the document is not.
    InvalidClientMetadata,
    /// The software statement is not valid.
    InvalidSoftwareStatement,
    /// The software statement is not trusted here.
    UnapprovedSoftwareStatement,
}

impl RegistrationError {
    /// Makes an error with a fixed description: the client's own text is never sent back.
    pub fn new(code: RegistrationErrorCode, description: &'static str) -> Self {
        Self { code, description: Cow::Borrowed(description) }
    }

    /// The error code.
    pub fn code(&self) -> RegistrationErrorCode {
        self.code
    }

    /// The text for developers of clients.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The body of the 400 response, `application/json`.
    pub fn to_json(&self) -> Bytes {
        #[derive(Serialize)]
        struct Body<'b> {
            error: &'static str,
            error_description: &'b str,
        }
        document::to_json(&Body { error: self.code.as_str(), error_description: &self.description })
    }

    /// The whole response: 400, JSON, not to be stored.
    pub fn to_http(&self) -> Response<Bytes> {
        super::response::answer(StatusCode::BAD_REQUEST, self.to_json())
    }
}

/// Names of members are ours, see [`DocumentError`]; nothing of what the client sent is repeated.
impl From<DocumentError> for RegistrationError {
    fn from(error: DocumentError) -> Self {
        let code = match &error {
            DocumentError::Member(member) if member.starts_with("redirect_uris") => {
                RegistrationErrorCode::InvalidRedirectUri
            }
            _ => RegistrationErrorCode::InvalidClientMetadata,
        };
        Self { code, description: Cow::Owned(error.to_string()) }
    }
}

impl RegistrationErrorCode {
    pub(super) const ALL: [Self; 4] = [
        Self::InvalidRedirectUri,
        Self::InvalidClientMetadata,
        Self::InvalidSoftwareStatement,
        Self::UnapprovedSoftwareStatement,
    ];

    /// The code on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidSoftwareStatement => "invalid_software_statement",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
        }
    }
}
