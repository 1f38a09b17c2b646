//! Decisions on calls, and lists without what the caller may not use.

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RANGE, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use mcp_auth_core::jwt::Validator;
use mcp_auth_core::policy::PolicySet;
use serde_json::{Value, json};

use super::*;
use crate::authenticate::{AuthenticateLayer, Mode};
use crate::authorize::AuthorizeLayer;

#[tokio::test]
async fn row_211_denied_calls_do_not_reach_the_service() {
    let setup = Setup::new();
    let (parts, body) = setup.post(&setup.idp.token("bob"), &call("write")).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::FORBIDDEN, "denied"));
    assert!(!parts.headers.contains_key(WWW_AUTHENTICATE), "a plain denial is no OAuth error");
    let error: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&error["id"], &error["error"]["message"]), (&json!(7), &json!("not allowed")));
    assert_eq!(setup.calls(), 0);
    let (parts, _) = setup.post(&setup.idp.token("alice"), &call("write")).await;
    assert_eq!((parts.status, setup.calls()), (StatusCode::OK, 1));
}

#[tokio::test]
async fn attack_088_089_lists_are_filtered_in_json_and_in_streams() {
    let setup = Setup::new();
    let list = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read"},{"name":"write"}]}}"#;
    let stream = Response::builder()
        .header(CONTENT_TYPE, "text/event-stream; charset=utf-8")
        .body(Full::new(Bytes::from(format!("event: message\r\ndata: {list}\r\n\r\n"))))
        .unwrap();
    for answer in [json_answer(list), stream] {
        setup.answer(answer);
        let (parts, body) = setup.post(&setup.idp.token("bob"), LIST).await;
        assert_eq!(parts.status, StatusCode::OK);
        assert!(body.contains("read") && !body.contains("write"), "{body}");
        assert!(!parts.headers.contains_key(CONTENT_LENGTH), "the old length would be wrong");
        let (_, body) = setup.post(&setup.idp.token("alice"), LIST).await;
        assert!(body.contains(list), "nothing to hide: byte for byte");
        let get = Request::get("/files/mcp")
            .header(AUTHORIZATION, format!("Bearer {}", setup.idp.token("bob")))
            .body(Full::default())
            .unwrap();
        let (_, body) = setup.send(get).await;
        assert!(!body.contains("write"), "a list may come by the GET stream too: {body}");
    }
}

/// Some clients read the body before the status.
#[tokio::test]
async fn attack_088_lists_are_filtered_whatever_the_status() {
    let setup = Setup::new();
    let token = setup.idp.token("bob");
    let list = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read"},{"name":"write"}]}}"#;
    let answer = |status: u16, kinds: &[&str], text: &str| {
        let body = Full::new(Bytes::from(text.to_owned()));
        let mut response = Response::builder().status(status).body(body).unwrap();
        for kind in kinds {
            response.headers_mut().append(CONTENT_TYPE, kind.parse().unwrap());
        }
        response
    };
    for status in [200, 201, 202, 206, 300, 400, 404, 500] {
        for (kind, text) in
            [("application/json", list.to_owned()), ("text/event-stream", format!("data: {list}\n\n"))]
        {
            setup.answer(answer(status, &[kind], &text));
            let (parts, body) = setup.post(&token, LIST).await;
            assert_eq!(parts.status.as_u16(), status);
            assert!(body.contains("read") && !body.contains("write"), "{status} {kind} {body}");
        }
    }
    // What cannot be a list goes through: errors in JSON, errors of a proxy, nothing at all.
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"busy"}}"#;
    for (status, kinds, text) in [
        (503, &["application/json"][..], error),
        (404, &["application/json; charset=utf-8"], r#"{"error":"not_found"}"#),
        (502, &["text/html"], "<h1>bad gateway</h1>"),
        (401, &[], "log in"),
        (202, &[], ""),
        (202, &["application/json"], ""),
        (405, &["application/json"], ""),
    ] {
        setup.answer(answer(status, kinds, text));
        let (parts, body) = setup.post(&token, LIST).await;
        assert_eq!((parts.status.as_u16(), &*body), (status, text), "{kinds:?}");
    }
    // Which of two types counts is for the client to say.
    for status in [200, 404] {
        setup.answer(answer(status, &["text/html", "application/json"], list));
        let (parts, body) = setup.post(&token, LIST).await;
        assert_eq!((parts.status.as_u16(), code(&parts), body.contains("write")), (502, "answer", false));
    }
    let mut compressed = answer(404, &["application/json"], list);
    compressed.headers_mut().insert(CONTENT_ENCODING, "br".parse().unwrap());
    setup.answer(compressed);
    let mut request = post(&token, LIST);
    request.headers_mut().insert(RANGE, "bytes=70-".parse().unwrap());
    let (parts, body) = setup.send(request).await;
    assert_eq!((parts.status.as_u16(), body.contains("write")), (502, false));
    let seen = setup.upstream.seen.lock().unwrap();
    assert!(seen.iter().all(|(parts, _)| !parts.headers.contains_key(RANGE)), "a part cannot be filtered");
}

