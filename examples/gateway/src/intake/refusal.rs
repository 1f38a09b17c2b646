//! A request that no route gets to see, and what its sender is told.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use mcp_auth_core::request_target::{HostError, PathError};

use crate::proxy::{BoxBody, full};

/// Why a request is refused. The texts are fixed: they repeat nothing of the request.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Path(#[from] PathError),
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("the host is not text")]
    HostNotText,
    #[error("the Host field is missing")]
    HostMissing,
    #[error("the Host field occurs more than once")]
    HostTwice,
    #[error("the request's URI and its Host field name different hosts")]
    HostsDiffer,
    #[error("the request's target is neither a path nor an http or https URL")]
    Form,
    #[error("a proxy in front says something about the client that cannot be understood")]
    Forwarded,
    #[error("the request has more than 100 header fields, or more than 64 KiB in them")]
    HeaderTooLarge,
}

impl Refusal {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Path(_)
            | Self::Host(_)
            | Self::HostNotText
            | Self::HostMissing
            | Self::HostTwice
            | Self::HostsDiffer
            | Self::Forwarded
            | Self::Form => StatusCode::BAD_REQUEST,
            Self::HeaderTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        }
    }

    pub(crate) fn into_response(self) -> Response<BoxBody> {
        tracing::info!(reason = %self, "request refused");
        let body = serde_json::json!({ "error": "invalid_request", "error_description": self.to_string() });
        let mut response = Response::new(full(body.to_string()));
        *response.status_mut() = self.status();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}
