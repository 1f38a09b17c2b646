//! Decisions: against closures and the `cel` crate, and by the number of rules, users and tools.
//!
//! `cargo bench -p mcp-auth-core --bench policy`

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
use mcp_auth_core::mcp::{ItemKind, ListItem, McpCall, Target};
use mcp_auth_core::policy::{Context, Effect, PolicyLevels, PolicySet, PolicySetBuilder, environment};

/// An access token's claims as Keycloak writes them.
const CLAIMS: &str = r#"{"iss":"https://login.example.com/realms/agents","sub":"bob@acme.io",
    "aud":["https://mcp.example.com/mcp","account"],"exp":1794990300,"iat":1794990000,"nbf":1794990000,
    "jti":"1f0a9f3e-6f6b-4c0c-8a3e-b6b1a3c6a9d7","typ":"Bearer","azp":"agent","sid":"0b7f2d52-5a7a-4d1f","acr":"1",
    "scope":"openid mcp:read mcp:write","email":"bob@acme.io","email_verified":true,"name":"Bob Example",
    "preferred_username":"bob","groups":["staff","engineering","on-call","mcp-readers"]}"#;

const READERS: &str = r#"jwt.groups.exists(g, g == "mcp-readers")"#;
const WRITERS: &str = r#"jwt.sub == "alice@acme.io" || mcp.tool.name != "write_record""#;
const FOUR_TERMS: &str = r#"has(jwt.email) && jwt.email.startsWith("bob@") && mcp.tool.name != "drop" && "mcp-readers" in jwt.groups"#;

fn text<'p>(principal: &'p Principal, name: &str) -> Option<&'p str> {
    principal.claims().get(name)?.as_str()
}

fn reads(principal: &Principal) -> bool {
    let groups = principal.claims().get("groups").and_then(Json::as_array);
    groups.is_some_and(|groups| groups.iter().any(|g| g.as_str() == Some("mcp-readers")))
}

fn tool(call: &McpCall) -> Option<&str> {
    match &call.target {
        Some(Target::Tool(name)) => Some(name),
        _ => None,
    }
}

fn readers(principal: &Principal, _: &McpCall) -> bool {
    reads(principal)
}

fn writers(principal: &Principal, call: &McpCall) -> bool {
    text(principal, "sub") == Some("alice@acme.io") || tool(call).is_some_and(|t| t != "write_record")
}

fn four_terms(principal: &Principal, call: &McpCall) -> bool {
    text(principal, "email").is_some_and(|email| email.starts_with("bob@"))
        && tool(call).is_some_and(|t| t != "drop")
        && reads(principal)
}

type Closure = fn(&Principal, &McpCall) -> bool;

