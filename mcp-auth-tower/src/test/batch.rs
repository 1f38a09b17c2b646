//! Batches (MCP 2025-03-26): each message is judged by itself.

use http::StatusCode;
use serde_json::{Value, json};

use super::*;

fn tool(id: u32, name: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name}})
}

fn text(messages: &[Value]) -> String {
    Value::from(messages.to_vec()).to_string()
}

fn ids(body: &str) -> Vec<(Value, bool)> {
    let answers: Vec<Value> = serde_json::from_str(body).unwrap();
    answers.iter().map(|a| (a["id"].clone(), a.get("error").is_some())).collect()
}

fn forwarded(setup: &Setup) -> Vec<Value> {
    let seen = setup.upstream.seen.lock().unwrap();
    let (parts, body) = seen.last().unwrap();
    assert_eq!(parts.headers[CONTENT_LENGTH], body.len().to_string());
    serde_json::from_slice(body).unwrap()
}

#[tokio::test]
async fn attack_080_what_is_refused_is_answered_here_and_the_rest_goes_on() {
    let setup = Setup::new();
    let bob = setup.idp.token("bob");
    setup.answer(json_answer(r#" [{"jsonrpc":"2.0","id":1,"result":{}}] "#));
    let batch = text(&[
        tool(1, "read"),
        tool(2, "write"),
        json!({"id": 3}),
        json!({"jsonrpc": "2.0", "id": 4, "method": "x/y"}),
    ]);
    let (parts, body) = setup.post(&bob, &batch).await;
    assert_eq!(parts.status, StatusCode::OK);
    assert_eq!(
        ids(&body),
        [(2.into(), true), (3.into(), true), (4.into(), true), (1.into(), false)],
        "{body}"
    );
    assert!(body.contains("-32003") && body.contains("-32600") && body.contains("-32601"), "{body}");
    assert_eq!(forwarded(&setup), [tool(1, "read")]);
    // Byte for byte, where nothing is refused.
    let spaced = format!("[ {} ,\n{} ]", tool(1, "read"), tool(2, "list"));
    setup.post(&bob, &spaced).await;
    assert_eq!(setup.upstream.seen.lock().unwrap().last().unwrap().1, spaced.as_bytes());
    assert_eq!(setup.calls(), 2);
}

#[tokio::test]
async fn attack_080_a_batch_of_which_nothing_is_left_goes_nowhere() {
    let setup = Setup::new();
    let bob = setup.idp.token("bob");
    let (parts, body) = setup.post(&bob, &text(&[tool(1, "write"), tool(2, "write")])).await;
    assert_eq!((parts.status, ids(&body)), (StatusCode::OK, vec![(1.into(), true), (2.into(), true)]));
    let mut notification = tool(1, "write");
    notification.as_object_mut().unwrap().remove("id");
    let (parts, _) = setup.post(&bob, &text(&[notification.clone()])).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::FORBIDDEN, "denied"), "nobody waits for an answer");
    assert_eq!(setup.calls(), 0);
    // The rest were notifications: the service has nothing to say.
    *setup.upstream.answer.lock().unwrap() =
        Some(Response::builder().status(202).body(Full::default()).unwrap());
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let (parts, body) = setup.post(&bob, &text(&[initialized.clone(), tool(2, "write")])).await;
    assert_eq!((parts.status, ids(&body)), (StatusCode::OK, vec![(2.into(), true)]));
    assert_eq!(forwarded(&setup), [initialized]);
}

/// Streams get the refusals first, and lists in them are filtered.
#[tokio::test]
async fn attack_080_089_a_batch_that_is_answered_by_a_stream() {
    let setup = Setup::new();
    let bob = setup.idp.token("bob");
    let list = r#"[{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read"},{"name":"write"}]}}]"#;
    for stream in [false, true] {
        let (kind, body) = match stream {
            true => ("text/event-stream", format!("data: {list}\n\n")),
            false => ("application/json", list.to_owned()),
        };
        let answer = Response::builder().header(CONTENT_TYPE, kind).body(Full::new(body.into())).unwrap();
        setup.answer(answer);
        let listing = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        let (_, body) = setup.post(&bob, &text(&[listing, tool(2, "write")])).await;
        assert!(body.contains("read") && !body.contains(r#""name":"write""#), "{body}");
        let refused = body.find("-32003").unwrap();
        assert!(refused < body.find("read").unwrap(), "{body}");
        assert_eq!(body.starts_with("data: {"), stream, "{body}");
    }
}

/// Other versions have no batches, and no header speaks for a message of one.
#[tokio::test]
async fn attack_080_082_batches_of_other_versions_are_refused() {
    let setup = Setup::new();
    let bob = setup.idp.token("bob");
    let batch = text(&[tool(1, "read")]);
    let modern = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list",
        "params": {"_meta": meta()}});
    for (header, value, body, status) in [
        ("mcp-protocol-version", "2025-03-26", &batch, 200),
        ("mcp-protocol-version", "2025-06-18", &batch, 400),
        ("mcp-protocol-version", "2026-07-28", &batch, 400),
        ("mcp-method", "tools/call", &batch, 400),
        ("x-other", "x", &text(&[modern]), 400),
        ("x-other", "x", &"[]".to_owned(), 400),
        ("x-other", "x", &text(&[tool(1, "read"), tool(1, "read")]), 400),
        ("x-other", "x", &text(&vec![tool(1, "read"); 101]), 400),
    ] {
        let mut request = post(&bob, body);
        request.headers_mut().insert(header, value.parse().unwrap());
        let (parts, _) = setup.send(request).await;
        assert_eq!(parts.status.as_u16(), status, "{header} {value} {body:.90}");
    }
    assert_eq!(setup.calls(), 1);
}
