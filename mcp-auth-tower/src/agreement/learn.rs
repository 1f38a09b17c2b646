//! What tools say about their headers, from the lists that pass.

use std::fmt::Write as _;
use std::sync::{Arc, PoisonError};

use http::Extensions;
use mcp_auth_core::mcp::{Filtered, ItemKind, ListError, ListItem, ToolHeaders, filter_message};

use super::layer::Tools;
use crate::extension::Authenticated;
use crate::messages::Messages;

/// What a caller was shown. What one has seen says nothing to another: a list may be made for its reader, and a refusal
/// by what a hidden tool declares would tell that it exists.
#[derive(Debug)]
pub(super) struct Shown {
    tools: Tools,
    whose: String,
}

impl Shown {
    /// To whom `request` belongs; one for all who are not known.
    pub(super) fn to(request: &Extensions, tools: &Tools) -> Self {
        let principal = request.get::<Authenticated>().and_then(Authenticated::principal);
        let parts = principal.map_or([None; 3], |p| [Some(p.issuer()), p.subject(), p.client_id()]);
        let mut whose = String::with_capacity(128);
        for part in parts {
            // With its length, so that no two callers are written alike.
            let _ = match part {
                Some(part) => write!(whose, "{}:{part} ", part.len()),
                None => write!(whose, "- "),
            };
        }
        Self { tools: tools.clone(), whose }
    }

    pub(super) fn headers(&self, tool: &str) -> Option<Arc<ToolHeaders>> {
        let key = self.key(tool);
        self.tools.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned()
    }

    fn key(&self, tool: &str) -> String {
        [&self.whose, tool].concat()
    }

    fn learn(&self, item: ListItem<'_>) {
        let (ItemKind::Tool, Some(raw)) = (item.kind, item.raw()) else { return };
        let headers = ToolHeaders::parse(raw.as_bytes()).unwrap_or_else(|error| {
            // Clients that follow the specification leave such a tool out.
            tracing::warn!(target: "mcp_auth", tool = item.name, %error, "x-mcp-header cannot be used");
            ToolHeaders::default()
        });
        let key = self.key(item.name);
        self.tools.lock().unwrap_or_else(PoisonError::into_inner).learn(&key, headers);
    }
}

/// Changes nothing.
impl Messages for Shown {
    fn filter(&mut self, message: &[u8]) -> Result<Filtered, ListError> {
        // What cannot be read is for those to refuse who filter.
        let _ = filter_message(message, &mut |item| {
            self.learn(item);
            true
        });
        Ok(Filtered::Unchanged)
    }
}
