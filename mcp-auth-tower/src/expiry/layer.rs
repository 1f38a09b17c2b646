use std::sync::Arc;

use http::Extensions;
use tower_layer::Layer;

use super::Expiry;
use super::body::Deadline;
use crate::clock::{Clock, SystemClock};
use crate::extension::Authenticated;

/// Puts [`Expiry`] in front of a service.
#[derive(Clone, Debug)]
#[must_use]
pub struct ExpiryLayer {
    pub(super) shared: Arc<Shared>,
}

#[derive(Clone, Debug)]
pub(super) struct Shared {
    end: bool,
    clock: Arc<dyn Clock>,
}

impl Default for ExpiryLayer {
    fn default() -> Self {
        Self { shared: Arc::new(Shared { end: true, clock: Arc::new(SystemClock) }) }
    }
}

impl ExpiryLayer {
    /// A layer on the system's clock.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends nothing. Dangerous: whoever holds a stream keeps receiving after the token, and the rights that it was
    /// issued with, have ended.
    pub fn danger_streams_outlive_tokens(mut self) -> Self {
        Arc::make_mut(&mut self.shared).end = false;
        self
    }

    /// Replaces the clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        Arc::make_mut(&mut self.shared).clock = clock;
        self
    }
}

impl Shared {
    /// When the streams of a request end.
    pub(super) fn deadline(&self, request: &Extensions) -> Option<Deadline> {
        let principal = request.get::<Authenticated>().filter(|_| self.end)?.principal()?;
        let end = principal.expires_at()?.plus(principal.trusted_issuer().allowed_leeway());
        Some(Deadline::new(end, self.clock.clone()))
    }
}

impl<S> Layer<S> for ExpiryLayer {
    type Service = Expiry<S>;

    fn layer(&self, inner: S) -> Expiry<S> {
        Expiry { inner, shared: self.shared.clone() }
    }
}
