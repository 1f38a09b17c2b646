//! Denied only because scopes are missing: which would be enough.
//!
//! 1. The decision is taken once more as if every scope were granted: `hasScope` is true whatever it is asked for,
//!    and what is declared for tools is held. If it denies even so, another token would not help, and this is a plain
//!    denial.
//! 2. Otherwise the operation needs the scopes declared for the tool, and those that rules asked for on the way to
//!    this decision, without those that make no difference: each is left out in turn, and stays out while the others
//!    alone still allow. What is held already is kept, because a client that asks again asks for all at once.
//!
//! Where several ways lead to enough scopes, which of them is found turns on what is asked for first, and evaluating
//! every rule asks for more than a residual does. So the second step is taken in one way only, with residuals.

use super::context::{Context, Grant, Recorder};
use super::item::Kind;
use super::levels::Sets;

/// More scopes than this are not tried one by one: each try is a decision.
const MAX_TRIED: usize = 16;

/// All scopes that the operation needs, where nothing but scopes is missing.
pub(super) fn scopes(sets: Sets<'_>, context: &Context<'_>) -> Option<Vec<Box<str>>> {
    let principal = context.principal()?;
    if !sets.iter().any(|(_, set)| set.asks_for_scopes()) {
        return None;
    }
    if !sets.verdict(context, &Grant::All(None), false).is_allowed() {
        return None;
    }
    let sets = sets.by_residuals();
    let declared = declared(sets, context);
    let recorder = Recorder::default();
    let _ = sets.verdict(context, &Grant::All(Some(&recorder)), false);
    let mut needed = declared.clone();
    needed.extend(recorder.into_scopes().into_iter().filter(|scope| !declared.contains(scope)));
    let all = needed.clone();
    if needed.len() <= MAX_TRIED {
        let mut at = declared.len();
        while at < needed.len() {
            let left_out = needed.remove(at);
            if !sets.verdict(context, &Grant::Only(&needed), false).is_allowed() {
                needed.insert(at, left_out);
                at += 1;
            }
        }
    }
    // A rule may ask for the absence of a scope. Then fewer can be enough than the token has.
    let held = |scope: &str| principal.scopes().any(|s| s == scope);
    Some(if needed.iter().all(|scope| held(scope)) { all } else { needed })
}

/// What is declared for the tool that is called, each scope once.
fn declared(sets: Sets<'_>, context: &Context<'_>) -> Vec<Box<str>> {
    let mut scopes: Vec<Box<str>> = Vec::new();
    let Some((Kind::Tool, name)) = context.item() else { return scopes };
    for scope in sets.iter().flat_map(|(_, set)| set.tool_scopes().of(name)) {
        if !scopes.iter().any(|s| **s == *scope) {
            scopes.push(scope.into());
        }
    }
    scopes
}
