use http::header::{HeaderMap, HeaderName, HeaderValue};

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
    for failing in ["jwt.missing == 1", "1 / 0 == 1", "jwt.sub > 1", "jwt.sub.matches(jwt.bad)"] {
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
fn row_217_variables() {
    let call = tool("x");
    for rule in [
        r#"jwt.sub == "a" && jwt["https://x/roles"][0] == "r""#,
        r#"mcp.method == "tools/call" && mcp.tool.name == "x""#,
        r#"hasScope("s1") && !hasScope("s")"#,
        r#"!has(mcp.prompt) && has(mcp.tool.name)"#,
    ] {
        let claims = r#"{"sub":"a","https://x/roles":["r"],"scope":"s1 s2"}"#;
        assert!(decide(&set(&[(Allow, rule)]), claims, &call).is_allowed(), "{rule}");
    }
}

fn headers(list: &[(&'static str, &[u8])]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &[u8])| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
    };
    list.iter().map(pair).collect()
}

#[test]
fn request_variables_have_values_beside_mcp_ones() {
    let (call, headers) = (tool("x"), headers(&[("x-env", b"prod"), ("x-name", "zo\u{eb}".as_bytes())]));
    let context =
        |call| Context::new(None).call(call).request("POST", "/mcp", Some("mcp.example")).headers(&headers);
    for rule in [
        r#"request.method == "POST" && request.path == "/mcp" && request.host == "mcp.example""#,
        r#"request.headers["x-env"] == "prod" && mcp.tool.name == "x""#,
        r#"request.headers["X-Env"] == "prod""#,
        r#""x-env" in request.headers && !("x-other" in request.headers) && !has(request.headers.other)"#,
        r#"request.headers["x-name"] == "zo\u00eb""#,
        r#"request.headers["x-" + request.headers["x-env"].replace("prod", "env")] == "prod""#,
    ] {
        assert!(set(&[(Allow, rule)]).decide(&context(&call)).is_allowed(), "{rule}");
    }
    let item = ListItem::new(ItemKind::Tool, "x");
    let listed = Context::new(None).request("POST", "/mcp", None).headers(&headers).list_item(item);
    assert!(set(&[(Require, r#"request.headers["x-env"] == "prod""#)]).decide(&listed).is_allowed());
    for rule in [r#"request.host != "x""#, r#"request.headers["x-other"] != "x""#] {
        assert_eq!(set(&[(Deny, rule)]).decide(&listed).reason(), DecisionReason::DenyFailed(0), "{rule}");
    }
    assert!(Rule::compile(Allow, "request.headers == 1").is_err(), "a map");
    assert!(Rule::compile(Allow, r#"request.headers["x"] == 1"#).is_err(), "of strings");
}

/// Which of two values counts is for the service to say, so a rule cannot: neither the first, nor both joined,
/// nor none of them is an answer that keeps every rule closed.
#[test]
fn a_header_without_one_value_makes_the_rules_that_ask_for_it_fail() {
    let call = tool("x");
    for (name, rows) in
        [("twice", &[("x-env", &b"prod"[..]), ("x-env", b"prod")][..]), ("not text", &[("x-env", b"\xff")])]
    {
        let headers = headers(rows);
        let context = Context::new(None).call(&call).request("POST", "/", None).headers(&headers);
        for rule in [
            r#"request.headers["x-env"] == "prod""#,
            r#"request.headers["X-ENV"] != "prod""#,
            r#"!("x-env" in request.headers)"#,
            r#"request.headers["x-env"] == "prod" || request.method == "POST""#,
            r#"request.headers[mcp.tool.name + "-env"] == "prod""#,
            r#"[request].exists(r, !("x-env" in r.headers))"#,
        ] {
            for (effect, reason) in [
                (Deny, DecisionReason::DenyFailed(0)),
                (Require, DecisionReason::RequireFailed(0)),
                (Allow, DecisionReason::NoAllow),
            ] {
                assert_eq!(
                    set(&[(effect, rule)]).decide(&context).reason(),
                    reason,
                    "{name}: {effect} {rule}"
                );
            }
        }
        let others = set(&[(Require, r#"!("x-other" in request.headers) && request.method == "POST""#)]);
        assert!(
            others.decide(&context).is_allowed(),
            "{name}: a rule that does not ask for it is not concerned"
        );
    }
}

#[test]
fn headers_are_not_printed() {
    let headers = headers(&[("authorization", b"Bearer canary")]);
    let shown = format!("{:?}", Context::new(None).headers(&headers));
    assert!(!shown.contains("canary"), "{shown}");
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
