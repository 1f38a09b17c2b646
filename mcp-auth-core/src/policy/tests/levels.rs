//! Several sets: a lower level narrows and never widens.

use super::*;

fn levels(sets: &[(Level, PolicySet)]) -> PolicyLevels {
    sets.iter().fold(PolicyLevels::new(), |levels, (level, set)| levels.with(*level, set.clone()))
}

fn judge(policy: &PolicyLevels, name: &str) -> Decision {
    let (principal, call) = (principal("{}"), tool(name));
    policy.decide(&Context::new(Some(&principal)).call(&call))
}

#[test]
fn a_lower_level_narrows_and_never_widens() {
    let sets = [
        set(&[(Allow, "true")]),
        set(&[(Allow, "false")]),
        set(&[(Deny, "true"), (Allow, "true")]),
        set(&[(Require, "true")]),
        set(&[(Require, "false"), (Allow, "true")]),
        set(&[(Deny, "jwt.missing == 1"), (Allow, "true")]),
        set(&[]),
    ];
    let alone: Vec<bool> = sets.iter().map(|s| decide(s, "{}", &tool("x")).is_allowed()).collect();
    for (a, outer) in sets.iter().enumerate() {
        for (b, inner) in sets.iter().enumerate() {
            let policy = levels(&[(Level::Gateway, outer.clone()), (Level::Route, inner.clone())]);
            assert_eq!(judge(&policy, "x").is_allowed(), alone[a] && alone[b], "{a} {b}");
        }
    }
}

#[test]
fn levels_are_asked_from_the_outside_in_whatever_the_order_they_were_added_in() {
    let named = |name: &str, rule: &str| {
        PolicySet::builder().name(name).allow("true").unwrap().deny(rule).unwrap().build()
    };
    let policy = levels(&[
        (Level::Backend, named("b", r#"mcp.tool.name.startsWith("x")"#)),
        (Level::Route, named("r1", r#"mcp.tool.name == "xr""#)),
        (Level::Gateway, named("g", r#"mcp.tool.name == "xg""#)),
        (Level::Route, named("r2", r#"mcp.tool.name == "xr""#)),
        (Level::Listener, named("l", r#"mcp.tool.name == "xl""#)),
    ]);
    let order: Vec<_> = policy.sets().map(|(level, set)| (level.unwrap(), set.name().unwrap())).collect();
    let expected = [
        (Level::Gateway, "g"),
        (Level::Listener, "l"),
        (Level::Route, "r1"),
        (Level::Route, "r2"),
        (Level::Backend, "b"),
    ];
    assert_eq!(order, expected);
    for (name, level, set) in [
        ("xg", Level::Gateway, "g"),
        ("xl", Level::Listener, "l"),
        ("xr", Level::Route, "r1"),
        ("x", Level::Backend, "b"),
    ] {
        let decision = judge(&policy, name);
        assert_eq!((decision.verdict().level(), decision.verdict().set_name()), (Some(level), Some(set)));
        assert_eq!(decision.to_string(), format!("denied by rule 1 ({set}, {level})"));
    }
    assert_eq!(judge(&policy, "y").to_string(), "allowed by rule 0 (b, backend)");
}

#[test]
fn attack_071_no_level_and_an_empty_level_deny() {
    assert_eq!(judge(&PolicyLevels::new(), "x").reason(), DecisionReason::EmptySet);
    let open: PolicyLevels = set(&[(Allow, "true")]).into();
    for both in [PolicyLevels::new().followed_by(&open), open.followed_by(&PolicyLevels::new())] {
        assert_eq!(judge(&both, "x").reason(), DecisionReason::EmptySet);
    }
    let with_empty =
        levels(&[(Level::Gateway, set(&[(Allow, "true")])), (Level::Route, PolicySet::default())]);
    let decision = judge(&with_empty, "x");
    assert_eq!(
        (decision.reason(), decision.verdict().level()),
        (DecisionReason::EmptySet, Some(Level::Route))
    );
}

#[test]
fn sets_are_put_behind_others() {
    let http = PolicyLevels::from(set(&[(Require, r#"jwt.sub == "a""#)]));
    let mcp = levels(&[(Level::Route, set(&[(Allow, "true")]))]);
    let both = http.followed_by(&mcp);
    assert_eq!(both.sets().len(), 2);
    assert_eq!(judge(&both, "x").reason(), DecisionReason::RequireFailed(0));
}

/// A dry-run rule on any level shows what all levels together would make of it.
#[test]
fn dry_run_rules_reach_over_levels() {
    let trial = MatchBlock::from(r#"mcp.tool.name == "x""#).dry_run();
    let trial = PolicySet::builder().allow("true").unwrap().block(Deny, trial).unwrap().build();
    let policy = levels(&[(Level::Gateway, trial), (Level::Route, set(&[(Allow, "true")]))]);
    let decision = judge(&policy, "x");
    assert!(decision.is_allowed());
    assert_eq!(decision.dry_run().and_then(Verdict::level), Some(Level::Gateway));
    assert!(judge(&policy, "y").dry_run().is_none());
}
