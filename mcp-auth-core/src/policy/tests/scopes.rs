//! Scopes of tools, scopes in expressions, and the way up.

use super::*;

fn hierarchy() -> ScopeHierarchy {
    ScopeHierarchy::new([("mcp:admin", ["mcp:write"]), ("mcp:write", ["mcp:read"])]).unwrap()
}

fn with_scopes(scopes: &str) -> Principal {
    principal(&format!(r#"{{"sub":"bob","scope":"{scopes}","groups":["g"]}}"#))
}

fn judge(policy: &PolicySet, scopes: &str, name: &str) -> Decision {
    let (principal, call) = (with_scopes(scopes), tool(name));
    policy.decide(&Context::new(Some(&principal)).call(&call))
}

fn step_up(decision: &Decision) -> Option<String> {
    assert!(!decision.is_allowed() || decision.step_up().is_none(), "no challenge for what is allowed");
    decision.step_up().map(|scopes| scopes.join(" "))
}

#[test]
fn a_scope_grants_what_it_implies() {
    let policy = PolicySet::builder().scope_hierarchy(hierarchy()).allow(r#"hasScope("mcp:read")"#).unwrap();
    let policy = policy.build();
    for (scopes, allowed) in [
        ("mcp:read", true),
        ("mcp:write", true),
        ("other mcp:admin", true),
        ("other", false),
        ("", false),
        ("mcp:readers", false),
        ("MCP:READ", false),
        ("mcp:read:all", false),
    ] {
        assert_eq!(judge(&policy, scopes, "x").is_allowed(), allowed, "{scopes}");
    }
    let plain = set(&[(Allow, r#"hasScope("mcp:read")"#)]);
    assert!(!judge(&plain, "mcp:write", "x").is_allowed(), "nothing is implied that nobody declared");
}

#[test]
fn a_hierarchy_has_no_circles() {
    assert_eq!(ScopeHierarchy::new([("a", ["b"]), ("b", ["c"]), ("c", ["a"])]).unwrap_err().0.len(), 1);
    assert!(ScopeHierarchy::new([("a", ["a"])]).is_err());
    assert!(ScopeHierarchy::new([("x", ["a"]), ("a", ["b"]), ("b", ["a"])]).is_err(), "below another");
    let diamond = ScopeHierarchy::new([("a", &["b", "c"][..]), ("b", &["d"]), ("c", &["d"])]).unwrap();
    assert!(diamond.grants(|| ["a"].into_iter(), "d"));
}

#[test]
fn scopes_of_tools_are_a_condition_beside_the_rules() {
    let scopes =
        ToolScopes::new().tool("*", ["mcp:read"]).tool("write_*", ["mcp:write"]).tool("drop", ["a", "b"]);
    let policy = PolicySet::builder().tool_scopes(scopes).allow(r#"jwt.sub == "bob""#).unwrap().build();
    for (scopes, name, needed) in [
        ("mcp:read", "list", None),
        ("", "list", Some("mcp:read")),
        ("mcp:read", "write_x", Some("mcp:read mcp:write")),
        ("mcp:write", "write_x", Some("mcp:read mcp:write")),
        ("mcp:read mcp:write", "write_x", None),
        ("mcp:read a", "drop", Some("mcp:read a b")),
    ] {
        let decision = judge(&policy, scopes, name);
        assert_eq!(decision.is_allowed(), needed.is_none(), "{scopes} {name}");
        assert_eq!(step_up(&decision).as_deref(), needed, "{scopes} {name}: all of them, those it has too");
        if needed.is_some() {
            assert_eq!(decision.reason(), DecisionReason::MissingScope);
        }
    }
    let resource = McpCall::new("resources/read", Some(Target::Resource("a:b".into())));
    let nobody_needs = policy.decide(&Context::new(Some(&with_scopes(""))).call(&resource));
    assert!(nobody_needs.is_allowed());
    let contained = PolicySet::builder()
        .scope_hierarchy(hierarchy())
        .tool_scopes(ToolScopes::new().tool("write_*", ["mcp:read", "mcp:write"]))
        .build();
    assert!(judge(&contained, "mcp:admin", "write_x").is_allowed(), "and a set of scopes only is not empty");
    assert_eq!(step_up(&judge(&contained, "mcp:read", "write_x")).as_deref(), Some("mcp:read mcp:write"));
}

/// Also from a list whose other tools are all alike to the rules.
#[test]
fn scopes_of_tools_hide_them_from_lists() {
    let mut builder =
        PolicySet::builder().tool_scopes(ToolScopes::new().tool("write_*", ["w"])).allow("true").unwrap();
    for i in 0..9 {
        builder = builder.deny(&format!(r#"mcp.tool.name == "t{i}""#)).unwrap();
    }
    let policy = PolicyLevels::from(builder.build());
    for (scopes, writes) in [("r", false), ("r w", true)] {
        let bob = with_scopes(scopes);
        let mut listing = policy.listing(&Context::new(Some(&bob)));
        for (name, shown) in
            [("read", true), ("write_x", writes), ("list", true), ("write_y", writes), ("t3", false)]
        {
            assert_eq!(listing.shows(ListItem::new(ItemKind::Tool, name)), shown, "{name} with {scopes}");
        }
    }
}

#[test]
fn patterns_of_tools() {
    for (pattern, name, fits) in [
        ("*", "", true),
        ("*", "x", true),
        ("a*", "a", true),
        ("a*", "ba", false),
        ("*a", "ba", true),
        ("*a", "ab", false),
        ("a*b", "ab", true),
        ("a*b", "aXb", true),
        ("a*b", "aXc", false),
        ("a*a", "a", false),
        ("a*b*c", "aXbYc", true),
        ("a*b*c", "aXcYb", false),
        ("a**c", "abc", true),
        ("*b*b*", "b", false),
        ("*b*b*", "bb", true),
        ("écrire_*", "écrire_x", true),
        ("a", "ab", false),
    ] {
        let scopes = ToolScopes::new().tool(pattern, ["s"]);
        assert_eq!(scopes.of(name).count(), usize::from(fits), "{pattern} {name}");
    }
}

/// The rule of the module: denied with what is held, allowed with every scope.
#[test]
fn only_because_a_scope_is_missing() {
    for (rules, scopes, needed) in [
        (&[(Allow, r#"hasScope("w")"#)][..], "", Some("w")),
        (&[(Allow, r#"hasScope("w") && "g" in jwt.groups"#)], "", Some("w")),
        // Another condition is missing as well: another token would not help.
        (&[(Allow, r#"hasScope("w") && "h" in jwt.groups"#)], "", None),
        (&[(Allow, r#"hasScope("w")"#), (Deny, r#"mcp.tool.name == "x""#)], "", None),
        (&[(Allow, r#"hasScope("w")"#), (Require, "jwt.missing == 1")], "", None),
        // All that the operation needs, held or not, in the order of the rules.
        (&[(Require, r#"hasScope("r")"#), (Require, r#"hasScope("w")"#)], "r", Some("r w")),
        (
            &[(Deny, r#"!hasScope("w") && mcp.tool.name == "x""#), (Allow, r#"hasScope("r")"#)],
            "r",
            Some("w r"),
        ),
        // One way is enough, and the first is taken.
        (&[(Allow, r#"hasScope("w") || hasScope("admin")"#)], "", Some("w")),
        (&[(Allow, r#"hasScope("a") && hasScope("b")"#), (Allow, r#"hasScope("c")"#)], "a", Some("a b")),
        // A way that is barred is not part of it.
        (&[(Allow, r#"hasScope("w") && jwt.sub == "alice" || hasScope("admin")"#)], "", Some("admin")),
        (
            &[(Allow, r#"hasScope("w") && jwt.sub == "alice""#), (Allow, r#"hasScope("admin")"#)],
            "",
            Some("admin"),
        ),
        // A scope that makes no difference is not asked for.
        (&[(Allow, r#"(hasScope("r") || true) && hasScope("w")"#)], "", Some("w")),
        (&[(Allow, r#"hasScope("r") ? hasScope("w") : hasScope("w")"#)], "", Some("w")),
        (&[(Allow, r#"hasScope("w") && size(jwt.sub) > 100 || hasScope("admin")"#)], "", Some("admin")),
        (&[(Deny, r#"hasScope("r") && size(jwt.sub) > 100"#), (Require, r#"hasScope("w")"#)], "", Some("w")),
        // Asked for with a name that is known at evaluation only.
        (&[(Allow, r#"hasScope("tool:" + mcp.tool.name)"#)], "tool:y", Some("tool:x")),
        // The absence of a scope is no missing scope.
        (&[(Allow, r#"!hasScope("restricted")"#)], "restricted", None),
        (&[(Deny, r#"hasScope("b") && !hasScope("c")"#)], "b", Some("b c")),
        // No scope in sight.
        (&[(Allow, r#"jwt.sub == "alice""#)], "", None),
        (&[(Allow, r#"jwt.scope == "w""#)], "", None),
    ] {
        let decision = judge(&set(rules), scopes, "x");
        assert!(!decision.is_allowed(), "{rules:?}");
        assert_eq!(step_up(&decision).as_deref(), needed, "{rules:?} with `{scopes}`");
    }
}

/// What is asked for is enough: with these scopes the same call is allowed.
#[test]
fn the_scopes_of_a_challenge_are_enough() {
    let tools = ToolScopes::new().tool("x", ["t"]);
    let rules = [
        r#"hasScope("a") && (hasScope("b") || hasScope("c"))"#,
        r#"hasScope("a") || hasScope("b")"#,
        r#"hasScope("a") && jwt.sub == "alice" || hasScope("b") && hasScope("c")"#,
        r#"[1, 2].all(i, hasScope("s" + string(i)))"#,
    ];
    for rule in rules {
        for held in ["", "a", "b", "c", "a c", "t a"] {
            let builder = PolicySet::builder().tool_scopes(tools.clone()).scope_hierarchy(hierarchy());
            let policy = builder.allow(rule).unwrap().build();
            let Some(needed) = step_up(&judge(&policy, held, "x")) else { continue };
            assert!(judge(&policy, &needed, "x").is_allowed(), "{rule} with {held}: {needed}");
            assert!(needed.starts_with('t'), "{needed}");
        }
    }
}

/// Rules that cannot decide about a tool are passed over in a set of many, and evaluated in a set that is evaluated in
/// full. The scopes that they would ask for change neither which are asked for nor their order.
#[test]
fn rules_over_other_tools_do_not_change_a_challenge() {
    let mut builder = PolicySet::builder().allow("true").unwrap();
    builder = builder
        .require(r#"!(mcp.tool.name.startsWith("y") || hasScope("w")) || !(mcp.tool.name == "y")"#)
        .unwrap();
    for rule in [r#"hasScope("r")"#, r#"mcp.tool.name != "x" || hasScope("w")"#] {
        builder = builder.require(rule).unwrap();
    }
    for i in 0..9 {
        builder = builder.deny(&format!(r#"mcp.tool.name == "t{i}""#)).unwrap();
    }
    let policy = builder.build();
    assert!(policy.plan().is_some());
    let (bob, call) = (with_scopes(""), tool("x"));
    let context = Context::new(Some(&bob)).call(&call);
    assert_eq!(step_up(&policy.decide(&context)).as_deref(), Some("r w"));
    assert_eq!(policy.decide(&context), policy.decide_in_full(&context));
}

#[test]
fn levels_ask_for_all_their_scopes_at_once() {
    let gateway = set(&[(Require, r#"hasScope("use")"#)]);
    let route = PolicySet::builder().tool_scopes(ToolScopes::new().tool("x", ["write"])).build();
    let policy = PolicyLevels::new().with(Level::Gateway, gateway).with(Level::Route, route);
    let (bob, call) = (with_scopes(""), tool("x"));
    let decision = policy.decide(&Context::new(Some(&bob)).call(&call));
    assert_eq!(decision.verdict().level(), Some(Level::Gateway));
    assert_eq!(step_up(&decision).as_deref(), Some("write use"));
}

#[test]
fn nobody_is_asked_to_step_up() {
    let policy = set(&[(Allow, r#"hasScope("w")"#)]);
    let decision = policy.decide(&Context::new(None).call(&tool("x")));
    assert_eq!((decision.is_allowed(), decision.step_up()), (false, None), "that is a plain 401");
}

#[test]
fn a_dry_run_rule_asks_for_no_scope() {
    let block = MatchBlock::from(r#"hasScope("w")"#).dry_run();
    let policy =
        PolicySet::builder().block(Require, block).unwrap().allow(r#"hasScope("r")"#).unwrap().build();
    assert_eq!(step_up(&judge(&policy, "", "x")).as_deref(), Some("r"));
}

/// A listing with step-up shows what a call would be told scopes for, and nothing else besides what is allowed.
#[test]
fn attack_088_a_listing_shows_what_scopes_alone_would_allow() {
    let scopes = ToolScopes::new().tool("write*", ["mcp:write"]);
    let declared = PolicySet::builder().tool_scopes(scopes).deny(r#"mcp.tool.name == "write_secret""#);
    let asked = r#"hasScope("mcp:read") && (jwt.sub == "alice" || mcp.tool.name != "read_alice")"#;
    let policy = PolicyLevels::from(declared.unwrap().build())
        .followed_by(&set(&[(Require, asked)]).into())
        .followed_by(&set(&[(Deny, r#"hasScope("mcp:admin") && mcp.tool.name == "write_b""#)]).into());
    for claims in [
        r#"{"sub":"bob","scope":"mcp:read"}"#,
        r#"{"sub":"bob","scope":"mcp:read mcp:write"}"#,
        r#"{"sub":"bob","scope":"mcp:admin"}"#,
        r#"{"sub":"alice","scope":""}"#,
    ] {
        let caller = principal(claims);
        let context = Context::new(Some(&caller));
        let (mut strict, mut wide) = (policy.listing(&context), policy.listing_with_step_up(&context));
        for name in ["read", "read_alice", "write_a", "write_b", "write_secret"] {
            let item = ListItem::new(ItemKind::Tool, name);
            let call = tool(name);
            let decision = policy.decide(&context.call(&call));
            assert_eq!(strict.shows(item), decision.is_allowed(), "{claims} {name}");
            let expected = decision.is_allowed() || decision.step_up().is_some();
            assert_eq!(wide.shows(item), expected, "{claims} {name}: {decision}");
        }
    }
    let (nobody, item) = (Context::new(None), ListItem::new(ItemKind::Tool, "read"));
    assert!(!policy.listing_with_step_up(&nobody).shows(item));
}
