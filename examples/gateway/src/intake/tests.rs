use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::header::{HOST, HeaderName};
use http::{Request, Version};
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use mcp_auth_core::request_target::{HostError, PathError};

use super::*;
use crate::test::{LOCKED, Running, Upstream, open, status};

const ARRIVAL: Arrival = Arrival {
    peer: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), 40_000),
    local: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3000),
};

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
        assert_eq!(
            take_in(&mut request, ARRIVAL, &TrustedProxies::default()),
            Ok(Some(host.to_owned())),
            "{target} {hosts:?}"
        );
        assert_eq!(request.uri().to_string(), "/mcp?a=b");
        assert_eq!(request.headers().get_all(HOST).iter().collect::<Vec<_>>(), [field]);
    }
    let mut request = request("http://a.example", &[]);
    assert_eq!(take_in(&mut request, ARRIVAL, &TrustedProxies::default()), Ok(Some("a.example".to_owned())));
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
        assert_eq!(
            take_in(&mut request(target, hosts), ARRIVAL, &TrustedProxies::default()),
            Err(refusal),
            "{target} {hosts:?}"
        );
    }
    let mut old = request("/mcp", &[]);
    *old.version_mut() = Version::HTTP_10;
    assert_eq!(take_in(&mut old, ARRIVAL, &TrustedProxies::default()), Ok(None), "HTTP/1.0 has no Host");
}

#[test]
fn attack_061_what_a_client_says_about_its_way_is_replaced_by_what_we_see() {
    for (host, forwarded_host) in
        [("API.example.:8080", "api.example:8080"), ("api.example", "api.example"), ("[::1]:80", "[::1]:80")]
    {
        let mut request = request("/mcp", &[host]);
        for name in [
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-forwarded-port",
            "x-forwarded-user",
            "x-forwarded-uri",
            "x_forwarded_for",
            "x-forwarded_host",
            "x_forwarded-user",
            "forwarded",
            "x-forwarded",
            "x-real-ip",
            "x_real_ip",
            "x-client-ip",
            "x-original-url",
            "x-original-uri",
            "x-original-host",
            "x-rewrite-url",
        ] {
            for value in ["evil.example", "10.0.0.1"] {
                request.headers_mut().append(name, value.parse().unwrap());
            }
        }
        request.headers_mut().insert("x-forward", "kept".parse().unwrap());
        take_in(&mut request, ARRIVAL, &TrustedProxies::default()).unwrap();
        let forwarded = format!("for=192.0.2.7;host=\"{forwarded_host}\";proto=http");
        let mut found: Vec<_> =
            request.headers().iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                ("forwarded", forwarded.as_str()),
                ("host", host),
                ("x-forward", "kept"),
                ("x-forwarded-for", "192.0.2.7"),
                ("x-forwarded-host", forwarded_host),
                ("x-forwarded-port", "3000"),
                ("x-forwarded-proto", "http"),
            ]
        );
    }
}

#[test]
fn an_ipv6_peer_is_quoted_and_a_mapped_one_is_ipv4() {
    for (peer, plain, node) in [("::1", "::1", "\"[::1]\""), ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7")] {
        let mut request = request("/", &["a"]);
        take_in(
            &mut request,
            Arrival { peer: SocketAddr::new(peer.parse().unwrap(), 1), ..ARRIVAL },
            &TrustedProxies::default(),
        )
        .unwrap();
        assert_eq!(request.headers()["x-forwarded-for"], plain);
        assert_eq!(request.headers()["forwarded"], format!("for={node};host=\"a\";proto=http"));
    }
}

#[test]
fn attack_062_what_connection_names_is_gone_before_anybody_sets_a_field() {
    let mut request = request("/mcp", &["a.example"]);
    let headers = request.headers_mut();
    for (name, value) in [
        ("connection", "close, X-User-Id ,keep-alive,, bad name"),
        ("connection", "Authorization, x-forwarded-for"),
        ("x-user-id", "evil"),
        ("authorization", "Bearer a.b.c"),
        ("keep-alive", "timeout=5"),
        ("proxy-authorization", "Basic dTpw"),
        ("proxy-connection", "x"),
        ("te", "trailers"),
        ("trailer", "x-user-id"),
        ("upgrade", "h2c"),
        ("mcp-session-id", "1"),
    ] {
        headers.append(name, value.parse().unwrap());
    }
    take_in(&mut request, ARRIVAL, &TrustedProxies::default()).unwrap();
    let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let set = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"];
    assert_eq!(names, [&["forwarded", "host", "mcp-session-id"][..], &set].concat());

    let mut without_host = self::request("/mcp", &["a.example"]);
    without_host.headers_mut().insert("connection", "host".parse().unwrap());
    assert_eq!(take_in(&mut without_host, ARRIVAL, &TrustedProxies::default()), Err(Refusal::HostMissing));
}

#[test]
fn attack_069_a_method_cannot_be_overridden() {
    let mut request = request("/mcp", &["a.example"]);
    for name in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x_http_method_override",
        "x-http_method",
    ] {
        request.headers_mut().append(name, "DELETE".parse().unwrap());
    }
    take_in(&mut request, ARRIVAL, &TrustedProxies::default()).unwrap();
    assert!(
        request.headers().keys().all(|name| !name.as_str().contains("method")),
        "{:?}",
        request.headers()
    );
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

