//! What tools say about their headers, from the lists that pass.

use std::sync::PoisonError;

use mcp_auth_core::mcp::{Filtered, ItemKind, ListError, ListItem, ToolHeaders, filter_message};

use super::layer::Tools;
use crate::messages::Messages;

/// Changes nothing.
#[derive(Debug)]
pub(super) struct Learner(pub(super) Tools);

impl Messages for Learner {
    fn filter(&mut self, message: &[u8]) -> Result<Filtered, ListError> {
        // What cannot be read is for those to refuse who filter.
        let _ = filter_message(message, &mut |item| {
            self.learn(item);
            true
        });
        Ok(Filtered::Unchanged)
    }
}

impl Learner {
    fn learn(&self, item: ListItem<'_>) {
        let (ItemKind::Tool, Some(raw)) = (item.kind, item.raw()) else { return };
        let mut tools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match ToolHeaders::parse(raw.as_bytes()) {
            Ok(headers) if !headers.is_empty() => {
                if !tools.learn(item.name, headers) {
                    tracing::debug!(target: "mcp_auth", "no room to remember the headers of a tool");
                }
            }
            Ok(_) => tools.forget(item.name),
            Err(error) => {
                // Clients that follow the specification leave such a tool out.
                tracing::warn!(target: "mcp_auth", tool = item.name, %error, "x-mcp-header cannot be used");
                tools.forget(item.name);
            }
        }
    }
}
