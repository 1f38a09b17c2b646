use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{BoxError, full};
use crate::test::{LOCKED, Log, Running, Upstream, open, read_to_end, status};

#[tokio::test]
async fn attack_057_a_token_in_the_query_is_neither_forwarded_nor_logged() {
    let (log, _guard) = Log::start();
    let upstream = Upstream::start("reached").await;
    let gateway = Running::start(&open(&upstream, "")).await;
    for target in [
        "/mcp?a=b&access_token=CANARY&c=d",
        "/mcp?a=b&%61ccess_token=CANARY&c=d",
        "http://a.example/mcp?a=b&access_token=CANARY&c=d",
    ] {
        assert_eq!(gateway.get("a.example", target).await, 200);
        let seen = upstream.only();
        assert_eq!(seen.target, "/mcp?a=b&c=d");
        assert!(!format!("{seen:?}").contains("CANARY"), "{seen:?}");
    }
    assert_eq!(gateway.get("a.example", "/mcp?access_token=CANARY").await, 200);
    assert_eq!(upstream.only().target, "/mcp");
    // On the ways that end before a backend, too.
    assert_eq!(gateway.get("a.example", "/../mcp?access_token=CANARY").await, 400);
    assert_eq!(gateway.get("a..example", "/mcp?access_token=CANARY").await, 400);
    let refusing = Running::start(&format!(
        "binds:\n- port: 0\n  listeners:\n  - routes:\n    - policies:\n        mcpAuthentication:{LOCKED}\n      backends: [{{host: '127.0.0.1:9'}}]\n    - matches: [{{path: {{exact: /dead}}}}]\n      backends: [{{host: '127.0.0.1:9'}}]\n",
    ))
    .await;
    let answer = refusing.get("a.example", "/mcp?access_token=CANARY").await;
    assert!(matches!(answer, 400 | 401), "{answer}");
    assert_eq!(refusing.get("a.example", "/dead?access_token=CANARY").await, 502);
    let text = log.text();
    assert!(
        text.contains("request refused") && text.contains("no answer from the backend"),
        "the log is the log: {text}"
    );
    assert!(!text.contains("CANARY"), "{text}");
}

#[tokio::test]
async fn an_mcp_backend_gets_every_request_at_its_endpoint_with_the_query() {
    let upstream = Upstream::start("reached").await;
    let text = format!(
        "binds:\n- port: 0\n  listeners:\n  - routes:\n    - backends: [{{mcp: {{targets: [{{name: a, mcp: {{host: 'http://{}/real/mcp'}}}}]}}}}]\n",
        upstream.address
    );
    let gateway = Running::start(&text).await;
    assert_eq!(gateway.get("a.example", "/public?a=b&access_token=x").await, 200);
    assert_eq!(upstream.only().target, "/real/mcp?a=b");
}

#[tokio::test]
async fn a_backend_that_is_not_there_is_502_with_a_fixed_text() {
    // Bound and dropped: nobody listens there now.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gateway = Running::start(&to(&gone.to_string(), "")).await;
    let answer = gateway.raw(GET).await;
    assert_eq!(status(&answer), 502, "{answer}");
    assert_eq!(message(&answer), "the MCP server cannot be reached");
    assert!(!answer.contains("127.0.0.1") && !answer.contains(&gone.port().to_string()), "{answer}");
}

#[tokio::test]
async fn a_backend_that_breaks_off_or_switches_protocols_is_502() {
    for line in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "SSH-2.0-x\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ] {
        let backend = says(line).await;
        let gateway = Running::start(&to(&backend.to_string(), "")).await;
        let answer = gateway.raw(GET).await;
        assert_eq!(status(&answer), 502, "{line:?}: {answer}");
        assert_eq!(message(&answer), "the MCP server gave no usable answer", "{line:?}");
    }
}