#[tokio::test]
async fn attack_061_062_069_a_backend_sees_our_word_only() {
    let upstream = Upstream::start("reached").await;
    let gateway = Running::start(&open(&upstream, "")).await;
    let answer = gateway
        .raw(
            "POST /a?b=c HTTP/1.1\r\nHost: Public.Example:8080\r\nConnection: close, x-user-id, x-forwarded-for\r\n\
             X-User-Id: evil\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\nX_Forwarded_For: 10.0.0.3\r\n\
             Forwarded: for=10.0.0.1\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n\
             X-Forwarded-Port: 443\r\nX-HTTP-Method-Override: DELETE\r\nX-Kept: yes\r\nTE: trailers\r\n\
             Trailer: x-user-id\r\nTransfer-Encoding: chunked\r\n\r\n\
             2\r\nhi\r\n0\r\nX-User-Id: evil\r\nX-Forwarded-For: 10.0.0.4\r\n\r\n",
        )
        .await;
    assert_eq!(status(&answer), 200, "{answer}");
    let seen = upstream.only();
    assert_eq!((seen.method.as_str(), seen.target.as_str(), &seen.body[..]), ("POST", "/a?b=c", &b"hi"[..]));
    assert_eq!(seen.header("host"), [upstream.address.to_string()]);
    assert_eq!(seen.header("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(seen.header("x-forwarded-host"), ["public.example:8080"]);
    assert_eq!(seen.header("x-forwarded-proto"), ["http"]);
    assert_eq!(seen.header("x-forwarded-port"), [gateway.address.port().to_string()]);
    assert_eq!(seen.header("forwarded"), ["for=127.0.0.1;host=\"public.example:8080\";proto=http"]);
    assert_eq!(seen.header("x-kept"), ["yes"]);
    for gone in ["x-user-id", "x_forwarded_for", "x-http-method-override", "connection", "te", "trailer"] {
        assert!(seen.header(gone).is_empty(), "{gone}: {:?}", seen.header(gone));
    }
    assert!(seen.trailers.is_none_or(|trailers| trailers.is_empty()));
}

#[tokio::test]
async fn attack_061_http2_names_the_host_by_its_authority() {
    let upstream = Upstream::start("reached").await;
    let gateway = Running::start(&open(&upstream, "")).await;
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Empty<Bytes>>();
    let request = Request::get(format!("http://localhost:{}/a", gateway.address.port()))
        .header("x-forwarded-host", "evil.example")
        .body(Empty::new())
        .unwrap();
    assert_eq!(client.request(request).await.unwrap().status(), 200);
    let seen = upstream.only();
    assert_eq!(seen.header("x-forwarded-host"), [format!("localhost:{}", gateway.address.port())]);
    assert_eq!(seen.header("host"), [upstream.address.to_string()]);
}

#[tokio::test]
async fn row_126_attack_061_a_trusted_proxy_says_which_host_was_asked_for() {
    let upstream = Upstream::start("reached").await;
    let config = |bind: &str| {
        format!(
            "binds:\n- port: 0\n{bind}  listeners:\n  - routes:\n    - policies:\n        mcpAuthentication:{LOCKED}\n      backends: [{{host: '{}'}}]\n",
            upstream.address
        )
    };
    let asked = "GET /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\nHost: gateway.internal\r\n\
                 X-Forwarded-Host: locked.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\n\
                 Connection: close\r\n\r\n";
    for (bind, expected) in [
        ("", 404),
        ("  trustedProxies: [192.0.2.0/24]\n", 404),
        ("  trustedProxies: [127.0.0.1, 10.0.0.0/8]\n", 200),
    ] {
        let gateway = Running::start(&config(bind)).await;
        let answer = gateway.raw(asked).await;
        assert_eq!(status(&answer), expected, "{bind}: {answer}");
        let direct = asked.replace("Host: gateway.internal", "Host: locked.example").replace("X-", "Y-");
        assert_eq!(status(&gateway.raw(direct).await), 200, "{bind}");
    }
}

#[test]
fn attack_061_backends_see_what_a_trusted_proxy_said_and_no_more() {
    let mut request = request("/mcp", &["gateway.internal"]);
    for (name, value) in [
        ("x-forwarded-for", "6.6.6.6, 192.0.2.99"),
        ("x-forwarded-host", "mcp.example:8443"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-user", "root"),
        ("forwarded", "for=6.6.6.6"),
    ] {
        request.headers_mut().insert(HeaderName::from_static(name), value.parse().unwrap());
    }
    let proxies = TrustedProxies::new(vec!["192.0.2.7/32".parse().unwrap()]);
    assert_eq!(take_in(&mut request, ARRIVAL, &proxies), Ok(Some("mcp.example".to_owned())));
    let field = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!(field("host"), Some("mcp.example:8443"));
    assert_eq!(field("x-forwarded-for"), Some("192.0.2.99"));
    assert_eq!(field("x-forwarded-host"), Some("mcp.example:8443"));
    assert_eq!(field("x-forwarded-proto"), Some("https"));
    assert_eq!(field("x-forwarded-port"), Some("8443"));
    assert_eq!(field("forwarded"), Some("for=192.0.2.99;host=\"mcp.example:8443\";proto=https"));
    assert_eq!(field("x-forwarded-user"), None);
}
