//! A body: one message, or a batch of them (MCP 2025-03-26).

use std::borrow::Cow;
use std::ops::Range;

use super::error::PeekError;
use super::message::McpCall;
use super::method::INITIALIZE;
use super::peek::{MAX_DEPTH, id_of, message, utf8};
use crate::json::Scanner;

/// The most messages in one batch.
pub const MAX_BATCH: usize = 100;

/// What stands in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "JSON-RPC has these two")]
pub enum Body {
    /// One message.
    One(McpCall),
    /// A batch, in its order: 1 to [`MAX_BATCH`] messages. Only 2025-03-26 has them: see
    /// [`Agreement::check_batch`](super::Agreement::check_batch).
    Batch(Vec<Element>),
}

/// One message of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Element {
    /// Where it stands in the body, in bytes.
    pub range: Range<usize>,
    /// The message; its own ranges are those of the body, too. Or why it is refused, without the others.
    pub message: Result<McpCall, PeekError>,
    /// The id of a refused message.
    refused_id: Option<Box<str>>,
}

impl Element {
    /// The message's `id` as it stands in the body, JSON text, for the answer to it.
    pub fn id(&self) -> Option<&str> {
        match &self.message {
            Ok(call) => call.id.as_deref(),
            Err(_) => self.refused_id.as_deref(),
        }
    }

    fn read(scanner: &mut Scanner<'_>) -> Result<Self, PeekError> {
        let start = scanner.at();
        let mut ahead = *scanner;
        let message = match message(&mut ahead) {
            Ok(call) if call.method.as_deref() == Some(INITIALIZE) => Err(PeekError::InitializeInBatch),
            message => message,
        };
        if message.is_ok() {
            *scanner = ahead;
            return Ok(Self { range: start..scanner.at(), message, refused_id: None });
        }
        // Where it ends has to be known all the same; what is no JSON spoils all.
        scanner.skip(MAX_DEPTH)?;
        let refused_id = id_of(scanner.since(start)?.as_bytes());
        Ok(Self { range: start..scanner.at(), message, refused_id })
    }
}

/// Reads a body: one message, or a batch.
///
/// ```
/// use mcp_auth_core::mcp::{Body, Target, read_body};
///
/// let body = br#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}},{"id":2}]"#;
/// let Body::Batch(batch) = read_body(body)? else { unreachable!() };
/// assert_eq!(batch[0].message.as_ref().unwrap().target, Some(Target::Tool("read".into())));
/// assert!(batch[1].message.is_err());
/// assert_eq!(batch[1].id(), Some("2"));
/// assert_eq!(&body[batch[1].range.clone()], br#"{"id":2}"#);
/// # Ok::<(), mcp_auth_core::mcp::PeekError>(())
/// ```
///
/// # Errors
///
/// [`PeekError`] for what is neither one JSON-RPC 2.0 message nor a batch that can be answered: an empty one, one of
/// more than [`MAX_BATCH`] messages, requests beside responses, two messages with one id. A message of a batch that is
/// refused by itself is no error of the body.
pub fn read_body(bytes: &[u8]) -> Result<Body, PeekError> {
    let mut scanner = Scanner::new(utf8(bytes)?);
    if scanner.next() != b'[' {
        let call = message(&mut scanner)?;
        scanner.end()?;
        return Ok(Body::One(call));
    }
    let mut batch = Vec::new();
    scanner.array(|scanner| {
        if batch.len() >= MAX_BATCH {
            return Err(PeekError::LongBatch);
        }
        batch.push(Element::read(scanner)?);
        Ok(())
    })?;
    scanner.end()?;
    answerable(&batch)?;
    Ok(Body::Batch(batch))
}

/// Whether each answer to the batch would find its request.
fn answerable(batch: &[Element]) -> Result<(), PeekError> {
    if batch.is_empty() {
        return Err(PeekError::EmptyBatch);
    }
    let messages = || batch.iter().filter_map(|element| element.message.as_ref().ok());
    if messages().any(|m| m.method.is_none()) && messages().any(|m| m.method.is_some()) {
        return Err(PeekError::MixedBatch);
    }
    let mut ids: Vec<Id<'_>> = batch.iter().filter_map(Element::id).filter_map(Id::read).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
        return Err(PeekError::DuplicateId);
    }
    Ok(())
}

/// What an id means, whatever its spelling.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Id<'b> {
    Text(Cow<'b, str>),
    /// As the double that most readers make of it, in bits: 1, 1.0 and 1e0 are one id, 0 and -0 too.
    Number(u64),
}

impl<'b> Id<'b> {
    /// `None` for null, which is nobody's.
    fn read(json: &'b str) -> Option<Self> {
        let mut scanner = Scanner::new(json);
        if scanner.next() == b'"' {
            let text = scanner.string().ok()?;
            return scanner.decode(text).ok().map(Self::Text);
        }
        json.parse::<f64>().ok().map(|number| Self::Number((number + 0.0).to_bits()))
    }
}