#[tokio::test]
async fn a_backend_that_does_not_answer_in_time_is_504() {
    let upstream = Upstream::answering(std::future::pending).await;
    let policies = "      policies: {timeout: {backendRequestTimeout: 500ms}}\n";
    let gateway = Running::start(&to(&upstream.address.to_string(), policies)).await;
    let answer = gateway.raw(GET).await;
    assert_eq!(status(&answer), 504, "{answer}");
    assert_eq!(message(&answer), "the MCP server did not answer in time");
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_stream_that_has_begun_may_outlast_the_timeout() {
    let release = Arc::new(tokio::sync::Notify::new());
    let released = release.clone();
    let upstream = Upstream::answering(move || {
        let released = released.clone();
        async move {
            let events = futures_util::stream::unfold(0, move |n| {
                let released = released.clone();
                async move {
                    match n {
                        0 => {}
                        1 => released.notified().await,
                        _ => return None,
                    }
                    let event = Bytes::from(format!("data: {n}\n\n"));
                    Some((Ok::<_, BoxError>(Frame::data(event)), n + 1))
                }
            });
            Response::new(StreamBody::new(events).boxed_unsync())
        }
    })
    .await;
    let policies = "      policies: {timeout: {backendRequestTimeout: 500ms}}\n";
    let gateway = Running::start(&to(&upstream.address.to_string(), policies)).await;
    let mut stream = gateway.connect().await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    let mut answer = String::new();
    while !answer.contains("data: 0") {
        let mut bytes = [0; 1024];
        let read = stream.read(&mut bytes).await.unwrap();
        assert_ne!(read, 0, "{answer}");
        answer.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    // Longer than the timeout.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    release.notify_one();
    let rest = read_to_end(&mut stream).await;
    assert!(rest.contains("data: 1") && rest.ends_with("0\r\n\r\n"), "{answer}{rest}");
}

#[tokio::test]
async fn fields_of_the_connection_to_the_backend_stay_there() {
    let upstream = Upstream::answering(|| async {
        let mut response = Response::new(full("body"));
        for (name, value) in [
            ("connection", "x-internal"),
            ("x-internal", "secret"),
            ("keep-alive", "timeout=5"),
            ("proxy-authenticate", "Basic"),
            ("proxy-connection", "keep-alive"),
            ("trailer", "x"),
            ("upgrade", "h2c"),
            ("x-kept", "yes"),
            ("mcp-session-id", "1"),
        ] {
            response.headers_mut().append(name, value.parse().unwrap());
        }
        response
    })
    .await;
    let gateway = Running::start(&open(&upstream, "")).await;
    let answer = gateway.raw(GET).await.to_lowercase();
    assert_eq!(status(&answer), 200);
    for gone in ["x-internal", "keep-alive", "proxy-", "trailer", "upgrade"] {
        assert!(!answer.contains(gone), "{gone}: {answer}");
    }
    for kept in ["x-kept: yes", "mcp-session-id: 1", "\r\n\r\nbody"] {
        assert!(answer.contains(kept), "{kept}: {answer}");
    }
}

/// MCP 2026-07-28: a client that goes away has cancelled its request. Before the answer has begun, and in a stream.
#[tokio::test]
async fn mcp_b11_a_client_that_goes_away_is_gone_for_the_backend() {
    struct Guard(Arc<tokio::sync::Notify>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    for has_begun in [false, true] {
        let (reached, gone) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
        let notify = (reached.clone(), gone.clone());
        let upstream = Upstream::answering(move || {
            let (reached, gone) = notify.clone();
            async move {
                let guard = Guard(gone);
                reached.notify_one();
                if !has_begun {
                    std::future::pending::<()>().await;
                }
                let events = futures_util::stream::unfold((0, guard), |(n, guard)| async move {
                    if n > 0 {
                        std::future::pending::<()>().await;
                    }
                    Some((Ok::<_, BoxError>(Frame::data(Bytes::from("data: 0\n\n"))), (n + 1, guard)))
                });
                Response::new(StreamBody::new(events).boxed_unsync())
            }
        })
        .await;
        let gateway = Running::start(&to(&upstream.address.to_string(), "")).await;
        let mut stream = gateway.connect().await;
        stream.write_all(GET.as_bytes()).await.unwrap();
        reached.notified().await;
        let mut answer = Vec::new();
        while has_begun && !answer.ends_with(b"data: 0\n\n\r\n") {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
        }
        drop(stream);
        let told = tokio::time::timeout(Duration::from_secs(60), gone.notified()).await;
        assert!(told.is_ok(), "the backend works on for nobody (begun: {has_begun})");
    }
}

const GET: &str = "GET /mcp HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";

/// A configuration with one route to `backend`.
fn to(backend: &str, policies: &str) -> String {
    format!(
        "binds:\n- port: 0\n  listeners:\n  - routes:\n    - backends: [{{host: '{backend}'}}]\n{policies}"
    )
}

/// The message of a JSON-RPC error.
fn message(answer: &str) -> String {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["jsonrpc"], &body["id"]), (&"2.0".into(), &serde_json::Value::Null));
    body["error"]["message"].as_str().unwrap().to_owned()
}

/// A backend that reads a request, says `text` and closes.
async fn says(text: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    address
}
