//! What policies see and answer behind the whole stack.

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{Request, StatusCode};
use http_body_util::Full;
use mcp_auth_core::Principal;
use mcp_auth_core::mcp::{McpCall, Target};
use mcp_auth_core::policy::{Effect, Level, MatchBlock, PolicyLevels, PolicySet, ScopeHierarchy, ToolScopes};
use serde_json::Value;

use super::*;
use crate::authenticate::Mode;
use crate::authorize::AuthorizeLayer;
use crate::{Authenticated, CallArguments, Connection};

const READERS: &str = r#"jwt.groups.exists(g, g == "mcp-readers")"#;
const WRITERS: &str = r#"jwt.sub == "alice@acme.io" || mcp.tool.name != "write_record""#;

fn seed() -> PolicySet {
    PolicySet::builder()
        .block(Effect::Allow, MatchBlock::new([READERS, WRITERS]))
        .unwrap()
        .deny(r#"mcp.tool.name == "drop_table""#)
        .unwrap()
        .build()
}

fn reader(setup: &Setup, sub: &str) -> String {
    setup.idp.token_with(|c| {
        c["sub"] = sub.into();
        c["groups"] = serde_json::json!(["mcp-readers"]);
    })
}

/// Design, decision 8: rules over items judge items. A Deny on one tool leaves the rest of the protocol alone.
#[tokio::test]
async fn row_212_213_bob_works_under_the_policy_of_the_seed_and_a_deny() {
    let setup = Setup::with(|b| b.policy(seed()));
    let (bob, alice) = (reader(&setup, "bob@acme.io"), reader(&setup, "alice@acme.io"));
    let message = |method: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
    for method in ["initialize", "server/discover", "ping"] {
        assert_eq!(setup.post(&bob, &message(method)).await.0.status, StatusCode::OK, "{method}");
    }
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(setup.post(&bob, notification).await.0.status, StatusCode::OK);
    for (who, token, names) in
        [("bob", &bob, &["read_record"][..]), ("alice", &alice, &["read_record", "write_record"])]
    {
        setup.answer(json_answer(
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read_record"},{"name":"write_record"},{"name":"drop_table"}]}}"#,
        ));
        let (parts, body) = setup.post(token, LIST).await;
        assert_eq!(parts.status, StatusCode::OK);
        let body: Value = serde_json::from_str(&body).unwrap();
        let tools = body["result"]["tools"].as_array().unwrap();
        assert_eq!(tools.iter().map(|t| t["name"].as_str().unwrap()).collect::<Vec<_>>(), names, "{who}");
    }
    setup.answer(json_answer("{}"));
    for (token, tool, status) in [
        (&bob, "read_record", 200),
        (&bob, "write_record", 403),
        (&bob, "drop_table", 403),
        (&alice, "read_record", 200),
        (&alice, "write_record", 200),
        (&alice, "drop_table", 403),
    ] {
        assert_eq!(setup.post(token, &call(tool)).await.0.status.as_u16(), status, "{tool}");
    }
    let outsider = setup.idp.token("alice@acme.io");
    assert_eq!(setup.post(&outsider, &call("read_record")).await.0.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_missing_scope_is_a_challenge_with_all_scopes_and_a_plain_denial_is_not() {
    let scopes = ToolScopes::new().tool("*", ["mcp:read"]).tool("write*", ["mcp:write"]);
    let set = PolicySet::builder().tool_scopes(scopes).allow(r#"jwt.sub == "bob" && hasScope("files")"#);
    let http = PolicySet::builder().require(r#"hasScope("use")"#).unwrap().build();
    let setup = Setup::with(|b| b.policy(set.unwrap().build()).http_policy(http));
    let token = |sub: &str, scope: &str| {
        setup.idp.token_with(|c| {
            c["sub"] = sub.into();
            c["scope"] = scope.into();
        })
    };
    for scope in ["", "mcp:read", "use mcp:read files", "use mcp:write files"] {
        let (parts, body) = setup.post(&token("bob", scope), &call("write")).await;
        assert_eq!((parts.status, code(&parts)), (StatusCode::FORBIDDEN, "insufficient_scope"), "{scope}");
        let expected = format!(
            r#"Bearer resource_metadata="{METADATA}", scope="mcp:read mcp:write use files", error="insufficient_scope", error_description="the access token lacks a permission that this request needs""#
        );
        assert_eq!(challenge(&parts), expected, "all of them, for rules of every request and rules of items");
        let error: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&error["id"], &error["error"]["message"]), (&json!(7), &json!("insufficient scope")));
    }
    assert_eq!(setup.calls(), 0);
    let all = "use mcp:read mcp:write files";
    assert_eq!(setup.post(&token("bob", all), &call("write")).await.0.status, StatusCode::OK);
    // For alice no scope would help.
    for scope in ["", all] {
        let (parts, _) = setup.post(&token("alice", scope), &call("write")).await;
        assert_eq!((parts.status, code(&parts)), (StatusCode::FORBIDDEN, "denied"), "{scope}");
        assert!(!parts.headers.contains_key(WWW_AUTHENTICATE));
    }
    // A list needs what every request needs, and no more.
    let (parts, _) = setup.post(&token("bob", ""), LIST).await;
    assert_eq!(parts.status, StatusCode::FORBIDDEN);
    assert!(
        challenge(&parts).contains(r#"scope="use", error="insufficient_scope""#),
        "{}",
        challenge(&parts)
    );
    assert_eq!(setup.post(&token("bob", "use"), LIST).await.0.status, StatusCode::OK);
}

/// Scopes that nobody can ask for in a header are no challenge, and nothing of them gets into one.
#[tokio::test]
async fn a_scope_that_is_none_is_a_plain_denial() {
    for rule in [r#"hasScope("a\" b")"#, "hasScope('')", r#"hasScope(mcp.tool.name)"#] {
        let setup = Setup::with(|b| b.allow(rule).unwrap());
        let body = call(r"x\r\nX-Evil: 1");
        let (parts, _) = setup.post(&setup.idp.token("bob"), &body).await;
        assert_eq!((parts.status, code(&parts)), (StatusCode::FORBIDDEN, "denied"), "{rule}");
        assert_eq!(challenge(&parts), "");
    }
}

#[tokio::test]
async fn row_232_nobody_is_asked_to_log_in_and_not_to_step_up() {
    let setup = Setup::with(|b| b.mode(Mode::Optional).allow(r#"hasScope("w")"#).unwrap());
    let mut request = post("x", &call("x"));
    request.headers_mut().remove(AUTHORIZATION);
    let (parts, _) = setup.send(request).await;
    assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
    assert!(!challenge(&parts).contains("error"), "{}", challenge(&parts));
}

/// Row 233: claims of a token that was not validated here are not there, whatever stands in it.
#[tokio::test]
async fn row_233_claims_come_from_a_validated_token_only() {
    let setup = Setup::with(|b| b.mode(Mode::DangerPermissive).allow(r#"jwt.sub == "alice""#).unwrap());
    let foreign = Idp::new();
    let (parts, _) = setup.post(&foreign.token("alice"), &call("x")).await;
    assert_eq!((parts.status, setup.calls()), (StatusCode::UNAUTHORIZED, 0));
    let (parts, _) = setup.post(&setup.idp.token("alice"), &call("x")).await;
    assert_eq!((parts.status, setup.calls()), (StatusCode::OK, 1));
}

/// Rows 234 and 235: workload and user in one rule; what the server does not say is not there, and denies.
#[tokio::test]
async fn row_234_235_source_and_user_in_one_rule() {
    let rule = r#"cidr("10.0.0.0/8").containsIP(source.address) && source.identity == "spiffe://td/ns/a/sa/agent" && request.scheme == "https" && destination.port == 443 && jwt.sub == "bob""#;
    let setup = Setup::with(|b| b.allow(rule).unwrap());
    let inside = Connection::new("10.1.2.3:4000".parse().unwrap())
        .local("192.0.2.1:443".parse().unwrap())
        .scheme("https")
        .identity("spiffe://td/ns/a/sa/agent");
    let outside = Connection::new("192.0.2.3:4000".parse().unwrap())
        .local("192.0.2.1:443".parse().unwrap())
        .scheme("https")
        .identity("spiffe://td/ns/a/sa/agent");
    let other = Connection::new("10.1.2.3:4000".parse().unwrap()).scheme("https");
    for (sub, connection, status) in [
        ("bob", Some(inside.clone()), 200),
        ("alice", Some(inside), 403),
        ("bob", Some(outside), 403),
        ("bob", Some(other), 403),
        ("bob", None, 403),
    ] {
        let mut request = post(&setup.idp.token(sub), &call("x"));
        request.extensions_mut().extend(
            connection
                .map(|c| {
                    let mut extensions = http::Extensions::new();
                    extensions.insert(c);
                    extensions
                })
                .unwrap_or_default(),
        );
        assert_eq!(setup.send(request).await.0.status.as_u16(), status);
    }
}

#[tokio::test]
async fn rules_read_arguments_query_and_time() {
    let arguments = |json: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"pay","arguments":{json}}}}}"#
        )
    };
    let setup =
        Setup::with(|b| b.require(r#"mcp.tool.name != "pay" || mcp.tool.arguments.amount <= 100"#).unwrap());
    let token = setup.idp.token("bob");
    for (json, status) in [
        (r#"{"amount":5}"#, 200),
        (r#"{"amount":500}"#, 403),
        (r#"{"amount":5,"amount":500}"#, 403),
        (r#"{"amount":"5"}"#, 403),
        ("{}", 403),
        ("[]", 403),
    ] {
        assert_eq!(setup.post(&token, &arguments(json)).await.0.status.as_u16(), status, "{json}");
    }
    assert_eq!(setup.post(&token, &call("other")).await.0.status, StatusCode::OK);
    // More of them than are read: a rule that asks fails, and only such a rule.
    let many = format!(r#"{{"amount":5,"x":[{}0]}}"#, "0,".repeat(70_000));
    assert_eq!(setup.post(&token, &arguments(&many)).await.0.status, StatusCode::FORBIDDEN);
    let nobody_asks = Setup::with(|b| b.allow("true").unwrap());
    let many = arguments(&many);
    assert_eq!(nobody_asks.post(&nobody_asks.idp.token("bob"), &many).await.0.status, StatusCode::OK);
    // In the list the tool is there: some arguments are allowed.
    setup.answer(json_answer(r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"pay"}]}}"#));
    assert!(setup.post(&token, LIST).await.1.contains("pay"));

    for (rule, target, status) in [
        (r#"request.query["team"] == "a""#, "/files/mcp?team=a", 200),
        (r#"request.query["team"] == "a""#, "/files/mcp?team=a&team=b", 403),
        (r#"request.query["team"] == "a""#, "/files/mcp", 403),
        (r#"now < timestamp("2023-11-14T22:14:00Z")"#, "/files/mcp", 200),
        (r#"now > timestamp("2023-11-14T22:14:00Z")"#, "/files/mcp", 403),
        (r#"request.scheme == "https""#, "https://mcp.example/files/mcp", 200),
    ] {
        for http in [false, true] {
            let policy = PolicySet::builder().require(rule).unwrap().build();
            let setup = Setup::with(|b| if http { b.http_policy(policy) } else { b.policy(policy) });
            let mut request: Request<Full<Bytes>> = post(&setup.idp.token("bob"), &call("x"));
            *request.uri_mut() = target.parse().unwrap();
            assert_eq!(setup.send(request).await.0.status.as_u16(), status, "{rule} {target} {http}");
        }
    }
}

#[tokio::test]
async fn levels_and_single_rules_come_together() {
    let gateway = PolicySet::builder().deny(r#"mcp.tool.name == "a""#).unwrap().build();
    let hierarchy = ScopeHierarchy::new([("mcp:admin", ["mcp:read"])]).unwrap();
    let route =
        PolicySet::builder().scope_hierarchy(hierarchy).require(r#"hasScope("mcp:read")"#).unwrap().build();
    let levels = PolicyLevels::new().with(Level::Gateway, gateway).with(Level::Route, route);
    let setup = Setup::with(|b| b.policy(levels).deny(r#"mcp.tool.name == "b""#).unwrap());
    let token = setup.idp.token_with(|c| c["scope"] = "mcp:admin".into());
    for (tool, status) in [("a", 403), ("b", 403), ("c", 200)] {
        assert_eq!(setup.post(&token, &call(tool)).await.0.status.as_u16(), status, "{tool}");
    }
}

/// Where no gateway stands in front that refuses such paths for everybody.
#[tokio::test]
async fn attack_068_a_path_that_rules_read_has_one_spelling() {
    let rule = r#"request.path.startsWith("/files/") && !request.path.startsWith("/files/admin")"#;
    for http in [false, true] {
        let policy = PolicySet::builder().require(rule).unwrap().build();
        let setup = Setup::with(|b| if http { b.http_policy(policy) } else { b.policy(policy) });
        let token = setup.idp.token("bob");
        for (path, status) in [
            ("/files/mcp", 200),
            ("/files/admin", 403),
            ("/files/./admin", 400),
            ("/files/x/../admin", 400),
            ("/files//admin", 400),
            ("/files/%61dmin", 400),
            ("/files/x%2Fadmin", 400),
            ("/files/x;y=/admin", 400),
        ] {
            let mut request = post(&token, &call("x"));
            *request.uri_mut() = path.parse().unwrap();
            let before = setup.calls();
            let (parts, body) = setup.send(request).await;
            assert_eq!(parts.status.as_u16(), status, "{path} {http}");
            assert_eq!(setup.calls() - before, usize::from(status == 200), "{path}");
            if status == 400 {
                assert_eq!(code(&parts), "path", "{path}");
                assert!(body.contains("the path"), "{body}");
            }
        }
    }
    let nobody_reads = Setup::new();
    let mut request = post(&nobody_reads.idp.token("bob"), &call("x"));
    *request.uri_mut() = "/files//mcp".parse().unwrap();
    assert_eq!(nobody_reads.send(request).await.0.status, StatusCode::OK, "no rule turns on it");
}

/// What is explained is what is decided, on the same request.
#[tokio::test]
async fn explanations_are_of_the_layers_own_decisions() {
    let rule = r#"jwt.sub == "alice" || mcp.tool.arguments.amount <= request.query["most"].size()"#;
    let http = PolicySet::builder().name("http").deny(r#"request.path == "/closed""#).unwrap().build();
    let mcp = PolicySet::builder().name("mcp").require(rule).unwrap().build();
    let layer = AuthorizeLayer::new().http(http).mcp(mcp.clone());
    let json = r#"{"amount":2}"#;
    let mut pay = McpCall::new("tools/call", Some(Target::Tool("pay".into())));
    pay.arguments = Some(0..json.len());
    let mut allowed = Vec::new();
    for (sub, target, call) in [
        ("alice", "/mcp", &pay),
        ("alice", "/closed", &pay),
        ("bob", "/mcp?most=12", &pay),
        ("bob", "/mcp?most=1", &pay),
        ("bob", "/mcp", &pay),
        ("bob", "/mcp", &McpCall::new("tools/list", None)),
        ("bob", "/closed", &McpCall::new("tools/list", None)),
    ] {
        let claims = format!(r#"{{"sub":"{sub}"}}"#);
        let principal = Principal::danger_from_unverified_claims(claims.as_bytes()).unwrap();
        let mut request = Request::post(target).body(Full::<Bytes>::default()).unwrap();
        request.extensions_mut().insert(Authenticated::danger_unverified(principal));
        request.extensions_mut().insert(call.clone());
        request.extensions_mut().insert(CallArguments::new(Bytes::from_static(json.as_bytes())));
        let explanation = layer.explain(&request, true).unwrap();
        let open = tower::service_fn(|_| async { Ok::<_, Infallible>(json_answer("{}")) });
        let Ok(response) = layer.layer(open).oneshot(request).await;
        assert_eq!(explanation.decision.is_allowed(), response.status() == StatusCode::OK, "{explanation}");
        allowed.push(explanation.decision.is_allowed());
    }
    assert_eq!(allowed, [true, false, true, false, false, true, false]);
    // Nobody is authenticated, and no rule is asked.
    let mut request = Request::post("/mcp").body(()).unwrap();
    assert!(layer.explain(&request, true).is_none());
    let principal = Principal::danger_from_unverified_claims(b"{}").unwrap();
    request.extensions_mut().insert(Authenticated::danger_unverified(principal));
    request.extensions_mut().insert(McpCall::new("tools/list", None));
    assert!(AuthorizeLayer::new().mcp(mcp).explain(&request, true).is_none());
}

/// What the stack cannot know by itself comes from whoever does.
#[tokio::test]
async fn row_217_facts_of_other_layers_are_in_rules() {
    use mcp_auth_core::json::Document;

    let rules = [
        r#"apiKey.team == "a""#,
        r#"basicAuth.username == "u""#,
        "extauthz.level > 3",
        r#"mcp.tool.target == "records""#,
    ];
    let object = |json: &str| Document::parse(json.as_bytes(), &Default::default()).unwrap();
    let facts = crate::RequestFacts::new()
        .api_key(object(r#"{"team":"a"}"#))
        .basic_auth("u")
        .ext_authz(object(r#"{"level":4}"#))
        .target("records");
    for rule in rules {
        let setup = Setup::with(|b| b.require(rule).unwrap());
        let token = setup.idp.token("bob");
        assert_eq!(setup.post(&token, &call("x")).await.0.status, StatusCode::FORBIDDEN, "{rule}");
        let mut request = post(&token, &call("x"));
        request.extensions_mut().insert(facts.clone());
        assert_eq!(setup.send(request).await.0.status, StatusCode::OK, "{rule}");
        // And of the items of a list.
        for known in [false, true] {
            setup.answer(json_answer(r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"pay"}]}}"#));
            let mut request = post(&token, LIST);
            if known {
                request.extensions_mut().insert(facts.clone());
            }
            assert_eq!(setup.send(request).await.1.contains("pay"), known, "{rule}");
        }
    }
    let debug = format!("{facts:?}");
    assert!(!debug.contains("\"a\"") && !debug.contains("\"u\""), "{debug}");
}

/// Two readers of arguments: one compares names without case.
#[tokio::test]
async fn attack_077_arguments_that_lenient_parsers_read_otherwise_fail_where_rules_ask() {
    let setup = Setup::with(|b| b.require("mcp.tool.arguments.amount <= 100").unwrap());
    let token = setup.idp.token("bob");
    for (arguments, status) in [
        (r#"{"amount":1}"#, 200),
        (r#"{"amount":1,"to":{"Amount":2}}"#, 200),
        (r#"{"amount":1,"Amount":1000000}"#, 403),
        (r#"{"amount":1,"amount\u0000":1000000}"#, 403),
        (r#"{"amount":1,"to":[{"a":1,"A":2}]}"#, 403),
    ] {
        let message = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"x","arguments":{arguments}}}}}"#
        );
        assert_eq!(setup.post(&token, &message).await.0.status.as_u16(), status, "{arguments}");
    }
}

/// An item is listed where the call would pass all rules, those of every request among them.
#[tokio::test]
async fn attack_088_rules_of_every_request_filter_lists_too() {
    let http = PolicySet::builder().deny(r#"mcp.tool.name == "drop""#).unwrap().build();
    let version = r#"mcp.protocolVersion == "2026-07-28""#;
    let setup = Setup::with(|b| b.http_policy(http).require(version).unwrap());
    setup.answer(json_answer(
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"drop"},{"name":"read"}]}}"#,
    ));
    let token = setup.idp.token("bob");
    let list =
        serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta()}});
    let (_, body) = setup.post(&token, &list.to_string()).await;
    assert!(body.contains("read") && !body.contains("drop"), "{body}");
}

/// Also where there are no rules over items alone: what a call is denied by hides the item.
#[tokio::test]
async fn attack_088_rules_of_every_request_filter_lists_by_themselves() {
    let list = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"drop"},{"name":"read"}]}}"#;
    for (rule, is_hidden) in [(r#"mcp.tool.name == "drop""#, true), (r#"request.method == "PUT""#, false)] {
        let http = PolicySet::builder().deny(rule).unwrap().build();
        let setup = Setup::with(|b| b.http_policy(http));
        setup.answer(json_answer(list));
        let token = setup.idp.token("bob");
        let (parts, _) = setup.post(&token, &call("drop")).await;
        assert_eq!(parts.status == StatusCode::FORBIDDEN, is_hidden, "{rule}");
        let (_, body) = setup.post(&token, LIST).await;
        assert_eq!(body.contains("read") && !body.contains("drop"), is_hidden, "{rule} {body}");
    }
}

/// The rules of a service can be replaced while it serves; what cannot be used changes nothing.
#[tokio::test]
async fn attack_074_rules_that_do_not_compile_leave_the_old_ones() {
    use crate::authorize::Policies;

    let setup = Setup::with(|b| b.require(r#"mcp.tool.name == "a""#).unwrap());
    let token = setup.idp.token("bob");
    let ask = async |tool: &str| setup.post(&token, &call(tool)).await.0.status.as_u16();
    assert_eq!((ask("a").await, ask("b").await), (200, 403));
    let load = |rule: &str| {
        let set = PolicySet::builder().require(rule)?.build();
        Ok::<_, mcp_auth_core::policy::RuleError>(Policies { mcp: Some(set.into()), ..Policies::default() })
    };
    assert!(setup.policies.try_replace(|| load(r#"mcp.tool.nme == "b""#)).is_err());
    assert_eq!((ask("a").await, ask("b").await), (200, 403), "the old rules stay");
    setup.policies.try_replace(|| load(r#"mcp.tool.name == "b""#)).unwrap();
    assert_eq!((ask("a").await, ask("b").await), (403, 200));
}

/// Both sets of rules change at once: a request that saw one of each version would get through.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_075_a_request_sees_one_version_of_the_rules() {
    use std::sync::atomic::{AtomicBool, Ordering};

    use crate::authorize::Policies;

    // Either version denies: one by the rules over requests, the other by those over items.
    let rules = |open: bool, text: &str| {
        let rule = if open { "true".to_owned() } else { text.to_owned() };
        Some(PolicyLevels::from(PolicySet::builder().require(&rule).unwrap().build()))
    };
    let version = move |odd: bool| Policies {
        http: rules(odd, r#"request.method == "NONE""#),
        mcp: rules(!odd, r#"mcp.tool.name == "none""#),
    };
    let setup =
        Setup::with(|b| b.policy(version(false).mcp.unwrap()).http_policy(version(false).http.unwrap()));
    let done = Arc::new(AtomicBool::new(false));
    let (policies, stop) = (setup.policies.clone(), done.clone());
    let replacing = tokio::task::spawn_blocking(move || {
        let mut count = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            policies.replace(version(count.is_multiple_of(2)));
            count += 1;
        }
        count
    });
    let token = setup.idp.token("bob");
    for _ in 0..2_000 {
        assert_eq!(setup.post(&token, &call("x")).await.0.status, StatusCode::FORBIDDEN);
    }
    done.store(true, Ordering::Relaxed);
    assert!(replacing.await.unwrap() > 10);
    assert_eq!(setup.calls(), 0);
}
