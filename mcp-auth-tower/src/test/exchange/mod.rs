//! The downstream credential: who gets which token, who gets none, and that the caller's own goes nowhere.

mod canary;
mod flight;
mod journeys;
mod outcomes;
mod own;
mod plans;
mod possession;
#[cfg(feature = "redis")]
mod replicas;
mod settings;
mod shared;
mod slots;
mod sockets;
mod streams;

use std::sync::atomic::AtomicU64;

use http::header::HeaderMap;
use http::request::Parts;
use http::{StatusCode, Uri};
use mcp_auth_exchange::plan::{ExchangePlan, ExchangePlans, Step};
use mcp_auth_exchange::provider::ExchangeProfile;
use mcp_auth_exchange::{ClientCredential, Secret, TokenEndpoint};
use tokio::sync::Semaphore;

pub(super) use self::canary::{Logs, Written};
use super::*;
use crate::client::{Fetch, FetchError, FetchFuture, FetchRequest};
use crate::exchange::{ExchangeSettings, Exchanger, ExchangerBuilder};

const SECRET: &str = "s3cret-canary";
const ENDPOINT: &str = "https://sts.example/token";
const LIFE: u64 = 1000;

/// A clock that goes when it is told to.
#[derive(Debug)]
struct HandClock(AtomicU64);

impl HandClock {
    fn advance(&self, secs: u64) {
        self.0.fetch_add(secs, Ordering::SeqCst);
    }

    fn secs(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for HandClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.secs())
    }
}

type Answer = Result<Response<Bytes>, FetchError>;
type Handler = Arc<dyn Fn(&Request<Bytes>) -> Answer + Send + Sync>;

/// A token endpoint in memory.
struct Provider {
    asked: Mutex<Vec<Request<Bytes>>>,
    handler: Mutex<Handler>,
    /// A request is answered when it gets one of these.
    gate: Semaphore,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Provider")
    }
}

impl Fetch for Provider {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        Box::pin(async move {
            let debug = format!("{request:?}");
            assert!(!debug.contains(SECRET) && !debug.contains("subject_token"), "{debug}");
            let request = request.to_http();
            let handler = self.handler.lock().unwrap().clone();
            self.asked.lock().unwrap().push(request.clone());
            self.gate.acquire().await.unwrap().forget();
            handler(&request)
        })
    }
}

impl Provider {
    fn new(clock: &Arc<HandClock>, audience: &'static str) -> Arc<Self> {
        let handler = issues(clock, audience);
        Arc::new(Self {
            asked: Mutex::default(),
            handler: Mutex::new(handler),
            gate: Semaphore::new(100_000),
        })
    }

    fn answers(&self, handler: impl Fn(&Request<Bytes>) -> Answer + Send + Sync + 'static) {
        *self.handler.lock().unwrap() = Arc::new(handler);
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn close(&self) {
        self.gate.forget_permits(100_000);
    }
}

/// What a good provider does: a token for `audience`, for the user of the subject token, another one each time.
fn issues(clock: &Arc<HandClock>, audience: &'static str) -> Handler {
    let (clock, count) = (clock.clone(), AtomicUsize::new(0));
    Arc::new(move |request| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        let claims = claims(&subject_of(request), audience, clock.secs() + LIFE, n);
        reply(200, &issued(&claims))
    })
}

fn claims(sub: &str, audience: &str, exp: u64, n: usize) -> Value {
    json!({"iss": "https://sts.example", "sub": sub, "aud": audience, "exp": exp, "scope": "mcp:invoke",
        "jti": format!("jti-{n}")})
}

fn issued(claims: &Value) -> Value {
    json!({"access_token": jwt(claims), "token_type": "Bearer", "scope": "mcp:invoke",
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"})
}

fn jwt(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(&json!({"alg": "RS256", "typ": "at+jwt"})), part(claims))
}

fn reply(status: u16, body: &Value) -> Answer {
    text_reply(status, "application/json", &body.to_string())
}

fn text_reply(status: u16, media_type: &str, body: &str) -> Answer {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Ok(Response::builder().status(status).header(CONTENT_TYPE, media_type).body(body).unwrap())
}

fn form(request: &Request<Bytes>, name: &str) -> Option<String> {
    let mut fields = url::form_urlencoded::parse(request.body());
    fields.find(|(field, _)| field == name).map(|(_, value)| value.into_owned())
}

fn subject_of(request: &Request<Bytes>) -> String {
    let token = form(request, "subject_token").unwrap();
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["sub"].as_str().unwrap().to_owned()
}

fn step(endpoint: &str, audience: &str) -> Step {
    let client = ClientCredential::client_secret_post("gateway", Secret::new(SECRET));
    let endpoint = TokenEndpoint::new(&endpoint.parse().unwrap()).unwrap();
    let scope = mcp_auth_discovery::Scopes::parse("mcp:invoke").unwrap();
    Step::new(ExchangeProfile::rfc8693(), endpoint, client).audience(audience).scope(&scope)
}

fn plan() -> ExchangePlan {
    ExchangePlan::new("tool", [step(ENDPOINT, "tool")]).unwrap()
}

type Judge = Box<dyn Fn(&Parts) -> Response<Full<Bytes>> + Send + Sync>;

/// A service that looks at tokens itself. As its contract allows, it panics when it is called unready.
#[derive(Debug)]
struct Tool {
    state: Arc<ToolState>,
    ready: bool,
}

#[derive(Default)]
struct ToolState {
    seen: Mutex<Vec<(Parts, Bytes)>>,
    judge: Mutex<Option<Judge>>,
}

impl std::fmt::Debug for ToolState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ToolState")
    }
}

