//! `timeout`: how long a backend may take.

use std::time::Duration;

use super::duration;
use super::error::Fault;
use super::fields::Fields;
use super::node::Node;

/// How long a backend may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Timeout {
    /// Until the header of its answer is there, the sending of the request included. A body that has begun, such as an
    /// event stream, may go on.
    pub(crate) backend_request: Duration,
}

impl Default for Timeout {
    fn default() -> Self {
        Self { backend_request: Duration::from_secs(60) }
    }
}

impl Timeout {
    pub(super) fn read(node: Node) -> Result<Self, Fault> {
        const FIELD: &str = "backendRequestTimeout";
        let mut fields = Fields::new(node, "timeout", &[FIELD], &["requestTimeout"])?;
        let backend_request = duration::read_filled(fields.require(FIELD)?, FIELD)?;
        Ok(Self { backend_request })
    }
}