/// Rules over items read the request that carries the call, or that asks for the list.
#[tokio::test]
async fn attack_068_rules_over_items_read_the_request_in_one_spelling() {
    let list = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read"},{"name":"write"}]}}"#;
    for (rule, header, good, bad) in [
        ("request.host == \"mcp.example\"", "host", "MCP.Example.:443", "mcp.example.evil"),
        ("request.headers[\"X-Env\"] == \"prod\"", "x-env", "prod", "Prod"),
        ("request.path == \"/files/mcp\" && \"x-env\" in request.headers", "x-env", "prod", ""),
        ("request.method == \"POST\" && request.headers[\"x-env\"] != \"dev\"", "x-env", "", "dev"),
    ] {
        let setup = Setup::with(|b| b.require(&format!("mcp.tool.name != \"write\" || ({rule})")).unwrap());
        setup.answer(json_answer(list));
        let token = setup.idp.token("bob");
        let with = |body: &str, values: &[&str]| {
            let mut request = post(&token, body);
            for value in values.iter().filter(|v| !v.is_empty() || rule.contains("!=")) {
                request.headers_mut().append(header, value.parse().unwrap());
            }
            request
        };
        // Two hosts do not get here.
        let twice = (&[good, good][..], false);
        let cases = [(&[good][..], true), (&[bad], false)];
        for (values, allowed) in cases.into_iter().chain((header != "host").then_some(twice)) {
            let (parts, _) = setup.send(with(&call("write"), values)).await;
            assert_eq!(parts.status.is_success(), allowed, "call: {rule} {values:?}");
            let (parts, body) = setup.send(with(LIST, values)).await;
            assert_eq!(parts.status, StatusCode::OK);
            assert_eq!(body.contains("write"), allowed, "list: {rule} {values:?} {body}");
            assert!(body.contains("read"), "{body}");
        }
    }
    // HTTP/2 has `:authority` in the place of `Host`.
    let setup = Setup::with(|b| b.require(r#"request.host == "mcp.example""#).unwrap());
    let at = |uri: &str, host: Option<&str>| {
        let mut request = post(&setup.idp.token("bob"), &call("read"));
        *request.uri_mut() = uri.parse().unwrap();
        request.headers_mut().extend(host.map(|h| (http::header::HOST, h.parse().unwrap())));
        request
    };
    for (uri, host, status) in [
        ("https://MCP.example:443/files/mcp", None, 200),
        ("https://mcp.example/files/mcp", Some("mcp.example"), 200),
        ("https://evil.example/files/mcp", None, 403),
        ("/files/mcp", None, 403),
    ] {
        assert_eq!(setup.send(at(uri, host)).await.0.status.as_u16(), status, "{uri} {host:?}");
    }
}

/// The same by the `GET` stream, and in the rules of every request.
#[tokio::test]
async fn request_variables_in_streams_and_in_http_rules() {
    let rule = r#"request.headers["x-env"] == "prod""#;
    let list = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"write"}]}}"#;
    let setup = Setup::with(|b| b.require(&format!("mcp.tool.name != \"write\" || {rule}")).unwrap());
    let http = Setup::with(|b| b.http_policy(PolicySet::builder().require(rule).unwrap().build()));
    for (env, shown) in [("prod", true), ("dev", false)] {
        let get = |setup: &Setup| {
            Request::get("/files/mcp")
                .header(AUTHORIZATION, format!("Bearer {}", setup.idp.token("bob")))
                .header("x-env", env)
                .body(Full::default())
                .unwrap()
        };
        setup.answer(json_answer(list));
        assert_eq!(setup.send(get(&setup)).await.1.contains("write"), shown);
        assert_eq!(http.send(get(&http)).await.0.status.is_success(), shown);
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_filtered_is_not_passed_on() {
    let setup = Setup::new();
    let token = setup.idp.token("bob");
    let secret = r#"{"result":{"tools":[{"name":"write"}"#;
    let answer = |kind: &str| {
        Response::builder().header(CONTENT_TYPE, kind).body(Full::new(Bytes::from(secret))).unwrap()
    };
    let mut gzip = answer("application/json");
    gzip.headers_mut().insert(CONTENT_ENCODING, "gzip".parse().unwrap());
    let twice = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"Tools":[{"name":"write"}]}}"#;
    for response in [answer("application/json"), answer("text/html"), gzip, json_answer(twice)] {
        setup.answer(response);
        let (parts, body) = setup.post(&token, LIST).await;
        assert!(!body.contains("write"), "{body}");
        let error: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(error["error"]["code"], -32603, "{:?}", parts.status);
    }
    let seen = setup.upstream.seen.lock().unwrap();
    assert!(seen.iter().all(|(p, _)| p.headers["accept-encoding"] == "identity"));
}

