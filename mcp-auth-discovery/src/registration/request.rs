//! The registration request.

use bytes::Bytes;

use super::{ClientMetadata, RedirectUriRules, RegistrationError, RegistrationErrorCode};
use crate::DocumentError;
use crate::document;

/// A client registration request (RFC 7591 §3.1). One that was [parsed](Self::parse) was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRegistrationRequest {
    metadata: ClientMetadata,
}

impl ClientRegistrationRequest {
    /// Reads and checks the body of a request, at most [`MAX_DOCUMENT_BYTES`](crate::MAX_DOCUMENT_BYTES).
    /// Unknown members are ignored (RFC 7591 §2).
    ///
    /// # Errors
    ///
    /// `invalid_redirect_uri` when one redirect URI breaks `rules` or none is given for the code grant,
    /// `invalid_client_metadata` for everything else.
    pub fn parse(bytes: &[u8], rules: &RedirectUriRules) -> Result<Self, RegistrationError> {
        let metadata: ClientMetadata = document::parse(bytes).map_err(|error| {
            let description = match error {
                DocumentError::TooLarge => "the document is too large",
                DocumentError::NotJson => "the document is not JSON",
                DocumentError::DuplicateMember => "the document repeats a member",
                DocumentError::Shape => "a member has the wrong type",
            };
            RegistrationError::new(RegistrationErrorCode::InvalidClientMetadata, description)
        })?;
        metadata.check(rules)?;
        Ok(Self { metadata })
    }

    /// A request of our own.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse): what a server would refuse is not sent.
    pub fn new(metadata: ClientMetadata, rules: &RedirectUriRules) -> Result<Self, RegistrationError> {
        metadata.check(rules)?;
        Ok(Self { metadata })
    }

    /// What the client says about itself.
    pub fn metadata(&self) -> &ClientMetadata {
        &self.metadata
    }

    /// What the client says about itself, for a response.
    pub fn into_metadata(self) -> ClientMetadata {
        self.metadata
    }

    /// The body of the request, `application/json`.
    pub fn to_json(&self) -> Bytes {
        document::to_json(&self.metadata)
    }
}
