//! An OAuth authorization server FOR DEMONSTRATION ONLY.
//!
//! It shows each duty that MCP puts on an authorization server in little code: metadata, anonymous registration,
//! the code flow with PKCE, `iss` in answers (RFC 9207), audience-bound tokens (RFC 8707, RFC 9068), rotation of
//! refresh tokens. It is not one to run: passwords are in the source and on the login page, nothing outlives the
//! process, whoever logs in has consented, and nobody can log out.

mod authorize;
mod metadata;
mod pages;
mod register;
mod state;
#[cfg(test)]
mod tests;
mod token;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use mcp_auth_core::crypto::{AwsLcSigner, SigningFailed};
use mcp_auth_core::jwt::Algorithm;
use url::Url;

use self::state::Store;

/// Largest body of any request.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// Scopes that can be granted; the first two are granted when a client asks for none.
const SCOPES: [&str; 3] = ["mcp:read", "mcp:write", "offline_access"];
const DEFAULT_SCOPE: &str = "mcp:read mcp:write";

/// Someone who can log in, with a password that is no secret.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// Login name and `sub`.
    pub(crate) name: String,
    /// Shown on the login page.
    pub(crate) password: String,
    /// Claim `email`.
    pub(crate) email: String,
    /// Claim `groups`.
    pub(crate) groups: Vec<String>,
}

impl User {
    /// The users of the demonstration: alice, who may write, and bob, who may read.
    pub(crate) fn demo() -> Vec<Self> {
        let user = |name: &str, groups: &[&str]| Self {
            name: name.to_owned(),
            password: format!("{name}-demo"),
            email: format!("{name}@example.test"),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
        };
        vec![user("alice", &["mcp-readers", "mcp-writers"]), user("bob", &["mcp-readers"])]
    }
}

/// Why the server cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartError {
    /// The issuer has a path, a query or a fragment, or is no `http` or `https` URL.
    Issuer,
    /// No key could be made.
    Key,
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Issuer => "the demo authorization server needs an http(s) issuer without a path",
            Self::Key => "the demo authorization server could not make a signing key",
        })
    }
}

impl std::error::Error for StartError {}

/// The authorization server. FOR DEMONSTRATION ONLY, see the module.
#[derive(Clone, Debug)]
pub(crate) struct AuthorizationServer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Without a slash at the end: clients compare it byte for byte.
    issuer: String,
    resource: String,
    users: Vec<User>,
    signer: AwsLcSigner,
    store: Mutex<Store>,
}

impl AuthorizationServer {
    /// A server that issues tokens for one `resource`, with a new key.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub(crate) fn new(issuer: Url, resource: String, users: Vec<User>) -> Result<Self, StartError> {
        let bare = issuer.path() == "/" && issuer.query().is_none() && issuer.fragment().is_none();
        if !bare || !matches!(issuer.scheme(), "http" | "https") {
            return Err(StartError::Issuer);
        }
        let signer = AwsLcSigner::generate(Algorithm::ES256).map_err(|_| StartError::Key)?;
        Ok(Self(Arc::new(Inner {
            issuer: issuer.as_str().trim_end_matches('/').to_owned(),
            resource,
            users,
            signer,
            store: Mutex::new(Store::new()),
        })))
    }

    /// The issuer identifier, as it stands in metadata, tokens and `iss`.
    pub(crate) fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// All endpoints, to be served at the issuer's root.
    pub(crate) fn router(self) -> Router {
        // Any page may use these: they go without cookies, and what they answer belongs to who asks.
        let open = Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata::metadata))
            .route("/.well-known/openid-configuration", get(metadata::metadata))
            .route("/jwks", get(metadata::jwks))
            .route("/register", post(register::register))
            .route("/token", post(token::token))
            .layer(middleware::from_fn(cors));
        Router::new()
            .route("/authorize", get(authorize::ask).post(authorize::answer))
            .route("/demo/token", post(token::demo))
            .merge(open)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(self)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // Nothing is left half done by a panic that matters to a demonstration.
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The user of this name and password; looks at all users every time.
    fn log_in(&self, name: &str, password: &str) -> Option<User> {
        let mut found = None;
        for user in &self.0.users {
            if state::same_secret(&user.name, name) & state::same_secret(&user.password, password) {
                found = Some(user.clone());
            }
        }
        found
    }
}

/// Any origin, no credentials.
async fn cors(request: Request, next: Next) -> Response {
    let mut response = if request.method() == Method::OPTIONS {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        headers.insert("access-control-allow-methods", HeaderValue::from_static("GET, POST, OPTIONS"));
        headers.insert(
            "access-control-allow-headers",
            HeaderValue::from_static("accept, authorization, content-type, mcp-protocol-version"),
        );
        headers.insert("access-control-max-age", HeaderValue::from_static("600"));
        response
    } else {
        next.run(request).await
    };
    response.headers_mut().insert("access-control-allow-origin", HeaderValue::from_static("*"));
    response
}

/// A JSON answer that nobody keeps.
fn json(status: StatusCode, body: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A refusal of the token or registration endpoint (RFC 6749 §5.2, RFC 7591 §3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

impl Refusal {
    const fn new(error: &'static str, description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description }
    }
}

impl From<SigningFailed> for Refusal {
    fn from(_: SigningFailed) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self { status, error: "server_error", description: "no randomness" }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": self.error, "error_description": self.description });
        json(self.status, &body)
    }
}

/// The parameters of a query or form. One that stands twice is refused (RFC 6749 §3.1).
struct Parameters(Vec<(String, String)>);

/// A parameter stands twice.
struct Twice;

impl Parameters {
    fn parse(encoded: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// Of a body; none when it says that it is something else than a form.
    fn of_form(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let media_type = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim();
        media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded").then(|| Self::parse(body))
    }

    fn check_once(&self) -> Result<(), Twice> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) { Err(Twice) } else { Ok(()) }
    }

    /// The value; an empty one counts as absent (RFC 6749 §3.1).
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}
