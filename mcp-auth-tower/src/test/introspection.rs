//! Opaque tokens: their issuer is asked, once per token at a time, and without an answer nobody is let in.

use std::time::Duration;

use http::StatusCode;
use mcp_auth_exchange::{ClientAuthentication, Secret, TokenEndpoint};
use serde_json::json;
use tokio::sync::Semaphore;

use super::*;
use crate::authenticate::Introspection;
use crate::client::{Fetch, FetchError, FetchFuture, FetchRequest};

const OPAQUE: &str = "https://opaque.example";

/// An introspection endpoint in memory.
#[derive(Debug)]
struct Endpoint {
    asked: Mutex<Vec<String>>,
    answer: Mutex<Result<(StatusCode, String), FetchError>>,
    /// A question is answered when it gets one of these.
    gate: Semaphore,
}

impl Fetch for Endpoint {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        Box::pin(async move {
            let debug = format!("{request:?}");
            let request = request.to_http();
            assert_eq!(request.method(), "POST");
            assert!(request.headers()[AUTHORIZATION].to_str().unwrap().starts_with("Basic "));
            let body = String::from_utf8(request.body().to_vec()).unwrap();
            assert!(!debug.contains(&body), "the token is in Debug");
            self.asked.lock().unwrap().push(body);
            self.gate.acquire().await.unwrap().forget();
            let (status, body) = self.answer.lock().unwrap().clone()?;
            Ok(Response::builder().status(status).body(body.into()).unwrap())
        })
    }
}

struct Asking {
    setup: Setup,
    endpoint: Arc<Endpoint>,
}

