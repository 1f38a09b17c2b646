//! Our own authorization server as browsers and clients meet it over HTTP.

mod documents;
mod http_rules;
mod login;
mod outages;
mod refresh;
mod sockets;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use http::StatusCode;
use http::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use mcp_auth_core::audit::Record;
use mcp_auth_core::seal::{SealKey, Sealer};
use mcp_auth_discovery::facade::{FacadeIssuer, FacadeMetadata};
use mcp_auth_discovery::provider::Provider;
use mcp_auth_discovery::registration::ClientMetadata;
use mcp_auth_discovery::{ResourceIdentifier, Scopes, Secret};
use mcp_auth_exchange::ClientCredential;
use mcp_auth_exchange::facade::{FacadeBuilder, PreRegisteredClient, ProtectedResource, Upstream as Behind};
use url::Url;
use url::form_urlencoded;

use super::*;
use crate::audit::AuditSink;
use crate::client::{Fetch, FetchError, FetchFuture, FetchRequest};
use crate::facade::{FacadeServer, FacadeServerBuilder, FacadeService};
use crate::store::{LocalStore, Store, StoreCommand, StoreError, StoreFuture};

const OURS: &str = "https://mcp.example";
const REDIRECT: &str = "https://app.example/cb";
const SECRET: &str = "s3cret-canary";
/// RFC 7636 Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A clock that goes when it is told to.
#[derive(Debug)]
struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }
}

impl HandClock {
    fn advance(&self, secs: u64) {
        self.0.fetch_add(secs, Ordering::SeqCst);
    }
}

type Reply = Result<Response<Bytes>, FetchError>;
type Handler = Arc<dyn Fn(&Request<Bytes>) -> Reply + Send + Sync>;

/// A provider in memory: metadata, and tokens whose refresh tokens are good once.
struct Provided {
    asked: Mutex<Vec<Request<Bytes>>>,
    handlers: Mutex<BTreeMap<String, Handler>>,
    /// A request to the token endpoint is answered when it gets one of these.
    gate: tokio::sync::Semaphore,
    tokens: Arc<Tokens>,
}

struct Tokens {
    idp: Idp,
    refresh: Mutex<Vec<String>>,
    count: AtomicUsize,
}

impl std::fmt::Debug for Provided {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Provided")
    }
}

impl Fetch for Provided {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        Box::pin(async move {
            assert!(!format!("{request:?}").contains("canary"), "{request:?}");
            let request = request.to_http();
            self.asked.lock().unwrap().push(request.clone());
            let path = request.uri().path().to_owned();
            if path == "/token" {
                self.gate.acquire().await.unwrap().forget();
            }
            let handler = self.handlers.lock().unwrap().get(&path).cloned();
            match handler {
                Some(handler) => handler(&request),
                None => json_reply(404, &json!({})),
            }
        })
    }
}

const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

fn json_reply(status: u16, body: &Value) -> Reply {
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    Ok(response.body(Bytes::from(body.to_string())).unwrap())
}

fn metadata_of(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "registration_endpoint": format!("{issuer}/register"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}

fn form(request: &Request<Bytes>, name: &str) -> Option<String> {
    let mut fields = form_urlencoded::parse(request.body());
    fields.find(|(field, _)| field == name).map(|(_, value)| value.into_owned())
}

impl Tokens {
    fn issue(&self) -> Value {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let refresh = format!("upstream-refresh-canary-{number}");
        self.refresh.lock().unwrap().push(refresh.clone());
        let token = self.idp.token_with(|claims| {
            claims["sub"] = "alice".into();
            claims["jti"] = number.to_string().into();
        });
        json!({"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": "mcp:read",
            "refresh_token": refresh})
    }

    fn answer(&self, request: &Request<Bytes>) -> Reply {
        match form(request, "grant_type").unwrap().as_str() {
            "authorization_code" => json_reply(200, &self.issue()),
            "refresh_token" => {
                let given = form(request, "refresh_token").unwrap();
                let mut good = self.refresh.lock().unwrap();
                let Some(at) = good.iter().position(|known| *known == given) else {
                    return json_reply(400, &json!({"error": "invalid_grant"}));
                };
                good.remove(at);
                drop(good);
                json_reply(200, &self.issue())
            }
            other => panic!("{other}"),
        }
    }
}

impl Provided {
    fn new() -> Arc<Self> {
        let tokens =
            Arc::new(Tokens { idp: Idp::new(), refresh: Mutex::default(), count: AtomicUsize::new(0) });
        let issuing = tokens.clone();
        let provided = Arc::new(Self {
            asked: Mutex::default(),
            handlers: Mutex::default(),
            gate: tokio::sync::Semaphore::new(100_000),
            tokens,
        });
        provided.answers(WELL_KNOWN, |_| json_reply(200, &metadata_of(ISSUER)));
        provided.answers("/token", move |request| issuing.answer(request));
        provided
    }

    fn answers(&self, path: &str, handler: impl Fn(&Request<Bytes>) -> Reply + Send + Sync + 'static) {
        self.handlers.lock().unwrap().insert(path.to_owned(), Arc::new(handler));
    }

    /// How often a path was asked.
    fn asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|request| request.uri().path() == path).count()
    }

    fn close(&self) {
        self.gate.forget_permits(100_000);
    }
}

