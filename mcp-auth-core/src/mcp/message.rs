//! What one JSON-RPC message asks for.

use std::ops::Range;

use super::method;

/// One JSON-RPC message, reduced to what decides over it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct McpCall {
    /// The method; `None` for a response.
    pub method: Option<Box<str>>,
    /// The `id` as it stood in the body, JSON text; `None` for a notification.
    pub id: Option<Box<str>>,
    /// The item the method names; the first where it names several.
    pub target: Option<Target>,
    /// The other items that `subscriptions/listen` names, at most [`MAX_TARGETS`](super::MAX_TARGETS) with the first.
    /// Each has to be judged: see [`targets`](Self::targets).
    pub more_targets: Box<[Target]>,
    /// Where `params.arguments` stands in the body, in bytes. It is one JSON value, and unjudged: its own members may
    /// occur twice.
    pub arguments: Option<Range<usize>>,
    /// The protocol version in `params._meta` (`io.modelcontextprotocol/protocolVersion`, MCP 2026-07-28).
    pub protocol_version: Option<Box<str>>,
    /// Where the object `io.modelcontextprotocol/clientCapabilities` of `params._meta` stands in the body, in bytes
    /// (MCP 2026-07-28).
    pub client_capabilities: Option<Range<usize>>,
}

/// An item of an MCP server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A tool, by name.
    Tool(Box<str>),
    /// A prompt, by name.
    Prompt(Box<str>),
    /// A resource or resource template, by URI.
    Resource(Box<str>),
    /// A task, by id.
    Task(Box<str>),
}

/// How a message is judged; see the table in [`crate::mcp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallKind {
    /// Asks for one item.
    Item,
    /// Asks for a list whose items are judged one by one.
    List,
    /// Asks for a stream of what happens to the items that it names: each is judged, and the stream is filtered. It
    /// may name none.
    Subscription,
    /// Belongs to the protocol itself.
    Lifecycle,
    /// A method of which nothing is known.
    Unknown,
}

impl McpCall {
    /// A message with these parts, for callers that have no body at hand.
    pub fn new(method: &str, target: Option<Target>) -> Self {
        Self {
            method: Some(method.into()),
            id: None,
            target,
            more_targets: Box::default(),
            arguments: None,
            protocol_version: None,
            client_capabilities: None,
        }
    }

    /// How this message is judged.
    pub fn kind(&self) -> CallKind {
        match &self.method {
            Some(method) => method::kind(method, self.id.is_none()),
            None => CallKind::Lifecycle,
        }
    }

    /// Every item that the message names. The call is allowed when each of them is.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.target.iter().chain(&self.more_targets)
    }

    /// The message as if it named this item only: rules judge one item at a time.
    #[must_use]
    pub fn for_target(&self, target: &Target) -> Self {
        Self { target: Some(target.clone()), more_targets: Box::default(), ..self.clone() }
    }

    /// Whether the sender waits for an answer.
    pub fn expects_answer(&self) -> bool {
        self.method.is_some() && self.id.is_some()
    }
}

impl Target {
    /// The name, URI or id.
    pub fn name(&self) -> &str {
        match self {
            Self::Tool(s) | Self::Prompt(s) | Self::Resource(s) | Self::Task(s) => s,
        }
    }

    /// The kind in one word.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Tool(_) => "tool",
            Self::Prompt(_) => "prompt",
            Self::Resource(_) => "resource",
            Self::Task(_) => "task",
        }
    }
}
