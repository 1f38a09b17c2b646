//! Decisions allocate nothing. A program of its own: its allocator counts; and one test, because what another one
//! builds meanwhile would be counted too.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "allocations/count.rs"]
mod count;

use count::allocations;
use mcp_auth_core::Principal;
use mcp_auth_core::cel::Program;
use mcp_auth_core::mcp::{ItemKind, ListItem, McpCall, Target};
use mcp_auth_core::policy::{
    Context, DecisionReason, Effect, Level, MatchBlock, PolicyLevels, PolicySet, PolicySetBuilder,
    ToolScopes, environment,
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
    rules();
    decisions();
    listings();
}

/// The rules that `benches/policy` times, as expressions and as a set, whichever way they go.
fn rules() {
    let readers = r#"jwt.groups.exists(g, g == "mcp-readers")"#;
    let writers = r#"jwt.sub == "alice@acme.io" || mcp.tool.name != "write_record""#;
    let four = r#"has(jwt.email) && jwt.email.startsWith("bob@") && mcp.tool.name != "drop" && jwt.groups.exists(g, g == "mcp-readers")"#;
    for (sub, group, name, s0, four_terms) in [
        ("bob", "mcp-readers", "read_record", true, true),
        ("bob", "mcp-readers", "write_record", false, true),
        ("bob", "others", "read_record", false, false),
        ("alice", "mcp-readers", "write_record", true, false),
        ("alice", "mcp-readers", "drop", true, false),
    ] {
        let claims = format!(
            r#"{{"iss":"https://idp","sub":"{sub}@acme.io","email":"{sub}@acme.io","groups":["staff","{group}"]}}"#
        );
        let principal = Principal::danger_from_unverified_claims(claims.as_bytes()).unwrap();
        let call = McpCall::new("tools/call", Some(Target::Tool(name.into())));
        let context = Context::new(Some(&principal)).call(&call);
        for (rules, allowed) in [(&[readers, writers][..], s0), (&[four], four_terms)] {
            let about = format!("{rules:?} {sub} {group} {name}");
            let programs: Vec<_> =
                rules.iter().map(|rule| Program::compile_predicate(rule, &environment()).unwrap()).collect();
            let run = || programs.iter().all(|program| program.evaluate_bool(&context) == Ok(true));
            assert_eq!((run(), allocations(run)), (allowed, 0), "{about}");
            let set = rules.iter().fold(PolicySet::builder(), |set, rule| set.require(rule).unwrap()).build();
            assert_eq!(set.decide(&context).is_allowed(), allowed, "{about}");
            assert_eq!(allocations(|| set.decide(&context)), 0, "{about}");
        }
    }
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
    let scoped = many().tool_scopes(ToolScopes::new().tool("*", ["r"]).tool("t3", ["admin"])).build();
    let levels = PolicyLevels::new().with(Level::Gateway, few().build()).with(Level::Route, many().build());
    for levels in [few().build().into(), many().build().into(), scoped.into(), levels] {
        let mut listing = levels.listing(&Context::new(Some(&principal)));
        for kind in [ItemKind::Tool, ItemKind::Prompt, ItemKind::Resource] {
            for name in ["read", "t3", "drop", "other"] {
                assert_eq!(allocations(|| listing.shows(ListItem::new(kind, name))), 0, "{kind:?} {name}");
            }
        }
    }
}
