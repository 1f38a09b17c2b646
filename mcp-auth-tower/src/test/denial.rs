//! How denials are told.

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use mcp_auth_core::policy::{PolicySet, ToolScopes};
use serde_json::{Value, json};

use super::*;
use crate::authorize::MissingScopes;

fn scoped() -> PolicySet {
    let scopes = ToolScopes::new().tool("write*", ["mcp:write"]);
    PolicySet::builder().tool_scopes(scopes).require(r#"hasScope("mcp:read")"#).unwrap().build()
}

/// An operation on an item, in the wire version that is asked for.
fn ask(method: &str, member: &str, name: &str, modern: bool) -> String {
    let mut params = json!({ member: name });
    if modern {
        params["_meta"] = meta();
    }
    json!({"jsonrpc": "2.0", "id": "é1", "method": method, "params": params}).to_string()
}

/// Behind rules that allow by name, what is denied and what nobody has are one.
#[tokio::test]
async fn attack_095_a_denied_item_looks_like_one_that_does_not_exist() {
    let setup = Setup::with(|b| b.allow(r#"mcp.tool.name == "read""#).unwrap().hide_denied());
    let token = setup.idp.token("bob");
    for (method, member, code, modern_code) in [
        ("tools/call", "name", -32602, -32602),
        ("prompts/get", "name", -32602, -32602),
        ("resources/read", "uri", -32002, -32602),
        ("tasks/get", "taskId", -32602, -32602),
    ] {
        for modern in [false, true] {
            let answers = ["hidden", "absent"].map(|name| (name, ask(method, member, name, modern)));
            let mut seen = Vec::new();
            for (name, message) in answers {
                let (parts, body) = setup.post(&token, &message).await;
                assert_eq!(parts.status, StatusCode::OK, "{method}");
                assert_eq!(self::code(&parts), "denied", "the audit trail knows");
                let answer: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(answer["id"], "é1");
                assert_eq!(answer["error"]["code"], if modern { modern_code } else { code }, "{body}");
                let headers: Vec<_> = parts.headers.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
                seen.push((headers, body.replace(name, "NAME")));
            }
            assert_eq!(seen[0], seen[1], "{method}");
        }
    }
    assert_eq!(setup.calls(), 0);
    assert_eq!(setup.post(&token, &call("read")).await.0.status, StatusCode::OK);
    // Nobody waits for an answer: nothing to hide behind.
    let notification = r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"hidden"}}"#;
    assert_eq!(setup.post(&token, notification).await.0.status, StatusCode::FORBIDDEN);
    let open = Setup::with(|b| b.allow(r#"mcp.tool.name == "read""#).unwrap());
    assert_eq!(open.post(&open.idp.token("bob"), &call("x")).await.0.status, StatusCode::FORBIDDEN);
}

/// What scopes would turn is told also where denials are hidden: the client is meant to ask for them.
#[tokio::test]
async fn missing_scopes_are_told_where_denials_are_hidden() {
    let setup = Setup::with(|b| b.policy(scoped()).hide_denied());
    let token = setup.idp.token("bob");
    let (parts, _) = setup.post(&token, &call("write_x")).await;
    assert_eq!(parts.status, StatusCode::FORBIDDEN);
    assert!(challenge(&parts).contains(r#"scope="mcp:write mcp:read""#), "{}", challenge(&parts));
}

#[tokio::test]
async fn missing_scopes_can_be_told_in_the_answer() {
    let setup = Setup::with(|b| b.policy(scoped()).missing_scopes(MissingScopes::InBand));
    let token = setup.idp.token("bob");
    for modern in [false, true] {
        let (parts, body) = setup.post(&token, &ask("tools/call", "name", "write_x", modern)).await;
        assert_eq!((parts.status, code(&parts)), (StatusCode::OK, "insufficient_scope"));
        assert!(!parts.headers.contains_key(WWW_AUTHENTICATE));
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!("é1"), &json!(true)));
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.ends_with("grant: mcp:write mcp:read"), "{text}");
        assert_eq!(answer["result"].get("resultType").is_some(), modern);
    }
    let nothing = setup.idp.token_with(|c| c["scope"] = "".into());
    let (parts, body) = setup.post(&nothing, &ask("resources/read", "uri", "a:b", false)).await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((parts.status, &answer["error"]["data"]["scopes"]), (StatusCode::OK, &json!(["mcp:read"])));
    assert_eq!(setup.calls(), 0);
}

#[tokio::test]
async fn all_scopes_can_be_asked_for_when_a_client_connects() {
    let http = PolicySet::builder().require(r#"hasScope("use") || hasScope("not a scope")"#).unwrap().build();
    let setup = Setup::with(|b| {
        let b = b.policy(scoped()).http_policy(http).challenge_all_scopes();
        b.allow(r#"jwt.sub == "bob" || hasScope("files")"#).unwrap()
    });
    let mut request = post("", LIST);
    request.headers_mut().remove(AUTHORIZATION);
    let (parts, _) = setup.send(request).await;
    assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
    assert!(challenge(&parts).contains(r#"scope="mcp:read mcp:write files use""#), "{}", challenge(&parts));
}

#[tokio::test]
async fn an_unknown_method_is_answered_as_a_server_would() {
    let setup = Setup::with(|b| b.allow("true").unwrap());
    let token = setup.idp.token("bob");
    for (modern, status) in [(false, StatusCode::OK), (true, StatusCode::NOT_FOUND)] {
        let (parts, body) = setup.post(&token, &ask("tools/steal", "name", "x", modern)).await;
        assert_eq!((parts.status, code(&parts)), (status, "denied"));
        assert!(body.contains("-32601"), "{body}");
    }
    assert_eq!(setup.calls(), 0);
}

/// What a step-up would allow is listed, so that somebody asks for it.
#[tokio::test]
async fn lists_show_what_scopes_alone_would_allow() {
    let list =
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read"},{"name":"write_x"},{"name":"drop"}]}}"#;
    for granted_only in [false, true] {
        let setup = Setup::with(|b| {
            let b = b.policy(scoped()).deny(r#"mcp.tool.name == "drop""#).unwrap();
            if granted_only { b.list_granted_only() } else { b }
        });
        setup.answer(json_answer(list));
        let (_, body) = setup.post(&setup.idp.token("bob"), LIST).await;
        assert!(body.contains("read") && !body.contains("drop"), "{body}");
        assert_eq!(body.contains("write_x"), !granted_only, "{body}");
    }
}

/// What is held to be looked at has a limit.
#[tokio::test]
async fn an_answer_longer_than_is_held_is_an_error_in_its_place() {
    let setup = Setup::with(|b| b.allow("true").unwrap().max_answer_bytes(200));
    let token = setup.idp.token("bob");
    for (tools, fits) in [(1, true), (20, false)] {
        let tools: Vec<_> = (0..tools).map(|i| json!({ "name": format!("tool-{i}") })).collect();
        let list = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}}).to_string();
        for event in [false, true] {
            let (kind, list) = match event {
                true => ("text/event-stream", format!("data: {list}\n\n")),
                false => ("application/json", list.clone()),
            };
            setup
                .answer(Response::builder().header(CONTENT_TYPE, kind).body(Full::new(list.into())).unwrap());
            let (_, body) = setup.post(&token, LIST).await;
            assert_eq!((body.contains("tool-0"), body.contains("-32603")), (fits, !fits), "{event} {body}");
        }
    }
}
