//! Expressions that make nothing allocate nothing. A program of its own: its allocator counts.

#[path = "allocations/count.rs"]
mod count;

use count::allocations;
use mcp_auth_core::Principal;
use mcp_auth_core::cel::{Environment, Partial, Program, Type, Value, Variables};
use mcp_auth_core::json::{Document, Limits};
use mcp_auth_core::mcp::{McpCall, Target};
use mcp_auth_core::policy::{Context, environment};

const CLAIMS: &[u8] = br#"{"iss":"https://idp.example","sub":"alice","exp":1700000300,"level":3,"ratio":0.5,
    "email":"alice@example.com","admin":true,"address":"10.1.2.3","issued":"2026-11-21T10:00:00Z",
    "scope":"mcp:read mcp:write","groups":["staff","mcp-readers"],"nested":{"a":[1,2,3]}}"#;

#[test]
fn what_makes_nothing_allocates_nothing() {
    let principal = Principal::danger_from_unverified_claims(CLAIMS).unwrap();
    let call = McpCall::new("tools/call", Some(Target::Tool("read_record".into())));
    let context = Context::new(Some(&principal)).call(&call).request("POST", "/mcp", Some("mcp.example"));
    for (source, expected) in [
        (r#"jwt.groups.exists(g, g == "mcp-readers")"#, Some(true)),
        (r#"jwt.sub == "alice@acme.io" || mcp.tool.name != "write_record""#, Some(true)),
        (r#""mcp-readers" in jwt.groups && jwt.sub in ["alice", "bob"]"#, Some(true)),
        (r#"has(jwt.email) && jwt.email.startsWith("alice@") && jwt.email.endsWith(".com")"#, Some(true)),
        (r#"jwt.email.matches("^[a-z]+@example\\.com$")"#, Some(true)),
        (r#"jwt.groups.exists(g, g.startsWith("mcp-") && g != mcp.tool.name)"#, Some(true)),
        (r#"jwt.groups.all(g, size(g) > 3) && !jwt.groups.exists_one(g, g.contains("s"))"#, Some(true)),
        (r#"jwt.groups.exists(i, g, i == 1 && g == "mcp-readers")"#, Some(true)),
        (r#"jwt.exp - 300 == 1700000000 && jwt.ratio < 1.0 && jwt.level in [1, 2, 3]"#, Some(true)),
        (r#"jwt.nested.a[1] == 2 && jwt["nested"]["a"][2] == 3 && size(jwt.nested.a) == 3"#, Some(true)),
        (r#"jwt.admin ? mcp.method == "tools/call" : false"#, Some(true)),
        (
            r#"jwt.?email.orValue("") == "alice@example.com" && jwt.?nothing.orValue("none") == "none""#,
            Some(true),
        ),
        (r#"jwt.?nested.?a.hasValue() && !jwt.?nested.b.hasValue()"#, Some(true)),
        (r#"cidr("10.0.0.0/8").containsIP(jwt.address) && ip(jwt.address).family() == 4"#, Some(true)),
        (r#"timestamp(jwt.issued) + duration("1h") > timestamp("2026-11-21T10:30:00Z")"#, Some(true)),
        (r#"timestamp(jwt.exp).getFullYear("+01:00") == 2023"#, Some(true)),
        (r#"hasScope("mcp:write") && request.path == "/mcp""#, Some(true)),
        (r#"cel.bind(first, jwt.groups[0], first == "staff" || first == "none")"#, Some(true)),
        (r#"type(jwt.sub) == string && jwt.sub.size() == 5"#, Some(true)),
        (r#"jwt.nothing == "a" || jwt.nothing2 > 3 || mcp.prompt.name == "b" || jwt.level == 3"#, Some(true)),
        // Failing costs nothing either.
        (r#"jwt.nothing == "a" || jwt.groups.exists(g, g > 3)"#, None),
        (r#"mcp.prompt.name == "a""#, None),
    ] {
        let program = Program::compile_predicate(source, &environment()).unwrap();
        let run = || program.evaluate_bool(&context).ok();
        assert_eq!(run(), expected, "{source}");
        assert_eq!(allocations(run), 0, "{source}");
    }
}

#[test]
fn what_is_left_for_a_principal_allocates_nothing() {
    let principal = Principal::danger_from_unverified_claims(CLAIMS).unwrap();
    let source =
        r#"mcp.tool.name in jwt.groups || mcp.method == jwt.nested.kind || mcp.tool.name == "read_record""#;
    let program = Program::compile_predicate(source, &environment()).unwrap();
    let Partial::Residual(rest) = program.partial(&Context::new(Some(&principal)), &["jwt"]) else {
        panic!("nothing is left")
    };
    let call = McpCall::new("tools/call", Some(Target::Tool("read_record".into())));
    let context = Context::new(None).call(&call);
    assert_eq!(rest.evaluate_bool(&context), Ok(true));
    assert_eq!(allocations(|| rest.evaluate_bool(&context)), 0);
}

/// The counter counts: what makes a string allocates.
#[test]
fn what_makes_something_is_counted() {
    struct Claims(Document);
    impl Variables for Claims {
        fn get(&self, name: &str) -> Option<Value<'_>> {
            (name == "jwt").then(|| self.0.root().into())
        }
    }
    let claims = Claims(Document::parse(CLAIMS, &Limits::default()).unwrap());
    let environment = Environment::new().variable("jwt", Type::Dyn);
    let program = Program::compile_predicate(r#"jwt.sub + "!" == "alice!""#, &environment).unwrap();
    assert_eq!(program.evaluate_bool(&claims), Ok(true));
    assert!(allocations(|| program.evaluate_bool(&claims)) > 0);
}
