//! An OpenID provider that lets everybody in, registers clients, and writes down what it is asked; and a backend.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Form, Json, Query, State};
use axum::response::Redirect;
use axum::routing::{any, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use mcp_auth_core::crypto::{AwsLcSigner, Signer as _};
use mcp_auth_core::jwt::Algorithm;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

type Pairs = HashMap<String, String>;

/// A provider at `http://127.0.0.1:PORT`, and a backend that answers with the `Authorization` that reaches it.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    pub(crate) backend: SocketAddr,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

struct Shared {
    issuer: String,
    signer: AwsLcSigner,
    /// What was asked for with each code.
    codes: Mutex<HashMap<String, Pairs>>,
    /// Paths and parameters, in order.
    seen: Mutex<Vec<(&'static str, Value)>>,
}

impl Provider {
    pub(crate) fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let bind = || runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (socket, backend) = (bind(), bind());
        let backend_at = backend.local_addr().unwrap();
        let issuer = format!("http://{}", socket.local_addr().unwrap());
        let shared = Arc::new(Shared {
            issuer: issuer.clone(),
            signer: AwsLcSigner::generate(Algorithm::ES256).unwrap(),
            codes: Mutex::default(),
            seen: Mutex::default(),
        });
        let app = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/register", post(register))
            .with_state(shared.clone());
        let echo = Router::new().fallback(any(async |headers: HeaderMap| {
            headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        }));
        runtime.spawn(async move { axum::serve(socket, app).await });
        runtime.spawn(async move { axum::serve(backend, echo).await });
        Self { issuer, backend: backend_at, shared, _runtime: runtime }
    }

    pub(crate) fn address(&self) -> &str {
        self.issuer.strip_prefix("http://").unwrap()
    }

    /// Requests to one endpoint since the start.
    pub(crate) fn seen(&self, path: &str) -> Vec<Value> {
        let seen = self.shared.seen.lock().unwrap();
        seen.iter().filter(|(known, _)| *known == path).map(|(_, value)| value.clone()).collect()
    }
}

impl Shared {
    fn note(&self, path: &'static str, value: Value) {
        self.seen.lock().unwrap().push((path, value));
    }

    fn access_token(&self, asked: &Pairs) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let audience = asked.get("resource").map_or("none", String::as_str);
        let header = json!({ "alg": "ES256", "kid": "p", "typ": "at+jwt" });
        let claims = json!({
            "iss": self.issuer, "sub": "alice", "aud": audience, "exp": now + 300, "iat": now,
            "client_id": asked.get("client_id"), "groups": ["staff"],
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.signer.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

async fn metadata(State(this): State<Arc<Shared>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", this.issuer);
    this.note("/metadata", Value::Null);
    Json(json!({
        "issuer": this.issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "registration_endpoint": at("/register"),
        "jwks_uri": at("/keys"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "authorization_response_iss_parameter_supported": true,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

async fn keys(State(this): State<Arc<Shared>>) -> Json<Value> {
    let key: Value = serde_json::from_str(&this.signer.public_jwk("p")).unwrap();
    Json(json!({ "keys": [key] }))
}

async fn authorize(State(this): State<Arc<Shared>>, Query(asked): Query<Pairs>) -> Redirect {
    this.note("/authorize", json!(asked));
    let code = format!("code-{}", this.codes.lock().unwrap().len());
    let query = super::http::form(&[("code", &code), ("state", &asked["state"]), ("iss", &this.issuer)]);
    let to = format!("{}?{query}", asked["redirect_uri"]);
    this.codes.lock().unwrap().insert(code, asked);
    Redirect::to(&to)
}

async fn token(State(this): State<Arc<Shared>>, Form(asked): Form<Pairs>) -> Json<Value> {
    this.note("/token", json!(asked));
    let login = match asked.get("code") {
        Some(code) => this.codes.lock().unwrap()[code].clone(),
        None => asked,
    };
    Json(json!({
        "access_token": this.access_token(&login), "token_type": "Bearer", "expires_in": 300,
        "refresh_token": "provider-refresh",
    }))
}

async fn register(
    State(this): State<Arc<Shared>>,
    Json(asked): Json<Value>,
) -> (http::StatusCode, Json<Value>) {
    this.note("/register", asked.clone());
    let mut client = asked;
    client["client_id"] = "at-the-provider".into();
    if client["token_endpoint_auth_method"] != "none" {
        client["client_secret"] = "provider-secret".into();
        client["client_secret_expires_at"] = 0.into();
    }
    (http::StatusCode::CREATED, Json(client))
}
