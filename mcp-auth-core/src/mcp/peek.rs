//! Reading method, id and item out of a body without building a tree.
//!
//! Decisions are taken on exactly this reading and exactly these bytes are forwarded; so whatever another
//! parser could read differently is refused: a member twice, a look-alike of a routed member, unknown members
//! at the top, a batch, a second document, a byte-order mark. What is not routed (arguments, results) is checked
//! to be JSON and not looked into.

use std::borrow::Cow;

use super::look_alike::looks_like;
use super::message::{ItemMember, McpCall, Target, item_member};
use super::params::Params;
use crate::json::{Problem, Scanner};

/// Deepest nesting of a message.
pub const MAX_DEPTH: usize = 64;

/// Why a body is not one message that can be judged. Each maps to a JSON-RPC error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeekError {
    /// Not one JSON document in UTF-8.
    #[error("body is not one JSON document")]
    Parse,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("body is nested too deep")]
    TooDeep,
    /// An array: several messages in one body.
    #[error("JSON-RPC batches are not accepted")]
    Batch,
    /// JSON, but not a JSON-RPC 2.0 message.
    #[error("body is not a JSON-RPC 2.0 message")]
    NotJsonRpc,
    /// A member that decides occurs twice.
    #[error("a member of the message occurs twice")]
    Duplicate,
    /// A member that another parser could take for one that decides, such as `Name` or `method\u0000`.
    #[error("a member of the message looks like another one")]
    LookAlike,
    /// The method needs an item and `params` names none, or names it as something else than a string.
    #[error("the message does not name its item")]
    NoItem,
    /// `_meta` is no object, or the protocol version in it no string.
    #[error("the message's `_meta` cannot be read")]
    Meta,
}

impl PeekError {
    /// The JSON-RPC 2.0 error code.
    pub const fn code(self) -> i32 {
        match self {
            Self::Parse => -32700,
            Self::NoItem | Self::Meta => -32602,
            _ => -32600,
        }
    }
}

impl From<Problem> for PeekError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::TooDeep => Self::TooDeep,
            _ => Self::Parse,
        }
    }
}

/// Reads one message.
///
/// ```
/// use mcp_auth_core::mcp::{Target, peek};
///
/// let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"a":1}}}"#;
/// let call = peek(body)?;
/// assert_eq!(call.target, Some(Target::Tool("read".into())));
/// assert_eq!(call.arguments.map(|range| &body[range]), Some(&br#"{"a":1}"#[..]));
/// # Ok::<(), mcp_auth_core::mcp::PeekError>(())
/// ```
///
/// # Errors
///
/// [`PeekError`] for everything that is not exactly one JSON-RPC 2.0 request, notification or response.
pub fn peek(body: &[u8]) -> Result<McpCall, PeekError> {
    let text = simdutf8::basic::from_utf8(body).map_err(|_| PeekError::Parse)?;
    let mut scanner = Scanner::new(text);
    let message = match scanner.next() {
        b'{' => Message::read(&mut scanner)?,
        b'[' => return Err(PeekError::Batch),
        _ => {
            scanner.skip(0)?;
            return Err(PeekError::NotJsonRpc);
        }
    };
    scanner.end()?;
    message.into_call()
}

#[derive(Default)]
struct Message<'b> {
    version: Option<Cow<'b, str>>,
    method: Option<Cow<'b, str>>,
    id: Option<&'b str>,
    params: Option<Params<'b>>,
    /// There is a `result` or an `error`.
    answer: Option<()>,
}

impl<'b> Message<'b> {
    fn read(scanner: &mut Scanner<'b>) -> Result<Self, PeekError> {
        let mut message = Self::default();
        scanner.object(|scanner, name| match &*name {
            "jsonrpc" => once(&mut message.version, text(scanner, PeekError::NotJsonRpc)?),
            "method" => once(&mut message.method, text(scanner, PeekError::NotJsonRpc)?),
            "id" => once(&mut message.id, id(scanner)?),
            "params" => once(&mut message.params, Params::read(scanner)?),
            "result" | "error" => {
                scanner.skip(MAX_DEPTH - 1)?;
                once(&mut message.answer, ())
            }
            _ => Err(PeekError::LookAlike),
        })?;
        Ok(message)
    }

    fn into_call(self) -> Result<McpCall, PeekError> {
        let is_response = self.answer.is_some();
        if self.version.as_deref() != Some("2.0") {
            return Err(PeekError::NotJsonRpc);
        }
        // Null only in answers to unreadable requests (JSON-RPC 2.0 §5).
        if self.id == Some("null") && !is_response {
            return Err(PeekError::NotJsonRpc);
        }
        let id = self.id.map(Box::from);
        let params = self.params.unwrap_or_default();
        let protocol_version = params.protocol_version.map(Box::from);
        let (method, target) = match self.method {
            Some(method) if !is_response => {
                let named = |text: Option<Cow<'b, str>>, target: fn(Box<str>) -> Target| {
                    text.map(|t| target(t.into())).ok_or(PeekError::NoItem).map(Some)
                };
                let target = match item_member(&method) {
                    None => None,
                    Some(ItemMember::ToolName) => named(params.name, Target::Tool)?,
                    Some(ItemMember::PromptName) => named(params.name, Target::Prompt)?,
                    Some(ItemMember::Uri) => named(params.uri, Target::Resource)?,
                    Some(ItemMember::TaskId) => named(params.task_id, Target::Task)?,
                    Some(ItemMember::Ref) => Some(params.reference.ok_or(PeekError::NoItem)?),
                };
                (Some(method.into()), target)
            }
            None if is_response && id.is_some() => (None, None),
            _ => return Err(PeekError::NotJsonRpc),
        };
        Ok(McpCall { method, id, target, arguments: params.arguments, protocol_version })
    }
}

/// JSON-RPC 2.0 §4: a string or a number, or null. The text is kept as it came: an id of forty digits has to
/// survive.
fn id<'b>(scanner: &mut Scanner<'b>) -> Result<&'b str, PeekError> {
    if matches!(scanner.next(), b'{' | b'[' | b't' | b'f') {
        return Err(PeekError::NotJsonRpc);
    }
    let start = scanner.at();
    scanner.skip(0).map_err(|problem| match problem {
        // JSON by its grammar, and readable by nobody.
        Problem::Surrogate | Problem::Range => PeekError::NotJsonRpc,
        problem => problem.into(),
    })?;
    Ok(scanner.since(start)?)
}

/// A string, or the error of the member that has to be one.
pub(super) fn text<'b>(scanner: &mut Scanner<'b>, otherwise: PeekError) -> Result<Cow<'b, str>, PeekError> {
    if scanner.next() != b'"' {
        return Err(otherwise);
    }
    let span = scanner.string()?;
    Ok(scanner.decode(span)?)
}

pub(super) fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), PeekError> {
    if slot.replace(value).is_some() { Err(PeekError::Duplicate) } else { Ok(()) }
}

/// Passes over a member that decides nothing, unless it looks like one that does.
pub(super) fn other(
    scanner: &mut Scanner<'_>,
    name: &str,
    routed: &[&str],
    max_depth: usize,
) -> Result<(), PeekError> {
    if looks_like(name, routed) {
        return Err(PeekError::LookAlike);
    }
    Ok(scanner.skip(max_depth)?)
}
