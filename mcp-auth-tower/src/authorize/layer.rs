use std::sync::Arc;

use mcp_auth_core::policy::PolicySet;
use mcp_auth_discovery::{ResourceIdentifier, Scopes};
use tower_layer::Layer;

use super::Authorize;
use super::http::Reads;
use crate::rejection::ChallengeContext;

/// Puts [`Authorize`] in front of a service.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct AuthorizeLayer {
    pub(super) shared: Arc<Shared>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    pub(super) mcp: Option<Rules>,
    pub(super) http: Option<Rules>,
    pub(super) challenge: Option<Arc<ChallengeContext>>,
}

#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) policy: Arc<PolicySet>,
    pub(super) reads: Reads,
}

impl Rules {
    fn new(policy: PolicySet) -> Self {
        Self { reads: Reads::of(&policy), policy: Arc::new(policy) }
    }
}

impl AuthorizeLayer {
    /// A layer without rules: it asks for authentication.
    pub fn new() -> Self {
        Self::default()
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(Arc::make_mut(&mut self.shared));
        self
    }

    /// Judges MCP items with `policy`.
    pub fn mcp(self, policy: PolicySet) -> Self {
        self.with(|s| s.mcp = Some(Rules::new(policy)))
    }

    /// Judges every request with `policy`.
    pub fn http(self, policy: PolicySet) -> Self {
        self.with(|s| s.http = Some(Rules::new(policy)))
    }

    /// Names the resource's metadata and scopes in challenges (RFC 9728 §5.1).
    pub fn challenge(self, resource: ResourceIdentifier, scopes: Scopes) -> Self {
        self.with(|s| s.challenge = Some(Arc::new(ChallengeContext { resource, scopes })))
    }
}

impl<S> Layer<S> for AuthorizeLayer {
    type Service = Authorize<S>;

    fn layer(&self, inner: S) -> Authorize<S> {
        Authorize { inner, shared: self.shared.clone() }
    }
}
