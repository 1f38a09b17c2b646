use std::time::Duration;

use tower_layer::Layer;

use super::Mcp;

/// Longest message by default: 4 MiB.
pub const DEFAULT_MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Longest time a message may take to arrive by default.
pub const DEFAULT_BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Puts [`Mcp`] in front of a service.
#[derive(Clone, Debug)]
#[must_use]
pub struct McpLayer {
    pub(super) limits: Limits,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) bytes: usize,
    pub(crate) time: Duration,
}

impl Default for McpLayer {
    fn default() -> Self {
        Self { limits: Limits { bytes: DEFAULT_MAX_BODY_BYTES, time: DEFAULT_BODY_TIMEOUT } }
    }
}

impl McpLayer {
    /// A layer with the default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// The longest message, in bytes.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// The longest time that a message may take to arrive.
    pub fn body_timeout(mut self, time: Duration) -> Self {
        self.limits.time = time;
        self
    }
}

impl<S> Layer<S> for McpLayer {
    type Service = Mcp<S>;

    fn layer(&self, inner: S) -> Mcp<S> {
        Mcp { inner, limits: self.limits }
    }
}
