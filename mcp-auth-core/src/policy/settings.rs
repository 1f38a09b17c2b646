//! How a policy set reads tokens.

use super::scope::{ScopeHierarchy, ToolScopes};

/// What belongs to a policy set besides its rules.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) hierarchy: ScopeHierarchy,
    pub(super) tool_scopes: ToolScopes,
    /// `None`: `groups`.
    pub(super) group_claims: Option<Vec<Box<str>>>,
}

impl Settings {
    pub(super) fn hierarchy(&self) -> &ScopeHierarchy {
        &self.hierarchy
    }

    /// The claims that list groups.
    pub(super) fn group_claims(&self) -> impl Iterator<Item = &str> {
        let default = self.group_claims.is_none().then_some("groups");
        default.into_iter().chain(self.group_claims.iter().flatten().map(AsRef::as_ref))
    }
}
