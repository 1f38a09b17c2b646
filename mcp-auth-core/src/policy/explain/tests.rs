use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::Principal;
use crate::json::{Document, Value};
use crate::mcp::{McpCall, Target};
use crate::policy::{
    Context, Effect, Explanation, Join, Level, MatchBlock, PolicyLevels, PolicySet, ToolScopes,
};

fn principal(claims: &str) -> Principal {
    Principal::danger_from_unverified_claims(claims.as_bytes()).unwrap()
}

fn policy() -> PolicyLevels {
    let gateway =
        PolicySet::builder().name("authorization").require(r#"jwt.iss == "https://idp""#).unwrap().build();
    let route = PolicySet::builder()
        .name("mcpAuthorization")
        .tool_scopes(ToolScopes::new().tool("write_*", ["mcp:write"]))
        .block(
            Effect::Allow,
            MatchBlock::new([
                r#"jwt.groups.exists(g, g == "mcp-readers")"#,
                r#"jwt.sub == "alice@acme.io" || mcp.tool.name != "write_record""#,
            ])
            .name("readers"),
        )
        .unwrap()
        .deny(r#"mcp.resource.uri == "file:///secret""#)
        .unwrap()
        .block(
            Effect::Deny,
            MatchBlock::new(["jwt.level < 2", "jwt.missing == 1"]).join(Join::All).name("try").dry_run(),
        )
        .unwrap()
        .build();
    PolicyLevels::new().with(Level::Gateway, gateway).with(Level::Route, route)
}

fn explain(claims: &str, tool: &str, show_values: bool) -> Explanation {
    let (principal, call) = (principal(claims), McpCall::new("tools/call", Some(Target::Tool(tool.into()))));
    policy().explain(&Context::new(Some(&principal)).call(&call), show_values)
}

const BOB: &str = r#"{"iss":"https://idp","sub":"bob@acme.io","groups":["staff","mcp-readers"],"level":1,"scope":"mcp:read"}"#;

#[test]
fn an_explanation_for_people() {
    let expected = r#"denied: no allow rule is true (mcpAuthorization, route)
asked: tools/call, tool `write_record`

authorization, gateway: allowed: no rule objects (authorization)
require 0: true
  jwt.iss == "https://idp" = true
    jwt.iss = "https://idp"

mcpAuthorization, route: denied: no allow rule is true (mcpAuthorization)
allow 0 `readers`: false
  jwt.groups.exists(g, g == "mcp-readers") = true
    jwt.groups = ["staff","mcp-readers"]
  jwt.sub == "alice@acme.io" || mcp.tool.name != "write_record" = false
    jwt.sub == "alice@acme.io" = false
      jwt.sub = "bob@acme.io"
    mcp.tool.name != "write_record" = false
      mcp.tool.name = "write_record"
deny 1: does not speak of this
deny 2 `try` (dry run): fails
  jwt.level < 2 = true
    jwt.level = 1
  jwt.missing == 1 fails: no such key `missing`
    jwt.missing fails: no such key `missing`
scope mcp:write for this tool: missing
"#;
    assert_eq!(explain(BOB, "write_record", true).to_string(), expected);
}

#[test]
fn an_explanation_for_programs() {
    let json = explain(BOB, "write_record", true).to_json();
    let document = Document::parse(json.as_bytes(), &Default::default()).unwrap();
    let root = document.as_object().unwrap();
    let text = |name: &str| root.get(name).map(Value::to_json);
    assert_eq!(text("allowed").as_deref(), Some("false"));
    assert_eq!(text("reason").as_deref(), Some("\"no_allow\""));
    assert_eq!(text("level").as_deref(), Some("\"route\""));
    assert_eq!(text("dryRun").as_deref(), Some("null"));
    let expected = r#"{"item":"write_record","kind":"tool","method":"tools/call"}"#;
    assert_eq!(text("asked").as_deref(), Some(expected));
    assert!(json.contains(r#"{"parts":[],"text":"jwt.sub","value":"bob@acme.io"}"#), "{json}");
    assert!(json.contains(r#""error":"no such key `missing`""#), "{json}");
    assert!(json.contains(r#"{"granted":false,"scope":"mcp:write"}"#), "{json}");
}

/// With values hidden, nothing of the token, the headers or the arguments is in either form.
#[test]
fn claims_are_not_shown_unless_somebody_asks() {
    let claims = r#"{"iss":"https://idp","sub":"canary-sub","groups":["canary-group"],"level":1,"n":{"canary-key":"x"}}"#;
    let (principal, mut headers) = (principal(claims), HeaderMap::new());
    headers.insert(HeaderName::from_static("x-key"), HeaderValue::from_static("canary-header"));
    let set = PolicySet::builder()
        .allow(r#"jwt.groups.exists(g, g == "a") || jwt.sub + "x" == "y" || size(jwt.n) > 5"#)
        .unwrap()
        .allow(r#"request.headers["x-key"].startsWith("a") || request.headers["x-key"] == "b""#)
        .unwrap()
        .allow(r#"(mcp.tool.arguments.a == "canary-not" ? jwt.sub : jwt.groups[0]) == "z""#)
        .unwrap()
        .build();
    let arguments = Document::parse(br#"{"a":"canary-argument"}"#, &Default::default()).unwrap();
    let call = McpCall::new("tools/call", Some(Target::Tool("x".into())));
    let context =
        Context::new(Some(&principal)).headers(&headers).call(&call).arguments(Some(arguments.root()));
    let policy = PolicyLevels::from(set);
    for (show, expected) in [(false, 0), (true, 5)] {
        let explanation = policy.explain(&context, show);
        for text in [explanation.to_string(), explanation.to_json(), format!("{explanation:?}")] {
            // The rule's own text may be shown.
            let text = text.replace("canary-not", "");
            assert_eq!(text.matches("canary").count() > expected, show, "{text}");
        }
    }
    assert!(policy.explain(&context, false).to_string().contains("jwt.sub + \"x\" = (string, not shown)"));
}

#[test]
fn parts_are_written_as_they_stand_with_their_parentheses() {
    let principal = principal(r#"{"a":true,"b":false,"c":["x)"],"n":-1}"#);
    let set = PolicySet::builder()
        .allow(
            r#"(jwt.a || jwt.b) && !(jwt.b || "x)" in jwt.c) && (jwt.n) == -1 && [1, (2)].exists(i, i == 2)"#,
        )
        .unwrap()
        .build();
    let text = PolicyLevels::from(set).explain(&Context::new(Some(&principal)), true).to_string();
    for line in ["(jwt.a || jwt.b) = true", "(jwt.b || \"x)\" in jwt.c) = true", "\"x)\" in jwt.c = true"] {
        assert!(text.lines().any(|l| l.trim() == line), "{line}\n{text}");
    }
    for line in text.lines() {
        assert_eq!(line.matches('(').count(), line.replace("x)", "").matches(')').count(), "{line}");
    }
}

#[test]
fn what_a_caller_writes_does_not_reach_the_terminal_as_it_is() {
    let principal = principal(r#"{"sub":"\u001b[2Jgone","groups":[]}"#);
    let call = McpCall::new("tools/call", Some(Target::Tool("x\u{1b}[31m\nallowed".into())));
    let set = PolicySet::builder().allow(r#"jwt.sub == "a" && mcp.tool.name == "b""#).unwrap().build();
    let text = PolicyLevels::from(set).explain(&Context::new(Some(&principal)).call(&call), true).to_string();
    assert!(!text.contains('\u{1b}') && !text.contains("\nallowed"), "{text:?}");
}

#[test]
fn long_values_are_cut() {
    let groups: Vec<String> = (0..500).map(|i| format!("\"{i}{}\"", "x".repeat(300))).collect();
    let principal =
        principal(&format!(r#"{{"sub":"{}","groups":[{}]}}"#, "s".repeat(10_000), groups[..100].join(",")));
    let set = PolicySet::builder().allow(r#"jwt.sub == "a" || "b" in jwt.groups"#).unwrap().build();
    let text = PolicyLevels::from(set).explain(&Context::new(Some(&principal)), true).to_string();
    assert!(text.len() < 10_000, "{}", text.len());
}

#[test]
fn values_that_hold_others_twice_are_cut() {
    let mut twice = "x24".to_owned();
    for i in (1..=24).rev() {
        let before = i - 1;
        twice = format!("cel.bind(x{i}, [x{before}, x{before}], {twice})");
    }
    let twice = format!("cel.bind(x0, [dyn(jwt.sub)], {twice})");
    let set =
        PolicySet::builder().allow(&format!("{twice} == [dyn(1)] || {{'a': {twice}}} == {{'a': dyn(1)}}"));
    let principal = principal(r#"{"sub":"a"}"#);
    let policy = PolicyLevels::from(set.unwrap().build());
    let text = policy.explain(&Context::new(Some(&principal)), true).to_string();
    assert!(text.len() < 100_000 && text.contains('…'), "{}", text.len());
}

#[test]
fn explanations_name_the_scopes_that_would_be_enough() {
    let set = PolicySet::builder().allow(r#"hasScope("w")"#).unwrap().build();
    let principal = principal(r#"{"sub":"a","scope":"r"}"#);
    let text = PolicyLevels::from(set).explain(&Context::new(Some(&principal)), true).to_string();
    assert!(text.contains("a token with these scopes would be enough: w\n"), "{text}");
}
