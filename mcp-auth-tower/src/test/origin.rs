//! Which pages may call, and under which name.

use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderName, HeaderValue, ORIGIN,
};
use http::{Method, StatusCode};
use tower_http::cors::CorsLayer;

use super::*;
use crate::origin::OriginLayer;

const OWN: &str = "https://mcp.example";

/// A call of bob with these headers besides.
fn call_with(setup: &Setup, headers: &[(HeaderName, &str)]) -> Request<Full<Bytes>> {
    let mut request = post(&setup.idp.token("bob"), &call("read"));
    for (name, value) in headers {
        request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    request
}

async fn outcome(setup: &Setup, headers: &[(HeaderName, &str)]) -> (u16, &'static str) {
    let before = setup.calls();
    let (parts, _) = setup.send(call_with(setup, headers)).await;
    assert_eq!(setup.calls() - before, usize::from(parts.status == StatusCode::OK));
    (parts.status.as_u16(), code(&parts))
}

const NOT_ALLOWED: (u16, &str) = (403, "origin");
const GOOD: (u16, &str) = (200, "");

#[tokio::test]
async fn attack_092_mcp_a15_only_pages_of_allowed_origins_call() {
    let setup = Setup::with(|b| b.allow_origin("https://App.example:443/").unwrap());
    for origin in [OWN, "https://app.example"] {
        assert_eq!(outcome(&setup, &[(ORIGIN, origin)]).await, GOOD, "{origin}");
    }
    assert_eq!(outcome(&setup, &[]).await, GOOD, "no page at all");
    for origin in [
        "null",
        "",
        "https://evil.example",
        "https://mcp.example.evil.example",
        "https://evilmcp.example",
        "http://mcp.example",
        "https://mcp.example:8443",
        "https://mcp.example:443",
        "https://MCP.example",
        "https://mcp.example.",
        "https://mcp.example/",
        "https://mcp.example/files",
        "https://mcp.example https://evil.example",
        "https://mcp.example,https://evil.example",
        "https://u@mcp.example",
        "//mcp.example",
        "mcp.example",
        "*",
        "\u{e9}",
    ] {
        assert_eq!(outcome(&setup, &[(ORIGIN, origin)]).await, NOT_ALLOWED, "{origin:?}");
    }
    for second in [OWN, "https://evil.example"] {
        let twice = [(ORIGIN, OWN), (ORIGIN, second)];
        assert_eq!(outcome(&setup, &twice).await, (400, "malformed_origin"));
    }
}

/// A page gets no answer to learn from: neither whether a token is good, nor a challenge.
#[tokio::test]
async fn attack_092_origins_are_judged_before_tokens() {
    let setup = Setup::new();
    for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
        let mut request = call_with(&setup, &[(ORIGIN, "https://evil.example")]);
        *request.method_mut() = method;
        request.headers_mut().remove(AUTHORIZATION);
        let (parts, body) = setup.send(request).await;
        assert_eq!((parts.status.as_u16(), challenge(&parts)), (403, ""));
        assert!(!body.contains("evil"), "{body}");
    }
}

#[tokio::test]
async fn mcp_b4_metadata_is_readable_from_every_page() {
    let setup = Setup::with(|b| b.allowed_hosts(["mcp.example"]).unwrap());
    for origin in ["https://evil.example", "null"] {
        let request = Request::get("/.well-known/oauth-protected-resource/files/mcp")
            .header(ORIGIN, origin)
            .body(Full::default())
            .unwrap();
        let (parts, body) = setup.send(request).await;
        assert_eq!(
            (parts.status, &parts.headers[ACCESS_CONTROL_ALLOW_ORIGIN]),
            (StatusCode::OK, &"*".parse().unwrap())
        );
        assert!(body.contains(RESOURCE));
    }
}

#[tokio::test]
async fn what_is_looser_has_a_name() {
    let any = Setup::with(McpAuthBuilder::danger_allow_any_origin);
    for origin in ["null", "https://evil.example", ""] {
        assert_eq!(outcome(&any, &[(ORIGIN, origin)]).await, GOOD);
    }
    assert_eq!(outcome(&any, &[(ORIGIN, OWN), (ORIGIN, OWN)]).await, (400, "malformed_origin"));

    let resource = mcp_auth_discovery::ResourceIdentifier::parse(RESOURCE).unwrap();
    let null = Setup::with(|b| b.origin(OriginLayer::new(&resource).danger_allow_null_origin()));
    assert_eq!(outcome(&null, &[(ORIGIN, "null")]).await, GOOD);
    assert_eq!(outcome(&null, &[(ORIGIN, OWN)]).await, GOOD);
    assert_eq!(outcome(&null, &[(ORIGIN, "https://evil.example")]).await, NOT_ALLOWED);
}

