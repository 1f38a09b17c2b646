use std::sync::Arc;

use tower_layer::Layer;

use super::{Audit, AuditSink, TracingSink};

/// Puts [`Audit`] in front of a service.
#[derive(Clone, Debug)]
#[must_use]
pub struct AuditLayer {
    sink: Arc<dyn AuditSink>,
}

impl AuditLayer {
    /// Writes to `sink`.
    pub fn new(sink: Arc<dyn AuditSink>) -> Self {
        Self { sink }
    }
}

/// Writes to [`TracingSink`].
impl Default for AuditLayer {
    fn default() -> Self {
        Self::new(Arc::new(TracingSink))
    }
}

impl<S> Layer<S> for AuditLayer {
    type Service = Audit<S>;

    fn layer(&self, inner: S) -> Audit<S> {
        Audit { inner, sink: self.sink.clone() }
    }
}
