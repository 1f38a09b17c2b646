//! Residuals: shared, bounded, gone with their set, and the same decisions as without them.

use std::fmt::Write as _;

use super::variables::headers;
use super::*;
use crate::json::Document;

/// Rules over groups, tools and single people, enough of them for an index.
fn mixed(count: usize) -> PolicySetBuilder {
    let mut builder = PolicySet::builder();
    for i in 0..count {
        let (group, tool) = (i % 10, i % 37);
        builder = match i % 4 {
            0 | 1 => builder.allow(&format!(r#""g{group}" in jwt.groups && mcp.tool.name == "t{tool}""#)),
            2 => builder.deny(&format!(r#"mcp.tool.name == "t{tool}" && jwt.sub == "u{i}""#)),
            _ => builder.require(&format!(
                r#"mcp.tool.name != "t{tool}" || !("g{group}" in jwt.groups && jwt.sub == "u{i}")"#
            )),
        }
        .unwrap();
    }
    builder
}

fn user(index: usize, combination: usize) -> Principal {
    let groups: Vec<_> =
        (0..6).filter(|bit| combination >> bit & 1 == 1).map(|g| format!("\"g{g}\"")).collect();
    principal(&format!(r#"{{"sub":"u{index}","groups":[{}]}}"#, groups.join(",")))
}

#[test]
fn users_with_the_same_groups_share_a_residual() {
    let policy = mixed(200).build();
    let call = tool("t4");
    for index in 0..2_000 {
        let user = user(index, index % 50);
        let context = Context::new(Some(&user)).call(&call);
        let decision = policy.decide(&context);
        // Those who are mentioned among them.
        if index % 7 == 0 {
            assert_eq!(decision, policy.decide_in_full(&context), "{index}");
        }
        assert_eq!(policy.decide(&context), decision, "the second time, by memory");
    }
    assert_eq!(policy.residuals(), 50);
    assert!(policy.residual_bytes() > 0);
    // A refreshed token is another principal of the same claims.
    let _ = policy.decide(&Context::new(Some(&user(3, 3))).call(&call));
    assert_eq!(policy.residuals(), 50);
    assert_eq!(set(&[(Allow, "true")]).residuals(), 0, "a few rules need none");
}

/// Whoever is mentioned by more rules than a few has a residual of his own, and the same decisions.
#[test]
fn somebody_who_is_mentioned_often() {
    let mut builder = PolicySet::builder().allow(r#"jwt.sub != "alice" && "g" in jwt.groups"#).unwrap();
    for i in 0..60 {
        builder = builder.allow(&format!(r#"jwt.sub == "alice" && mcp.tool.name == "t{i}""#)).unwrap();
    }
    let policy = builder.deny(r#"jwt.sub in ["alice", "carol"] && mcp.tool.name == "t7""#).unwrap().build();
    for sub in ["alice", "bob", "carol"] {
        let claims = format!(r#"{{"sub":"{sub}","groups":["g"]}}"#);
        let principal = principal(&claims);
        for name in ["t1", "t7", "x"] {
            let call = tool(name);
            let context = Context::new(Some(&principal)).call(&call);
            assert_eq!(policy.decide(&context), policy.decide_in_full(&context), "{sub} {name}");
            let allowed = matches!((sub, name), ("alice", "t1") | ("bob", _) | ("carol", "t1" | "x"));
            assert_eq!(policy.decide(&context).is_allowed(), allowed, "{sub} {name}");
        }
    }
    assert_eq!(policy.residuals(), 2, "bob and carol share one");
}

#[test]
fn residuals_are_bounded_and_evicted_ones_are_made_again() {
    let policy = mixed(200).residual_bytes(40_000).build();
    let call = tool("t4");
    let users: Vec<_> = (0..64).map(|i| user(i, i)).collect();
    for _ in 0..3 {
        for user in &users {
            let context = Context::new(Some(user)).call(&call);
            assert_eq!(policy.decide(&context), policy.decide_in_full(&context));
            assert!(policy.residual_bytes() <= 40_000, "{}", policy.residual_bytes());
        }
    }
    assert!(policy.residuals() < 64);
    let nothing_fits = mixed(200).residual_bytes(0).build();
    let context = Context::new(users.first()).call(&call);
    assert_eq!(nothing_fits.decide(&context), nothing_fits.decide_in_full(&context));
    assert_eq!(nothing_fits.residuals(), 0);
}

#[test]
fn residuals_go_with_their_set() {
    let alice = user(1, 1);
    let policy = mixed(100).build();
    let _ = policy.decide(&Context::new(Some(&alice)).call(&tool("t4")));
    let plan = std::sync::Arc::downgrade(policy.plan().unwrap());
    assert_eq!(plan.strong_count(), 1);
    drop(policy);
    assert_eq!(plan.strong_count(), 0, "the principal remembers it, and does not keep it");
    // More sets than a principal remembers.
    let sets: Vec<_> = (0..20).map(|i| mixed(50 + i).build()).collect();
    for _ in 0..2 {
        for policy in &sets {
            let call = tool("t4");
            let context = Context::new(Some(&alice)).call(&call);
            assert_eq!(policy.decide(&context), policy.decide_in_full(&context));
        }
    }
    assert!(sets.iter().all(|policy| policy.residuals() == 1));
}

/// Claims so large that a rule could exceed its steps are judged rule by rule, so that residuals change nothing.
#[test]
fn large_claims_are_judged_without_a_residual() {
    let policy = mixed(40).deny(r#"!jwt.groups.all(g, jwt.groups.exists(h, g == h))"#).unwrap().build();
    let groups = |count: usize| {
        let mut list = String::from("\"g0\"");
        for i in 0..count {
            write!(list, ",\"x{i}\"").unwrap();
        }
        principal(&format!(r#"{{"sub":"u1","groups":[{list}]}}"#))
    };
    let call = tool("t0");
    for (count, residuals) in [(5, 1), (90, 1), (1_500, 1)] {
        let principal = groups(count);
        let context = Context::new(Some(&principal)).call(&call);
        assert_eq!(policy.decide(&context), policy.decide_in_full(&context), "{count}");
        assert_eq!(policy.residuals(), residuals, "{count}");
    }
    let failed = policy.decide(&Context::new(Some(&groups(1_500))).call(&call));
    assert_eq!(failed.reason(), DecisionReason::DenyFailed(40), "the limit is the same");
}

/// A rule is evaluated within one number of steps, its parts each within the same: where both parts can be evaluated and
/// the rule cannot, the residual must not know more.
#[test]
fn parts_have_no_more_steps_than_the_rule() {
    let dear = "jwt.groups.all(g, jwt.groups.exists(h, g == h))";
    let cheap: Vec<_> = (0..20).map(|i| format!("jwt.groups.all(g, size(g) != {})", i + 20)).collect();
    let policy = |rule: &str| mixed(40).deny(&format!("!({rule})")).unwrap().build();
    let (one, both) = (policy(dear), policy(&format!("{dear} && {}", cheap.join(" && "))));
    let call = tool("t0");
    let user = |count: usize| {
        let groups: Vec<_> = (0..count).map(|i| format!("\"x{i}\"")).collect();
        principal(&format!(r#"{{"sub":"u1","groups":[{}]}}"#, groups.join(",")))
    };
    let fails = |policy: &PolicySet, count| {
        let user = user(count);
        let context = Context::new(Some(&user)).call(&call);
        let decision = policy.decide(&context);
        assert_eq!(decision, policy.decide_in_full(&context), "{count}");
        decision.reason() == DecisionReason::DenyFailed(40)
    };
    let most = (100..2_000).step_by(40).find(|count| fails(&one, *count)).unwrap();
    assert!((most - 40..most).any(|count| fails(&both, count) && !fails(&one, count)), "below {most}");
}

/// What has no one value fails with and without residuals in the same places.
#[test]
fn what_has_no_one_value_fails_in_the_same_places() {
    let asks = [
        r#"request.headers["x-env"] == "prod""#,
        r#"!("x-env" in request.headers)"#,
        r#"request.query["q"] == "1""#,
        "mcp.tool.arguments.amount < 10",
        "has(mcp.tool.arguments.amount)",
        r#"mcp.session == "s""#,
        "has(mcp.prompt.arguments)",
    ];
    let knows = [
        r#""g0" in jwt.groups"#,
        r#"mcp.tool.name == "t0""#,
        r#"mcp.tool.name != "t0""#,
        r#"jwt.sub == "u1""#,
        "jwt.missing == 1",
    ];
    let mut rules = Vec::new();
    for ask in asks {
        for know in knows {
            for joined in [
                format!("{ask} && {know}"),
                format!("{know} && {ask}"),
                format!("{ask} || {know}"),
                format!("{know} || {ask}"),
                format!("!({know}) && {ask} || {know}"),
            ] {
                rules.push(joined);
            }
        }
    }
    let once = headers(&[("x-env", b"prod"), ("mcp-session-id", b"s")]);
    let twice = headers(&[
        ("x-env", b"prod"),
        ("x-env", b"prod"),
        ("mcp-session-id", b"s"),
        ("mcp-session-id", b"t"),
    ]);
    let arguments = Document::parse(br#"{"amount":5}"#, &Default::default()).unwrap();
    let calls = [tool("t0"), tool("t1"), McpCall::new("prompts/get", Some(Target::Prompt("p".into())))];
    let mut with_arguments = tool("t0");
    with_arguments.arguments = Some(0..1);
    let users = [user(0, 0), user(1, 0), user(0, 1), user(1, 1)];
    let mut failures = 0;
    for effect in [Allow, Deny, Require] {
        // One rule that counts, among many that do not.
        for rule in &rules {
            let mut builder = PolicySet::builder().rule(effect, rule).unwrap();
            for i in 0..9 {
                builder = builder.deny(&format!(r#"mcp.task.id == "{i}""#)).unwrap();
            }
            let policy = builder.build();
            assert!(policy.plan().is_some());
            for user in &users {
                for headers in [&once, &twice] {
                    for query in ["q=1", "q=1&q=1"] {
                        let base =
                            Context::new(Some(user)).request("POST", "/", None).headers(headers).query(query);
                        let mut contexts: Vec<_> = calls.iter().map(|call| base.call(call)).collect();
                        contexts.push(base.call(&calls[0]).arguments(Some(arguments.root())));
                        contexts.push(base.call(&with_arguments));
                        contexts.push(base.list_item(ListItem::new(ItemKind::Tool, "t0")));
                        contexts.push(base.list_item(ListItem::new(ItemKind::Prompt, "p")));
                        contexts.push(base);
                        for context in contexts {
                            let (decision, full) = (policy.decide(&context), policy.decide_in_full(&context));
                            assert_eq!(decision, full, "{effect} {rule} {context:?}");
                            failures += usize::from(matches!(full.reason(), DecisionReason::DenyFailed(0)));
                        }
                    }
                }
            }
        }
    }
    assert!(failures > 1_000, "{failures}");
}

#[test]
fn rules_over_paths_and_methods_are_indexed_too() {
    let mut builder = PolicySet::builder().allow("true").unwrap();
    for i in 0..30 {
        builder = builder
            .deny(&format!(r#"request.path == "/p{i}" && "g{}" in jwt.groups"#, i % 6))
            .unwrap()
            .require(&format!(r#"request.path != "/q{i}" || mcp.method in ["m{i}", "n"]"#))
            .unwrap();
    }
    let policy = builder.build();
    for combination in 0..64 {
        let user = user(0, combination);
        for path in ["/p0", "/p7", "/q3", "/", "/q29"] {
            for method in ["m3", "n", "x"] {
                let call = McpCall::new(method, None);
                for context in [
                    Context::new(Some(&user)).request("POST", path, None).call(&call),
                    Context::new(Some(&user)).request("POST", path, None),
                    Context::new(Some(&user)).call(&call),
                    Context::new(Some(&user)),
                    Context::new(None).request("POST", path, None),
                ] {
                    assert_eq!(policy.decide(&context), policy.decide_in_full(&context), "{context:?}");
                }
            }
        }
    }
}

/// A rule may find the item in a way that its text does not tell.
#[test]
fn attack_088_rules_that_read_the_message_as_a_whole_speak_of_every_item() {
    let caller = principal("{}");
    let many: Vec<String> = (0..10).map(|i| format!(r#"mcp.tool.name == "t{i}""#)).collect();
    for rule in [
        r#"cel.bind(m, mcp, has(m.tool) && m.tool.name == "drop")"#,
        r#"mcp.?tool.hasValue() && mcp["to" + "ol"].name == "drop""#,
    ] {
        let rules = many.iter().map(|rule| (Deny, rule.as_str())).chain([(Deny, rule)]);
        let policy = set(&rules.collect::<Vec<_>>());
        let levels: PolicyLevels = policy.clone().into();
        let context = Context::new(Some(&caller));
        for names in [["read", "drop"], ["drop", "read"]] {
            let mut listing = levels.listing(&context);
            for name in names {
                let called = policy.decide(&context.call(&tool(name))).is_allowed();
                assert_eq!(listing.shows(ListItem::new(ItemKind::Tool, name)), called, "{rule} {name}");
                assert_eq!(called, name == "read", "{rule} {name}");
            }
        }
    }
    let rule = r#"has(mcp.tool) && mcp.tool.name == "x" || mcp["pro" + "mpt"].name == "z""#;
    let prompt = |name: &str| McpCall::new("prompts/get", Some(Target::Prompt(name.into())));
    assert!(!decide(&set(&[(Deny, rule)]), "{}", &prompt("z")).is_allowed());
    assert!(decide(&set(&[(Deny, rule)]), "{}", &prompt("y")).is_allowed());
}

/// What is indexed by method or path may look at names in ways that no index knows.
#[test]
fn attack_088_a_listing_looks_at_names_that_no_rule_mentions() {
    for rule in [
        r#"mcp.method == "tools/call" && mcp.tool.name.startsWith("a")"#,
        r#"request.path == "/mcp" && mcp.tool.name.endsWith("b")"#,
        r#"mcp.tool.name.contains("c")"#,
    ] {
        let policy = PolicyLevels::from(mixed(20).allow("true").unwrap().deny(rule).unwrap().build());
        let user = user(0, 0);
        let context = Context::new(Some(&user)).request("POST", "/mcp", None);
        let mut listing = policy.listing(&context);
        for (name, hidden) in [("x", false), ("ab", true), ("cab", true), ("y", false), ("acb", true)] {
            let item = ListItem::new(ItemKind::Tool, name);
            let decided = policy.decide_in_full(&context.list_item(item)).is_allowed();
            assert_eq!(listing.shows(item), decided, "{rule} {name}");
            assert!(!(name == "acb" && decided) && (decided || hidden), "{rule} {name}");
        }
    }
}

#[test]
fn attack_088_a_listing_shows_what_the_call_would_get() {
    let policy = PolicyLevels::from(mixed(120).build())
        .followed_by(&set(&[(Deny, r#"mcp.tool.name == "t9""#)]).into())
        .followed_by(&PolicySet::builder().tool_scopes(ToolScopes::new().tool("t1*", ["s"])).build().into());
    for combination in 0..64 {
        for sub in [1, 2, 3] {
            let user = user(sub, combination);
            let context = Context::new(Some(&user));
            let mut listing = policy.listing(&context);
            for i in 0..60 {
                for kind in [
                    ItemKind::Tool,
                    ItemKind::Prompt,
                    ItemKind::Resource,
                    ItemKind::ResourceTemplate,
                    ItemKind::Task,
                ] {
                    let name = format!("t{i}");
                    let item = ListItem::new(kind, &name);
                    let decided = policy.decide_in_full(&context.list_item(item)).is_allowed();
                    assert_eq!(listing.shows(item), decided, "{kind:?} {name} {combination}");
                }
            }
        }
    }
    let user = user(1, 1);
    let nothing = PolicyLevels::new();
    assert!(!nothing.listing(&Context::new(Some(&user))).shows(ListItem::new(ItemKind::Tool, "t")));
}

/// A part over the request that stands in many rules is evaluated once in a decision.
#[test]
fn parts_that_rules_share_are_evaluated_once() {
    let shared = r#"request.headers["x-list"].split(",").exists(x, x == "needle")"#;
    let mut builder = PolicySet::builder();
    for i in 0..20 {
        builder = builder.require(&format!(r#"{shared} || jwt.n == {i}"#)).unwrap();
        builder =
            builder.require(&format!(r#"{shared} && request.method == "POST" || jwt.n == {i}"#)).unwrap();
    }
    let policy = builder.build();
    let plan = policy.plan().unwrap();
    assert!(plan.open_parts() <= 2, "{}", plan.open_parts());
    for (list, allowed) in [("a,needle", true), ("a,b", false)] {
        let headers = headers(&[("x-list", list.as_bytes())]);
        for user in [principal(r#"{"n":3}"#), principal("{}")] {
            let call = tool("t");
            let context = Context::new(Some(&user)).request("POST", "/", None).headers(&headers).call(&call);
            assert_eq!(policy.decide(&context), policy.decide_in_full(&context), "{list}");
            assert_eq!(policy.decide(&context).is_allowed(), allowed, "{list}");
        }
    }
}
