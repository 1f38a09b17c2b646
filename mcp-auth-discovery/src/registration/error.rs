//! Why a registration is refused.

use bytes::Bytes;
use serde::Serialize;

use crate::document;

/// A refused registration (RFC 7591 §3.2.2), answered with 400.
///
/// ```
/// use mcp_auth_discovery::registration::{RegistrationError, RegistrationErrorCode};
///
/// let error = RegistrationError::new(RegistrationErrorCode::InvalidClientMetadata, "unknown `application_type`");
/// assert_eq!(
///     error.to_json().as_ref(),
///     br#"{"error":"invalid_client_metadata","error_description":"unknown `application_type`"}"#,
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {description}", .code.as_str())]
pub struct RegistrationError {
    code: RegistrationErrorCode,
    description: &'static str,
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
        Self { code, description }
    }

    /// The error code.
    pub fn code(&self) -> RegistrationErrorCode {
        self.code
    }

    /// The text for developers of clients.
    pub fn description(&self) -> &'static str {
        self.description
    }

    /// The body of the 400 response, `application/json`.
    pub fn to_json(&self) -> Bytes {
        #[derive(Serialize)]
        struct Body {
            error: &'static str,
            error_description: &'static str,
        }
        document::to_json(&Body { error: self.code.as_str(), error_description: self.description })
    }
}

impl RegistrationErrorCode {
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
