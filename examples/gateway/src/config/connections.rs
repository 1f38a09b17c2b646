//! `connections`: what the clients of a bind may hold, and for how long. An extension to agentgateway's shape.

use std::time::Duration;

use super::duration;
use super::error::Fault;
use super::fields::Fields;
use super::node::Node;

/// What the clients of a bind may hold, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ConnectionLimits {
    /// How many there may be at once; those above are closed at once.
    pub(crate) max: usize,
    /// How long a request's header may take. Over HTTP/1.1 this is also how long a connection may be idle.
    pub(crate) header_timeout: Duration,
    /// After how much silence a connection of HTTP/2 is pinged.
    pub(crate) http2_keepalive_interval: Duration,
    /// How long the answer to a ping may take.
    pub(crate) http2_keepalive_timeout: Duration,
    /// How long requests under way may take after a signal to stop.
    pub(crate) drain_timeout: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max: 10_000,
            header_timeout: Duration::from_secs(10),
            http2_keepalive_interval: Duration::from_secs(30),
            http2_keepalive_timeout: Duration::from_secs(20),
            drain_timeout: Duration::from_secs(30),
        }
    }
}

impl ConnectionLimits {
    pub(super) fn read(node: Node) -> Result<Self, Fault> {
        const KNOWN: [&str; 5] =
            ["max", "headerTimeout", "http2KeepaliveInterval", "http2KeepaliveTimeout", "drainTimeout"];
        let mut fields = Fields::new(node, "connections", &KNOWN, &[])?;
        let max = fields.take("max").map(|node| node.count("max")).transpose()?;
        let mut duration =
            |field: &str| fields.take(field).map(|node| duration::read_filled(node, field)).transpose();
        let usual = Self::default();
        Ok(Self {
            max: max.unwrap_or(usual.max),
            header_timeout: duration("headerTimeout")?.unwrap_or(usual.header_timeout),
            http2_keepalive_interval: duration("http2KeepaliveInterval")?
                .unwrap_or(usual.http2_keepalive_interval),
            http2_keepalive_timeout: duration("http2KeepaliveTimeout")?
                .unwrap_or(usual.http2_keepalive_timeout),
            drain_timeout: duration("drainTimeout")?.unwrap_or(usual.drain_timeout),
        })
    }
}
