//! The layers together, and the contracts of tower: readiness, errors, bodies.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{
    ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use mcp_auth_core::UnixTime;
use mcp_auth_core::audit::Record;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, Signer as _};
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Algorithm, Issuer};
use mcp_auth_core::mcp::McpCall;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tower_layer::Layer as _;
use tower_service::Service;

use crate::audit::AuditSink;
use crate::authenticate::Mode;
use crate::clock::Clock;
use crate::keys::Keys;
use crate::mcp::McpLayer;
use crate::{Authenticated, McpAuth, McpAuthBuilder, McpAuthService, Rejection};

const RESOURCE: &str = "https://mcp.example/files/mcp";
const ISSUER: &str = "https://idp.example";
const NOW: u64 = 1_700_000_000;

#[derive(Debug)]
struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(NOW)
    }
}

/// An identity provider in memory.
struct Idp(AwsLcSigner);

impl Idp {
    fn new() -> Self {
        Self(AwsLcSigner::generate(Algorithm::ES256).unwrap())
    }

    fn keys(&self) -> Keys {
        let jwks = format!("{{\"keys\":[{}]}}", self.0.public_jwk("k"));
        Keys::Static(Arc::new(KeySet::parse(jwks.as_bytes(), &AwsLc::new(), Algorithm::ALL).unwrap()))
    }

    fn token_with(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = json!({
            "iss": ISSUER, "aud": RESOURCE, "sub": "bob", "exp": NOW + 300, "client_id": "c", "scope": "mcp:read",
        });
        change(&mut claims);
        let header = json!({"alg": "ES256", "kid": "k", "typ": "at+jwt"}).to_string();
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes()).unwrap());
        format!("{signed}.{signature}")
    }

    fn token(&self, sub: &str) -> String {
        self.token_with(|c| c["sub"] = sub.into())
    }
}

/// What the service behind the layers saw, and what it answers. It panics when it is called unready, as its
/// contract allows.
#[derive(Debug)]
struct Upstream {
    shared: Arc<Shared>,
    ready: bool,
}

#[derive(Debug, Default)]
struct Shared {
    calls: AtomicUsize,
    seen: Mutex<Vec<(http::request::Parts, Bytes)>>,
    answer: Mutex<Option<Response<Full<Bytes>>>>,
}

impl Clone for Upstream {
    /// A clone is not ready, whatever the original is.
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), ready: false }
    }
}

impl<B> Service<Request<B>> for Upstream
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Debug,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without being ready");
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        let shared = self.shared.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            shared.seen.lock().unwrap().push((parts, body));
            Ok(shared.answer.lock().unwrap().clone().unwrap_or_else(|| json_answer("{}")))
        })
    }
}

fn json_answer(text: &str) -> Response<Full<Bytes>> {
    Response::builder()
        .header(CONTENT_TYPE, "application/json")
        .header(CONTENT_LENGTH, text.len())
        .body(Full::new(Bytes::copy_from_slice(text.as_bytes())))
        .unwrap()
}

struct Setup {
    idp: Idp,
    upstream: Arc<Shared>,
    service: McpAuthService<Upstream>,
}

