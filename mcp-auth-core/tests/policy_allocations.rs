//! Decisions allocate nothing. A program of its own: its allocator counts; and one test, because what another one
//! builds meanwhile would be counted too.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "allocations/count.rs"]
mod count;

use count::allocations;
use mcp_auth_core::Principal;
use mcp_auth_core::mcp::{ItemKind, ListItem, McpCall, Target};
use mcp_auth_core::policy::{
    Context, DecisionReason, Effect, Level, MatchBlock, PolicyLevels, PolicySet, PolicySetBuilder, ToolScopes,
};

const CLAIMS: &[u8] =
    br#"{"iss":"https://idp","sub":"u7","groups":["staff","g3"],"scope":"r w","email":"u@x"}"#;

fn few() -> PolicySetBuilder {
    PolicySet::builder()
        .name("few")
        .block(Effect::Deny, MatchBlock::from(r#"mcp.tool.name == "drop""#).name("no-drop"))
        .unwrap()
        .require(r#"jwt.groups.exists(g, g == "staff") && hasScope("r")"#)
        .unwrap()
        .allow(r#"has(jwt.email) && jwt.email.endsWith("@x") && mcp.tool.name != "write""#)
        .unwrap()
}

fn many() -> PolicySetBuilder {
    (0..200).fold(few(), |set, i| {
        let rule = match i % 3 {
            0 => format!(r#""g{}" in jwt.groups && mcp.tool.name == "t{i}""#, i % 5),
            1 => format!(r#"mcp.tool.name == "t{i}" && jwt.sub == "u{}""#, i % 9),
            _ => format!(r#"mcp.tool.name.startsWith("x{i}")"#),
        };
        set.rule(if i % 2 == 0 { Effect::Allow } else { Effect::Deny }, &rule).unwrap()
    })
}

#[test]
fn decisions_allocate_nothing() {
    decisions();
    listings();
}

fn decisions() {
    let principal = Principal::danger_from_unverified_claims(CLAIMS).unwrap();
    let scoped =
        |set: PolicySetBuilder| set.tool_scopes(ToolScopes::new().tool("*", ["r"]).tool("t7", ["w"])).build();
    let levels = PolicyLevels::new().with(Level::Gateway, few().build()).with(Level::Route, many().build());
    let sets = [("few", few().build()), ("many", many().build()), ("with scopes", scoped(many()))];
    for name in ["read", "t3", "t7", "drop", "write"] {
        let call = McpCall::new("tools/call", Some(Target::Tool(name.into())));
        let context = Context::new(Some(&principal)).call(&call);
        for (title, set) in &sets {
            // The first time, a principal and a set meet.
            assert_eq!(set.decide(&context), set.decide_in_full(&context), "{title} {name}");
            assert_eq!(allocations(|| set.decide(&context)), 0, "{title} {name}");
        }
        let _ = levels.decide(&context);
        assert_eq!(allocations(|| levels.decide(&context)), 0, "levels {name}");
    }
    let call = McpCall::new("tools/call", Some(Target::Tool("drop".into())));
    assert!(
        sets.iter().all(|(_, set)| !set.decide(&Context::new(Some(&principal)).call(&call)).is_allowed())
    );
    let denied = sets[1].1.decide(&Context::new(Some(&principal)).call(&call));
    assert_eq!(denied.reason(), DecisionReason::DeniedBy(0));
}

fn listings() {
    let principal = Principal::danger_from_unverified_claims(CLAIMS).unwrap();
    let levels = PolicyLevels::from(many().build());
    let mut listing = levels.listing(&Context::new(Some(&principal)));
    for name in ["read", "t3", "drop", "other"] {
        assert_eq!(allocations(|| listing.shows(ListItem::new(ItemKind::Tool, name))), 0, "{name}");
    }
}