/// What a rule costs: as an expression, and as the decision of a set.
fn rules(bench: &mut support::Bench) {
    let principal = principal(CLAIMS);
    let call = McpCall::new("tools/call", Some(Target::Tool("read_record".into())));
    let context = Context::new(Some(&principal)).call(&call);
    let mut theirs = cel::Context::default();
    theirs.add_variable("jwt", serde_json::from_str::<serde_json::Value>(CLAIMS).unwrap()).unwrap();
    let mcp = serde_json::json!({"method": "tools/call", "tool": {"name": "read_record"}});
    theirs.add_variable("mcp", mcp).unwrap();
    let both: Closure = |principal, call| readers(principal, call) && writers(principal, call);
    let races: [(&str, &[&str], Closure); 4] = [
        ("S0, first rule", &[READERS], readers),
        ("S0, second rule", &[WRITERS], writers),
        ("S0, both rules", &[READERS, WRITERS], both),
        ("four terms", &[FOUR_TERMS], four_terms),
    ];
    for (title, sources, closure) in races {
        let compile = |source: &&str| Program::compile_predicate(source, &environment()).unwrap();
        let ours: Vec<Program> = sources.iter().map(compile).collect();
        let crate_programs: Vec<_> = sources.iter().map(|s| cel::Program::compile(s).unwrap()).collect();
        let builder = PolicySet::builder();
        let set = sources.iter().fold(builder, |set, source| set.require(source).unwrap()).build();
        assert!(closure(&principal, &call) && set.decide(&context).is_allowed());
        let run =
            || crate_programs.iter().all(|p| p.execute(black_box(&theirs)) == Ok(cel::Value::Bool(true)));
        assert!(run() && ours.iter().all(|program| program.evaluate_bool(&context) == Ok(true)));
        let evaluate = || match &ours[..] {
            [one] => one.evaluate_bool(black_box(&context)).is_ok_and(|yes| yes),
            several => several.iter().all(|p| p.evaluate_bool(black_box(&context)).is_ok_and(|yes| yes)),
        };
        bench
            .race(title, 0)
            .case("closure", || closure(black_box(&principal), black_box(&call)))
            .case("expressions", evaluate)
            .case("cel crate", run)
            .case("decision of a set", || set.decide(black_box(&context)).is_allowed())
            .at_most("expressions", 2.0, &["closure"])
            .at_most("expressions", 0.1, &["cel crate"])
            .at_most("decision of a set", 2.0, &["closure"])
            .at_most("decision of a set", 0.1, &["cel crate"])
            .run();
    }
}

fn principal(claims: &str) -> Principal {
    Principal::danger_from_unverified_claims(claims.as_bytes()).unwrap()
}