/// Rules over items judge items. What they do not judge (lifecycle, lists, streams, the end of a session) needs a
/// principal instead (design, decision 8): an empty list or a session without a name would tell a client that it is
/// connected, and it would never log in.
#[tokio::test]
async fn row_194_206_232_optional_mode_passes_nobody_to_items_that_the_policy_leaves_open() {
    let rule = r#"jwt.sub == "alice" || mcp.tool.name == "open""#;
    let setup = Setup::with(|b| b.mode(Mode::Optional).require(rule).unwrap());
    let anonymous = |method: Method, body: &str| {
        let mut request = post("x", body);
        request.headers_mut().remove(AUTHORIZATION);
        *request.method_mut() = method;
        request
    };
    let message = |method: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    for (method, body) in [
        (Method::POST, call("read")),
        (Method::POST, LIST.to_owned()),
        (Method::POST, message("resources/templates/list")),
        (Method::POST, message("initialize")),
        (Method::POST, message("server/discover")),
        (Method::POST, message("ping")),
        (Method::POST, message("x/y")),
        (Method::POST, notification.to_owned()),
        (Method::POST, response.to_owned()),
        (Method::GET, String::new()),
        (Method::DELETE, String::new()),
    ] {
        let (parts, _) = setup.send(anonymous(method.clone(), &body)).await;
        assert_eq!((parts.status.as_u16(), setup.calls()), (401, 0), "{method} {body}");
        assert!(challenge(&parts).contains("resource_metadata") && !challenge(&parts).contains("error"));
    }
    let (parts, _) = setup.send(anonymous(Method::POST, &call("open"))).await;
    assert_eq!((parts.status, setup.calls()), (StatusCode::OK, 1));
    let (parts, _) = setup.post("bad", &call("open")).await;
    assert_eq!((parts.status, setup.calls()), (StatusCode::UNAUTHORIZED, 1), "a bad token is not no token");
    let (parts, _) = setup.post(&setup.idp.token("bob"), LIST).await;
    assert_eq!((parts.status, setup.calls()), (StatusCode::OK, 2), "somebody, whoever it is");

    let without_rules = Setup::with(|b| b.mode(Mode::Optional));
    let (parts, _) = without_rules.send(anonymous(Method::POST, LIST)).await;
    assert_eq!((parts.status, without_rules.calls()), (StatusCode::OK, 1));
}

#[tokio::test]
async fn authorize_without_authenticate_refuses() {
    let upstream = Arc::new(Shared::default());
    let layer = AuthorizeLayer::new();
    let service = layer.layer(Upstream { shared: upstream.clone(), ready: false });
    let response = service.oneshot(post("x", LIST)).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(upstream.calls.load(Ordering::SeqCst), 0);
}

