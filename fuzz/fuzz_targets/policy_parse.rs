//! Invariant: an expression that compiles is evaluated within its budget, always to the same, of the type it was
//! checked to have, whether claims are known before or not; a rule that does not say yes never opens.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mcp_auth_core::Principal;
use mcp_auth_core::cel::{DEFAULT_STEPS, EvalErrorKind, MAX_SOURCE_BYTES, Partial, Program, Type, Value};
use mcp_auth_core::mcp::{McpCall, Target};
use mcp_auth_core::policy::{Context, PolicySet, environment};

static PRINCIPAL: LazyLock<Principal> = LazyLock::new(|| {
    let claims = br#"{"iss":"https://idp.example","sub":"alice","aud":["a","b"],"scope":"mcp:read mcp:write","exp":1700000300,
        "groups":["dev","ops"],"level":3,"ratio":0.5,"admin":true,"nothing":null,"nested":{"a":{"b":[1,2,3]}},"text":"aaaaaaaaaaaaaaaa"}"#;
    Principal::danger_from_unverified_claims(claims).unwrap()
});
static CALL: LazyLock<McpCall> =
    LazyLock::new(|| McpCall::new("tools/call", Some(Target::Tool("delete_record".into()))));

fuzz_target!(|data: &[u8]| {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let environment = environment();
    let program = match Program::compile(source, &environment) {
        Ok(program) => program,
        Err(error) => {
            assert!(error.span().start() <= error.span().end() && error.span().end() <= source.len());
            let _ = error.render(source);
            return;
        }
    };
    assert!(source.len() <= MAX_SOURCE_BYTES);
    assert_eq!(program.source(), source);
    let known = [
        "jwt",
        "scopes",
        "mcp",
        "request",
        "source",
        "destination",
        "apiKey",
        "basicAuth",
        "extauthz",
        "now",
    ];
    assert!(program.mentions().all(|path| known.contains(&path.root())));

    let context = Context::new(Some(&*PRINCIPAL)).call(&CALL).request("POST", "/mcp", Some("mcp.example"));
    let full = program.evaluate(&context);
    match &full {
        Ok(value) => {
            if *program.result_type() == Type::Bool {
                assert!(matches!(value, Value::Bool(_)), "checked as bool, is {}", value.type_name());
            }
        }
        Err(error) => drop(error.render(source)),
    }
    let text = |result: &Result<Value<'_>, _>| format!("{result:?}");
    assert_eq!(text(&full), text(&program.evaluate(&context)), "not the same twice");
    // A smaller budget may stop it, and never changes the answer.
    let small = program.evaluate_within(&context, DEFAULT_STEPS / 1000);
    if small.is_ok() {
        assert_eq!(text(&small), text(&full));
    }

    let yes = program.evaluate_bool(&context);
    // What is decided early may spare work that is beyond a limit; otherwise it is the same.
    let limit = |kind| matches!(kind, EvalErrorKind::BudgetExceeded | EvalErrorKind::OutputTooLarge);
    if !yes.as_ref().is_err_and(|error| limit(error.kind())) {
        let early = match program.partial(&Context::new(Some(&*PRINCIPAL)), &["jwt"]) {
            Partial::Value(value) => value,
            Partial::Residual(rest) => rest.evaluate_bool(&context),
        };
        assert_eq!(early.ok(), yes.clone().ok(), "partial evaluation and residual differ");
    }
    assert!(program.cost() <= DEFAULT_STEPS);
    if let Ok(allow) = PolicySet::builder().allow(source) {
        assert!(!allow.build().decide(&context).is_allowed() || yes == Ok(true));
    }
    if let Ok(require) = PolicySet::builder().require(source) {
        let foreign = ["mcp.prompt", "mcp.resource", "mcp.task"].iter().any(|path| program.reads(path));
        assert!(!require.build().decide(&context).is_allowed() || yes == Ok(true) || foreign);
    }
    if let Ok(deny) = PolicySet::builder().deny(source) {
        let foreign = ["mcp.prompt", "mcp.resource", "mcp.task"].iter().any(|path| program.reads(path));
        assert!(!deny.build().decide(&context).is_allowed() || yes == Ok(false) || foreign);
    }
});
