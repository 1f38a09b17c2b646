use std::sync::Arc;

use arc_swap::ArcSwapOption;
use mcp_auth_core::istio::{KeySet, RequestAuthentication};
use tower_layer::Layer;

use super::RequestAuthenticated;
use crate::clock::{Clock, SystemClock};

/// Puts [`RequestAuthenticated`] in front of a service.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequestAuthenticationLayer {
    shared: Arc<Shared>,
}

#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) policy: RequestAuthentication,
    pub(super) keys: Vec<RuleKeys>,
    pub(super) scheme: Option<Box<str>>,
    pub(super) clock: Arc<dyn Clock>,
}

/// The keys of one rule, which can be replaced while requests are served. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct RuleKeys(Arc<ArcSwapOption<KeySet>>);

impl RuleKeys {
    /// Replaces the keys; requests that come after see the new ones.
    pub fn replace(&self, keys: KeySet) {
        self.0.store(Some(Arc::new(keys)));
    }

    /// Takes the keys away, for example when the last good ones are too old: no token is accepted then.
    pub fn clear(&self) {
        self.0.store(None);
    }

    pub(super) fn load(&self) -> Option<Arc<KeySet>> {
        self.0.load_full()
    }
}

impl RequestAuthenticationLayer {
    /// A layer for a policy.
    pub fn new(policy: RequestAuthentication) -> Self {
        let keys = policy.rules().iter().map(|_| RuleKeys::default()).collect();
        Self { shared: Arc::new(Shared { policy, keys, scheme: None, clock: Arc::new(SystemClock) }) }
    }

    /// The keys of the rules, in the order the rules were given. Rules with inline keys do not read theirs.
    pub fn keys(&self) -> &[RuleKeys] {
        &self.shared.keys
    }

    /// The scheme that clients use, for challenges. Default: that of the request's URI, or else `http`.
    pub fn scheme(self, scheme: &str) -> Self {
        self.with(|s| s.scheme = Some(scheme.into()))
    }

    /// Replaces the clock.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        self.with(|s| s.clock = clock)
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(Arc::make_mut(&mut self.shared));
        self
    }
}

impl<S> Layer<S> for RequestAuthenticationLayer {
    type Service = RequestAuthenticated<S>;

    fn layer(&self, inner: S) -> RequestAuthenticated<S> {
        RequestAuthenticated { inner, shared: self.shared.clone() }
    }
}