#[tokio::test]
async fn attack_092_hosts() {
    // Unless asked for, any one host is good.
    let setup = Setup::new();
    for host in [&["evil.example"][..], &["mcp.example:8443"], &["10.0.0.1"], &[]] {
        let headers: Vec<_> = host.iter().map(|h| (HOST, *h)).collect();
        assert_eq!(outcome(&setup, &headers).await, GOOD);
    }
    let malformed = (400, "malformed_host");
    for hosts in
        [&["mcp.example", "mcp.example"][..], &["mcp.example", "evil.example"], &["a,b"], &[""], &["a/b"]]
    {
        let headers: Vec<_> = hosts.iter().map(|h| (HOST, *h)).collect();
        assert_eq!(outcome(&setup, &headers).await, malformed, "{hosts:?}");
    }

    let setup = Setup::with(|b| b.allowed_hosts(["Inside.example", "other.example:8443"]).unwrap());
    for host in
        ["mcp.example", "MCP.example.:443", "inside.example", "inside.example:81", "other.example:8443"]
    {
        assert_eq!(outcome(&setup, &[(HOST, host)]).await, GOOD, "{host}");
    }
    for host in ["evil.example", "mcp.example.evil.example", "other.example", "other.example:81", "localhost"]
    {
        assert_eq!(outcome(&setup, &[(HOST, host)]).await, (403, "host"), "{host}");
    }
    assert_eq!(outcome(&setup, &[]).await, malformed, "no host");
    let forwarded = HeaderName::from_static("x-forwarded-host");
    assert_eq!(outcome(&setup, &[(HOST, "evil.example"), (forwarded, "mcp.example")]).await, (403, "host"));

    // HTTP/2.
    let at = |uri: &str, host: &[(HeaderName, &str)]| {
        let mut request = call_with(&setup, host);
        *request.uri_mut() = uri.parse().unwrap();
        request
    };
    for (uri, host, expected) in [
        ("https://mcp.example/files/mcp", None, GOOD),
        ("https://mcp.example/files/mcp", Some("mcp.example:443"), GOOD),
        ("https://evil.example/files/mcp", None, (403, "host")),
        ("https://evil.example/files/mcp", Some("mcp.example"), malformed),
        ("https://mcp.example/files/mcp", Some("evil.example"), malformed),
    ] {
        let headers: Vec<_> = host.map(|h| (HOST, h)).into_iter().collect();
        let (parts, _) = setup.send(at(uri, &headers)).await;
        assert_eq!((parts.status.as_u16(), code(&parts)), expected, "{uri} {host:?}");
    }

    assert!(McpAuth::builder(RESOURCE).unwrap().allowed_hosts(["https://mcp.example"]).is_err());
    assert!(McpAuth::builder(RESOURCE).unwrap().allow_origin("*").is_err());
}

/// A page of the attacker whose name points to this machine: to the browser, the server is of its own origin.
#[tokio::test]
async fn attack_092_dns_rebinding() {
    let setup = Setup::with(|b| b.origin(OriginLayer::for_loopback()));
    for host in ["localhost", "localhost:3000", "127.0.0.1:8080", "[::1]:3000", "LOCALHOST.:80"] {
        assert_eq!(outcome(&setup, &[(HOST, host)]).await, GOOD, "{host}");
    }
    for origin in ["http://localhost:6274", "http://127.0.0.1", "https://[::1]:1"] {
        assert_eq!(outcome(&setup, &[(HOST, "localhost:3000"), (ORIGIN, origin)]).await, GOOD, "{origin}");
    }
    for host in
        ["evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "mcp.example"]
    {
        assert_eq!(outcome(&setup, &[(HOST, host)]).await, (403, "host"), "{host}");
        let origin = format!("http://{host}");
        assert_eq!(outcome(&setup, &[(HOST, host), (ORIGIN, &origin)]).await, (403, "host"), "{host}");
        assert_eq!(outcome(&setup, &[(HOST, "localhost"), (ORIGIN, &origin)]).await, NOT_ALLOWED, "{host}");
    }
    for origin in
        ["null", "ftp://localhost", "http://localhost/", "http://localhost@evil.example", "localhost"]
    {
        assert_eq!(outcome(&setup, &[(HOST, "localhost"), (ORIGIN, origin)]).await, NOT_ALLOWED, "{origin}");
    }
    let more = OriginLayer::for_loopback().allowed_hosts(["host.docker.internal"]).unwrap();
    let setup = Setup::with(|b| b.origin(more));
    assert_eq!(outcome(&setup, &[(HOST, "host.docker.internal:3000")]).await, GOOD);
    assert_eq!(outcome(&setup, &[(HOST, "evil.example")]).await, (403, "host"));
}

/// What the CORS layer outside lets through is not broken, and its preflights do not arrive here.
#[tokio::test]
async fn mcp_b3_pages_that_cors_allows_get_through() {
    const PAGE: &str = "https://app.example";
    let setup = Setup::with(|b| b.allow_origin(PAGE).unwrap());
    let cors = CorsLayer::new()
        .allow_origin([HeaderValue::from_static(PAGE)])
        .allow_methods([Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE]);
    let service = cors.layer(setup.service.clone());
    let preflight = |origin: &str| {
        Request::builder()
            .method(Method::OPTIONS)
            .uri("/files/mcp")
            .header(ORIGIN, origin)
            .header(ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .body(Full::<Bytes>::default())
            .unwrap()
    };
    let answer = service.clone().oneshot(preflight(PAGE)).await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()[ACCESS_CONTROL_ALLOW_ORIGIN]),
        (StatusCode::OK, &PAGE.parse().unwrap())
    );
    assert_eq!(setup.calls(), 0);
    let answer = service.clone().oneshot(call_with(&setup, &[(ORIGIN, PAGE)])).await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()[ACCESS_CONTROL_ALLOW_ORIGIN]),
        (StatusCode::OK, &PAGE.parse().unwrap())
    );
    let answer = service.oneshot(call_with(&setup, &[(ORIGIN, "https://evil.example")])).await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(!answer.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
}
