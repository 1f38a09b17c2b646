//! Leaving out of a server's messages what their reader may not use.
//!
//! One pass, no tree. Items that stay, stay byte for byte; a message that needs no change is returned as it came. A
//! list that cannot be read without doubt is an error: it is never passed on unfiltered.

mod edits;
mod notification;
mod read;

use self::edits::Edits;
use crate::json::{Problem, Scanner};

/// What a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemKind {
    /// `tools/list`, items named by `name`.
    Tool,
    /// `prompts/list`, items named by `name`.
    Prompt,
    /// `resources/list`, items named by `uri`.
    Resource,
    /// `resources/templates/list`, items named by `uriTemplate`.
    ResourceTemplate,
    /// `tasks/list`, items named by `taskId`.
    Task,
}

/// One item that a server's message names.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ListItem<'a> {
    /// What it is.
    pub kind: ItemKind,
    /// Its name, URI, URI template or id.
    pub name: &'a str,
    raw: Option<&'a str>,
}

impl<'a> ListItem<'a> {
    /// An item of this kind and name.
    pub fn new(kind: ItemKind, name: &'a str) -> Self {
        Self { kind, name, raw: None }
    }

    /// The item as it stands in a list, JSON text, for example for [`ToolHeaders::parse`](super::ToolHeaders::parse).
    /// `None` where a message only names it.
    pub fn raw(&self) -> Option<&'a str> {
        self.raw
    }
}

/// A message that may name items and cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the upstream's answer is not a readable JSON-RPC message")]
#[non_exhaustive]
pub struct ListError;

impl From<Problem> for ListError {
    fn from(_: Problem) -> Self {
        Self
    }
}

/// What a filter makes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever filters has to handle all of them")]
pub enum Filtered {
    /// Nothing had to change: forward the original.
    Unchanged,
    /// Forward this instead.
    Replaced(Vec<u8>),
    /// Forward nothing: the message is about an item that its reader may not use.
    Dropped,
}

/// Decides over one item: whether the reader may use it.
pub type Visible<'f> = dyn FnMut(ListItem<'_>) -> bool + 'f;

/// How deep a value in a server's message may be nested. With what stands around it no deeper than most readers take.
const MAX_DEPTH: usize = 120;

/// Filters the items that a server's message names: its lists, and notifications about single items. See the second
/// table of the [module page](super).
///
/// An answer that depends on who asked must not be cached for others (MCP 2026-07-28, Caching): `cacheScope` becomes
/// `"private"`, and is added to a list or a read resource that has a `ttlMs` and no scope, which early readers take
/// for public. The `ttlMs` of a list becomes 0, because what a caller may see changes with his token and with the policy;
/// that of a read resource stays where it is a whole number of milliseconds: it is a hint of
/// how long the answer is fresh for this caller, and calls are judged anew each time.
///
/// ```
/// use mcp_auth_core::mcp::{Filtered, filter_message};
///
/// let answer = br#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read"},{"name":"write"}]}}"#;
/// let filtered = filter_message(answer, &mut |item| item.name == "read")?;
/// let expected = br#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read"}]}}"#;
/// assert_eq!(filtered, Filtered::Replaced(expected.to_vec()));
/// # Ok::<(), mcp_auth_core::mcp::ListError>(())
/// ```
///
/// # Errors
///
/// [`ListError`] when the message, or what names items in it, cannot be read without doubt.
pub fn filter_message(message: &[u8], visible: &mut Visible<'_>) -> Result<Filtered, ListError> {
    let text = simdutf8::basic::from_utf8(message).map_err(|_| ListError)?;
    let mut scanner = Scanner::new(text);
    let mut reader = Reader { text, visible, edits: Edits::default() };
    let keep = match scanner.next() {
        b'[' => reader.batch(&mut scanner)?,
        _ => reader.message(&mut scanner)?,
    };
    scanner.end()?;
    if !keep {
        return Ok(Filtered::Dropped);
    }
    Ok(reader.edits.apply(text).map_or(Filtered::Unchanged, Filtered::Replaced))
}

/// Reads messages, asks about their items, and remembers what has to change.
struct Reader<'t, 'f, 'v> {
    text: &'t str,
    visible: &'f mut Visible<'v>,
    edits: Edits,
}
