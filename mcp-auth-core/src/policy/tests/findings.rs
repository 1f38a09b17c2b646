//! What a set says about itself.

use super::*;

fn findings(rules: &[(Effect, &str)]) -> Vec<(Option<usize>, String)> {
    let found = set(rules).findings();
    found.into_iter().map(|f| (f.rule(), f.kind().code().to_owned())).collect()
}

#[test]
fn rules_that_are_constant_are_found() {
    for (rule, code) in [
        ("true", "always_true"),
        ("1 < 2 || jwt.sub == 'a'", "always_true"),
        (r#"mcp.tool.name != "a" || mcp.tool.name != "b""#, "always_true"),
        ("false", "never_true"),
        ("jwt.sub == 'a' && 1 > 2", "never_true"),
        (r#"mcp.tool.name == "a" && mcp.tool.name == "b""#, "never_true"),
        (r#"jwt.sub == "a" && jwt.sub in ["b", "c"]"#, "never_true"),
        ("1 / 0 == 1", "always_fails"),
    ] {
        for effect in [Allow, Deny, Require] {
            let found = findings(&[(effect, rule)]);
            assert!(found.contains(&(Some(0), code.to_owned())), "{effect} {rule}: {found:?}");
        }
    }
    for rule in [
        "jwt.sub == 'a'",
        r#"mcp.tool.name != "a" && mcp.tool.name != "b""#,
        r#"mcp.tool.name == "a" || mcp.tool.name == "b""#,
        r#""a" in jwt.groups && "b" in jwt.groups"#,
    ] {
        assert_eq!(findings(&[(Allow, rule)]), [], "{rule}");
    }
    let texts: Vec<String> =
        set(&[(Deny, "true"), (Require, "false"), (Allow, "true"), (Allow, "jwt.group == 'a'")])
            .findings()
            .iter()
            .map(ToString::to_string)
            .collect();
    assert_eq!(
        texts,
        [
            "always true: everything that it speaks of is denied",
            "never true: everything that it speaks of is denied",
            "always true: no other allow rule is needed",
            "1:4: `group` is not a known field, did you mean `groups`?",
        ]
    );
}

#[test]
fn rules_that_speak_of_other_items_than_they_seem_to_are_found() {
    let (x, y) = (r#"mcp.tool.name == "x""#, r#"mcp.prompt.name == "y""#);
    for (effect, rule, expected) in [
        (Require, "has(mcp.tool)".to_owned(), Some("one_kind")),
        (Require, format!("has(mcp.tool) && {x}"), Some("one_kind")),
        (Require, format!("!has(mcp.prompt) || {y}"), None),
        (Deny, "!has(mcp.tool)".to_owned(), Some("one_kind")),
        (Deny, format!("!(has(mcp.tool) && {x})"), Some("one_kind")),
        (Deny, format!("has(mcp.tool) && {x}"), None),
        (Deny, format!("{x} || {y}"), Some("several_kinds")),
        (Require, format!("!({x}) && !({y})"), Some("several_kinds")),
        (Deny, format!("has(mcp.tool) && {x} || has(mcp.prompt) && {y}"), None),
        (Allow, format!("{x} || {y}"), None),
        (Allow, "has(mcp.tool)".to_owned(), None),
        (Require, r#"mcp.method == "tools/call""#.to_owned(), None),
    ] {
        let found = findings(&[(effect, &rule)]);
        let expected: Vec<_> = expected.map(|code| (Some(0), code.to_owned())).into_iter().collect();
        assert_eq!(found, expected, "{effect} {rule}");
    }
    let each = MatchBlock::new([x, y]);
    let policy = PolicySet::builder().block(Deny, each.clone().join(Join::Any)).unwrap();
    assert_eq!(policy.build().findings(), [], "each decides for itself");
    let policy = PolicySet::builder().block(Deny, each.join(Join::All)).unwrap().build();
    assert!(policy.findings()[0].to_string().starts_with("reads items of several kinds"));
    let finding = set(&[(Require, "has(mcp.tool)")]).findings()[0].to_string();
    assert!(finding.starts_with("speaks of each tool, where `has(mcp.tool)` is true"), "{finding}");
    // What is found is what is decided.
    let prompt = McpCall::new("prompts/get", Some(Target::Prompt("z".into())));
    assert!(decide(&set(&[(Require, "has(mcp.tool)")]), "{}", &prompt).is_allowed());
    assert!(!decide(&set(&[(Deny, &format!("{x} || {y}"))]), "{}", &prompt).is_allowed());
}

#[test]
fn an_allow_list_that_is_a_dry_run_is_found() {
    let trial = |effect| {
        let block = MatchBlock::new(["jwt.sub == 'a'"]).dry_run();
        PolicySet::builder().block(effect, block).unwrap().deny(r#"mcp.tool.name == "x""#).unwrap()
    };
    let found = trial(Allow).build().findings();
    assert_eq!(found[0].kind().code(), "no_allow_enforced");
    assert!(decide(&trial(Allow).build(), "{}", &tool("y")).is_allowed());
    assert_eq!(trial(Require).build().findings(), []);
    assert_eq!(trial(Allow).allow("jwt.sub == 'b'").unwrap().build().findings(), []);
}

#[test]
fn rules_that_another_covers_are_found() {
    let (a, b, c) = (r#""g" in jwt.groups"#, r#"mcp.tool.name == "t""#, r#"jwt.sub == "s""#);
    let and = |x: &str, y: &str| format!("{x} && {y}");
    let or = |x: &str, y: &str| format!("{x} || {y}");
    for (effect, first, second, expected) in [
        (Allow, a.to_owned(), a.to_owned(), Some((1, "same_as"))),
        (Allow, and(a, b), and(b, a), Some((1, "same_as"))),
        (Deny, or(a, b), format!("({b}) || ({a})"), Some((1, "same_as"))),
        // A denial that speaks of tools leaves the rest to the other one.
        (Deny, or(a, b), a.to_owned(), None),
        (Deny, or(a, c), a.to_owned(), Some((1, "shadowed"))),
        (Allow, a.to_owned(), and(a, b), Some((1, "shadowed"))),
        (Allow, and(a, b), a.to_owned(), Some((0, "shadowed"))),
        (Allow, or(a, b), a.to_owned(), Some((1, "shadowed"))),
        (Deny, or(a, c), and(b, c), Some((1, "shadowed"))),
        (Require, and(a, b), a.to_owned(), None),
        (Require, a.to_owned(), or(a, b), Some((1, "shadowed"))),
        (Require, and(a, c), a.to_owned(), Some((1, "shadowed"))),
        (Allow, and(a, b), and(a, c), None),
        (Require, or(a, b), or(a, c), None),
        (Allow, format!("!({a})"), a.to_owned(), None),
        (Allow, r#""g" in jwt.groups"#.to_owned(), r#""h" in jwt.groups"#.to_owned(), None),
        (Allow, "jwt.level == -1".to_owned(), "jwt.level == 1".to_owned(), None),
    ] {
        let found = findings(&[(effect, &first), (effect, &second)]);
        let expected: Vec<_> =
            expected.into_iter().map(|(rule, code)| (Some(rule), code.to_owned())).collect();
        assert_eq!(found, expected, "{effect} [{first}] [{second}]");
    }
    assert_eq!(findings(&[(Allow, a), (Deny, a)]), [(Some(0), "overruled".to_owned())]);
    assert_eq!(findings(&[(Allow, &and(a, b)), (Deny, a)]), [(Some(0), "overruled".to_owned())]);
    assert_eq!(findings(&[(Allow, a), (Deny, &and(a, b))]), []);
}

#[test]
fn an_allow_for_tools_that_are_denied_by_name_is_found() {
    let allow = r#""g" in jwt.groups && mcp.tool.name in ["a", "b"]"#;
    for (rules, overruled) in [
        (&[(Deny, r#"mcp.tool.name in ["a", "b", "c"]"#)][..], true),
        (&[(Deny, r#"mcp.tool.name == "a""#), (Deny, r#"mcp.tool.name == "b""#)], true),
        (&[(Require, r#"!(mcp.tool.name in ["a", "b"])"#)], true),
        (&[(Deny, r#"mcp.tool.name == "a""#)], false),
        (&[(Deny, r#"mcp.tool.name in ["a", "b"] && jwt.sub == "s""#)], false),
        (&[(Require, r#"mcp.tool.name in ["a", "b"]"#)], false),
    ] {
        let rules: Vec<_> = rules.iter().copied().chain([(Allow, allow)]).collect();
        let found =
            findings(&rules).iter().any(|(rule, code)| *rule == Some(rules.len() - 1) && code == "overruled");
        assert_eq!(found, overruled, "{rules:?}");
    }
}

#[test]
fn sets_that_enforce_nothing_are_found() {
    assert_eq!(findings(&[]), [(None, "no_rule".to_owned())]);
    let trial = MatchBlock::from(r#"jwt.sub == "a""#).dry_run();
    let trial = PolicySet::builder().block(Deny, trial).unwrap().build();
    assert_eq!(trial.findings()[0].kind().code(), "nothing_enforced");
    // What is not enforced covers nothing.
    let trial = MatchBlock::from(r#""g" in jwt.groups"#).dry_run();
    let policy =
        PolicySet::builder().block(Allow, trial).unwrap().allow(r#""g" in jwt.groups"#).unwrap().build();
    assert_eq!(policy.findings(), []);
    let scopes = PolicySet::builder().tool_scopes(ToolScopes::new().tool("*", ["s"])).build();
    assert_eq!(scopes.findings(), []);
}

/// What is found is true: leaving a covered rule out changes no decision.
#[test]
fn a_rule_without_effect_can_be_left_out() {
    let parts =
        [r#""g" in jwt.groups"#, r#"mcp.tool.name == "t""#, r#"jwt.sub == "s""#, r#"mcp.tool.name != "u""#];
    let mut expressions: Vec<String> = parts.iter().map(|p| (*p).to_owned()).collect();
    for a in parts {
        for b in parts {
            expressions.push(format!("{a} && {b}"));
            expressions.push(format!("{a} || {b}"));
        }
    }
    let worlds: Vec<_> = [
        r#"{"groups":["g"],"sub":"s"}"#,
        r#"{"groups":["g"],"sub":"x"}"#,
        r#"{"groups":[],"sub":"s"}"#,
        r#"{"groups":[],"sub":"x"}"#,
    ]
    .map(principal)
    .into();
    let mut found = 0;
    for effect in [Allow, Deny, Require] {
        for first in &expressions {
            for second in expressions.iter().step_by(3) {
                let rules = [(effect, first.as_str()), (effect, second.as_str())];
                let policy = set(&rules);
                for finding in policy.findings() {
                    let covered = matches!(finding.kind(), FindingKind::SameAs(_) | FindingKind::Shadowed(_));
                    let Some(rule) = finding.rule().filter(|_| covered) else { continue };
                    found += 1;
                    let rest = set(&[rules[1 - rule]]);
                    for world in &worlds {
                        let resource = McpCall::new("resources/read", Some(Target::Resource("t".into())));
                        for call in [tool("t"), tool("u"), tool("v"), resource] {
                            let context = Context::new(Some(world)).call(&call);
                            let (with, without) = (policy.decide(&context), rest.decide(&context));
                            assert_eq!(with.is_allowed(), without.is_allowed(), "{rules:?} {finding}");
                        }
                    }
                }
            }
        }
    }
    assert!(found > 300, "{found}");
}
