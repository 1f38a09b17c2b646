use std::sync::Arc;

use mcp_auth_core::crypto::AwsLc;
use mcp_auth_core::seal::{SealKey, SealKeyError, Sealer};
use mcp_auth_core::session::SessionIds;
use mcp_auth_discovery::ResourceIdentifier;
use tower_layer::Layer;

use super::Session;
use crate::random;

/// Puts [`Session`] in front of a service.
#[derive(Clone, Debug)]
#[must_use]
pub struct SessionLayer {
    /// `None`: ids pass as they are.
    sealer: Option<Sealer>,
    resource: Box<str>,
}

/// Why session ids cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionConfigError {
    /// The system gave no random bytes for a key.
    #[error("the system gave no random bytes for the key of session ids")]
    Randomness,
    /// A key cannot be used.
    #[error("key of session ids: {0}")]
    Key(#[from] SealKeyError),
}

impl SessionLayer {
    /// A layer with a random key: for one process, until it ends. Clones have the same key.
    ///
    /// # Errors
    ///
    /// [`SessionConfigError::Randomness`].
    pub fn new() -> Result<Self, SessionConfigError> {
        let key = random::secret().map_err(|_| SessionConfigError::Randomness)?;
        Self::with_key(&SealKey::from_bytes(key))
    }

    /// A layer with a key that several replicas share, or that outlives a restart.
    ///
    /// # Errors
    ///
    /// [`SessionConfigError::Key`].
    pub fn with_key(key: &SealKey) -> Result<Self, SessionConfigError> {
        let sealer = Sealer::new(key, Arc::new(AwsLc::new()))?;
        Ok(Self { sealer: Some(sealer), resource: "".into() })
    }

    /// Opens ids that were sealed with `key`, too. Without effect where ids pass as they are.
    ///
    /// # Errors
    ///
    /// [`SessionConfigError::Key`].
    pub fn previous_key(mut self, key: &SealKey) -> Result<Self, SessionConfigError> {
        self.sealer = self.sealer.map(|sealer| sealer.previous(key)).transpose()?;
        Ok(self)
    }

    /// Keeps the sessions of one resource apart from those of others that share the key.
    /// [`McpAuth`](crate::McpAuth) does it.
    pub fn resource(mut self, resource: &ResourceIdentifier) -> Self {
        self.resource = resource.as_str().into();
        self
    }

    /// Lets ids pass as they are. Dangerous: whoever learns the id of another caller's session is in that session,
    /// unless the server checks who comes.
    pub fn danger_pass_ids() -> Self {
        Self { sealer: None, resource: "".into() }
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = Session<S>;

    fn layer(&self, inner: S) -> Session<S> {
        let ids = self.sealer.as_ref().map(|sealer| SessionIds::new(sealer.clone(), &self.resource));
        Session { inner, ids: ids.map(Arc::new) }
    }
}
