//! What one JSON-RPC message asks for.

use std::ops::Range;

/// One JSON-RPC message, reduced to what decides over it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct McpCall {
    /// The method; `None` for a response.
    pub method: Option<Box<str>>,
    /// The `id` as it stood in the body, JSON text; `None` for a notification.
    pub id: Option<Box<str>>,
    /// The item the method names.
    pub target: Option<Target>,
    /// Where `params.arguments` stands in the body, in bytes. It is one JSON value, and unjudged: its own members may
    /// occur twice.
    pub arguments: Option<Range<usize>>,
    /// The protocol version in `params._meta` (`io.modelcontextprotocol/protocolVersion`, MCP 2026-07-28).
    pub protocol_version: Option<Box<str>>,
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
    /// Belongs to the protocol itself.
    Lifecycle,
    /// A method of which nothing is known.
    Unknown,
}

impl McpCall {
    /// A message with these parts, for callers that have no body at hand.
    pub fn new(method: &str, target: Option<Target>) -> Self {
        Self { method: Some(method.into()), id: None, target, arguments: None, protocol_version: None }
    }

    /// How this message is judged.
    pub fn kind(&self) -> CallKind {
        let Some(method) = &self.method else { return CallKind::Lifecycle };
        match &**method {
            "initialize" | "ping" | "server/discover" | "logging/setLevel" => CallKind::Lifecycle,
            m if m.starts_with("notifications/") => CallKind::Lifecycle,
            "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" | "tasks/list" => {
                CallKind::List
            }
            m if item_member(m).is_some() => CallKind::Item,
            _ => CallKind::Unknown,
        }
    }

    /// Whether the sender waits for an answer.
    pub fn expects_answer(&self) -> bool {
        self.method.is_some() && self.id.is_some()
    }
}

/// Where the item of a method stands in `params`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemMember {
    ToolName,
    PromptName,
    Uri,
    TaskId,
    Ref,
}

pub(super) fn item_member(method: &str) -> Option<ItemMember> {
    match method {
        "tools/call" => Some(ItemMember::ToolName),
        "prompts/get" => Some(ItemMember::PromptName),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => Some(ItemMember::Uri),
        "tasks/get" | "tasks/result" | "tasks/cancel" | "tasks/update" => Some(ItemMember::TaskId),
        "completion/complete" => Some(ItemMember::Ref),
        _ => None,
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
