//! Messages that can be judged, and those that cannot.

use std::time::Duration;

use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::Full;

use super::*;
use crate::mcp::McpLayer;

#[tokio::test]
async fn attack_080_084_085_086_messages_that_cannot_be_judged_do_not_reach_the_service() {
    let setup = Setup::new();
    let token = setup.idp.token("alice");
    let empty_batch = "[]".to_owned();
    let long = format!("{}{}", call("read"), " ".repeat(4 * 1024 * 1024));
    for (body, status) in [
        ("", 400),
        ("{}", 400),
        (&*empty_batch, 400),
        (&*long, 413),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x/y"}"#, 200),
    ] {
        let (parts, _) = setup.post(&token, body).await;
        assert_eq!(parts.status.as_u16(), status, "{:.80}", body);
    }
    for (name, value) in [
        ("content-type", "text/plain"),
        ("content-type", "application/json; charset=utf-16"),
        ("content-type", "multipart/form-data"),
        ("content-encoding", "gzip"),
        ("content-encoding", "zstd"),
    ] {
        let mut request = post(&token, &call("read"));
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(setup.send(request).await.0.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{value}");
    }
    let mut request = post(&token, &call("read"));
    request.headers_mut().remove(CONTENT_TYPE);
    assert_eq!(setup.send(request).await.0.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let put = Request::put("/files/mcp")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(Full::default())
        .unwrap();
    assert_eq!(setup.send(put).await.0.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(setup.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_408() {
    let setup = Setup::new();
    let (parts, _) = post(&setup.idp.token("bob"), "").into_parts();
    let (_sender, body) = http_body_util::channel::Channel::<Bytes, Infallible>::new(1);
    let response = setup.service.clone().oneshot(Request::from_parts(parts, body)).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(setup.calls(), 0);
}

#[tokio::test]
async fn limits_of_messages_can_be_set() {
    let setup =
        Setup::with(|b| b.messages(McpLayer::new().max_body_bytes(20).body_timeout(Duration::from_secs(1))));
    let (parts, _) = setup.post(&setup.idp.token("bob"), &call("read")).await;
    assert_eq!(parts.status, StatusCode::PAYLOAD_TOO_LARGE);
}

fn without_message(token: &str, method: Method, body: &str) -> Request<Full<Bytes>> {
    let mut request = post(token, body);
    *request.method_mut() = method;
    request
}

/// A body that nobody judges must not reach a service that may read it.
#[tokio::test]
async fn a_body_where_none_belongs_does_not_reach_the_service() {
    let setup = Setup::new();
    let token = setup.idp.token("bob");
    for method in [Method::GET, Method::DELETE] {
        let (parts, _) = setup.send(without_message(&token, method.clone(), &call("write"))).await;
        assert_eq!((parts.status.as_u16(), code(&parts), setup.calls()), (400, "unexpected_body", 0));
        // A body of which nothing is known yet: chunked, or a stream without END_STREAM.
        let (_sender, body) = http_body_util::channel::Channel::<Bytes, Infallible>::new(1);
        let unknown = without_message(&token, method, "").map(|_| body);
        let response = setup.service.clone().oneshot(unknown).await.unwrap();
        assert_eq!((response.status().as_u16(), setup.calls()), (400, 0));
    }
    let (parts, _) = setup.send(without_message(&token, Method::PUT, &call("write"))).await;
    assert_eq!((parts.status.as_u16(), setup.calls()), (405, 0));
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(setup.send(without_message(&token, method, "")).await.0.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn attack_069_method_overrides_are_taken_out() {
    let setup = Setup::new();
    let names = [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        // What CGI, WSGI and Rack read as the same names.
        "x_http_method_override",
        "x-http_method",
        "x_method-override",
    ];
    let mut kept = HeaderMap::new();
    for name in ["x-http-method-overridden", "x-http-methods", "x-method", "x-method-override2"] {
        kept.insert(http::HeaderName::from_static(name), http::HeaderValue::from_static("kept"));
    }
    for (method, body) in [(Method::POST, &*call("read")), (Method::GET, ""), (Method::DELETE, "")] {
        let mut request = without_message(&setup.idp.token("bob"), method, body);
        request.headers_mut().extend(kept.clone());
        for name in names {
            for value in ["DELETE", "POST"] {
                request.headers_mut().append(name, value.parse().unwrap());
            }
        }
        assert_eq!(setup.send(request).await.0.status, StatusCode::OK);
    }
    let seen = setup.upstream.seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    for (parts, _) in seen.iter() {
        let overrides = parts.headers.keys().filter(|name| name.as_str().contains("method"));
        assert_eq!(overrides.count(), kept.len(), "{:?}", parts.headers);
        assert!(kept.keys().all(|name| parts.headers.contains_key(name)));
    }
}

/// Behind nginx a stream would come in lumps otherwise.
#[tokio::test]
async fn event_streams_are_not_to_be_buffered() {
    let setup = Setup::new();
    let token = setup.idp.token("bob");
    let buffering = |kind: &'static str| {
        let mut answer = json_answer("{}");
        answer.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
        setup.answer(answer);
        let get = setup.send(without_message(&token, Method::GET, ""));
        async { get.await.0.headers.get("x-accel-buffering").map(|v| v.to_str().unwrap().to_owned()) }
    };
    assert_eq!(buffering("text/event-stream").await.as_deref(), Some("no"));
    assert_eq!(buffering("application/json").await, None);
}