/// The embedder forgot the layer that reads messages: rules over items would never be asked.
#[tokio::test]
async fn authorize_with_mcp_rules_and_without_the_mcp_layer_refuses() {
    let idp = Idp::new();
    let validator = Validator::new([Issuer::new(ISSUER).audience(RESOURCE)]).unwrap();
    let authenticate =
        AuthenticateLayer::new(validator, vec![idp.keys()]).unwrap().clock(Arc::new(FixedClock));
    let rules = || PolicySet::builder().deny(r#"mcp.tool.name == "write""#).unwrap().build();
    let send = async |authorize: &AuthorizeLayer, method: Method| {
        let upstream = Arc::new(Shared::default());
        let service =
            authenticate.layer(authorize.layer(Upstream { shared: upstream.clone(), ready: false }));
        let mut request = post(&idp.token("bob"), &call("write"));
        *request.method_mut() = method;
        let (parts, _) = service.oneshot(request).await.unwrap().into_parts();
        (parts.status.as_u16(), code(&parts), upstream.calls.load(Ordering::SeqCst))
    };
    let with_rules = AuthorizeLayer::new().mcp(rules());
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::OPTIONS] {
        assert_eq!(send(&with_rules, method).await, (500, "message_not_read", 0));
    }
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(send(&with_rules, method).await, (200, "", 1), "these carry no message");
    }
    assert_eq!(send(&AuthorizeLayer::new(), Method::POST).await, (200, "", 1), "no rules over items");
}

/// Servers of the official SDKs send an answer to the last request with its id. Who asks for a list and, before it is
/// there, for something else under the same id, gets the list there.
#[tokio::test]
async fn attack_088_093_a_list_that_answers_another_request_is_filtered() {
    let setup = Setup::new();
    let bob = setup.idp.token("bob");
    let list = r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"read"},{"name":"write"}]}}"#;
    let updated = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}"#;
    let ping = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#.to_owned();
    let batch = format!("[{}]", call("read"));
    for body in [call("read"), ping, batch] {
        for stream in [false, true] {
            let (kind, answer) = match stream {
                true => ("text/event-stream", format!("data: {updated}\n\ndata: {list}\n\n")),
                false => ("application/json", list.to_owned()),
            };
            let answer = Full::new(Bytes::from(answer));
            setup.answer(Response::builder().header(CONTENT_TYPE, kind).body(answer).unwrap());
            let (_, answer) = setup.post(&bob, &body).await;
            assert!(answer.contains("read") && !answer.contains(r#""write""#), "{body} {answer}");
        }
    }
    // What names no item passes as it is, whatever it is.
    for (kind, answer) in
        [("application/json", r#"{ "jsonrpc":"2.0", "id":7, "result":{} }"#), ("text/html", "<p>")]
    {
        let body = Full::new(Bytes::from(answer));
        setup.answer(Response::builder().header(CONTENT_TYPE, kind).body(body).unwrap());
        assert_eq!(setup.post(&bob, &call("read")).await.1, answer);
    }
}

/// Who else may have an answer that was decided for one caller, a server that knows no callers cannot say.
#[tokio::test]
async fn mcp_a23_a_read_resource_is_for_its_reader() {
    let setup = Setup::new();
    let bob = setup.idp.token("bob");
    let read = json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read",
        "params": {"uri": "file:///a", "_meta": meta()}});
    setup.answer(json_answer(
        r#"{"jsonrpc":"2.0","id":1,"result":{"contents":[],"ttlMs":60000,"cacheScope":"public"}}"#,
    ));
    let (_, body) = setup.post(&bob, &read.to_string()).await;
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&answer["result"]["cacheScope"], &answer["result"]["ttlMs"]),
        (&json!("private"), &json!(60000))
    );
}

/// A batch of nobody is answered with a challenge, as one message is.
#[tokio::test]
async fn mcp_a3_a_batch_of_nobody_is_challenged() {
    let setup = Setup::with(|b| b.mode(Mode::Optional).require("jwt.sub != \"\"").unwrap());
    for batch in [
        format!("[{},{{\"id\":9}}]", call("read")),
        r#"[{"id":9},{"jsonrpc":"2.0","method":"notifications/initialized"}]"#.into(),
    ] {
        let mut request = post("", &batch);
        request.headers_mut().remove(AUTHORIZATION);
        let (parts, body) = setup.send(request).await;
        assert_eq!(parts.status, StatusCode::UNAUTHORIZED, "{body}");
        assert!(challenge(&parts).contains(METADATA), "{}", challenge(&parts));
    }
    assert_eq!(setup.calls(), 0);
}