impl Asking {
    fn new() -> Self {
        let endpoint = Arc::new(Endpoint {
            asked: Mutex::default(),
            answer: Mutex::new(Ok((StatusCode::OK, r#"{"active":false}"#.into()))),
            gate: Semaphore::new(1000),
        });
        let client = ClientAuthentication::client_secret_basic("gateway", Secret::new("s3cret"));
        let uri = TokenEndpoint::new(&"https://opaque.example/introspect".parse().unwrap()).unwrap();
        let introspection =
            Introspection::new(uri, client, endpoint.clone()).unwrap().timeout(Duration::from_millis(500));
        let issuer = Issuer::new(OPAQUE).audience(RESOURCE);
        let setup = Setup::with(|builder| builder.issuer_introspected(issuer, introspection));
        Self { setup, endpoint }
    }

    fn answers(self, status: u16, body: impl ToString) -> Self {
        let status = StatusCode::from_u16(status).unwrap();
        *self.endpoint.answer.lock().unwrap() = Ok((status, body.to_string()));
        self
    }

    async fn ask(&self, token: &str) -> (StatusCode, &'static str) {
        let (parts, _) = self.setup.post(token, &call("read")).await;
        let code = if parts.status == StatusCode::OK { "ok" } else { code(&parts) };
        (parts.status, code)
    }

    fn asked(&self) -> usize {
        self.endpoint.asked.lock().unwrap().len()
    }
}

fn active() -> Value {
    json!({"active": true, "sub": "bob", "aud": RESOURCE, "exp": NOW + 300, "scope": "mcp:read"})
}

#[tokio::test]
async fn an_opaque_token_is_asked_about_once_and_then_known() {
    let asking = Asking::new().answers(200, active());
    for _ in 0..3 {
        assert_eq!(asking.ask("0paque").await, (StatusCode::OK, "ok"));
    }
    assert_eq!(*asking.endpoint.asked.lock().unwrap(), ["token=0paque&token_type_hint=access_token"]);
    let seen = asking.setup.upstream.seen.lock().unwrap();
    let who = seen[0].0.extensions.get::<crate::Authenticated>().unwrap();
    assert_eq!(who.principal().map(|p| (p.issuer(), p.subject())), Some((OPAQUE, Some("bob"))));
    assert!(!seen[0].0.headers.contains_key(AUTHORIZATION));
}

#[tokio::test]
async fn an_inactive_token_is_401_and_known_too() {
    let asking = Asking::new();
    for _ in 0..3 {
        assert_eq!(asking.ask("0paque").await, (StatusCode::UNAUTHORIZED, "inactive"));
    }
    assert_eq!((asking.asked(), asking.setup.calls()), (1, 0));
}

#[tokio::test]
async fn what_the_answer_says_is_checked_as_a_jwt_is() {
    let jkt = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    for (member, value, code) in [
        ("aud", json!("https://other.example"), "audience"),
        ("aud", json!(7), "claim_type"),
        ("exp", json!(NOW - 60), "expired"),
        ("iss", json!(ISSUER), "issuer"),
        ("cnf", json!({"jkt": jkt}), "bound_token"),
    ] {
        let mut claims = active();
        claims[member] = value;
        let asking = Asking::new().answers(200, claims);
        for _ in 0..2 {
            assert_eq!(asking.ask("0paque").await, (StatusCode::UNAUTHORIZED, code), "{member}");
        }
        assert_eq!((asking.asked(), asking.setup.calls()), (1, 0), "{member}: asked once");
    }
}

#[tokio::test]
async fn without_an_answer_nobody_is_let_in_and_no_token_is_called_bad() {
    for (status, body) in
        [(401, "{}".to_owned()), (500, active().to_string()), (200, "<html>".into()), (200, "{}".into())]
    {
        let asking = Asking::new().answers(status, body);
        let unavailable = (StatusCode::SERVICE_UNAVAILABLE, "introspection_unavailable");
        assert_eq!(asking.ask("0paque").await, unavailable, "{status}");
        assert_eq!(asking.ask("0paque").await, unavailable, "a failure is not remembered");
        assert_eq!((asking.asked(), asking.setup.calls()), (2, 0));
    }
    let asking = Asking::new();
    *asking.endpoint.answer.lock().unwrap() = Err(FetchError::Connect("refused".into()));
    assert_eq!(asking.ask("0paque").await.0, StatusCode::SERVICE_UNAVAILABLE);
    let asking = Asking::new().answers(200, active());
    asking.endpoint.gate.forget_permits(1000);
    assert_eq!(asking.ask("0paque").await.0, StatusCode::SERVICE_UNAVAILABLE, "no answer in time");
}

#[tokio::test]
async fn many_requests_with_one_token_ask_once_and_a_cancelled_one_does_not_matter() {
    let asking = Arc::new(Asking::new().answers(200, active()));
    asking.endpoint.gate.forget_permits(1000);
    let request = || {
        let asking = asking.clone();
        tokio::spawn(async move { asking.ask("0paque").await })
    };
    let first = request();
    while asking.asked() == 0 {
        tokio::task::yield_now().await;
    }
    let shown = format!("{:?}", asking.setup.service);
    assert!(shown.contains("introspect") && !shown.contains("0paque"), "attack_066: {shown}");
    let others: Vec<_> = (0..20).map(|_| request()).collect();
    tokio::task::yield_now().await;
    first.abort();
    asking.endpoint.gate.add_permits(1);
    for other in others {
        assert_eq!(other.await.unwrap(), (StatusCode::OK, "ok"));
    }
    assert_eq!(asking.asked(), 1);
}

#[tokio::test]
async fn other_issuers_tokens_are_not_shown_to_this_one() {
    let asking = Asking::new().answers(200, active());
    assert_eq!(asking.ask(&asking.setup.idp.token("bob")).await.0, StatusCode::OK);
    let broken = format!("{}x", asking.setup.idp.token("bob"));
    assert_eq!(asking.ask(&broken).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(asking.ask("a.b.c").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(asking.ask("a.b.c.d.e").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(asking.asked(), 0);
    let its_jwt = asking.setup.idp.token_with(|c| c["iss"] = OPAQUE.into());
    assert_eq!(asking.ask(&its_jwt).await.0, StatusCode::OK);
    assert_eq!(asking.asked(), 1, "a JWT of the issuer that has no keys");
}
