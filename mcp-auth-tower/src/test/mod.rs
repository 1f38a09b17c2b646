//! The layers together, and the contracts of tower: readiness, errors, bodies.

mod agreement;
mod audit;
mod authenticate;
mod authorize;
mod batch;
mod compose;
mod denial;
mod exchange;
mod expiry;
mod facade;
mod introspection;
mod keys;
mod mcp;
mod metadata;
mod origin;
mod policy;
#[cfg(feature = "redis")]
pub(crate) mod redis_server;
mod session;
mod tower_contract;

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, Signer as _};
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Algorithm, Issuer};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use tower_layer::Layer as _;
use tower_service::Service;

use crate::clock::Clock;
use crate::keys::Keys;
use crate::{McpAuth, McpAuthBuilder, McpAuthService, Rejection};

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
    trailers: Mutex<Vec<http::HeaderMap>>,
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
            let body = body.collect().await.unwrap();
            shared.trailers.lock().unwrap().extend(body.trailers().cloned());
            let body = body.to_bytes();
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
    policies: crate::authorize::PolicyHandle,
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
        Self { idp, upstream, service, policies: auth.policies() }
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

/// What a client of the message's version sends: modern ones repeat in headers what the body says.
fn post(token: &str, body: &str) -> Request<Full<Bytes>> {
    let mut request = Request::post("/files/mcp")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap();
    let message: Value = serde_json::from_str(body).unwrap_or_default();
    let params = &message["params"];
    if let Some(version) = params["_meta"][MODERN].as_str() {
        let name = ["name", "uri", "taskId"].iter().find_map(|member| params[member].as_str());
        let method = message["method"].as_str();
        for (header, value) in
            [("mcp-protocol-version", Some(version)), ("mcp-method", method), ("mcp-name", name)]
        {
            if let Some(value) = value {
                request.headers_mut().insert(header, value.parse().unwrap());
            }
        }
    }
    request
}

const MODERN: &str = "io.modelcontextprotocol/protocolVersion";

/// The `_meta` of a modern request.
fn meta() -> Value {
    json!({ MODERN: "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {} })
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
