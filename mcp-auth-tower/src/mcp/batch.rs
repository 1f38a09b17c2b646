//! Several messages in one body (MCP 2025-03-26).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use mcp_auth_core::mcp::Element;

/// The messages of a batch. Inserted by [`Mcp`](super::Mcp) in the place of an
/// [`McpCall`](mcp_auth_core::mcp::McpCall); [`Authorize`](crate::authorize::Authorize) judges each.
#[derive(Clone)]
pub struct CallBatch {
    elements: Arc<[Element]>,
    bytes: Bytes,
    forwarded: Forwarded,
}

/// What the service gets, shared with the body: a layer behind the one that read it takes out what it refuses.
#[derive(Clone)]
pub(super) struct Forwarded(Arc<Mutex<Bytes>>);

impl Forwarded {
    pub(super) fn get(&self) -> Bytes {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl CallBatch {
    pub(super) fn new(elements: Vec<Element>, bytes: Bytes) -> Self {
        let forwarded = Forwarded(Arc::new(Mutex::new(bytes.clone())));
        Self { elements: elements.into(), bytes, forwarded }
    }

    pub(super) fn forwarded(&self) -> Forwarded {
        self.forwarded.clone()
    }

    /// The messages in their order.
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The arguments of a message, JSON as it stands in the body.
    pub fn arguments(&self, element: &Element) -> Option<&[u8]> {
        let range = element.message.as_ref().ok()?.arguments.clone()?;
        self.bytes.get(range)
    }

    /// Forwards these messages only, each byte for byte; gives the length of the new body. `keep` has an entry for
    /// each message.
    pub(crate) fn narrow(&self, keep: &[bool]) -> usize {
        let kept = self.elements.iter().zip(keep).filter(|(_, keep)| **keep);
        let messages: Vec<&[u8]> = kept.filter_map(|(e, _)| self.bytes.get(e.range.clone())).collect();
        let mut body = vec![b'['];
        body.extend_from_slice(&messages.join(&b','));
        body.push(b']');
        let length = body.len();
        *self.forwarded.0.lock().unwrap_or_else(PoisonError::into_inner) = body.into();
        length
    }
}

/// How many: the rest is somebody's data.
impl fmt::Debug for CallBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallBatch({})", self.elements.len())
    }
}

impl fmt::Debug for Forwarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forwarded")
    }
}
