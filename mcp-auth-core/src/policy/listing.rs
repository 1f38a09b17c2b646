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
    held: Vec<Asked<'p>>,
    /// The same as if every scope were granted; empty where that is not asked for, or makes no difference.
    stepped_up: Vec<Asked<'p>>,
}

#[derive(Debug)]
struct Asked<'p> {
    set: &'p PolicySet,
    grant: Grant<'static>,
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
        let held = self.sets().map(|(_, set)| Asked::new(set, context, Grant::Held)).collect();
        Listing { context: *context, held, stepped_up: Vec::new() }
    }

    /// The same, and items are shown too that scopes alone would allow
    /// ([`Decision::step_up`](super::Decision::step_up)): a client that does not see a tool asks for no scope for it, and
    /// does not know how to call it.
    pub fn listing_with_step_up<'p>(&'p self, context: &Context<'p>) -> Listing<'p> {
        let mut listing = self.listing(context);
        if context.principal().is_some() && self.sets().any(|(_, set)| set.asks_for_scopes()) {
            let asked = |set| Asked::new(set, context, Grant::All(None));
            listing.stepped_up = self.sets().map(|(_, set)| asked(set)).collect();
        }
        listing
    }
}

impl Listing<'_> {
    /// Whether the item is shown: whether the call would be allowed, with some arguments, or a step-up would turn its
    /// denial where that is asked for.
    pub fn shows(&mut self, item: ListItem<'_>) -> bool {
        let (_, kind) = Kind::of_list(item.kind);
        let context = &self.context;
        let all = |sets: &mut [Asked<'_>]| {
            !sets.is_empty() && sets.iter_mut().all(|asked| asked.shows(context, item, kind))
        };
        all(&mut self.held) || all(&mut self.stepped_up)
    }
}

impl<'p> Asked<'p> {
    fn new(set: &'p PolicySet, context: &Context<'_>, grant: Grant<'static>) -> Self {
        let how = set.how(context, &grant);
        Self { set, grant, how, unmentioned: [None; 4] }
    }
}

impl Asked<'_> {
    fn shows(&mut self, context: &Context<'_>, item: ListItem<'_>, kind: Kind) -> bool {
        let how = self.how.as_ref();
        let judge = || self.set.verdict_by(&context.list_item(item), &self.grant, false, how).is_allowed();
        if !how.is_some_and(|how| self.set.is_unmentioned(how, kind, item.name)) {
            return judge();
        }
        match self.unmentioned.get_mut(kind as usize) {
            Some(known) => *known.get_or_insert_with(judge),
            None => judge(),
        }
    }
}