impl Setup {
    fn with(change: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder) -> Self {
        let idp = Idp::new();
        let builder = McpAuth::builder(RESOURCE)
            .unwrap()
            .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), idp.keys())
            .scopes("mcp:read mcp:write offline_access")
            .unwrap()
            .clock(Arc::new(FixedClock));
        let auth = change(builder).build().unwrap();
        let upstream = Arc::new(Shared::default());
        let service = auth.layer(Upstream { shared: upstream.clone(), ready: false });
        Self { idp, upstream, service }
    }

    fn new() -> Self {
        Self::with(|b| b.require(r#"jwt.sub == "alice" || mcp.tool.name != "write""#).unwrap())
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> (http::response::Parts, String) {
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn post(&self, token: &str, body: &str) -> (http::response::Parts, String) {
        self.send(post(token, body)).await
    }

    fn calls(&self) -> usize {
        self.upstream.calls.load(Ordering::SeqCst)
    }

    fn answer(&self, response: Response<Full<Bytes>>) {
        *self.upstream.answer.lock().unwrap() = Some(response);
    }
}

fn post(token: &str, body: &str) -> Request<Full<Bytes>> {
    Request::post("/files/mcp")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap()
}

fn call(tool: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#
    )
}

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

fn challenge(parts: &http::response::Parts) -> &str {
    parts.headers.get(WWW_AUTHENTICATE).map_or("", |v| v.to_str().unwrap())
}

fn code(parts: &http::response::Parts) -> &'static str {
    parts.extensions.get::<Arc<Rejection>>().map_or("", |r| r.code())
}

const METADATA: &str = "https://mcp.example/.well-known/oauth-protected-resource/files/mcp";

#[tokio::test]
async fn row_129_131_237_mcp_a3_a4_no_token_gives_a_complete_challenge_on_every_method() {
    let setup = Setup::new();
    for method in [Method::GET, Method::POST, Method::DELETE, Method::PUT] {
        let request = Request::builder().method(method).uri("/files/mcp").body(Full::default()).unwrap();
        let (parts, body) = setup.send(request).await;
        assert_eq!(parts.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            challenge(&parts),
            format!("Bearer resource_metadata=\"{METADATA}\", scope=\"mcp:read mcp:write\"")
        );
        assert_eq!(code(&parts), "missing_token");
        assert!(body.contains("unauthorized"));
    }
    assert_eq!(setup.calls(), 0);
}

#[tokio::test]
async fn row_122_123_124_138_metadata_needs_no_token() {
    let setup = Setup::new();
    for path in ["/.well-known/oauth-protected-resource/files/mcp", "/.well-known/oauth-protected-resource"] {
        let (parts, body) = setup.send(Request::get(path).body(Full::default()).unwrap()).await;
        assert_eq!(parts.status, StatusCode::OK);
        let document: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(document["resource"], RESOURCE);
        assert_eq!(document["authorization_servers"], json!([ISSUER]));
        assert_eq!(
            document["scopes_supported"],
            json!(["mcp:read", "mcp:write"]),
            "mcp_a5: no offline_access"
        );
        assert_eq!(parts.headers["access-control-allow-origin"], "*");
        let (parts, _) = setup
            .send(Request::builder().method(Method::OPTIONS).uri(path).body(Full::default()).unwrap())
            .await;
        assert_eq!(parts.status, StatusCode::NO_CONTENT);
        let (parts, _) = setup.send(Request::post(path).body(Full::default()).unwrap()).await;
        assert_eq!((parts.status, parts.headers.contains_key(ALLOW)), (StatusCode::METHOD_NOT_ALLOWED, true));
    }
    assert_eq!(setup.calls(), 0);
}

#[tokio::test]
async fn row_132_181_attack_064_a_good_token_reaches_the_service_as_a_principal_and_not_as_a_token() {
    let setup = Setup::new();
    let (parts, _) = setup.post(&setup.idp.token("bob"), &call("read")).await;
    assert_eq!(parts.status, StatusCode::OK);
    let seen = setup.upstream.seen.lock().unwrap();
    let (request, body) = &seen[0];
    assert!(!request.headers.contains_key(AUTHORIZATION));
    assert_eq!(body, call("read").as_bytes(), "the bytes that were judged");
    let who = request.extensions.get::<Authenticated>().unwrap();
    assert_eq!(who.principal().unwrap().subject(), Some("bob"));
    assert_eq!(request.extensions.get::<McpCall>().unwrap().target.as_ref().unwrap().name(), "read");
}

#[tokio::test]
async fn row_182_forwarding_is_asked_for_by_name() {
    let setup = Setup::with(McpAuthBuilder::forward_token);
    let token = setup.idp.token("bob");
    setup.post(&token, &call("read")).await;
    let seen = setup.upstream.seen.lock().unwrap();
    assert_eq!(seen[0].0.headers[AUTHORIZATION], format!("Bearer {token}"));
}

#[tokio::test]
async fn row_238_mcp_a10_a_bad_token_is_401_with_a_fixed_text() {
    let setup = Setup::new();
    for (token, expected, text) in [
        ("opaque".to_owned(), "not_a_jwt", "malformed"),
        (setup.idp.token_with(|c| c["exp"] = json!(NOW - 100)), "expired", "expired"),
        (setup.idp.token_with(|c| c["aud"] = "https://canary.example".into()), "audience", "resource"),
        (setup.idp.token_with(|c| c["iss"] = "https://canary.example".into()), "issuer", "issuer"),
        (Idp::new().token("bob"), "signature", "signature"),
    ] {
        let (parts, body) = setup.post(&token, &call("read")).await;
        assert_eq!((parts.status, code(&parts)), (StatusCode::UNAUTHORIZED, expected));
        let challenge = challenge(&parts);
        assert!(
            challenge.contains(r#"error="invalid_token""#) && challenge.contains(METADATA),
            "{challenge}"
        );
        assert!(challenge.contains(text), "{challenge}");
        assert!(!challenge.contains("canary") && !body.contains("canary"), "{challenge} {body}");
    }
    assert_eq!(setup.calls(), 0);
}

#[tokio::test]
async fn attack_056_two_tokens_are_400() {
    let setup = Setup::new();
    let mut request = post(&setup.idp.token("bob"), &call("read"));
    request.headers_mut().append(AUTHORIZATION, "Bearer x".parse().unwrap());
    let (parts, _) = setup.send(request).await;
    assert_eq!(parts.status, StatusCode::BAD_REQUEST);
    assert!(challenge(&parts).contains(r#"error="invalid_request""#));
}

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
    for response in [answer("application/json"), answer("text/html"), gzip] {
        setup.answer(response);
        let (parts, body) = setup.post(&token, LIST).await;
        assert!(!body.contains("write"), "{body}");
        let error: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(error["error"]["code"], -32603, "{:?}", parts.status);
    }
    let seen = setup.upstream.seen.lock().unwrap();
    assert!(seen.iter().all(|(p, _)| p.headers["accept-encoding"] == "identity"));
}

#[tokio::test]
async fn attack_080_084_085_086_messages_that_cannot_be_judged_do_not_reach_the_service() {
    let setup = Setup::new();
    let token = setup.idp.token("alice");
    let list_of_calls = format!("[{}]", call("read"));
    let long = format!("{}{}", call("read"), " ".repeat(4 * 1024 * 1024));
    for (body, status) in [
        ("", 400),
        ("{}", 400),
        (&*list_of_calls, 400),
        (&*long, 413),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x/y"}"#, 403),
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

#[tokio::test]
async fn row_194_232_optional_mode_passes_nobody_and_the_policy_challenges() {
    let setup = Setup::with(|b| b.mode(Mode::Optional).require(r#"jwt.sub == "alice""#).unwrap());
    let anonymous = |body: &str| {
        let mut request = post("x", body);
        request.headers_mut().remove(AUTHORIZATION);
        request
    };
    let (parts, _) = setup.send(anonymous(LIST)).await;
    assert_eq!((parts.status, setup.calls()), (StatusCode::OK, 1));
    let (parts, _) = setup.send(anonymous(&call("read"))).await;
    assert_eq!((parts.status, setup.calls()), (StatusCode::UNAUTHORIZED, 1));
    assert!(challenge(&parts).contains("resource_metadata"));
    let (parts, _) = setup.post("bad", LIST).await;
    assert_eq!((parts.status, setup.calls()), (StatusCode::UNAUTHORIZED, 1), "a bad token is not no token");
}

#[tokio::test]
async fn permissive_mode_forwards_no_bad_token() {
    let setup = Setup::with(|b| b.mode(Mode::DangerPermissive));
    let (parts, _) = setup.post("bad", LIST).await;
    assert_eq!((parts.status, setup.calls()), (StatusCode::OK, 1));
    let seen = setup.upstream.seen.lock().unwrap();
    assert!(!seen[0].0.headers.contains_key(AUTHORIZATION));
    assert!(seen[0].0.extensions.get::<Authenticated>().unwrap().principal().is_none());
}

#[tokio::test]
async fn authorize_without_authenticate_refuses() {
    let upstream = Arc::new(Shared::default());
    let layer = crate::authorize::AuthorizeLayer::new();
    let service = layer.layer(Upstream { shared: upstream.clone(), ready: false });
    let response = service.oneshot(post("x", LIST)).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(upstream.calls.load(Ordering::SeqCst), 0);
}

#[derive(Debug, Default)]
struct Records(Mutex<Vec<String>>);

impl AuditSink for Records {
    fn record(&self, r: &Record<'_>) {
        let line = format!("{:?} {:?} {:?} {:?} {}", r.issuer, r.subject, r.method, r.item, r.allowed);
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn row_271_every_decision_is_recorded() {
    let records = Arc::new(Records::default());
    let sink = records.clone();
    let setup = Setup::with(|b| b.audit(sink).deny(r#"mcp.tool.name == "write""#).unwrap());
    let token = setup.idp.token("bob");
    for tool in ["read", "write"] {
        setup.post(&token, &call(tool)).await;
    }
    let lines = records.0.lock().unwrap().join("\n");
    assert_eq!(lines.lines().count(), 2);
    assert!(
        lines.contains(r#"Some("https://idp.example") Some("bob") Some("tools/call") Some("write") false"#),
        "{lines}"
    );
    assert!(!token.split('.').any(|part| lines.contains(part)));
}

/// Answers `jwks` requests over a real socket, counting them.
async fn key_server(answer: Arc<Mutex<String>>, hits: Arc<AtomicUsize>) -> std::net::SocketAddr {
    let app = axum::Router::new().route(
        "/jwks",
        axum::routing::get(move || {
            hits.fetch_add(1, Ordering::SeqCst);
            let body = answer.lock().unwrap().clone();
            async move {
                tokio::task::yield_now().await;
                if body.is_empty() { Err(StatusCode::INTERNAL_SERVER_ERROR) } else { Ok(body) }
            }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn remote(address: std::net::SocketAddr) -> (McpAuth, Arc<Shared>, McpAuthService<Upstream>) {
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer(ISSUER, &format!("http://{address}/jwks"))
        .unwrap()
        .clock(Arc::new(FixedClock))
        .build()
        .unwrap();
    let upstream = Arc::new(Shared::default());
    let service = auth.layer(Upstream { shared: upstream.clone(), ready: false });
    (auth, upstream, service)
}

#[tokio::test]
async fn row_168_204_remote_keys_are_fetched_once_for_many_requests_and_again_for_a_new_key() {
    let old = Idp::new();
    let answer = Arc::new(Mutex::new(format!("{{\"keys\":[{}]}}", old.0.public_jwk("k"))));
    let hits = Arc::new(AtomicUsize::new(0));
    let (auth, upstream, service) = remote(key_server(answer.clone(), hits.clone()).await);
    assert_eq!(hits.load(Ordering::SeqCst), 0, "nothing is fetched at start");
    let send = |token: String| {
        let service = service.clone();
        async move { service.oneshot(post(&token, &call("read"))).await.unwrap().status() }
    };
    let many: Vec<_> = (0..50).map(|_| tokio::spawn(send(old.token("bob")))).collect();
    for one in many {
        assert_eq!(one.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(
        (hits.load(Ordering::SeqCst), upstream.calls.load(Ordering::SeqCst)),
        (1, 50),
        "single flight"
    );

    // Rotation: the new key has another name.
    let new = Idp::new();
    *answer.lock().unwrap() = format!("{{\"keys\":[{}]}}", new.0.public_jwk("k2"));
    let token = {
        let header = json!({"alg": "ES256", "kid": "k2"}).to_string();
        let claims = json!({"iss": ISSUER, "aud": RESOURCE, "sub": "bob", "exp": NOW + 300}).to_string();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(new.0.sign(signed.as_bytes()).unwrap()))
    };
    assert_eq!(send(token.clone()).await, StatusCode::OK);
    assert_eq!(hits.load(Ordering::SeqCst), 2);

    // attack_048: unknown keys make no more fetches than the bucket holds.
    let flood = token.replace(
        &URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"k2"}"#),
        &URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"k9"}"#),
    );
    for _ in 0..100 {
        assert_eq!(send(flood.clone()).await, StatusCode::UNAUTHORIZED);
    }
    assert!(hits.load(Ordering::SeqCst) <= 3, "{}", hits.load(Ordering::SeqCst));
    let Keys::Remote(keys) = &auth.authenticate().keys()[0] else { panic!("remote") };
    assert_eq!(keys.status().kids, ["k2"], "row_279: status");
}

#[tokio::test]
async fn row_175_attack_051_without_keys_503_and_the_service_is_not_called() {
    let hits = Arc::new(AtomicUsize::new(0));
    let (auth, upstream, service) = remote(key_server(Arc::default(), hits).await);
    let response = service.oneshot(post(&Idp::new().token("bob"), &call("read"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(RETRY_AFTER));
    assert_eq!(upstream.calls.load(Ordering::SeqCst), 0);
    let Keys::Remote(keys) = &auth.authenticate().keys()[0] else { panic!("remote") };
    assert!(keys.status().last_error.unwrap().contains("500"));
}

/// The contract of readiness through every layer, with a service that keeps a permit per readiness.
#[tokio::test]
async fn readiness_is_handed_on_and_errors_pass_through() {
    #[derive(Clone, Debug)]
    struct Failing;
    impl<B> Service<Request<B>> for Failing {
        type Response = Response<Full<Bytes>>;
        type Error = &'static str;
        type Future = Ready<Result<Self::Response, Self::Error>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request<B>) -> Self::Future {
            ready(Err("the service's own error"))
        }
    }
    let idp = Idp::new();
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), idp.keys())
        .clock(Arc::new(FixedClock))
        .build()
        .unwrap();
    let error = auth.layer(Failing).oneshot(post(&idp.token("bob"), LIST)).await.unwrap_err();
    assert_eq!(error, "the service's own error");

    // ConcurrencyLimit panics when a clone is called that never was ready.
    let limited = tower::limit::ConcurrencyLimit::new(
        Upstream { shared: Arc::new(Shared::default()), ready: false },
        2,
    );
    let mut service = auth.layer(limited);
    for _ in 0..5 {
        let ready = tower::ServiceExt::<Request<Full<Bytes>>>::ready(&mut service).await.unwrap();
        let response = ready.call(post(&idp.token("bob"), LIST)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}

/// It stacks on axum 0.8 and on bare hyper 1.
#[tokio::test]
async fn works_on_axum_and_on_hyper() {
    let idp = Idp::new();
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), idp.keys())
        .clock(Arc::new(FixedClock))
        .build()
        .unwrap();
    let handler = |axum::Extension(who): axum::Extension<Authenticated>, body: String| async move {
        format!("{} {}", who.principal().and_then(|p| p.subject()).unwrap_or("nobody"), body.len())
    };
    let app = axum::Router::new().route("/files/mcp", axum::routing::any(handler)).layer(auth.clone());
    let response = app.oneshot(post(&idp.token("bob"), LIST).map(axum::body::Body::new)).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, format!("bob {}", LIST.len()));

    // hyper: the service over a real socket, its body type `Incoming`.
    let upstream = Arc::new(Shared::default());
    let service = auth.layer(Upstream { shared: upstream.clone(), ready: false });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let io = hyper_util::rt::TokioIo::new(stream);
        let service = hyper_util::service::TowerToHyperService::new(service);
        hyper::server::conn::http1::Builder::new().serve_connection(io, service).await.unwrap();
    });
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let response = sender.send_request(post(&idp.token("bob"), LIST)).await.unwrap();
    assert_eq!((response.status(), upstream.calls.load(Ordering::SeqCst)), (StatusCode::OK, 1));
}
