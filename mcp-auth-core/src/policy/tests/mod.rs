mod blocks;
mod findings;
mod levels;
mod partial;
mod scopes;
mod variables;

use super::*;
use crate::Principal;
use crate::mcp::{ItemKind, ListItem, McpCall, Target};

fn principal(claims: &str) -> Principal {
    Principal::danger_from_unverified_claims(claims.as_bytes()).unwrap()
}

fn tool(name: &str) -> McpCall {
    McpCall::new("tools/call", Some(Target::Tool(name.into())))
}

fn decide(policy: &PolicySet, claims: &str, call: &McpCall) -> Decision {
    policy.decide(&Context::new(Some(&principal(claims))).call(call))
}

fn set(rules: &[(Effect, &str)]) -> PolicySet {
    let mut builder = PolicySet::builder();
    for (effect, rule) in rules {
        builder = builder.rule(*effect, rule).unwrap();
    }
    builder.build()
}

use Effect::{Allow, Deny, Require};

#[test]
fn row_208_each_effect() {
    let call = tool("x");
    for (rules, allowed) in [
        (&[][..], false),
        (&[(Allow, "true")], true),
        (&[(Allow, "false")], false),
        (&[(Allow, "false"), (Allow, "true")], true),
        (&[(Deny, "true"), (Allow, "true")], false),
        (&[(Deny, "false")], true),
        (&[(Require, "true")], true),
        (&[(Require, "false"), (Allow, "true")], false),
        (&[(Require, "true"), (Allow, "false")], false),
    ] {
        assert_eq!(decide(&set(rules), "{}", &call).is_allowed(), allowed, "{rules:?}");
    }
}

#[test]
fn attack_070_a_rule_that_fails_never_opens() {
    let call = tool("x");
    for failing in ["jwt.missing == 1", "1 / 0 == 1", "jwt.bad > 1", "jwt.sub.matches(jwt.bad)"] {
        let claims = r#"{"sub":"a","bad":"("}"#;
        for effect in [Allow, Deny, Require] {
            assert!(!decide(&set(&[(effect, failing)]), claims, &call).is_allowed(), "{effect} {failing}");
        }
        let decision = decide(&set(&[(Deny, failing), (Allow, "true")]), claims, &call);
        assert_eq!(decision.reason(), DecisionReason::DenyFailed(0));
    }
}

#[test]
fn attack_071_an_empty_set_denies() {
    assert_eq!(decide(&set(&[]), "{}", &tool("x")).reason(), DecisionReason::EmptySet);
}

