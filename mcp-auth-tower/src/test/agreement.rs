//! Headers that say what the body says.

use http::{HeaderMap, HeaderName, Method, StatusCode};
use serde_json::{Value, json};

use super::*;

fn modern(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":5,"method":"{method}","params":{{{params}"_meta":{}}}}}"#, meta())
}

fn request(token: &str, body: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut request = post(token, body);
    for name in ["mcp-protocol-version", "mcp-method", "mcp-name"] {
        request.headers_mut().remove(name);
    }
    let pairs = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap()));
    request.headers_mut().extend(pairs.collect::<HeaderMap>());
    request
}

const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");

#[tokio::test]
async fn attack_082_083_headers_that_do_not_agree_are_refused() {
    let setup = Setup::new();
    let bob = setup.idp.token("bob");
    let call = modern("tools/call", r#""name":"read","arguments":{},"#);
    let name = ("mcp-name", "read");
    let method = ("mcp-method", "tools/call");
    let old = ("mcp-protocol-version", "2025-03-26");
    for (headers, status, code) in [
        (&[VERSION, method, name][..], 200, 0),
        (&[VERSION, method, ("mcp-name", "=?base64?cmVhZA==?=")], 200, 0),
        (&[VERSION, method, ("mcp-name", "write")], 400, -32020),
        (&[VERSION, method, ("mcp-name", "=?base64?!?=")], 400, -32020),
        (&[VERSION, ("mcp-method", "tools/list"), name], 400, -32020),
        (&[VERSION, ("mcp-method", "TOOLS/CALL"), name], 400, -32020),
        (&[VERSION, name], 400, -32020),
        (&[VERSION, method], 400, -32020),
        (&[method, name], 400, -32020),
        (&[old, method, name], 400, -32020),
        (&[("mcp-protocol-version", "v999.0.0"), method, name], 400, -32020),
    ] {
        let (parts, body) = setup.send(request(&bob, &call, headers)).await;
        assert_eq!(parts.status.as_u16(), status, "{headers:?} {body}");
        if status != 200 {
            let answer: Value = serde_json::from_str(&body).unwrap();
            assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &json!(5)), "{body}");
        }
    }
    // Twice, which a map of names to values does not show.
    let mut twice = request(&bob, &call, &[VERSION, method, name]);
    twice.headers_mut().append("mcp-name", "read".parse().unwrap());
    assert_eq!(setup.send(twice).await.0.status, StatusCode::BAD_REQUEST);
    assert_eq!(setup.calls(), 2);
}

#[tokio::test]
async fn attack_090_modern_requests_are_posts_without_sessions() {
    let setup = Setup::new();
    let bob = setup.idp.token("bob");
    for (method, version, status) in [
        (Method::GET, "2026-07-28", 405),
        (Method::DELETE, "2026-07-28", 405),
        (Method::GET, "2027-01-01", 405),
        (Method::GET, "2025-11-25", 200),
        (Method::DELETE, "2025-06-18", 200),
    ] {
        let mut request = request(&bob, "", &[("mcp-protocol-version", version)]);
        *request.method_mut() = method.clone();
        request.headers_mut().remove(CONTENT_TYPE);
        let (parts, _) = setup.send(request).await;
        assert_eq!(parts.status.as_u16(), status, "{method} {version}");
        assert_eq!(parts.headers.get("allow").is_some_and(|v| v == "POST"), status == 405);
    }
}

/// What a tool mirrors is known once a list of tools has passed.
#[tokio::test]
async fn attack_082_arguments_that_tools_mirror_are_checked_once_they_were_listed() {
    let setup = Setup::new();
    let bob = setup.idp.token("bob");
    let call = modern("tools/call", r#""name":"read","arguments":{"region":"eu","n":42},"#);
    let send = async |headers: &[(&str, &str)]| {
        let headers = [&[VERSION, ("mcp-method", "tools/call"), ("mcp-name", "read")], headers].concat();
        setup.send(request(&bob, &call, &headers)).await.0.status.as_u16()
    };
    assert_eq!(send(&[]).await, 200, "nobody knows yet");
    let schema = r#"{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"}}}"#;
    let list = format!(
        r#"{{"jsonrpc":"2.0","id":5,"result":{{"tools":[{{"name":"read","inputSchema":{schema}}}]}}}}"#
    );
    for stream in [false, true] {
        let (kind, list) = match stream {
            true => ("text/event-stream", format!("data: {list}\n\n")),
            false => ("application/json", list.clone()),
        };
        setup.answer(Response::builder().header(CONTENT_TYPE, kind).body(Full::new(list.into())).unwrap());
        let headers = [VERSION, ("mcp-method", "tools/list")];
        let (parts, body) = setup.send(request(&bob, &modern("tools/list", ""), &headers)).await;
        assert!(parts.status == StatusCode::OK && body.contains("x-mcp-header"), "{body}");
    }
    setup.answer(json_answer("{}"));
    for (headers, status) in [
        (&[("mcp-param-region", "eu"), ("mcp-param-n", "42")][..], 200),
        (&[("mcp-param-region", "=?base64?ZXU=?="), ("mcp-param-n", "42.0")], 200),
        (&[("mcp-param-region", "us"), ("mcp-param-n", "42")], 400),
        (&[("mcp-param-region", "eu"), ("mcp-param-n", "43")], 400),
        (&[("mcp-param-region", "eu")], 400),
        (&[], 400),
    ] {
        assert_eq!(send(headers).await, status, "{headers:?}");
    }
}