/// Rules on groups and tools mixed: half say who may, the others who may not and what is required.
fn mixed(count: usize) -> PolicySetBuilder {
    let mut builder =
        PolicySet::builder().allow(r#""staff" in jwt.groups && mcp.tool.name == "known""#).unwrap();
    for i in 1..count {
        let (group, tool) = (i % 97, i / 2);
        let (effect, rule) = match i % 4 {
            0 | 1 => (Effect::Allow, format!(r#""g{group}" in jwt.groups && mcp.tool.name == "t{tool}""#)),
            2 => (Effect::Deny, format!(r#"mcp.tool.name == "t{tool}" && !("g{group}" in jwt.groups)"#)),
            _ => (Effect::Require, format!(r#"mcp.tool.name != "t{tool}" || "g{group}" in jwt.groups"#)),
        };
        builder = builder.rule(effect, &rule).unwrap();
    }
    builder
}

fn member(index: usize, groups: &[usize]) -> Principal {
    let groups: Vec<_> = groups.iter().map(|g| format!("\"g{g}\"")).collect();
    principal(&format!(
        r#"{{"sub":"user-{index}","iss":"i","groups":["staff",{}],"scope":"a b"}}"#,
        groups.join(",")
    ))
}

/// Three groups, never the same three twice.
fn combinations() -> impl Iterator<Item = [usize; 3]> {
    (2..97).flat_map(|a| (1..a).flat_map(move |b| (0..b).map(move |c| [a, b, c])))
}

fn by_rules(bench: &mut support::Bench) {
    let counts = [10, 100, 1_000, 10_000];
    let sets: Vec<PolicySet> = counts.iter().map(|count| mixed(*count).build()).collect();
    let [ten, hundred, thousand, ten_thousand] = &sets[..] else { unreachable!() };
    let user = member(1, &[3, 17, 40]);
    let calls =
        ["known", "t3", "never"].map(|name| McpCall::new("tools/call", Some(Target::Tool(name.into()))));
    let all = |set: &PolicySet| {
        calls.iter().filter(|call| set.decide(&Context::new(Some(&user)).call(call)).is_allowed()).count()
    };
    for set in &sets {
        for call in &calls {
            let context = Context::new(Some(&user)).call(call);
            assert_eq!(set.decide(&context), set.decide_in_full(&context));
        }
        assert_eq!(all(set), 1);
    }
    bench
        .race("three decisions for a known principal, by the number of rules", 0)
        .case("10 rules", || all(ten))
        .case("100 rules", || all(hundred))
        .case("1,000 rules", || all(thousand))
        .case("10,000 rules", || all(ten_thousand))
        .at_most("10,000 rules", 2.0, &["10 rules"])
        .run();
    let call = &calls[0];
    // A new principal each time: a new token of the same claims, whose residual is known; and one of new claims.
    let refreshed =
        |set: &PolicySet| set.decide(&Context::new(Some(&member(1, &[3, 17, 40]))).call(call)).is_allowed();
    let meets = |set: &PolicySet, groups: Option<[usize; 3]>| {
        let user = member(1, &groups.unwrap());
        set.decide(&Context::new(Some(&user)).call(call)).is_allowed()
    };
    let (mut some, mut others) = (combinations(), combinations());
    bench
        .race("first meeting of a principal and a set", 0)
        .case("1,000 rules, claims seen before", || refreshed(thousand))
        .case("10,000 rules, claims seen before", || refreshed(ten_thousand))
        .case("1,000 rules, new claims", || meets(thousand, some.next()))
        .case("10,000 rules, new claims", || meets(ten_thousand, others.next()))
        .case("10,000 rules, every rule", || {
            ten_thousand.decide_in_full(&Context::new(Some(&user)).call(call))
        })
        .at_most("10,000 rules, new claims", 15.0, &["1,000 rules, new claims"])
        .run();
}

fn by_users(bench: &mut support::Bench) {
    let set = mixed(1_000).deny(r#"jwt.sub == "user-7" && mcp.tool.name == "known""#).unwrap().build();
    let call = McpCall::new("tools/call", Some(Target::Tool("known".into())));
    let mut allowed = 0;
    for index in 0..100_000 {
        let combination = index % 50;
        let user = member(index, &[combination, combination + 3]);
        allowed += usize::from(set.decide(&Context::new(Some(&user)).call(&call)).is_allowed());
    }
    println!("\n100,000 users in 50 combinations of groups");
    println!("  {} residuals of {} bytes, {allowed} decisions allow", set.residuals(), set.residual_bytes());
    bench.check("at most 50 residuals", set.residuals() <= 50);
    bench.check("all but the one who is denied by name", allowed == 99_999);
}

fn item(name: &str) -> ListItem<'_> {
    ListItem::new(ItemKind::Tool, name)
}

fn by_tools(bench: &mut support::Bench) {
    let policy = PolicyLevels::from(mixed(1_000).build());
    let user = member(1, &[3, 17, 40]);
    let names: Vec<String> = (0..1_000).map(|i| format!("t{i}")).collect();
    let context = Context::new(Some(&user));
    let shown = || {
        let mut listing = policy.listing(&context);
        names.iter().filter(|name| listing.shows(item(name))).count()
    };
    let decide = |name: &str| policy.decide(&context.list_item(item(name)));
    assert_eq!(shown(), names.iter().filter(|name| decide(name).is_allowed()).count());
    // Tools with the same outcome of every rule count once.
    let mut outcomes: Vec<(String, &String)> =
        names.iter().map(|name| (format!("{:?}", decide(name)), name)).collect();
    outcomes.sort();
    outcomes.dedup_by(|a, b| a.0 == b.0);
    let distinct: Vec<&String> = outcomes.into_iter().map(|(_, name)| name).collect();
    println!("\n1,000 tools under 1,000 rules have {} outcomes", distinct.len());
    bench
        .race("a list of 1,000 tools under 1,000 rules", 0)
        .case("list", shown)
        .case("one decision per outcome", || distinct.iter().filter(|name| decide(name).is_allowed()).count())
        .case("one decision per tool", || names.iter().filter(|name| decide(name).is_allowed()).count())
        .at_most("list", 5.0, &["one decision per outcome"])
        .run();
}

fn main() -> ExitCode {
    let mut bench = support::Bench::new();
    rules(&mut bench);
    by_rules(&mut bench);
    by_users(&mut bench);
    by_tools(&mut bench);
    bench.finish()
}
