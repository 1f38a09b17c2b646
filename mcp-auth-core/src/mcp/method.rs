//! What each method of each protocol version asks for; the table in [`crate::mcp`] is made of this.

use super::message::CallKind;

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

/// The method that names any number of items.
pub(super) const LISTEN: &str = "subscriptions/listen";

/// The method that starts a session of the legacy versions.
pub(super) const INITIALIZE: &str = "initialize";

pub(super) fn kind(method: &str, is_notification: bool) -> CallKind {
    match method {
        INITIALIZE | "ping" | "server/discover" | "logging/setLevel" => CallKind::Lifecycle,
        // With an id it is a request, and no version has one of such a name.
        m if m.starts_with("notifications/") && is_notification => CallKind::Lifecycle,
        "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" | "tasks/list" => {
            CallKind::List
        }
        LISTEN => CallKind::Subscription,
        m if item_member(m).is_some() => CallKind::Item,
        _ => CallKind::Unknown,
    }
}

/// Requests that 2026-07-28 has no more: what a server that speaks both eras would do with one is its guess.
pub(super) fn is_removed_in_modern(method: &str) -> bool {
    matches!(
        method,
        INITIALIZE | "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe"
    )
}

/// Requests whose item a modern client has to repeat in `Mcp-Name` (MCP 2026-07-28, Streamable HTTP, and the tasks
/// extension).
pub(super) fn needs_name_header(method: &str) -> bool {
    matches!(
        method,
        "tools/call" | "prompts/get" | "resources/read" | "tasks/get" | "tasks/update" | "tasks/cancel"
    )
}
