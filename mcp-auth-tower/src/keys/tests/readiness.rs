//! From a request to its answer while keys come and go: the whole stack, real sockets.

use std::convert::Infallible;
use std::sync::atomic::AtomicUsize;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::json;
use tower::{ServiceExt as _, service_fn, util::BoxCloneSyncService};
use tower_layer::Layer as _;

use super::*;
use crate::McpAuth;
use crate::client::chaos::{Answer, Chaos, json as answer};

const ISSUER: &str = "https://idp.example";

/// A signing key of the identity provider.
struct Signing(AwsLcSigner, &'static str);

impl Signing {
    fn new(kid: &'static str) -> Self {
        Self(AwsLcSigner::generate(Algorithm::ES256).unwrap(), kid)
    }

    fn jwks(&self) -> String {
        format!("{{\"keys\":[{}]}}", self.0.public_jwk(self.1))
    }

    fn token(&self) -> String {
        let header = json!({"alg": "ES256", "kid": self.1}).to_string();
        let claims = json!({"iss": ISSUER, "aud": RESOURCE, "sub": "bob", "exp": NOW + 86_400}).to_string();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes()).unwrap());
        format!("{signed}.{signature}")
    }
}

struct Gateway {
    idp: Chaos,
    clock: Arc<HandClock>,
    upstream: Arc<AtomicUsize>,
    auth: McpAuth,
}

impl Gateway {
    async fn new() -> Self {
        let (idp, clock) = (Chaos::start().await, HandClock::new());
        let auth = McpAuth::builder(RESOURCE)
            .unwrap()
            .issuer(ISSUER, &idp.url("/jwks"))
            .unwrap()
            .clock(clock.clone())
            .build()
            .unwrap();
        Self { idp, clock, upstream: Arc::default(), auth }
    }

    async fn send(&self, token: &str) -> http::response::Parts {
        let calls = self.upstream.clone();
        let upstream = service_fn(move |_: Request<_>| {
            calls.fetch_add(1, Ordering::SeqCst);
            async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("{}")))) }
        });
        let request = Request::post("/mcp")
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)))
            .unwrap();
        let service = BoxCloneSyncService::new(self.auth.layer(upstream));
        service.oneshot(request).await.unwrap().into_parts().0
    }

    fn calls(&self) -> usize {
        self.upstream.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn row_175_attack_051_an_identity_provider_that_is_down_is_503_until_it_comes_up() {
    let (gateway, key) = (Gateway::new().await, Signing::new("k"));
    gateway.idp.answer("*", Answer::Reset);
    for _ in 0..60 {
        let answer = gateway.send(&key.token()).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers.contains_key(RETRY_AFTER));
        assert!(!answer.headers.contains_key(WWW_AUTHENTICATE), "the token is not to blame");
        gateway.clock.advance(1);
    }
    assert_eq!(gateway.calls(), 0, "never open");
    assert!(gateway.idp.connections() <= 2 + 60 / 30, "{}", gateway.idp.connections());

    gateway.idp.answer("*", answer(key.jwks()));
    gateway.clock.advance(30);
    assert_eq!(gateway.send(&key.token()).await.status, StatusCode::OK);
    assert_eq!(gateway.send(&Signing::new("k").token()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(gateway.calls(), 1);
}

#[tokio::test]
async fn row_175_attack_051_nothing_listens_at_all() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    drop(listener);
    let mut gateway = Gateway::new().await;
    gateway.auth = McpAuth::builder(RESOURCE).unwrap().issuer(ISSUER, &url).unwrap().build().unwrap();
    let answer = gateway.send(&Signing::new("k").token()).await;
    assert_eq!((answer.status, gateway.calls()), (StatusCode::SERVICE_UNAVAILABLE, 0));
    let status = gateway.auth.authenticate().keys()[0].status(ISSUER);
    assert!(status.last_error.unwrap().contains("cannot be reached"));
}

#[tokio::test]
async fn row_204_requests_wait_for_the_first_fetch_together() {
    let (gateway, key) = (Arc::new(Gateway::new().await), Signing::new("k"));
    gateway.idp.answer("/jwks", Answer::Held(Box::new(answer(key.jwks()))));
    let token = key.token();
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let (gateway, token) = (gateway.clone(), token.clone());
            tokio::spawn(async move { gateway.send(&token).await.status })
        })
        .collect();
    while gateway.idp.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(gateway.calls(), 0);
    gateway.idp.release();
    for request in requests {
        assert_eq!(request.await.unwrap(), StatusCode::OK);
    }
    assert_eq!((gateway.calls(), gateway.idp.paths()), (50, vec!["/jwks".to_owned()]));
}

#[tokio::test]
async fn attack_052_054_a_rotation_costs_one_fetch_and_no_request() {
    let (gateway, old, new) = (Gateway::new().await, Signing::new("old"), Signing::new("new"));
    gateway.idp.answer("/jwks", answer(old.jwks()));
    assert_eq!(gateway.send(&old.token()).await.status, StatusCode::OK);
    // Both are published for a while, then the old one is withdrawn.
    let both = format!("{{\"keys\":[{},{}]}}", old.0.public_jwk("old"), new.0.public_jwk("new"));
    gateway.idp.answer("/jwks", answer(both));
    for key in [&new, &old, &new] {
        assert_eq!(gateway.send(&key.token()).await.status, StatusCode::OK);
    }
    assert_eq!(gateway.idp.paths().len(), 2);
    gateway.idp.answer("/jwks", answer(new.jwks()));
    gateway.clock.advance(600);
    assert_eq!(gateway.send(&old.token()).await.status, StatusCode::UNAUTHORIZED, "dead after the interval");
    assert_eq!(gateway.send(&new.token()).await.status, StatusCode::OK);
    assert_eq!(gateway.idp.paths().len(), 3);
}
