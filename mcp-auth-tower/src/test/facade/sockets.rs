//! The whole way over real sockets, with the HTTP client that comes with this crate on the way to the provider.

use axum::extract::Request as AxumRequest;
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::*;
use crate::client::HttpClient;

type Browser = Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>;

async fn listen(app: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// A provider on a socket of its own, which only answers who knows the gateway's secret.
async fn provider(tokens: Arc<Tokens>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let metadata = metadata_of(&url).to_string();
    let app = axum::Router::new()
        .route(
            "/.well-known/openid-configuration",
            axum::routing::get(async move || ([(CONTENT_TYPE, "application/json")], metadata)),
        )
        .route(
            "/token",
            axum::routing::post(async move |request: AxumRequest| {
                let (parts, body) = request.into_parts();
                let credential =
                    base64::engine::general_purpose::STANDARD.encode(format!("gateway:{SECRET}"));
                assert_eq!(parts.headers[AUTHORIZATION], format!("Basic {credential}"));
                let body = body.collect().await.unwrap().to_bytes();
                tokens.answer(&Request::from_parts(parts, body)).unwrap().map(axum::body::Body::from)
            }),
        );
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

async fn fetch(browser: &Browser, request: Request<Full<Bytes>>) -> (http::response::Parts, String) {
    let (parts, body) = browser.request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn row_152_to_157_a_login_over_sockets() {
    let tokens = Arc::new(Tokens { idp: Idp::new(), refresh: Mutex::default(), count: AtomicUsize::new(0) });
    let upstream = provider(tokens).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = format!("http://{}", listener.local_addr().unwrap());
    let resource = format!("{ours}/mcp");
    let facade = facade_at(&ours, Provider::openid_connect(&upstream).unwrap(), &resource);
    let server = FacadeServer::builder(facade.build().unwrap())
        .client(Arc::new(HttpClient::new().unwrap()))
        .build()
        .unwrap();
    server.prefetch();
    let app = axum::Router::new().fallback_service(FacadeService::new(server.clone()));
    tokio::spawn(async move { axum::serve(listener, app).await });

    let browser: Browser = Client::builder(TokioExecutor::new()).build_http();
    let mut pairs = authorization();
    pairs[7] = ("resource", &resource);
    let at = |path: &str| format!("{ours}{path}");
    let ask = Request::get(at(&format!("/authorize?{}", query(&pairs)))).body(Full::default()).unwrap();
    let (parts, page) = fetch(&browser, ask).await;
    assert_eq!(parts.status, StatusCode::OK, "{page}");
    let cookies = |parts: &http::response::Parts| {
        let all = parts
            .headers
            .get_all(SET_COOKIE)
            .iter()
            .map(|c| c.to_str().unwrap().split(';').next().unwrap().to_owned());
        all.collect::<Vec<_>>().join("; ")
    };
    let cookie = cookies(&parts);
    let allow = Request::post(at("/authorize"))
        .header(COOKIE, &cookie)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(query(&[("ticket", &ticket(&page)), ("decision", "allow")]))))
        .unwrap();
    let (parts, _) = fetch(&browser, allow).await;
    let at_provider = location(&parts);
    assert!(at_provider.as_str().starts_with(&format!("{upstream}/authorize?")), "{at_provider}");
    let state = parameter(&at_provider, "state").unwrap();
    let callback = query(&[("code", "upstream-code"), ("state", &state), ("iss", &upstream)]);
    let callback = Request::get(at(&format!("/callback?{callback}"))).header(COOKIE, &cookie);
    let (parts, page) = fetch(&browser, callback.body(Full::default()).unwrap()).await;
    assert_eq!(parts.status, StatusCode::FOUND, "{page}");
    let code = parameter(&location(&parts), "code").unwrap();
    let token = |pairs: &[(&str, &str)]| {
        Request::post(at("/token"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(query(pairs))))
            .unwrap()
    };
    let (parts, answer) = fetch(&browser, token(&redemption(&code))).await;
    assert_eq!(parts.status, StatusCode::OK, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let refresh = answer["refresh_token"].as_str().unwrap();
    let pairs = [("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", refresh)];
    let three = (0..3).map(|_| fetch(&browser, token(&pairs)));
    let answers = futures_util::future::join_all(three).await;
    for (parts, answer) in &answers {
        assert_eq!((parts.status, answer), (StatusCode::OK, &answers[0].1));
    }
    assert_eq!(server.status().metadata.failures, 0, "{:?}", server.status());
}

#[tokio::test]
async fn attack_050_an_endpoint_that_metadata_names_inside_is_not_asked() {
    let inside = crate::client::chaos::Chaos::start().await;
    let stolen = inside.url("/token");
    // A provider of public name whose document points at this machine.
    let provided = Provided::new();
    let mut metadata = metadata_of(ISSUER);
    metadata["token_endpoint"] = stolen.into();
    provided.answers(WELL_KNOWN, move |_| json_reply(200, &metadata));
    let client = HttpClient::new().unwrap();
    #[derive(Debug)]
    struct Split(Arc<Provided>, HttpClient);
    impl Fetch for Split {
        fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
            match request.url.as_url().host_str() {
                Some("idp.example") => self.0.fetch(request),
                _ => self.1.fetch(request),
            }
        }
    }
    let split = Arc::new(Split(provided.clone(), client));
    let world = World::with(facade(), provided, |b| b.client(split));
    let (parts, page) = world.back(&world.to_provider(&authorization()).await).await;
    assert_eq!(parameter(&location(&parts), "error").as_deref(), Some("temporarily_unavailable"), "{page}");
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn the_layer_serves_a_router_without_routes_of_ours() {
    let world = World::new();
    let app = axum::Router::new()
        .route("/mcp", axum::routing::any(async || "mcp"))
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(crate::facade::FacadeLayer::new(world.server.clone()));
    let url = listen(app).await;
    let browser: Browser = Client::builder(TokioExecutor::new()).build_http();
    for (path, host, expected) in [
        (WELL_KNOWN, "mcp.example", 200),
        (WELL_KNOWN, "other.example", 404),
        ("/mcp", "mcp.example", 200),
        ("/x", "mcp.example", 404),
    ] {
        let request = Request::get(format!("{url}{path}")).header(HOST, host).body(Full::default()).unwrap();
        assert_eq!(fetch(&browser, request).await.0.status.as_u16(), expected, "{host} {path}");
    }
}