impl ToolState {
    fn answers(&self, judge: impl Fn(&Parts) -> Response<Full<Bytes>> + Send + Sync + 'static) {
        *self.judge.lock().unwrap() = Some(Box::new(judge));
    }

    fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The value of `Authorization` in each call.
    fn credentials(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(head, _)| single(&head.headers, AUTHORIZATION.as_str())).collect()
    }
}

fn single(headers: &HeaderMap, name: &str) -> String {
    let values: Vec<_> = headers.get_all(name).iter().map(|v| v.to_str().unwrap()).collect();
    assert_eq!(values.len(), 1, "{name}: {values:?}");
    values[0].to_owned()
}

impl Clone for Tool {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), ready: false }
    }
}

impl<B> Service<Request<B>> for Tool
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
        let state = self.state.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let answer = match &*state.judge.lock().unwrap() {
                Some(judge) => judge(&head),
                None => audience_is(&head, "tool"),
            };
            let body = body.collect().await.unwrap().to_bytes();
            state.seen.lock().unwrap().push((head, body));
            Ok(answer)
        })
    }
}

/// What a server with a validator of its own does: a token for another audience is 401.
fn audience_is(head: &Parts, audience: &str) -> Response<Full<Bytes>> {
    let token = head.headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let payload = token.strip_prefix("Bearer ").and_then(|token| token.split('.').nth(1));
    let claims = payload.and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let claims = claims.and_then(|claims| serde_json::from_slice::<Value>(&claims).ok()).unwrap_or_default();
    if claims["aud"] == audience { json_answer("{}") } else { unauthorized() }
}

fn unauthorized() -> Response<Full<Bytes>> {
    Response::builder()
        .status(401)
        .header(WWW_AUTHENTICATE, r#"Bearer resource_metadata="https://tool.example/.well-known/x""#)
        .body(Full::default())
        .unwrap()
}

/// Settings that get a token for everybody, for a gateway at [`NOW`].
pub(super) fn exchanging() -> ExchangeSettings {
    let clock = Arc::new(HandClock(AtomicU64::new(NOW)));
    let provider = Provider::new(&clock, "tool");
    ExchangeSettings::new(plan())
        .exchanger(Exchanger::builder().client(provider).clock(clock).build().unwrap())
}

/// A route with its provider and its service.
struct Route {
    idp: Idp,
    clock: Arc<HandClock>,
    provider: Arc<Provider>,
    tool: Arc<ToolState>,
    records: Arc<Written>,
    auth: McpAuth,
    service: McpAuthService<Tool>,
}

impl Route {
    fn new() -> Self {
        Self::by(plan())
    }

    fn by(plans: impl Into<ExchangePlans>) -> Self {
        Self::with(plans, |builder| builder, |settings| settings, |auth| auth)
    }

    fn with(
        plans: impl Into<ExchangePlans>,
        exchanger: impl FnOnce(ExchangerBuilder) -> ExchangerBuilder,
        settings: impl FnOnce(ExchangeSettings) -> ExchangeSettings,
        change: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder,
    ) -> Self {
        let clock = Arc::new(HandClock(AtomicU64::new(NOW)));
        let provider = Provider::new(&clock, "tool");
        let builder = Exchanger::builder().client(provider.clone()).clock(clock.clone());
        let exchanger = exchanger(builder).build().unwrap();
        let settings = settings(ExchangeSettings::new(plans).exchanger(exchanger));
        let (idp, records) = (Idp::new(), Arc::new(Written::default()));
        let auth = McpAuth::builder(RESOURCE)
            .unwrap()
            .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), idp.keys())
            .scopes("mcp:read")
            .unwrap()
            .audit(records.clone())
            .clock(clock.clone())
            .exchange_with(settings);
        let auth = change(auth).build().unwrap();
        let tool = Arc::new(ToolState::default());
        let service = auth.layer(Tool { state: tool.clone(), ready: false });
        Self { idp, clock, provider, tool, records, auth, service }
    }

    /// A token that outlives all tests.
    fn token(&self, sub: &str) -> String {
        self.idp.token_with(|claims| {
            claims["sub"] = sub.into();
            claims["exp"] = json!(NOW + 10 * LIFE);
        })
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> (http::response::Parts, String) {
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn call(&self, token: &str) -> (http::response::Parts, String) {
        self.send(post(token, &call("read"))).await
    }

    async fn status(&self, token: &str) -> StatusCode {
        self.call(token).await.0.status
    }

    /// The stable name of what was wrong.
    fn diagnosis(parts: &http::response::Parts) -> &'static str {
        let rejection = parts.extensions.get::<Arc<Rejection>>().unwrap();
        match rejection.reason() {
            crate::RejectionReason::Exchange(refusal) => refusal.diagnosis().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Looks for a secret in all that left the gateway towards anybody but the token endpoint.
    fn assert_nowhere(&self, secret: &str, answer: &(http::response::Parts, String), logs: &Written) {
        let (parts, body) = answer;
        let rejection = parts.extensions.get::<Arc<Rejection>>();
        let shown = format!("{:?} {body} {rejection:?} {:?}", parts.headers, self.auth);
        assert!(!shown.contains(secret), "in the answer: {shown}");
        let logs = logs.text();
        assert!(!logs.contains(secret), "in a log: {logs}");
        assert!(!self.records.text().contains(secret), "in the audit trail");
        for (head, _) in self.tool.seen.lock().unwrap().iter() {
            let values: Vec<_> =
                head.headers.values().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
            assert!(!values.iter().any(|value| value.contains(secret)), "upstream: {values:?}");
            assert!(!head.uri.to_string().contains(secret), "upstream: {}", head.uri);
        }
    }
}

/// Lets every task go on until all of them wait.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
