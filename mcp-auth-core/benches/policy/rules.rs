//! What a rule costs, as an expression and as the decision of a set: against a closure written by hand over the same
//! claims, and against the `cel` crate with a context that was built before.

use std::hint::black_box;

use mcp_auth_core::Principal;
use mcp_auth_core::cel::Program;
use mcp_auth_core::json::Value as Json;
use mcp_auth_core::mcp::{McpCall, Target};
use mcp_auth_core::policy::{Context, PolicySet, environment};

use super::support::Bench;

/// An access token's claims as Keycloak writes them.
const CLAIMS: &str = r#"{"iss":"https://login.example.com/realms/agents","sub":"bob@acme.io",
    "aud":["https://mcp.example.com/mcp","account"],"exp":1794990300,"iat":1794990000,"nbf":1794990000,
    "jti":"1f0a9f3e-6f6b-4c0c-8a3e-b6b1a3c6a9d7","typ":"Bearer","azp":"agent","sid":"0b7f2d52-5a7a-4d1f","acr":"1",
    "scope":"openid mcp:read mcp:write","email":"bob@acme.io","email_verified":true,"name":"Bob Example",
    "preferred_username":"bob","groups":["staff","engineering","on-call","mcp-readers"]}"#;

const READERS: &str = r#"jwt.groups.exists(g, g == "mcp-readers")"#;
const WRITERS: &str = r#"jwt.sub == "alice@acme.io" || mcp.tool.name != "write_record""#;
const FOUR_TERMS: &str = r#"has(jwt.email) && jwt.email.startsWith("bob@") && mcp.tool.name != "drop" && jwt.groups.exists(g, g == "mcp-readers")"#;

/// Reads claims by name, as a rule does: which claims it speaks of is the operator's choice.
type Closure = fn(&Principal, &McpCall) -> bool;

struct Race {
    title: &'static str,
    rules: &'static [&'static str],
    closure: Closure,
    /// Whether the decision of a set has to keep the limits too. Where a rule takes ten nanoseconds, saying which one
    /// decided takes as long again.
    decision: bool,
    /// Who calls, and which tool.
    subject: &'static str,
    tool: &'static str,
}

const RACES: [Race; 5] = [
    Race {
        title: "S0, first rule",
        rules: &[READERS],
        closure: readers,
        decision: false,
        subject: "bob@acme.io",
        tool: "read_record",
    },
    Race {
        title: "S0, second rule, the tool decides",
        rules: &[WRITERS],
        closure: writers,
        decision: false,
        subject: "bob@acme.io",
        tool: "read_record",
    },
    Race {
        title: "S0, second rule, the claim decides",
        rules: &[WRITERS],
        closure: writers,
        decision: false,
        subject: "alice@acme.io",
        tool: "write_record",
    },
    Race {
        title: "S0, both rules",
        rules: &[READERS, WRITERS],
        closure: |principal, call| readers(principal, call) && writers(principal, call),
        decision: true,
        subject: "bob@acme.io",
        tool: "read_record",
    },
    Race {
        title: "four terms",
        rules: &[FOUR_TERMS],
        closure: four_terms,
        decision: true,
        subject: "bob@acme.io",
        tool: "read_record",
    },
];

fn text<'p>(principal: &'p Principal, name: &str) -> Option<&'p str> {
    principal.claims().get(name)?.as_str()
}

fn tool(call: &McpCall) -> Option<&str> {
    match &call.target {
        Some(Target::Tool(name)) => Some(name),
        _ => None,
    }
}

fn readers(principal: &Principal, _: &McpCall) -> bool {
    let groups = principal.claims().get("groups").and_then(Json::as_array);
    groups.is_some_and(|groups| groups.iter().any(|g| g.as_str() == Some("mcp-readers")))
}

fn writers(principal: &Principal, call: &McpCall) -> bool {
    text(principal, "sub") == Some("alice@acme.io") || tool(call).is_some_and(|t| t != "write_record")
}

fn four_terms(principal: &Principal, call: &McpCall) -> bool {
    text(principal, "email").is_some_and(|email| email.starts_with("bob@"))
        && tool(call).is_some_and(|t| t != "drop")
        && readers(principal, call)
}

pub(super) fn against_closures_and_the_crate(bench: &mut Bench) {
    RACES.iter().for_each(|race| race.run(bench));
}

impl Race {
    fn run(&self, bench: &mut Bench) {
        let Self { title, rules, closure, .. } = self;
        let claims = CLAIMS.replace("bob@acme.io\",", &format!("{}\",", self.subject));
        let principal = Principal::danger_from_unverified_claims(claims.as_bytes()).unwrap();
        let call = McpCall::new("tools/call", Some(Target::Tool(self.tool.into())));
        let context = Context::new(Some(&principal)).call(&call);

        let mut theirs = cel::Context::default();
        theirs.add_variable("jwt", serde_json::from_str::<serde_json::Value>(&claims).unwrap()).unwrap();
        let mcp = serde_json::json!({"method": "tools/call", "tool": {"name": self.tool}});
        theirs.add_variable("mcp", mcp).unwrap();
        let their_rules: Vec<_> = rules.iter().map(|rule| cel::Program::compile(rule).unwrap()).collect();

        let compile = |rule: &&str| Program::compile_predicate(rule, &environment()).unwrap();
        let our_rules: Vec<Program> = rules.iter().map(compile).collect();
        let set = rules.iter().fold(PolicySet::builder(), |set, rule| set.require(rule).unwrap()).build();

        let by_hand = || closure(black_box(&principal), black_box(&call));
        let ours = || our_rules.iter().all(|rule| rule.evaluate_bool(black_box(&context)) == Ok(true));
        let crates =
            || their_rules.iter().all(|rule| rule.execute(black_box(&theirs)) == Ok(cel::Value::Bool(true)));
        let decision = || set.decide(black_box(&context)).is_allowed();
        assert!(by_hand() && ours() && crates() && decision(), "{title}");
        let mut race = bench
            .race(title, 0)
            .case("closure", by_hand)
            .case("expression", ours)
            .case("decision of a set", decision)
            .case("cel crate", crates)
            .at_most("expression", 2.0, &["closure"])
            .at_most("expression", 0.1, &["cel crate"]);
        if self.decision {
            race = race.at_most("decision of a set", 2.0, &["closure"]).at_most(
                "decision of a set",
                0.1,
                &["cel crate"],
            );
        }
        race.run();
    }
}
