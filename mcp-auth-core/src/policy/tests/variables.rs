//! What rules can read, and what they get where it is not there.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::json::{Document, Limits};

#[test]
fn row_217_variables() {
    let call = tool("x");
    for rule in [
        r#"jwt.sub == "a" && jwt["https://x/roles"][0] == "r""#,
        r#"mcp.method == "tools/call" && mcp.tool.name == "x""#,
        r#"hasScope("s1") && !hasScope("s")"#,
        r#"!has(mcp.prompt) && has(mcp.tool.name)"#,
    ] {
        let claims = r#"{"sub":"a","https://x/roles":["r"],"scope":"s1 s2"}"#;
        assert!(decide(&set(&[(Allow, rule)]), claims, &call).is_allowed(), "{rule}");
    }
}

/// It is found by its place instead of its name.
#[test]
fn the_subject_is_the_subject_wherever_it_stands() {
    let policy = set(&[(Allow, r#"jwt.sub == "alice""#)]);
    for (claims, reason) in [
        (r#"{"sub":"alice"}"#, DecisionReason::AllowedBy(0)),
        (r#"{"act":{"sub":"bob"},"x":[{"sub":"bob"}],"sub":"alice"}"#, DecisionReason::AllowedBy(0)),
        (r#"{"iss":"i","s\u0075b":"al\u0069ce","groups":[]}"#, DecisionReason::AllowedBy(0)),
        (r#"{"act":{"sub":"alice"},"sub":"bob"}"#, DecisionReason::NoAllow),
        (r#"{"act":{"sub":"alice"}}"#, DecisionReason::NoAllow),
        ("{}", DecisionReason::NoAllow),
    ] {
        assert_eq!(decide(&policy, claims, &tool("x")).reason(), reason, "{claims}");
    }
    let denies = set(&[(Deny, r#"jwt.sub == "alice""#)]);
    assert_eq!(decide(&denies, "{}", &tool("x")).reason(), DecisionReason::DenyFailed(0), "absent, it fails");
    // Many claims, each of which is looked at where a name is looked for.
    let many: String = (0..900).map(|i| format!("\"c{i}\":{i},")).collect();
    assert!(decide(&policy, &format!("{{{many}\"sub\":\"alice\"}}"), &tool("x")).is_allowed());
}

pub(super) fn headers(list: &[(&'static str, &[u8])]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &[u8])| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
    };
    list.iter().map(pair).collect()
}

#[test]
fn request_variables_have_values_beside_mcp_ones() {
    let (call, headers) = (tool("x"), headers(&[("x-env", b"prod"), ("x-name", "zo\u{eb}".as_bytes())]));
    let context =
        |call| Context::new(None).call(call).request("POST", "/mcp", Some("mcp.example")).headers(&headers);
    for rule in [
        r#"request.method == "POST" && request.path == "/mcp" && request.host == "mcp.example""#,
        r#"request.headers["x-env"] == "prod" && mcp.tool.name == "x""#,
        r#"request.headers["X-Env"] == "prod""#,
        r#""x-env" in request.headers && !("x-other" in request.headers) && !has(request.headers.other)"#,
        r#"request.headers["x-name"] == "zo\u00eb""#,
        r#"request.headers["x-" + request.headers["x-env"].replace("prod", "env")] == "prod""#,
    ] {
        assert!(set(&[(Allow, rule)]).decide(&context(&call)).is_allowed(), "{rule}");
    }
    let item = ListItem::new(ItemKind::Tool, "x");
    let listed = Context::new(None).request("POST", "/mcp", None).headers(&headers).list_item(item);
    assert!(set(&[(Require, r#"request.headers["x-env"] == "prod""#)]).decide(&listed).is_allowed());
    for rule in [r#"request.host != "x""#, r#"request.headers["x-other"] != "x""#] {
        assert_eq!(set(&[(Deny, rule)]).decide(&listed).reason(), DecisionReason::DenyFailed(0), "{rule}");
    }
    assert!(Rule::compile(Allow, "request.headers == 1").is_err(), "a map");
    assert!(Rule::compile(Allow, r#"request.headers["x"] == 1"#).is_err(), "of strings");
}

/// Which of two values counts is for the service to say, so a rule cannot: neither the first, nor both joined,
/// nor none of them is an answer that keeps every rule closed.
#[test]
fn a_header_without_one_value_makes_the_rules_that_ask_for_it_fail() {
    let call = tool("x");
    for (name, rows) in
        [("twice", &[("x-env", &b"prod"[..]), ("x-env", b"prod")][..]), ("not text", &[("x-env", b"\xff")])]
    {
        let headers = headers(rows);
        let context = Context::new(None).call(&call).request("POST", "/", None).headers(&headers);
        for rule in [
            r#"request.headers["x-env"] == "prod""#,
            r#"request.headers["X-ENV"] != "prod""#,
            r#"!("x-env" in request.headers)"#,
            r#"request.headers["x-env"] == "prod" || request.method == "GET""#,
            r#"request.method == "POST" && request.headers["x-env"] != "prod""#,
            r#"request.headers[mcp.tool.name + "-env"] == "prod""#,
            r#"[request].exists(r, !("x-env" in r.headers))"#,
        ] {
            for (effect, reason) in [
                (Deny, DecisionReason::DenyFailed(0)),
                (Require, DecisionReason::RequireFailed(0)),
                (Allow, DecisionReason::NoAllow),
            ] {
                assert_eq!(
                    set(&[(effect, rule)]).decide(&context).reason(),
                    reason,
                    "{name}: {effect} {rule}"
                );
            }
        }
        let others = set(&[(Require, r#"!("x-other" in request.headers) && request.method == "POST""#)]);
        assert!(
            others.decide(&context).is_allowed(),
            "{name}: a rule that does not ask for it is not concerned"
        );
        // Nor one that comes to the same whatever the value is, in either order.
        for (rule, truth) in [
            (r#"request.headers["x-env"] == "prod" || request.method == "POST""#, true),
            (r#"request.method == "POST" || request.headers["x-env"] == "prod""#, true),
            (r#"!("x-env" in request.headers) && request.method == "GET""#, false),
            (r#"request.method == "GET" && !("x-env" in request.headers)"#, false),
        ] {
            assert_eq!(set(&[(Allow, rule)]).decide(&context).is_allowed(), truth, "{name}: {rule}");
            assert_eq!(set(&[(Deny, rule)]).decide(&context).is_allowed(), !truth, "{name}: {rule}");
        }
    }
}

/// What MCP says in headers is read like headers: twice is no value.
#[test]
fn session_and_protocol_version_have_one_value() {
    let call = tool("x");
    let mut said = tool("x");
    said.protocol_version = Some("2026-07-28".into());
    let twice = headers(&[
        ("mcp-session-id", b"a"),
        ("mcp-session-id", b"a"),
        ("mcp-protocol-version", b"2025-06-18"),
    ]);
    for rule in [r#"mcp.session == "a""#, "!has(mcp.session)", r#"mcp.session == "a" || mcp.method == "x""#] {
        for context in
            [Context::new(None).headers(&twice).call(&call), Context::new(None).call(&call).headers(&twice)]
        {
            assert_eq!(
                set(&[(Deny, rule)]).decide(&context).reason(),
                DecisionReason::DenyFailed(0),
                "{rule}"
            );
        }
    }
    let version = |call, version: &str| {
        let rule = format!(r#"mcp.protocolVersion == "{version}""#);
        set(&[(Allow, &rule)]).decide(&Context::new(None).call(call).headers(&twice)).is_allowed()
    };
    assert!(
        version(&call, "2025-06-18") && version(&said, "2026-07-28"),
        "the message's own word counts first"
    );
    let item = Context::new(None).headers(&twice).list_item(ListItem::new(ItemKind::Tool, "x"));
    assert!(set(&[(Allow, r#"mcp.protocolVersion == "2025-06-18""#)]).decide(&item).is_allowed());
}

#[test]
fn headers_are_not_printed() {
    let headers = headers(&[("authorization", b"Bearer canary")]);
    let shown = format!("{:?}", Context::new(None).headers(&headers));
    assert!(!shown.contains("canary"), "{shown}");
}

/// One rule for each line of the contract, and that it fails where nothing gives the value.
#[test]
fn row_217_234_235_every_variable_of_the_contract() {
    let extra = Document::parse(br#"{"key-id":"k1","team":"ops"}"#, &Default::default()).unwrap();
    let extra = extra.as_object().unwrap();
    let arguments = Document::parse(br#"{"amount":5,"to":{"iban":"X"}}"#, &Default::default()).unwrap();
    let headers = headers(&[("x-env", b"prod"), ("mcp-session-id", b"s"), ("mcp-protocol-version", b"1")]);
    let bob = principal(
        r#"{"iss":"https://idp","sub":"bob","aud":["m","n"],"exp":1700000300,"groups":["g"],"role":"r","client_id":"c"}"#,
    );
    let call = |method: &str, target: Target| {
        let mut call = McpCall::new(method, Some(target));
        call.protocol_version = Some("2026-07-28".into());
        call
    };
    let calls = [
        call("tools/call", Target::Tool("x".into())),
        call("prompts/get", Target::Prompt("p".into())),
        call("resources/read", Target::Resource("a:b".into())),
        call("tasks/get", Target::Task("t".into())),
    ];
    let context = |call| {
        Context::new(Some(&bob))
            .call(call)
            .arguments(Some(arguments.root()))
            .target("records")
            .request("POST", "/mcp/x", Some("mcp.example"))
            .scheme("https")
            .query("debug=1&name=caf%C3%A9")
            .headers(&headers)
            .source("[::ffff:10.1.2.3]:4711".parse().unwrap(), Some("spiffe://td/ns/a/sa/b"))
            .destination("192.0.2.1:443".parse().unwrap())
            .api_key(extra)
            .basic_auth("carol")
            .ext_authz(extra)
            .now(crate::UnixTime::from_secs(1_700_000_000))
    };
    for (item, rule) in [
        (0, r#"jwt.iss == "https://idp" && jwt.sub == "bob" && jwt.client_id == "c" && "m" in jwt.aud"#),
        (0, r#"jwt.exp > 1700000000 && jwt.role == "r" && timestamp(jwt.exp) - now == duration("300s")"#),
        (0, r#"mcp.method == "tools/call" && mcp.protocolVersion == "2026-07-28" && mcp.session == "s""#),
        (0, r#"mcp.tool.name == "x" && mcp.tool.target == "records""#),
        (0, r#"mcp.tool.arguments.amount < 10 && mcp.tool.arguments.to.iban == "X""#),
        (
            1,
            r#"mcp.prompt.name == "p" && mcp.prompt.target == "records" && mcp.prompt.arguments.amount == 5"#,
        ),
        (2, r#"mcp.resource.uri == "a:b" && mcp.resource.name == "a:b" && mcp.resource.target == "records""#),
        (3, r#"mcp.task.id == "t" && mcp.task.target == "records""#),
        (0, r#"request.method == "POST" && request.scheme == "https" && request.host == "mcp.example""#),
        (0, r#"request.path == "/mcp/x" && pathMatches(request.path, "/mcp/*")"#),
        (0, r#"request.query["debug"] == "1" && request.query.name == "café" && !("x" in request.query)"#),
        (0, r#"request.headers["X-Env"] == "prod""#),
        (0, r#"source.address == ip("10.1.2.3") && source.port == 4711"#),
        (
            0,
            r#"cidr("10.0.0.0/8").containsIP(source.address) && !cidr("192.168.0.0/16").containsIP(source.address)"#,
        ),
        (0, r#"source.identity == "spiffe://td/ns/a/sa/b" && jwt.sub == "bob""#),
        (0, r#"destination.address == ip("192.0.2.1") && destination.port == 443"#),
        (0, r#"apiKey["key-id"] == "k1" && apiKey.team == "ops""#),
        (0, r#"basicAuth.username == "carol""#),
        (0, r#"extauthz.team == "ops""#),
        (0, r#"now == timestamp("2023-11-14T22:13:20Z") && now.getDayOfWeek() == 2"#),
        (0, r#"inGroup("g") && !inGroup("h") && hasAudience("n") && !hasAudience("o")"#),
    ] {
        let policy = set(&[(Allow, rule)]);
        let decision = policy.decide(&context(&calls[item]));
        assert!(decision.is_allowed(), "{rule}: {decision}");
        // Nothing is known: whatever the effect, it does not open.
        let nothing = Context::new(None);
        for effect in [Allow, Deny, Require] {
            let policy = set(&[(effect, rule)]);
            let items = ["mcp.tool", "mcp.prompt", "mcp.resource", "mcp.task"];
            let about_items = effect != Allow && items.iter().any(|item| rule.contains(item));
            assert_eq!(policy.decide(&nothing).is_allowed(), about_items, "{effect} {rule}");
        }
    }
}

#[test]
fn paths_are_matched_by_segments_and_only_in_their_one_spelling() {
    let matches = |path: &str, pattern: &str| {
        let rule = format!(r#"pathMatches(request.path, "{pattern}")"#);
        let decision = set(&[(Deny, &rule)]).decide(&Context::new(None).request("GET", path, None));
        match decision.reason() {
            DecisionReason::DeniedBy(0) => Some(true),
            DecisionReason::DenyFailed(0) => None,
            _ => Some(false),
        }
    };
    for (path, pattern, outcome) in [
        ("/a/b", "/a/b", Some(true)),
        ("/a/b", "/a/*", Some(true)),
        ("/a/b/c", "/a/*", Some(false)),
        ("/a", "/a/*", Some(false)),
        ("/a/", "/a/*", Some(false)),
        ("/a/b/c", "/a/*/c", Some(true)),
        ("/a/b/c", "/a/**", Some(true)),
        ("/a", "/a/**", Some(true)),
        ("/ab", "/a/**", Some(false)),
        ("/", "/", Some(true)),
        ("/", "/**", Some(true)),
        ("/a/b/", "/a/b", Some(false)),
        ("/A/b", "/a/*", Some(false)),
        // Not patterns.
        ("/a/b", "/a/b*", None),
        ("/a/b/c", "/**/c", None),
        ("/a", "a", None),
        // Another server could read another path.
        ("/x/../a/b", "/a/*", None),
        ("/a//b", "/a/*", None),
        ("/a/%62", "/a/*", None),
        ("/a/b;x", "/a/*", None),
        ("/a%2Fb", "/a/*", None),
        ("/a\\b", "/a/*", None),
        ("", "/a", None),
    ] {
        assert_eq!(matches(path, pattern), outcome, "{path} {pattern}");
    }
}

#[test]
fn groups_stand_in_the_claims_that_are_said() {
    let policy = |claims: &[&str]| {
        PolicySet::builder().group_claims(claims).allow(r#"inGroup("ops")"#).unwrap().build()
    };
    for (claims, json, allowed) in [
        (&["groups"][..], r#"{"groups":["dev","ops"]}"#, true),
        (&["groups"], r#"{"groups":"ops"}"#, true),
        (&["groups"], r#"{"groups":"dev ops"}"#, false),
        (&["groups"], r#"{"groups":["devops"]}"#, false),
        (&["groups"], r#"{"groups":{"ops":true}}"#, false),
        (&["groups"], r#"{"roles":["ops"]}"#, false),
        (&["groups", "cognito:groups"], r#"{"cognito:groups":["ops"]}"#, true),
        (&["https://x/roles"], r#"{"https://x/roles":["ops"],"groups":["no"]}"#, true),
        (&[], r#"{"groups":["ops"]}"#, false),
    ] {
        let allowed_so = decide(&policy(claims), json, &tool("x")).is_allowed();
        assert_eq!(allowed_so, allowed, "{claims:?} {json}");
    }
    assert!(decide(&set(&[(Allow, r#"inGroup("ops")"#)]), r#"{"groups":["ops"]}"#, &tool("x")).is_allowed());
}

/// As with headers: which of two values counts is for the service to say.
#[test]
fn a_query_parameter_without_one_value_makes_the_rules_that_ask_for_it_fail() {
    for query in ["a=1&a=1", "a=1&%61=2", "a=1+2", "a=%ff", "a+b=1", "a=1&a"] {
        let name = if query.starts_with("a+b") { "a b" } else { "a" };
        for rule in [
            format!(r#"request.query["{name}"] == "1""#),
            format!(r#"request.query["{name}"] != "1""#),
            format!(r#"!("{name}" in request.query)"#),
            format!(r#"("{name}" in request.query) || request.method == "POST""#),
        ] {
            let context = Context::new(None).request("GET", "/", None).query(query);
            let decision = set(&[(Deny, &rule)]).decide(&context);
            assert_eq!(decision.reason(), DecisionReason::DenyFailed(0), "{query} {rule}");
            assert!(!set(&[(Allow, &rule)]).decide(&context).is_allowed(), "{query} {rule}");
        }
        let context = Context::new(None).request("GET", "/", None).query(query);
        assert!(set(&[(Require, r#"!("c" in request.query)"#)]).decide(&context).is_allowed());
    }
}

#[test]
fn whether_arguments_are_needed_is_known_at_load() {
    for (rule, needed) in [
        ("mcp.tool.arguments.amount > 1", true),
        ("has(mcp.prompt.arguments)", true),
        ("mcp.tool[jwt.x] == 'a'", true),
        ("mcp.tool.name == 'a' && mcp.method == 'tools/call'", false),
        ("jwt.arguments == 1", false),
    ] {
        assert_eq!(set(&[(Allow, rule)]).needs_arguments(), needed, "{rule}");
        let levels = PolicyLevels::from(set(&[(Allow, rule)]));
        assert_eq!(levels.needs_arguments(), needed, "{rule}");
    }
}

/// There are arguments and nobody can say which: a rule that asks for them fails, also one that asks whether there
/// are any.
#[test]
fn arguments_that_are_not_given_or_not_readable_fail() {
    let mut call = tool("x");
    call.arguments = Some(0..2);
    let none = tool("x");
    for rule in [
        "mcp.tool.arguments.a == 1",
        "!has(mcp.tool.arguments)",
        "!has(mcp.tool.arguments.a)",
        "mcp.tool.?arguments.?a.orValue(1) == 1",
    ] {
        for context in [Context::new(None).call(&call), Context::new(None).call(&none).arguments(None)] {
            assert_eq!(
                set(&[(Deny, rule)]).decide(&context).reason(),
                DecisionReason::DenyFailed(0),
                "{rule}"
            );
            assert!(!set(&[(Allow, rule)]).decide(&context).is_allowed(), "{rule}");
        }
    }
    let absent = Context::new(None).call(&none);
    assert!(set(&[(Allow, "!has(mcp.tool.arguments)")]).decide(&absent).is_allowed(), "it has none");
    // What the name decides is not asked for more, wherever the name stands.
    for rule in [
        r#"mcp.tool.name == "y" && mcp.tool.arguments.a == 1"#,
        r#"mcp.tool.arguments.a == 1 && mcp.tool.name == "y""#,
    ] {
        let context = Context::new(None).call(&call);
        assert!(set(&[(Deny, rule)]).decide(&context).is_allowed(), "{rule}");
    }
}

/// A tool is shown where it could be called with some arguments, and each call is judged with its own.
#[test]
fn rules_over_arguments_do_not_hide_items_of_lists() {
    let item = |name| Context::new(None).list_item(ListItem::new(ItemKind::Tool, name));
    for (effect, rule) in [
        (Deny, "mcp.tool.arguments.amount > 100"),
        (Deny, r#"mcp.tool.name == "pay" && mcp.tool.arguments.amount > 100"#),
        (Deny, r#"mcp.tool.arguments.amount > 100 && mcp.tool.name == "pay""#),
        (Require, "mcp.tool.arguments.amount <= 100"),
        (Require, r#"mcp.tool.name != "pay" || mcp.tool.arguments.amount <= 100"#),
        (Allow, "mcp.tool.arguments.amount <= 100"),
        (Allow, r#"mcp.tool.name == "pay" && mcp.tool.arguments.amount <= 100"#),
    ] {
        let policy = set(&[(effect, rule)]);
        assert!(policy.decide(&item("pay")).is_allowed(), "{effect} {rule}");
        let by_name = effect != Allow || !rule.contains("name");
        assert_eq!(policy.decide(&item("other")).is_allowed(), by_name, "{effect} {rule}");
        let call = tool("pay");
        for (amount, allowed) in [("5", true), ("500", false)] {
            let arguments = format!(r#"{{"amount":{amount}}}"#);
            let arguments = Document::parse(arguments.as_bytes(), &Default::default()).unwrap();
            let context = Context::new(None).call(&call).arguments(Some(arguments.root()));
            assert_eq!(policy.decide(&context).is_allowed(), allowed, "{effect} {rule} {amount}");
        }
    }
    // What hides it by its name still hides it.
    let hidden = set(&[
        (Allow, "true"),
        (Deny, r#"mcp.tool.name == "pay""#),
        (Require, "mcp.tool.arguments.amount < 1"),
    ]);
    assert!(!hidden.decide(&item("pay")).is_allowed());
}

/// Each call looks through all groups: items of a list are not asked for without end.
#[test]
fn attack_073_functions_of_rules_are_paid_for() {
    let caller = principal(r#"{"sub":"a","groups":["g"]}"#);
    let (limits, mut call) = (Limits::default().max_nodes(20_000), tool("x"));
    call.arguments = Some(0..1);
    let policy = set(&[(Allow, "mcp.tool.arguments.l.exists(g, inGroup(g))")]);
    for (before, allowed) in [(1_000, true), (8_000, false)] {
        let list = format!(r#"{{"l":[{}"g"]}}"#, r#""x","#.repeat(before));
        let arguments = Document::parse(list.as_bytes(), &limits).unwrap();
        let context = Context::new(Some(&caller)).call(&call).arguments(Some(arguments.root()));
        assert_eq!(policy.decide(&context).is_allowed(), allowed, "{before}");
    }
}

#[test]
fn registered_claims_are_typed_and_claims_that_are_nearly_known_are_mentioned() {
    for (rule, expected) in [
        ("jwt.sub == 1", "1:1: `==` compares string with int"),
        ("jwt.iss > 1", "1:"),
        (r#"source.address == "10.0.0.1""#, "net.IP"),
        (r#"now > "2024-01-01""#, "timestamp"),
        ("mcp.tool.argument.x == 1", "`arguments`"),
        ("hasScope(1)", "string"),
    ] {
        let error = Rule::compile(Allow, rule).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// What docs/policy.md says about rules that do not mean what they seem to.
#[test]
fn traps_behave_as_the_documentation_says() {
    let say = |rule: &str, claims: &str, call: &McpCall| {
        let decision = |effect| decide(&set(&[(effect, rule)]), claims, call);
        match decision(Deny).reason() {
            DecisionReason::DeniedBy(_) => "true",
            DecisionReason::DenyFailed(_) => "fails",
            _ if decision(Require).is_allowed() => "does not speak of it",
            _ => "false",
        }
    };
    let call = tool("drop");
    assert_eq!(say(r#""admin" in jwt.role"#, r#"{"role":"not-an-admin"}"#, &call), "fails");
    assert_eq!(say("!has(jwt.blocked)", "{}", &call), "true");
    assert_eq!(
        say(r#"jwt.groups.exists(g, g.startsWith("mcp-"))"#, r#"{"groups":["mcp-x"]}"#, &call),
        "true"
    );
    let but_one = r#"mcp.tool.name != "read""#;
    assert_eq!(say(but_one, "{}", &call), "true");
    let prompt = McpCall::new("prompts/get", Some(Target::Prompt("p".into())));
    assert_eq!(say(but_one, "{}", &prompt), "does not speak of it");
    let doubtful = PolicySet::builder().allow(r#"jwt.group == "admin""#).unwrap().build();
    let finding = doubtful.findings().iter().map(ToString::to_string).collect::<String>();
    assert!(
        finding.contains("did you mean `groups`") || finding.contains("did you mean `jwt.groups`"),
        "{finding}"
    );
    assert_eq!(say("jwt.amount <= 100", r#"{"amount":"5"}"#, &call), "fails");
    let caller = principal(r#"{"exp":2000000000}"#);
    let context = Context::new(Some(&caller)).call(&call).now(crate::UnixTime::from_secs(1_000_000_000));
    assert_eq!(set(&[(Deny, "jwt.exp > now")]).decide(&context).reason(), DecisionReason::DenyFailed(0));
    assert!(set(&[(Allow, "timestamp(int(jwt.exp)) > now")]).decide(&context).is_allowed());
}
