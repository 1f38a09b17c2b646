//! The keys of a provider, passed on at their own path where a route names it.
//!
//! Published routes match the provider's certificates path beside the MCP endpoint (seed S4), so that a client finds the
//! keys at the gateway. Keys are public. Nothing of the request goes there, and nothing but this one path is open.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, SET_COOKIE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Empty;
use tower::ServiceExt as _;

use crate::config::{self, Jwks, PathMatch};
use crate::proxy::{BoxBody, Connections, Proxy, full};

/// One path, and where its keys are.
#[derive(Clone, Debug)]
pub(super) struct KeysPath {
    path: String,
    keys: Proxy,
}

impl KeysPath {
    /// Those that the routes of a listener name: a match whose path is exactly that of their key set.
    pub(super) fn of_listener(listener: &config::Listener, connections: &Connections) -> Vec<Self> {
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
                && let Ok(keys) = Proxy::endpoint(connections.clone(), url.url())
            {
                found.push(Self { path: path.to_owned(), keys });
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
        let mut request = Request::new(Empty::<Bytes>::new());
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let answered: Result<_, Infallible> = self.keys.clone().oneshot(request).await;
        let Ok(mut response) = answered;
        if response.status() != StatusCode::OK {
            let mut refusal = Response::new(full(r#"{"error":"temporarily_unavailable"}"#));
            *refusal.status_mut() = StatusCode::BAD_GATEWAY;
            refusal.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            return refusal;
        }
        response.headers_mut().remove(SET_COOKIE);
        response
    }
}
