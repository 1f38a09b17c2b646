use bytes::Bytes;
use http::header::HOST;
use http::{Request, Version};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use mcp_auth_core::request_target::{HostError, PathError};

use super::*;
use crate::test::{LOCKED, Running, Upstream, status};

fn request(target: &str, hosts: &[&str]) -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = target.parse().unwrap();
    for host in hosts {
        request.headers_mut().append(HOST, host.parse().unwrap());
    }
    request
}

#[test]
fn attack_068_every_form_of_a_target_becomes_one() {
    for (target, hosts, host, field) in [
        ("/mcp?a=b", &["a.example"][..], "a.example", "a.example"),
        ("/mcp?a=b", &["A.Example.:80"], "a.example", "A.Example.:80"),
        ("http://a.example/mcp?a=b", &["a.example"], "a.example", "a.example"),
        ("http://A.Example:80/mcp?a=b", &["a.example"], "a.example", "A.Example:80"),
        ("https://a.example/mcp?a=b", &[], "a.example", "a.example"),
    ] {
        let mut request = request(target, hosts);
        assert_eq!(take_in(&mut request), Ok(Some(host.to_owned())), "{target} {hosts:?}");
        assert_eq!(request.uri().to_string(), "/mcp?a=b");
        assert_eq!(request.headers().get_all(HOST).iter().collect::<Vec<_>>(), [field]);
    }
    let mut request = request("http://a.example", &[]);
    assert_eq!(take_in(&mut request), Ok(Some("a.example".to_owned())));
    assert_eq!(request.uri().to_string(), "/");
}

#[test]
fn attack_068_two_hosts_or_none_are_refused() {
    for (target, hosts, refusal) in [
        ("/mcp", &[][..], Refusal::HostMissing),
        ("/mcp", &["a.example", "a.example"], Refusal::HostTwice),
        ("/mcp", &["a.example", "b.example"], Refusal::HostTwice),
        ("/mcp", &["user@a.example"], Refusal::Host(HostError::UserInfo)),
        ("/mcp", &["a.example,b.example"], Refusal::Host(HostError::Character)),
        ("http://a.example/mcp", &["b.example"], Refusal::HostsDiffer),
        ("http://user@a.example/mcp", &[], Refusal::Host(HostError::UserInfo)),
        ("ftp://a.example/mcp", &["a.example"], Refusal::Form),
        ("a.example:443", &["a.example"], Refusal::Path(PathError::NotAbsolute)),
    ] {
        assert_eq!(take_in(&mut request(target, hosts)), Err(refusal), "{target} {hosts:?}");
    }
    let mut old = request("/mcp", &[]);
    *old.version_mut() = Version::HTTP_10;
    assert_eq!(take_in(&mut old), Ok(None), "HTTP/1.0 has no Host");
}

/// `/mcp` is guarded, everything else of the same backend is open.
async fn guarded(upstream: &Upstream) -> Running {
    let backend = upstream.address;
    Running::start(&format!(
        r#"
binds:
- port: 0
  listeners:
  - routes:
    - matches: [{{path: {{pathPrefix: /mcp}}}}]
      policies:
        mcpAuthentication:{LOCKED}
      backends: [{{host: '{backend}'}}]
    - backends: [{{host: '{backend}'}}]
"#
    ))
    .await
}

#[tokio::test]
async fn attack_068_no_spelling_of_a_path_leads_around_its_guard() {
    let upstream = Upstream::start("reached").await;
    let gateway = guarded(&upstream).await;
    assert_eq!(gateway.get("a.example", "/mcp").await, 401);
    assert_eq!(gateway.get("a.example", "/open").await, 200);
    assert_eq!(upstream.only().target, "/open");
    for target in [
        "//mcp",
        "/./mcp",
        "/open/../mcp",
        "/open/..",
        "/%2e%2e/mcp",
        "/%2E/mcp",
        "/open/%2e%2e/mcp",
        "/%6dcp",
        "/%6Dcp",
        "/open%2Fmcp",
        "/open%2f..%2fmcp",
        "/open%5Cmcp",
        "/open\\..\\mcp",
        "/\\mcp",
        "/open/..;/mcp",
        "/open;a=b/mcp",
        "/;/mcp",
        "/%00/mcp",
        "/mcp%00",
        "/open%0d%0aX:%20y",
        "/%C0%AE%C0%AE/mcp",
        "/%252e%252e/mcp",
        "/{mcp}",
        "*",
        "mcp",
    ] {
        let answer = gateway
            .raw(format!("GET {target} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"))
            .await;
        assert_eq!(status(&answer), 400, "{target}: {answer}");
    }
    // What the HTTP parser cuts off reaches nobody; the decision is that of the rest.
    for (target, expected) in
        [("/mcp#/open", 401), ("/mcp?/../open", 401), ("http://a.example/mcp", 401), ("/mcp/", 401)]
    {
        assert_eq!(gateway.get("a.example", target).await, expected, "{target}");
    }
    assert!(upstream.seen().is_empty());
    assert_eq!(gateway.get("a.example", "/open#/../mcp").await, 200);
    assert_eq!(gateway.get("a.example", "http://a.example/open?a=b").await, 200);
    assert_eq!(upstream.seen().iter().map(|s| s.target.as_str()).collect::<Vec<_>>(), ["/open", "/open?a=b"]);
}

#[tokio::test]
async fn attack_068_the_refusal_says_what_is_wrong_and_repeats_nothing() {
    let gateway = guarded(&Upstream::start("reached").await).await;
    let answer =
        gateway.raw("GET /a/../SeCrEt HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({
            "error": "invalid_request",
            "error_description": "the path holds a segment `.` or `..`: send the path that is meant",
        })
    );
}

#[tokio::test]
async fn attack_068_raw_bytes_in_a_target_are_refused() {
    let upstream = Upstream::start("reached").await;
    let gateway = guarded(&upstream).await;
    for target in [&b"/mcp\xc0\xae"[..], b"/caf\xc3\xa9", b"/a\0b", b"/a\x01b", b"/a\x7fb", b"/a\tb"] {
        let request =
            [b"GET ", target, b" HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"].concat();
        assert_eq!(status(&gateway.raw(request).await), 400, "{target:?}");
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn attack_068_http2_is_read_like_http1() {
    let upstream = Upstream::start("reached").await;
    let gateway = guarded(&upstream).await;
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Empty<Bytes>>();
    let get = async |path: &str, host: Option<&str>| {
        let mut request = Request::get(format!("http://{}{path}", gateway.address));
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        client.request(request.body(Empty::new()).unwrap()).await.unwrap().status().as_u16()
    };
    assert_eq!(get("/mcp", None).await, 401);
    assert_eq!(get("/open/%2E%2E/mcp", None).await, 400);
    assert_eq!(get("/open", Some("other.example")).await, 400, ":authority and Host differ");
    assert!(upstream.seen().is_empty());
    assert_eq!(get("/open", None).await, 200);
    assert_eq!(upstream.only().target, "/open");
}
