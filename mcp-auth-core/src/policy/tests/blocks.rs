//! Several expressions in one rule, and rules that are not enforced.

use super::*;

const READERS: &str = r#"jwt.groups.exists(g, g == "mcp-readers")"#;
const WRITERS: &str = r#"jwt.sub == "alice@acme.io" || mcp.tool.name != "write_record""#;

fn block(effect: Effect, block: MatchBlock) -> PolicySet {
    PolicySet::builder().block(effect, block).unwrap().build()
}

fn claims(sub: &str, group: &str) -> String {
    format!(r#"{{"sub":"{sub}@acme.io","groups":["{group}"]}}"#)
}

/// The example of the source document has the outcome that the document states, under both of its effects. Read as
/// `OR`, as the other product's controller does under Allow, it would let bob write.
#[test]
fn row_212_a_block_is_joined_by_all() {
    for effect in [Allow, Require] {
        let policy = block(effect, MatchBlock::new([READERS, WRITERS]));
        for (sub, group, name, allowed) in [
            ("alice", "mcp-readers", "write_record", true),
            ("alice", "mcp-readers", "read_record", true),
            ("bob", "mcp-readers", "read_record", true),
            ("bob", "mcp-readers", "write_record", false),
            ("alice", "others", "write_record", false),
            ("alice", "others", "read_record", false),
        ] {
            let decision = decide(&policy, &claims(sub, group), &tool(name));
            assert_eq!(decision.is_allowed(), allowed, "{effect} {sub} {group} {name}");
        }
    }
    let read_as_or = block(Allow, MatchBlock::new([READERS, WRITERS]).join(Join::Any));
    assert!(decide(&read_as_or, &claims("bob", "mcp-readers"), &tool("write_record")).is_allowed());
}

#[test]
fn m1_a_deny_block_of_several_says_how_it_is_joined() {
    let both = [r#"mcp.tool.name == "drop""#, r#"jwt.sub != "alice@acme.io""#];
    let error = PolicySet::builder().block(Deny, MatchBlock::new(both)).unwrap_err();
    assert!(matches!(error.kind(), RuleErrorKind::UnclearBlock));
    assert!(error.to_string().contains("`match: any`") && error.to_string().contains("`match: all`"));
    assert!(PolicySet::builder().block(Deny, MatchBlock::new([both[0]])).is_ok(), "one is clear");
    for (join, alice_drops, bob_drops, bob_reads) in
        [(Join::All, true, false, true), (Join::Any, false, false, false)]
    {
        let policy = PolicySet::builder().block(Deny, MatchBlock::new(both).join(join)).unwrap();
        let policy = policy.allow("true").unwrap().build();
        for (sub, name, allowed) in
            [("alice", "drop", alice_drops), ("bob", "drop", bob_drops), ("bob", "read", bob_reads)]
        {
            let decision = decide(&policy, &claims(sub, "g"), &tool(name));
            assert_eq!(decision.is_allowed(), allowed, "{join} {sub} {name}");
        }
    }
}

#[test]
fn row_209_a_block_needs_an_expression() {
    for effect in [Allow, Deny, Require] {
        let error = Rule::compile(effect, MatchBlock::new::<[&str; 0]>([])).unwrap_err();
        assert!(matches!(error.kind(), RuleErrorKind::EmptyBlock));
        let error = Rule::compile(effect, MatchBlock::new(["true", " "]).join(Join::All)).unwrap_err();
        assert!(matches!(error.kind(), RuleErrorKind::Expression { index: 1, .. }), "{error}");
    }
}

/// As `&&` and `||` of the language, over what the single expressions come to.
#[test]
fn a_block_is_joined_as_the_language_joins() {
    let (yes, no, fails) = ("true", "false", "jwt.missing == 1");
    for (join, symbol) in [(Join::All, "&&"), (Join::Any, "||")] {
        for a in [yes, no, fails] {
            for b in [yes, no, fails] {
                for effect in [Allow, Deny, Require] {
                    let block = block(effect, MatchBlock::new([a, b]).join(join));
                    let one = set(&[(effect, &format!("({a}) {symbol} ({b})"))]);
                    let (block, one) = (decide(&block, "{}", &tool("x")), decide(&one, "{}", &tool("x")));
                    assert_eq!(block.is_allowed(), one.is_allowed(), "{effect} {a} {symbol} {b}");
                    // Which of several failed first may differ; whether one failed does not.
                    if !matches!((effect, join), (Deny, Join::Any) | (Require, Join::All)) {
                        assert_eq!(block, one, "{effect} {a} {symbol} {b}");
                    }
                }
            }
        }
    }
}

/// Required of all: what speaks about tools is required of tools, the rest of everything.
#[test]
fn expressions_that_decide_one_by_one_speak_of_their_own_kinds() {
    let policy = block(Require, MatchBlock::new([READERS, WRITERS]));
    let resource = McpCall::new("resources/read", Some(Target::Resource("file:///x".into())));
    assert!(decide(&policy, &claims("bob", "mcp-readers"), &resource).is_allowed());
    assert!(!decide(&policy, &claims("bob", "others"), &resource).is_allowed());
    let policy = PolicySet::builder().block(Deny, MatchBlock::new([READERS, WRITERS]).join(Join::Any));
    let policy = policy.unwrap().build();
    assert!(decide(&policy, &claims("bob", "others"), &resource).is_allowed());
    assert!(!decide(&policy, &claims("bob", "mcp-readers"), &resource).is_allowed());
}

#[test]
fn decisions_name_rule_and_set() {
    let policy = PolicySet::builder()
        .name("records")
        .allow("true")
        .unwrap()
        .block(Deny, MatchBlock::from(r#"mcp.tool.name == "drop""#).name("no-drop"))
        .unwrap()
        .build();
    let decision = decide(&policy, "{}", &tool("drop"));
    assert_eq!(decision.to_string(), "denied by rule 1 (`no-drop`, records)");
    assert_eq!(decision.reason(), DecisionReason::DeniedBy(1));
    assert_eq!(decision.verdict().rule_name(), Some("no-drop"));
    assert_eq!(decide(&policy, "{}", &tool("x")).to_string(), "allowed by rule 0 (records)");
    assert_eq!(decide(&set(&[(Allow, "true")]), "{}", &tool("x")).to_string(), "allowed by rule 0");
}

#[test]
fn dry_run_rules_are_recorded_and_not_enforced() {
    let trial =
        |effect, expression: &str| MatchBlock::from(expression).name(format!("try-{effect}")).dry_run();
    for (effect, expression, would_be) in [
        (Deny, r#"mcp.tool.name == "x""#, Some("denied by rule 1 (`try-deny`)")),
        (Deny, "jwt.missing == 1", Some("denied: deny rule 1 could not be evaluated (`try-deny`)")),
        (Deny, r#"mcp.tool.name == "y""#, None),
        (Require, "false", Some("denied: rule 1 is required and false (`try-require`)")),
        (Require, "true", None),
    ] {
        let builder = PolicySet::builder().allow("true").unwrap();
        let policy = builder.block(effect, trial(effect, expression)).unwrap().build();
        let decision = decide(&policy, "{}", &tool("x"));
        assert!(decision.is_allowed());
        assert_eq!(decision.reason(), DecisionReason::AllowedBy(0), "{expression}");
        assert_eq!(decision.dry_run().map(ToString::to_string).as_deref(), would_be, "{expression}");
        let text = decision.to_string();
        assert_eq!(text.contains("; with the dry-run rules denied"), would_be.is_some(), "{text}");
    }
    // One that would open what is closed.
    let builder = PolicySet::builder().allow("false").unwrap();
    let decision = decide(&builder.block(Allow, trial(Allow, "true")).unwrap().build(), "{}", &tool("x"));
    assert_eq!(decision.reason(), DecisionReason::NoAllow);
    assert_eq!(decision.dry_run().map(Verdict::reason), Some(DecisionReason::AllowedBy(1)));
    // Nothing but trials: nothing is enforced. The first Allow that is enforced closes the rest.
    let only = PolicySet::builder().block(Allow, trial(Allow, "false")).unwrap().build();
    let decision = decide(&only, "{}", &tool("x"));
    assert_eq!(decision.reason(), DecisionReason::NothingObjects);
    assert_eq!(decision.dry_run().map(Verdict::reason), Some(DecisionReason::NoAllow));
}
