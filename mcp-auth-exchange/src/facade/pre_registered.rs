//! Clients that the operator registered.

use mcp_auth_discovery::Secret;
use mcp_auth_discovery::registration::ClientMetadata;

use super::client::digest;

/// A client that the operator registered here.
///
/// ```
/// use mcp_auth_discovery::registration::ClientMetadata;
/// use mcp_auth_exchange::facade::PreRegisteredClient;
///
/// let mut metadata = ClientMetadata::new(["https://app.example.com/callback"]);
/// metadata.client_name = Some("App".into());
/// let client = PreRegisteredClient::new("app", metadata);
/// assert_eq!(client.client_id(), "app");
/// ```
#[derive(Clone)]
#[must_use]
pub struct PreRegisteredClient {
    pub(super) client_id: String,
    pub(super) metadata: ClientMetadata,
    pub(super) secret: Option<[u8; 32]>,
    pub(super) first_party: bool,
}

impl PreRegisteredClient {
    /// A public client.
    pub fn new(client_id: impl Into<String>, metadata: ClientMetadata) -> Self {
        Self { client_id: client_id.into(), metadata, secret: None, first_party: false }
    }

    /// Says with which secret it authenticates.
    pub fn secret(mut self, secret: &Secret) -> Self {
        self.secret = Some(digest(secret.expose()));
        self
    }

    /// Says that it belongs to whoever runs this server: users are not asked.
    pub fn first_party(mut self) -> Self {
        self.first_party = true;
        self
    }

    /// The identifier.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }
}

/// Without the digest of the secret, which may be short.
impl std::fmt::Debug for PreRegisteredClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PreRegisteredClient")
            .field("client_id", &self.client_id)
            .field("metadata", &self.metadata)
            .field("first_party", &self.first_party)
            .finish_non_exhaustive()
    }
}
