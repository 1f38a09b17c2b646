//! The keys of a provider, passed on at their own path where a route names it.
//!
//! Published routes match the provider's certificates path beside the MCP endpoint (seed S4), so that a client finds the
//! keys at the gateway. Keys are public. Nothing of the request goes there, and nothing but this one path is open.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use mcp_auth_core::jwk::MAX_KEY_SET_BYTES;
use mcp_auth_tower::client::{Fetch, FetchRequest, FetchUrl, UrlTrust};
use serde::de::IgnoredAny;
use tokio::sync::Mutex;

use crate::config::{self, Jwks, PathMatch};
use crate::proxy::{BoxBody, full};

/// How long keys are given away before the provider is asked again, and how long it is left alone when it had none.
/// Anybody may ask here: one who asks often asks us.
const KEPT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(5);

/// One path, and where its keys are.
#[derive(Clone, Debug)]
pub(super) struct KeysPath {
    path: String,
    keys: Arc<Keys>,
}

#[derive(Debug)]
struct Keys {
    url: FetchUrl,
    fetch: Arc<dyn Fetch>,
    /// When it was asked for, and what came. Held while the provider is asked, so that one request does.
    known: Mutex<Option<(Instant, Option<Bytes>)>>,
}

impl KeysPath {
    /// Those that the routes of a listener name: a match whose path is exactly that of their key set.
    pub(super) fn of_listener(listener: &config::Listener, fetch: &Arc<dyn Fetch>) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for route in &listener.routes {
            let Some(from) = &route.policies.mcp_authentication else { continue };
            let Jwks::Url(url) = &from.jwks else { continue };
            let path = url.url().path();
            let named = route.matches.iter().any(|one| match &one.path {
                PathMatch::Exact(named) | PathMatch::Prefix(named) => named == path,
                PathMatch::Regex(_) => false,
            });
            if named
                && found.iter().all(|known| known.path != path)
                // The configuration has warned about plain HTTP off this machine.
                && let Ok(url) = FetchUrl::danger_http(url.as_str())
            {
                let keys = Keys { url, fetch: fetch.clone(), known: Mutex::new(None) };
                found.push(Self { path: path.to_owned(), keys: Arc::new(keys) });
            }
        }
        found
    }

    pub(super) fn takes<B>(&self, request: &Request<B>) -> bool {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        reads && request.uri().path() == self.path
    }

    /// The keys; asked for with a request of our own.
    pub(super) async fn answer(&self) -> Response<BoxBody> {
        let (status, body) = match self.keys.current().await {
            Some(keys) => (StatusCode::OK, full(keys)),
            None => (StatusCode::BAD_GATEWAY, full(r#"{"error":"temporarily_unavailable"}"#)),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

impl Keys {
    async fn current(&self) -> Option<Bytes> {
        let mut known = self.known.lock().await;
        if let Some((asked, keys)) = &*known
            && asked.elapsed() < if keys.is_some() { KEPT } else { PAUSE }
        {
            return keys.clone();
        }
        let keys = self.ask().await;
        *known = Some((Instant::now(), keys.clone()));
        keys
    }

    async fn ask(&self) -> Option<Bytes> {
        let request = FetchRequest::new(self.url.clone(), UrlTrust::Configured, MAX_KEY_SET_BYTES, TIMEOUT);
        let reason = match self.fetch.fetch(request).await {
            Ok(answer) if answer.status() == StatusCode::OK => {
                let keys = answer.into_body();
                if serde_json::from_slice::<IgnoredAny>(&keys).is_ok() {
                    return Some(keys);
                }
                "it is no JSON".to_owned()
            }
            Ok(answer) => format!("status {}", answer.status().as_u16()),
            Err(error) => error.to_string(),
        };
        tracing::warn!(url = %self.url, reason, "no keys of the provider to pass on");
        None
    }
}
