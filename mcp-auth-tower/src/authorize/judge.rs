//! Which items of an answer are shown.

use std::sync::Arc;

use mcp_auth_core::Principal;
use mcp_auth_core::mcp::{Filtered, ListError, filter_message};
use mcp_auth_core::policy::PolicyLevels;

use super::http::KeptRequest;
use crate::messages::Messages;

/// Decides which items of a list are shown.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    pub(super) policy: Arc<PolicyLevels>,
    pub(super) principal: Option<Arc<Principal>>,
    /// Items are left out too that scopes alone would allow.
    pub(super) granted_only: bool,
    /// The request that asked for the list.
    pub(super) request: KeptRequest,
}

impl Messages for Judge {
    fn filter(&mut self, message: &[u8]) -> Result<Filtered, ListError> {
        let context = self.request.context(self.principal.as_deref());
        let mut listing = if self.granted_only {
            self.policy.listing(&context)
        } else {
            self.policy.listing_with_step_up(&context)
        };
        filter_message(message, &mut |item| listing.shows(item))
    }
}

/// Leaves messages as they are: there are no rules over items.
#[derive(Clone, Copy, Debug)]
pub(super) struct Everything;

impl Messages for Everything {
    fn filter(&mut self, _: &[u8]) -> Result<Filtered, ListError> {
        Ok(Filtered::Unchanged)
    }
}