/// What was written down.
#[derive(Debug, Default)]
struct Written(Mutex<Vec<(String, Option<&'static str>)>>);

impl AuditSink for Written {
    fn record(&self, record: &Record<'_>) {
        assert_eq!(record.allowed, record.refusal.is_none());
        let told = format!("{record:?}");
        assert!(!told.contains("canary"), "{told}");
        // A registered client is named by the beginning of its identifier; nothing else that is sealed stands there.
        let sealed: Vec<&str> = told.split("s1.").skip(1).collect();
        assert!(sealed.len() <= usize::from(record.client_id.is_some()), "{told}");
        assert!(sealed.iter().all(|rest| rest.find('"').is_some_and(|length| length < 40)), "{told}");
        self.0.lock().unwrap().push((record.event.unwrap().to_owned(), record.refusal));
    }
}

impl Written {
    fn last(&self) -> String {
        self.0.lock().unwrap().last().unwrap().0.clone()
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// A server of ours, its provider, and a browser.
struct World {
    server: FacadeServer,
    provided: Arc<Provided>,
    clock: Arc<HandClock>,
    written: Arc<Written>,
    cookies: Mutex<BTreeMap<String, String>>,
}

fn app() -> PreRegisteredClient {
    let mut metadata = ClientMetadata::new([REDIRECT]);
    metadata.client_name = Some("App".into());
    PreRegisteredClient::new("app", metadata)
}

fn facade_at(issuer: &str, provider: Provider, resource: &str) -> FacadeBuilder {
    let credential = ClientCredential::client_secret_basic("gateway", Secret::new(SECRET));
    facade_behind(issuer, Behind::shared(provider, credential), resource)
}

fn facade_behind(issuer: &str, behind: Behind, resource: &str) -> FacadeBuilder {
    let sealer = Sealer::new(&SealKey::from_bytes([7; 32]), Arc::new(AwsLc::new())).unwrap();
    let metadata = FacadeMetadata::new(FacadeIssuer::parse(issuer).unwrap())
        .scopes(&Scopes::parse("mcp:read mcp:write").unwrap());
    let resource = ProtectedResource::new(ResourceIdentifier::parse(resource).unwrap());
    mcp_auth_exchange::facade::Facade::builder(metadata, sealer, behind, resource).client(app())
}

fn facade() -> FacadeBuilder {
    facade_at(OURS, Provider::oauth(ISSUER).unwrap(), RESOURCE)
}

/// A layer for whom the server need do nothing.
pub(super) fn layer() -> crate::facade::FacadeLayer {
    crate::facade::FacadeLayer::new(World::new().server)
}

impl World {
    fn with(
        facade: FacadeBuilder,
        provided: Arc<Provided>,
        change: impl FnOnce(FacadeServerBuilder) -> FacadeServerBuilder,
    ) -> Self {
        let clock = Arc::new(HandClock(AtomicU64::new(NOW)));
        let written = Arc::new(Written::default());
        let builder = FacadeServer::builder(facade.build().unwrap())
            .client(provided.clone())
            .clock(clock.clone())
            .audit(written.clone());
        let server = change(builder).build().unwrap();
        Self { server, provided, clock, written, cookies: Mutex::default() }
    }

    fn new() -> Self {
        Self::with(facade(), Provided::new(), |builder| builder)
    }

    /// Another replica, with the same browser.
    fn replica(&self, store: Arc<dyn Store>) -> Self {
        let replica =
            Self::with(facade(), self.provided.clone(), |b| b.store(store).clock(self.clock.clone()));
        *replica.cookies.lock().unwrap() = self.cookies.lock().unwrap().clone();
        replica
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> (http::response::Parts, String) {
        let response = FacadeService::new(self.server.clone()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts, String::from_utf8(body.to_vec()).unwrap())
    }

    /// In the browser, which keeps cookies.
    async fn browse(&self, mut request: Request<Full<Bytes>>) -> (http::response::Parts, String) {
        let cookies: Vec<String> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request.headers_mut().insert(COOKIE, cookies.join("; ").parse().unwrap());
        }
        let (parts, body) = self.send(request).await;
        for cookie in parts.headers.get_all(SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
        }
        (parts, body)
    }

    /// From the client's request to the provider, with consent; the URL there.
    async fn to_provider(&self, pairs: &[(&str, &str)]) -> Url {
        let (parts, page) = self.browse(get("/authorize", pairs)).await;
        if parts.status == StatusCode::FOUND {
            // It was asked before.
            return location(&parts);
        }
        assert_eq!(parts.status, StatusCode::OK, "{page}");
        let ticket = ticket(&page);
        let consent = post_form("/authorize", &[("ticket", &ticket), ("decision", "allow")]);
        let (parts, page) = self.browse(consent).await;
        assert_eq!(parts.status, StatusCode::SEE_OTHER, "{page}");
        location(&parts)
    }

    /// What the provider sends the browser back with.
    async fn back(&self, at_provider: &Url) -> (http::response::Parts, String) {
        let state = parameter(at_provider, "state").unwrap();
        self.browse(get("/callback", &[("code", "upstream-code"), ("state", &state), ("iss", ISSUER)])).await
    }

    async fn code(&self) -> String {
        let (parts, page) = self.back(&self.to_provider(&authorization()).await).await;
        assert_eq!(parts.status, StatusCode::FOUND, "{page}");
        let back = location(&parts);
        assert_eq!(parameter(&back, "iss").as_deref(), Some(OURS));
        parameter(&back, "code").unwrap_or_else(|| panic!("{back}"))
    }

    async fn redeem(&self, code: &str) -> (http::response::Parts, Value) {
        let (parts, body) = self.send(post_form("/token", &redemption(code))).await;
        (parts, serde_json::from_str(&body).unwrap())
    }

    async fn refresh(&self, token: &str) -> (StatusCode, Value) {
        let pairs = [("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token)];
        let (parts, body) = self.send(post_form("/token", &pairs)).await;
        (parts.status, serde_json::from_str(&body).unwrap())
    }

    /// The tokens of a login.
    async fn login(&self) -> Value {
        let (parts, tokens) = self.redeem(&self.code().await).await;
        assert_eq!(parts.status, StatusCode::OK, "{tokens}");
        tokens
    }
}

fn authorization() -> Vec<(&'static str, &'static str)> {
    vec![
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", REDIRECT),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "client state"),
        ("scope", "mcp:read offline_access"),
        ("resource", RESOURCE),
    ]
}

fn redemption(code: &str) -> Vec<(&str, &str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ]
}

fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn get(path: &str, pairs: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let request = Request::get(format!("{path}?{}", query(pairs))).header(HOST, "mcp.example");
    request.body(Full::default()).unwrap()
}

fn post_form(path: &str, pairs: &[(&str, &str)]) -> Request<Full<Bytes>> {
    Request::post(path)
        .header(HOST, "mcp.example")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(query(pairs))))
        .unwrap()
}

fn register(metadata: &Value) -> Request<Full<Bytes>> {
    Request::post("/register")
        .header(HOST, "mcp.example")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(metadata.to_string())))
        .unwrap()
}

fn ticket(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"ticket\" value=\"").unwrap_or_else(|| panic!("{page}"));
    rest.split_once('"').unwrap().0.to_owned()
}

fn location(parts: &http::response::Parts) -> Url {
    Url::parse(parts.headers[LOCATION].to_str().unwrap()).unwrap()
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// A store that fails when it is told to.
#[derive(Debug, Default)]
struct Breakable {
    inner: LocalStore,
    broken: std::sync::atomic::AtomicBool,
}

impl Store for Breakable {
    fn execute(&self, command: StoreCommand, now: UnixTime) -> StoreFuture<'_> {
        if self.broken.load(Ordering::SeqCst) {
            let error = StoreError::Unavailable("connection refused".into());
            return Box::pin(std::future::ready(Err(error)));
        }
        self.inner.execute(command, now)
    }
}