#[test]
fn row_210_groups() {
    let policy = set(&[(Allow, r#"jwt.groups.exists(g, g == "mcp-readers")"#)]);
    assert!(decide(&policy, r#"{"groups":["a","mcp-readers"]}"#, &tool("x")).is_allowed());
    assert!(!decide(&policy, r#"{"groups":["a"]}"#, &tool("x")).is_allowed());
    assert!(!decide(&policy, "{}", &tool("x")).is_allowed());
    assert!(!decide(&policy, r#"{"groups":"mcp-readers"}"#, &tool("x")).is_allowed());
}

#[test]
fn row_211_212_bob_reads_and_only_alice_writes() {
    let policy = set(&[
        (Require, r#"jwt.groups.exists(g, g == "mcp-readers")"#),
        (Require, r#"jwt.sub == "alice@acme.io" || mcp.tool.name != "write_record""#),
    ]);
    let who = |sub: &str| format!(r#"{{"sub":"{sub}","groups":["mcp-readers"]}}"#);
    for (sub, name, allowed) in [
        ("alice@acme.io", "write_record", true),
        ("alice@acme.io", "read_record", true),
        ("bob@acme.io", "read_record", true),
        ("bob@acme.io", "write_record", false),
    ] {
        assert_eq!(decide(&policy, &who(sub), &tool(name)).is_allowed(), allowed, "{sub} {name}");
    }
    assert!(!decide(&policy, r#"{"sub":"alice@acme.io"}"#, &tool("read_record")).is_allowed());
}

#[test]
fn a_deny_on_tools_says_nothing_about_resources() {
    let policy = set(&[(Deny, r#"mcp.tool.name == "delete""#), (Allow, "true")]);
    let resource = McpCall::new("resources/read", Some(Target::Resource("file:///x".into())));
    assert!(decide(&policy, "{}", &resource).is_allowed());
    assert!(decide(&policy, "{}", &tool("read")).is_allowed());
    assert!(!decide(&policy, "{}", &tool("delete")).is_allowed());
    let by_tool = set(&[(Allow, r#"mcp.tool.name == "read""#)]);
    assert!(!decide(&by_tool, "{}", &resource).is_allowed(), "an allow is evaluated as it stands");
}

#[test]
fn attack_088_an_item_of_a_list_is_judged_as_its_call() {
    let policy =
        set(&[(Allow, r#"mcp.tool.name.startsWith("read")"#), (Allow, r#"mcp.resource.uri == "a:b""#)]);
    let claims = principal("{}");
    for (kind, target) in [
        (ItemKind::Tool, Target::Tool as fn(Box<str>) -> Target),
        (ItemKind::Prompt, Target::Prompt),
        (ItemKind::Resource, Target::Resource),
        (ItemKind::Task, Target::Task),
    ] {
        for name in ["read_x", "write_x", "a:b", "", "read"] {
            let method = match kind {
                ItemKind::Tool => "tools/call",
                ItemKind::Prompt => "prompts/get",
                ItemKind::Task => "tasks/get",
                _ => "resources/read",
            };
            let call = McpCall::new(method, Some(target(name.into())));
            let as_call = policy.decide(&Context::new(Some(&claims)).call(&call));
            let as_item = policy.decide(&Context::new(Some(&claims)).list_item(ListItem::new(kind, name)));
            assert_eq!(as_call, as_item, "{kind:?} {name}");
        }
    }
}

#[test]
fn row_232_nobody_has_no_claims() {
    let policy = set(&[(Allow, r#"jwt.sub == "a" || !has(jwt.sub)"#)]);
    assert!(!policy.decide(&Context::new(None).call(&tool("x"))).is_allowed());
}

#[test]
fn a_rule_that_does_not_compile_says_where_and_what() {
    let error = Rule::compile(Allow, r#"jwt.sub == "a" && mpc.tool.name == "x""#).unwrap_err().to_string();
    assert!(error.contains("unknown variable `mpc`, did you mean `mcp`?"), "{error}");
    assert!(error.contains("1:19"), "{error}");
    assert!(Rule::compile(Allow, r#"mcp.tool.nam == "x""#).unwrap_err().to_string().contains("`name`"));
    assert!(Rule::compile(Allow, "mcp.tool.name").is_err(), "not a predicate");
    assert!(Rule::compile(Allow, "").is_err());
}

/// A name is its characters: what looks like it, or a lenient reader takes for it, is another one.
#[test]
fn attack_079_names_that_look_alike_are_other_names() {
    let alike = [
        "cafe\u{301}",  // another normal form
        "café ",        // white space behind
        " café",        // and in front
        "caf\u{200d}é", // a joiner that nobody sees
        "\u{feff}café", // a byte-order mark
        "c\u{430}fé",   // a Cyrillic letter
        "ｃafé",        // a wide one
        "Café",         // case
        "café\0",       // an end to C
        "café\u{202e}", // a change of direction
        "caf%C3%A9",    // another encoding
    ];
    for (rules, named) in [
        (&[(Allow, r#"mcp.tool.name == "café""#)][..], true),
        (&[(Allow, r#"mcp.tool.name in ["café", "tea"]"#)], true),
        (&[(Require, r#"mcp.tool.name != "café""#)], false),
        (&[(Deny, r#"mcp.tool.name == "café""#)], false),
    ] {
        let policy = set(rules);
        // With an escape, too: it is the same name.
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"caf\u00e9"}}"#;
        let escaped = crate::mcp::peek(body.as_bytes()).unwrap();
        for call in [tool("café"), escaped] {
            assert_eq!(decide(&policy, "{}", &call).is_allowed(), named, "{rules:?} {call:?}");
        }
        for name in alike {
            // Where rules name what is allowed, the others are denied; a rule that names what is not says nothing of them.
            let is_allowed = decide(&policy, "{}", &tool(name)).is_allowed();
            assert_eq!(is_allowed, !named, "{rules:?} {name:?}");
        }
    }
}
