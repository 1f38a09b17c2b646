//! The registration response.

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use super::ClientMetadata;
use crate::document::{self, DocumentError};
use crate::{Secret, transport};

/// A client registration response (RFC 7591 §3.2.1), answered with 201 and `Cache-Control: no-store`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClientRegistrationResponse {
    /// REQUIRED. The identifier of the client.
    pub client_id: String,
    /// The secret of the client. Absent for public clients.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "expose")]
    pub client_secret: Option<Secret>,
    /// When the identifier was issued, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id_issued_at: Option<u64>,
    /// When the secret expires, in seconds since 1970; 0 means never. REQUIRED with a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_expires_at: Option<u64>,
    /// The token for managing this registration (RFC 7592 §3).
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "expose")]
    pub registration_access_token: Option<Secret>,
    /// Where this registration is managed (RFC 7592 §3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_client_uri: Option<Url>,
    /// What was registered.
    #[serde(flatten)]
    pub metadata: ClientMetadata,
}

impl ClientRegistrationResponse {
    /// Answers a public client, with the defaults of RFC 7591 §2 written out.
    pub fn new(client_id: impl Into<String>, metadata: ClientMetadata) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: None,
            client_id_issued_at: None,
            client_secret_expires_at: None,
            registration_access_token: None,
            registration_client_uri: None,
            metadata: metadata.with_defaults(),
        }
    }

    /// Adds a secret and when it expires, in seconds since 1970; 0 means never.
    #[must_use]
    pub fn client_secret(mut self, secret: Secret, expires_at: u64) -> Self {
        self.client_secret = Some(secret);
        self.client_secret_expires_at = Some(expires_at);
        self
    }

    /// Says when the identifier was issued, in seconds since 1970.
    #[must_use]
    pub fn client_id_issued_at(mut self, seconds: u64) -> Self {
        self.client_id_issued_at = Some(seconds);
        self
    }

    /// Reads the response of a server, at most [`MAX_DOCUMENT_BYTES`](crate::MAX_DOCUMENT_BYTES).
    ///
    /// # Errors
    ///
    /// [`DocumentError`]; [`DocumentError::Shape`] also for an empty `client_id` and for a
    /// `registration_client_uri` that is not `https`.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let response: Self = document::parse(bytes)?;
        let manageable = response.registration_client_uri.as_ref().is_none_or(transport::is_secure);
        if response.client_id.is_empty() || !manageable { Err(DocumentError::Shape) } else { Ok(response) }
    }

    /// The body of the response, `application/json`. It holds the secret.
    pub fn to_json(&self) -> Bytes {
        document::to_json(self)
    }
}

fn expose<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => serializer.serialize_str(secret.expose()),
        None => serializer.serialize_none(),
    }
}
