//! Reading method, id and item out of one message without building a tree.

use std::borrow::Cow;

use super::error::PeekError;
use super::look_alike::looks_like;
use super::message::{McpCall, Target};
use super::method::{ItemMember, LISTEN, is_removed_in_modern, item_member};
use super::params::Params;
use super::subscription;
use crate::json::{Problem, Scanner};

/// Deepest nesting of a message.
pub const MAX_DEPTH: usize = 64;

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
    let mut scanner = Scanner::new(utf8(body)?);
    if scanner.next() == b'[' {
        return Err(PeekError::Batch);
    }
    let call = message(&mut scanner)?;
    scanner.end()?;
    Ok(call)
}

/// The `id` of a message that was refused, as JSON text, for the answer to it: JSON-RPC 2.0 §5 wants it where it can
/// be read. `None` where the text is no object with exactly one `id` that is a string or a number.
///
/// ```
/// use mcp_auth_core::mcp::{id_of, peek};
///
/// let nameless = br#"{"jsonrpc":"2.0","id":"a-1","method":"tools/call","params":{}}"#;
/// assert!(peek(nameless).is_err());
/// assert_eq!(id_of(nameless).as_deref(), Some("\"a-1\""));
/// ```
pub fn id_of(message: &[u8]) -> Option<Box<str>> {
    let mut scanner = Scanner::new(utf8(message).ok()?);
    let mut found = None;
    let read = scanner.object(|scanner, name| match &*name {
        "id" => once(&mut found, id(scanner)?),
        _ => Ok(scanner.skip(MAX_DEPTH - 1)?),
    });
    read.and_then(|()| Ok(scanner.end()?)).ok()?;
    found.filter(|id| *id != "null").map(Box::from)
}

pub(super) fn utf8(body: &[u8]) -> Result<&str, PeekError> {
    simdutf8::basic::from_utf8(body).map_err(|_| PeekError::Parse)
}

/// The message that stands here.
pub(super) fn message(scanner: &mut Scanner<'_>) -> Result<McpCall, PeekError> {
    if scanner.next() != b'{' {
        scanner.skip(MAX_DEPTH)?;
        return Err(PeekError::NotJsonRpc);
    }
    Message::read(scanner)?.into_call()
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
        let mut params = self.params.unwrap_or_default();
        let (method, targets) = match self.method {
            Some(method) if !is_response => {
                let targets = targets(&method, &mut params)?;
                (Some(method.into()), targets)
            }
            None if is_response && id.is_some() => (None, Targets::default()),
            _ => return Err(PeekError::NotJsonRpc),
        };
        Ok(McpCall {
            method,
            id,
            target: targets.first,
            more_targets: targets.more.into(),
            arguments: params.arguments,
            protocol_version: params.protocol_version.map(Box::from),
            client_capabilities: params.client_capabilities,
        })
    }
}

#[derive(Default)]
struct Targets {
    first: Option<Target>,
    more: Vec<Target>,
}

fn targets(method: &str, params: &mut Params<'_>) -> Result<Targets, PeekError> {
    if method == LISTEN {
        let filter = params.notifications.ok_or(PeekError::NoItem)?;
        let mut targets = subscription::targets(filter)?.into_iter();
        return Ok(Targets { first: targets.next(), more: targets.collect() });
    }
    // Whoever asks a modern server for what it does not have has no item to name.
    let removed = params.protocol_version.is_some() && is_removed_in_modern(method);
    let named = |text: &mut Option<Cow<'_, str>>, target: fn(Box<str>) -> Target| match text.take() {
        None if !removed => Err(PeekError::NoItem),
        text => Ok(text.map(|t| target(t.into()))),
    };
    let first = match item_member(method) {
        None => None,
        Some(ItemMember::ToolName) => named(&mut params.name, Target::Tool)?,
        Some(ItemMember::PromptName) => named(&mut params.name, Target::Prompt)?,
        Some(ItemMember::Uri) => named(&mut params.uri, Target::Resource)?,
        Some(ItemMember::TaskId) => named(&mut params.task_id, Target::Task)?,
        Some(ItemMember::Ref) => Some(params.reference.take().ok_or(PeekError::NoItem)?),
    };
    Ok(Targets { first, more: Vec::new() })
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
