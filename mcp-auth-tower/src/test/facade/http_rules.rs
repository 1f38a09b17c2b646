//! Which requests are answered, how much is read of them, how often, and what browsers are told.

use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW,
    CACHE_CONTROL, HeaderName, ORIGIN, RETRY_AFTER,
};
use http_body_util::channel::Channel;

use super::*;
use crate::Connection;
use crate::facade::{FacadeLayer, FacadeLimits, Rate};

fn request(method: &str, path: &str, headers: &[(HeaderName, &str)]) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    request.body(Full::default()).unwrap()
}

#[tokio::test]
async fn attack_068_what_is_not_ours_is_the_services() {
    let world = World::new();
    let upstream = Arc::new(Shared::default());
    let service =
        FacadeLayer::new(world.server.clone()).layer(Upstream { shared: upstream.clone(), ready: false });
    let here = (HOST, "mcp.example");
    let ours = [
        ("GET", WELL_KNOWN, vec![here.clone()]),
        ("GET", WELL_KNOWN, vec![(HOST, "MCP.example.:443")]),
        ("GET", "https://mcp.example/.well-known/openid-configuration", vec![]),
        ("GET", "/.well-known/jwks.json", vec![]),
        ("DELETE", "/token", vec![here.clone()]),
    ];
    let theirs = [
        ("GET", "/", vec![here.clone()]),
        ("GET", "/mcp", vec![here.clone()]),
        ("GET", "/token/", vec![here.clone()]),
        ("GET", "//token", vec![here.clone()]),
        ("GET", "/Token", vec![here.clone()]),
        ("GET", "/%74oken", vec![here.clone()]),
        ("GET", "/.well-known/oauth-authorization-server/mcp", vec![here.clone()]),
        ("GET", "/.well-known/oauth-authorization-server/../oauth-authorization-server", vec![here.clone()]),
        ("GET", WELL_KNOWN, vec![(HOST, "evil.example")]),
        ("GET", WELL_KNOWN, vec![(HOST, "mcp.example:8443")]),
        (
            "GET",
            WELL_KNOWN,
            vec![(HOST, "evil.example"), (HeaderName::from_static("x-forwarded-host"), "mcp.example")],
        ),
        ("GET", WELL_KNOWN, vec![here.clone(), (HOST, "evil.example")]),
        ("POST", "/token", vec![(HOST, "evil.example")]),
        ("GET", "https://evil.example/authorize", vec![]),
    ];
    let ask = async |(method, path, headers): &(&str, &str, Vec<(HeaderName, &str)>)| {
        let before = upstream.calls.load(Ordering::SeqCst);
        let alone = world.send(request(method, path, headers)).await.0.status;
        service.clone().oneshot(request(method, path, headers)).await.unwrap();
        let passed = upstream.calls.load(Ordering::SeqCst) > before;
        assert_eq!(passed, alone == StatusCode::NOT_FOUND, "{method} {path}");
        passed
    };
    for case in &ours {
        assert!(!ask(case).await, "{case:?}");
    }
    for case in &theirs {
        assert!(ask(case).await, "{case:?}");
    }
    let any = World::with(facade(), Provided::new(), FacadeServerBuilder::danger_any_host);
    let (parts, document) = any.send(request("GET", WELL_KNOWN, &[(HOST, "inside:8080")])).await;
    assert_eq!(parts.status, StatusCode::OK);
    assert!(document.contains("https://mcp.example/token") && !document.contains("inside"));
}

