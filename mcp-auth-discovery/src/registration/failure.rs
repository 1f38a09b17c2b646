//! Why a server did not register a client of ours.

use http::StatusCode;
use serde::Deserialize;

use super::RegistrationErrorCode;
use crate::document::{self, DocumentError};

/// The greatest length of a server's description that is kept, in characters.
const MAX_DESCRIPTION_CHARS: usize = 200;

/// Why a server did not register a client of ours. For logs: the description is the server's own text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationFailure {
    /// It refused, and said why.
    #[error("registration was refused with {}: {description:?}", .code.as_str())]
    Refused {
        /// The error code.
        code: RegistrationErrorCode,
        /// The server's text, shortened and without control characters.
        description: String,
    },
    /// It wants an initial access token, or another one (RFC 7591 §3).
    #[error(
        "registration is not open to this client (status {0}): give an initial access token, or let this host register \
         without one (at Keycloak the policy `Trusted Hosts` of anonymous client registration), or use a client that is \
         registered already"
    )]
    Unauthorized(u16),
    /// It answered with a status that is no success and no error of RFC 7591.
    #[error("registration was answered with status {0}")]
    Status(u16),
    /// It answered with success and a document that cannot be used.
    #[error("registration was answered with a document that cannot be used: {0}")]
    Document(#[from] DocumentError),
}

impl RegistrationFailure {
    pub(super) fn refused(status: StatusCode, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
            #[serde(default)]
            error_description: String,
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Self::Unauthorized(status.as_u16());
        }
        let Ok(refusal) = document::parse::<Refusal>(body, &["error"]) else {
            return Self::Status(status.as_u16());
        };
        match RegistrationErrorCode::ALL.into_iter().find(|code| code.as_str() == refusal.error) {
            Some(code) => {
                let text = refusal.error_description.chars().filter(|c| !c.is_control());
                Self::Refused { code, description: text.take(MAX_DESCRIPTION_CHARS).collect() }
            }
            None => Self::Status(status.as_u16()),
        }
    }
}
