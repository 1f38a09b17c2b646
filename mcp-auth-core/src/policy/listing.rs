//! Which items of a list somebody sees.

use super::context::{Context, Grant};
use super::item::Kind;
use super::levels::PolicyLevels;
use super::partial::How;
use super::set::PolicySet;
use crate::mcp::ListItem;

/// Judges the items of a list, each as the call that it would become.
///
/// What is the same for all items is looked up once: the caller's residuals, and the outcome for items that no rule
/// mentions.
#[derive(Debug)]
pub struct Listing<'p> {
    context: Context<'p>,
    sets: Vec<Asked<'p>>,
}

#[derive(Debug)]
struct Asked<'p> {
    set: &'p PolicySet,
    how: Option<How>,
    /// By kind: whether items are shown that no rule mentions.
    unmentioned: [Option<bool>; Kind::ALL.len()],
}

impl PolicyLevels {
    /// Starts a list. `context` is that of the request for the list.
    ///
    /// ```
    /// use mcp_auth_core::Principal;
    /// use mcp_auth_core::mcp::{ItemKind, ListItem};
    /// use mcp_auth_core::policy::{Context, PolicyLevels, PolicySet};
    ///
    /// let policy: PolicyLevels = PolicySet::builder().deny(r#"mcp.tool.name == "drop""#)?.build().into();
    /// let alice = Principal::danger_from_unverified_claims(br#"{"sub":"alice"}"#)?;
    /// let mut listing = policy.listing(&Context::new(Some(&alice)));
    /// assert!(listing.shows(ListItem::new(ItemKind::Tool, "read")));
    /// assert!(!listing.shows(ListItem::new(ItemKind::Tool, "drop")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn listing<'p>(&'p self, context: &Context<'p>) -> Listing<'p> {
        let asked =
            |set: &'p PolicySet| Asked { set, how: set.how(context, &Grant::Held), unmentioned: [None; 4] };
        Listing { context: *context, sets: self.sets().map(|(_, set)| asked(set)).collect() }
    }
}

impl Listing<'_> {
    /// Whether the item is shown: whether the call would be allowed, with some arguments.
    pub fn shows(&mut self, item: ListItem<'_>) -> bool {
        let (_, kind) = Kind::of_list(item.kind);
        let context = &self.context;
        !self.sets.is_empty() && self.sets.iter_mut().all(|asked| asked.shows(context, item, kind))
    }
}

impl Asked<'_> {
    fn shows(&mut self, context: &Context<'_>, item: ListItem<'_>, kind: Kind) -> bool {
        let how = self.how.as_ref();
        let judge = || self.set.verdict_by(&context.list_item(item), &Grant::Held, false, how).is_allowed();
        if !how.is_some_and(|how| self.set.is_unmentioned(how, kind, item.name)) {
            return judge();
        }
        match self.unmentioned.get_mut(kind as usize) {
            Some(known) => *known.get_or_insert_with(judge),
            None => judge(),
        }
    }
}