#[tokio::test]
async fn row_138_scripts_may_use_what_clients_in_browsers_need_and_nothing_else() {
    let world = World::new();
    let page = [(HOST, "mcp.example"), (ORIGIN, "https://inspector.example")];
    for (path, methods) in [
        (WELL_KNOWN, "GET, HEAD, OPTIONS"),
        ("/.well-known/openid-configuration", "GET, HEAD, OPTIONS"),
        ("/.well-known/jwks.json", "GET, HEAD, OPTIONS"),
        ("/token", "POST, OPTIONS"),
        ("/revoke", "POST, OPTIONS"),
        ("/register", "POST, GET, PUT, DELETE, OPTIONS"),
    ] {
        let (parts, _) = world.send(request("OPTIONS", path, &page)).await;
        assert_eq!(parts.status, StatusCode::NO_CONTENT, "{path}");
        assert_eq!(parts.headers[ACCESS_CONTROL_ALLOW_METHODS], methods);
        assert!(parts.headers[ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().contains("Authorization"));
        for method in ["OPTIONS", "GET", "POST"] {
            let (parts, _) = world.send(request(method, path, &page)).await;
            assert_eq!(parts.headers[ACCESS_CONTROL_ALLOW_ORIGIN], "*", "{method} {path}");
            assert!(!parts.headers.contains_key("access-control-allow-credentials"));
        }
    }
    for path in ["/authorize", "/callback"] {
        for method in ["OPTIONS", "GET", "POST"] {
            let (parts, _) = world.send(request(method, path, &page)).await;
            assert!(!parts.headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), "{method} {path}");
        }
    }
    for path in [WELL_KNOWN, "/.well-known/jwks.json"] {
        let (get, body) = world.send(request("GET", path, &page)).await;
        let (head, none) = world.send(request("HEAD", path, &page)).await;
        assert_eq!((get.status, head.status), (StatusCode::OK, StatusCode::OK));
        assert!(body.starts_with('{') && none.is_empty());
        assert_eq!(head.headers, get.headers);
        assert_eq!(get.headers[CACHE_CONTROL], "public, max-age=300");
    }
    let (parts, _) = world.send(request("POST", WELL_KNOWN, &page)).await;
    assert_eq!(
        (parts.status, &parts.headers[ALLOW]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD, OPTIONS".parse().unwrap())
    );
    let (parts, _) = world.send(request("GET", "/token", &page)).await;
    assert_eq!(
        (parts.status, &parts.headers[ALLOW]),
        (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().unwrap())
    );
}

#[tokio::test(start_paused = true)]
async fn attack_086_a_body_is_read_within_a_size_and_a_time() {
    let world = World::new();
    for (path, page) in [("/token", false), ("/register", false), ("/authorize", true)] {
        let mut huge = post_form(path, &[]);
        *huge.body_mut() = Full::new(Bytes::from(vec![b'a'; 64 * 1024 + 1]));
        let (parts, body) = world.send(huge).await;
        assert_eq!(parts.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert_eq!(body.contains("<html"), page, "{body}");
        assert_eq!(world.written.last(), "body_too_large");

        let (_sender, body) = Channel::<Bytes, Infallible>::new(1);
        let slow = post_form(path, &[]).map(|_| body);
        let response = FacadeService::new(world.server.clone()).oneshot(slow).await.unwrap();
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT, "{path}");
        assert_eq!(world.written.last(), "body_timeout");

        let (sender, body) = Channel::<Bytes, std::io::Error>::new(1);
        sender.abort(std::io::Error::other("gone"));
        let broken = post_form(path, &[]).map(|_| body);
        let response = FacadeService::new(world.server.clone()).oneshot(broken).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(world.written.last(), "body_read");
    }
    assert_eq!(world.written.count(), 9, "one record per answer");
}

#[tokio::test]
async fn one_address_may_register_and_log_in_so_often() {
    let limits = FacadeLimits {
        registrations: Rate::new(2, Duration::from_secs(10)),
        logins: Rate::new(3, Duration::from_secs(1)),
    };
    let world = World::with(facade(), Provided::new(), |b| b.limits(limits));
    let from = |mut request: Request<Full<Bytes>>, peer: &str| {
        request.extensions_mut().insert(Connection::new(peer.parse().unwrap()));
        world.send(request)
    };
    let client = json!({"redirect_uris": ["http://localhost/cb"], "token_endpoint_auth_method": "none"});
    for _ in 0..2 {
        assert_eq!(from(register(&client), "192.0.2.1:1000").await.0.status, StatusCode::CREATED);
    }
    let (parts, body) = from(register(&client), "192.0.2.1:2000").await;
    assert_eq!(parts.status, StatusCode::TOO_MANY_REQUESTS, "{body}");
    assert_eq!(
        (&parts.headers[RETRY_AFTER], &parts.headers[ACCESS_CONTROL_ALLOW_ORIGIN]),
        (&"10".parse().unwrap(), &"*".parse().unwrap())
    );
    assert_eq!(world.written.last(), "too_many_requests");
    assert_eq!(
        from(register(&client), "192.0.2.2:1000").await.0.status,
        StatusCode::CREATED,
        "another address"
    );
    assert_eq!(world.send(register(&client)).await.0.status, StatusCode::CREATED, "those without one");
    world.clock.advance(10);
    assert_eq!(from(register(&client), "192.0.2.1:1000").await.0.status, StatusCode::CREATED);

    for expected in [200, 200, 200, 429] {
        let (parts, page) = from(get("/authorize", &authorization()), "192.0.2.1:1").await;
        assert_eq!((parts.status.as_u16(), page.contains("<html")), (expected, true));
    }
    // A token endpoint is for servers, of which one address may have many.
    for _ in 0..50 {
        assert_ne!(
            from(post_form("/token", &[]), "192.0.2.1:1").await.0.status,
            StatusCode::TOO_MANY_REQUESTS
        );
    }
}

#[tokio::test]
async fn what_is_not_offered_is_not_there() {
    let closed = FacadeMetadata::new(FacadeIssuer::parse(OURS).unwrap()).registration(false);
    let credential = ClientCredential::client_secret_basic("gateway", Secret::new(SECRET));
    let sealer = Sealer::new(&SealKey::from_bytes([7; 32]), Arc::new(AwsLc::new())).unwrap();
    let upstream = Behind::shared(Provider::oauth(ISSUER).unwrap(), credential);
    let resource = ProtectedResource::new(ResourceIdentifier::parse(RESOURCE).unwrap());
    let facade = mcp_auth_exchange::facade::Facade::builder(closed, sealer, upstream, resource);
    let world = World::with(facade, Provided::new(), |b| b);
    for method in ["POST", "GET", "OPTIONS"] {
        let asked = request(method, "/register", &[(HOST, "mcp.example")]);
        assert_eq!(world.send(asked).await.0.status, StatusCode::NOT_FOUND, "{method}");
    }
}

#[tokio::test]
async fn attack_112_what_cannot_be_done_is_said_at_the_start() {
    let of = |credential: ClientCredential| {
        let sealer = Sealer::new(&SealKey::from_bytes([7; 32]), Arc::new(AwsLc::new())).unwrap();
        let metadata = FacadeMetadata::new(FacadeIssuer::parse(OURS).unwrap());
        let resource = ProtectedResource::new(ResourceIdentifier::parse(RESOURCE).unwrap());
        let upstream = Behind::shared(Provider::oauth(ISSUER).unwrap(), credential);
        FacadeServer::builder(
            mcp_auth_exchange::facade::Facade::builder(metadata, sealer, upstream, resource).build().unwrap(),
        )
    };
    let error = of(ClientCredential::workload_identity("gw")).build().unwrap_err().to_string();
    assert!(error.contains("workload_token_file"), "{error}");
    let error = of(ClientCredential::tls_client_auth("gw", "cert")).build().unwrap_err().to_string();
    assert!(error.contains("`cert`") && error.contains("`certificate`"), "{error}");
    let good = of(ClientCredential::client_secret_post("gw", Secret::new(SECRET)));
    assert!(!format!("{good:?} {:?}", World::new().server).contains("canary"));
    assert!(good.build().is_ok());
}
