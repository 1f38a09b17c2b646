//! Rules in CEL: against a closure written by hand over the same claims, and against the `cel` crate with a context
//! that was built before.
//!
//! `cargo bench -p mcp-auth-core --bench cel`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark may fail and prints"
)]

mod support;

use std::hint::black_box;
use std::process::ExitCode;

use mcp_auth_core::Principal;
use mcp_auth_core::cel::Program;
use mcp_auth_core::json::Value as Json;
use mcp_auth_core::mcp::{McpCall, Target};
use mcp_auth_core::policy::{Context, environment};

/// An access token's claims as Keycloak writes them.
const CLAIMS: &str = r#"{"iss":"https://login.example.com/realms/agents","sub":"bob@acme.io",
    "aud":["https://mcp.example.com/mcp","account"],"exp":1794990300,"iat":1794990000,"nbf":1794990000,
    "jti":"1f0a9f3e-6f6b-4c0c-8a3e-b6b1a3c6a9d7","typ":"Bearer","azp":"agent","sid":"0b7f2d52-5a7a-4d1f","acr":"1",
    "scope":"openid mcp:read mcp:write","email":"bob@acme.io","email_verified":true,"name":"Bob Example",
    "preferred_username":"bob","groups":["staff","engineering","on-call","mcp-readers"]}"#;

type Rule = (&'static str, &'static str, Box<dyn Fn(&Principal, &McpCall) -> bool>);

fn text<'p>(principal: &'p Principal, name: &str) -> Option<&'p str> {
    principal.claims().get(name)?.as_str()
}

fn in_groups(principal: &Principal, group: &str) -> bool {
    let groups = principal.claims().get("groups").and_then(Json::as_array);
    groups.is_some_and(|groups| groups.iter().any(|g| g.as_str() == Some(group)))
}

fn tool(call: &McpCall) -> Option<&str> {
    match &call.target {
        Some(Target::Tool(name)) => Some(name),
        _ => None,
    }
}

fn rules() -> Vec<Rule> {
    vec![
        (
            "S0, first rule",
            r#"jwt.groups.exists(g, g == "mcp-readers")"#,
            Box::new(|principal, _| in_groups(principal, "mcp-readers")),
        ),
        (
            "S0, second rule",
            r#"jwt.sub == "alice@acme.io" || mcp.tool.name != "write_record""#,
            Box::new(|principal, call| {
                text(principal, "sub") == Some("alice@acme.io")
                    || tool(call).is_some_and(|t| t != "write_record")
            }),
        ),
        (
            "four terms",
            r#"has(jwt.email) && jwt.email.startsWith("bob@") && mcp.tool.name != "drop" && jwt.groups.exists(g, g == "mcp-readers")"#,
            Box::new(|principal, call| {
                text(principal, "email").is_some_and(|email| email.starts_with("bob@"))
                    && tool(call).is_some_and(|t| t != "drop")
                    && in_groups(principal, "mcp-readers")
            }),
        ),
    ]
}

fn main() -> ExitCode {
    let mut bench = support::Bench::new();
    for (title, source, closure) in rules() {
        compare(&mut bench, title, source, &*closure, "bob@acme.io", "read_record", 0.1);
    }
    // The same where the claim decides. Both evaluators do little here, so that ten times is not asked.
    if let Some((title, source, closure)) = rules().into_iter().nth(1) {
        compare(
            &mut bench,
            &format!("{title}, alice"),
            source,
            &*closure,
            "alice@acme.io",
            "write_record",
            0.2,
        );
    }
    bench.finish()
}

fn compare(
    bench: &mut support::Bench,
    title: &str,
    source: &str,
    closure: &dyn Fn(&Principal, &McpCall) -> bool,
    subject: &str,
    tool: &str,
    of_crate: f64,
) {
    let claims = CLAIMS.replace("bob@acme.io\",", &format!("{subject}\","));
    let principal = Principal::danger_from_unverified_claims(claims.as_bytes()).unwrap();
    let call = McpCall::new("tools/call", Some(Target::Tool(tool.into())));
    let context = Context::new(Some(&principal)).call(&call);
    let mut theirs = cel::Context::default();
    theirs.add_variable("jwt", serde_json::from_str::<serde_json::Value>(&claims).unwrap()).unwrap();
    let mcp = serde_json::json!({"method": "tools/call", "tool": {"name": tool}});
    theirs.add_variable("mcp", mcp).unwrap();
    let ours = Program::compile_predicate(source, &environment()).unwrap();
    let crate_program = cel::Program::compile(source).unwrap();
    assert_eq!(ours.evaluate_bool(&context), Ok(true), "{source}");
    assert!(closure(&principal, &call), "{source}");
    assert_eq!(crate_program.execute(&theirs).unwrap(), cel::Value::Bool(true), "{source}");
    bench
        .race(&format!("{title}: {source}"), 0)
        .case("closure", || closure(black_box(&principal), black_box(&call)))
        .case("ours", || ours.evaluate_bool(black_box(&context)) == Ok(true))
        .case("cel crate", || crate_program.execute(black_box(&theirs)))
        .at_most("ours", 2.0, &["closure"])
        .at_most("ours", of_crate, &["cel crate"])
        .run();
}
