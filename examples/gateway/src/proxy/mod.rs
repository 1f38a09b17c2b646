//! Passing a request on to its backend, and the answer back.

mod query;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::uri::{InvalidUri, PathAndQuery};
use http::{Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use mcp_auth_exchange::facade::{remove_cookies, remove_set_cookies};
use rustls::{ClientConfig, RootCertStore};
use tower::Service;
use url::Url;

use crate::config::Timeout;
use crate::hop_by_hop;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type BoxBody = UnsyncBoxBody<Bytes, BoxError>;

/// Connections to backends, shared by all routes.
#[derive(Clone, Debug)]
pub(crate) struct Connections(Client<HttpsConnector<HttpConnector>, BoxBody>);

impl Connections {
    /// Trusts these authorities.
    pub(crate) fn new(authorities: RootCertStore) -> Result<Self, rustls::Error> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .build(https);
        Ok(Self(client))
    }
}

/// One backend.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    connections: Connections,
    target: Target,
    response_timeout: Duration,
}

#[derive(Clone, Debug)]
enum Target {
    /// Every request goes to this URL; the query is kept, but for a token in it.
    Endpoint(Uri),
    /// Requests go to this origin; path and query are kept, but for a token in it.
    Origin(Uri),
}

impl Proxy {
    /// Sends every request to the MCP endpoint at `url`.
    pub(crate) fn endpoint(connections: Connections, url: &Url) -> Result<Self, InvalidUri> {
        Ok(Self::new(connections, Target::Endpoint(url.as_str().parse()?)))
    }

    /// Sends requests to the origin of `url`, on their own path.
    pub(crate) fn origin(connections: Connections, url: &Url) -> Result<Self, InvalidUri> {
        Ok(Self::new(connections, Target::Origin(url.as_str().parse()?)))
    }

    /// How long the backend may take until the header of its answer is there. Default: 60 seconds.
    pub(crate) fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    fn new(connections: Connections, target: Target) -> Self {
        Self { connections, target, response_timeout: Timeout::default().backend_request }
    }

    fn uri(&self, asked: &Uri) -> Result<Uri, http::Error> {
        let (base, path) = match &self.target {
            Target::Endpoint(base) => (base, base.path()),
            Target::Origin(base) => (base, asked.path()),
        };
        let path = match asked.query().and_then(query::without_access_token) {
            Some(query) => PathAndQuery::try_from(format!("{path}?{query}"))?,
            None => PathAndQuery::try_from(path)?,
        };
        let mut uri = Uri::builder().path_and_query(path);
        if let Some(scheme) = base.scheme() {
            uri = uri.scheme(scheme.clone());
        }
        if let Some(authority) = base.authority() {
            uri = uri.authority(authority.clone());
        }
        uri.build()
    }
}

impl<B> Service<Request<B>> for Proxy
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<BoxBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let proxy = self.clone();
        let (mut parts, body) = request.into_parts();
        let body = body.map_err(Into::into).boxed_unsync();
        Box::pin(async move {
            let uri = match proxy.uri(&parts.uri) {
                Ok(uri) => uri,
                Err(error) => return Ok(failed(Failure::Unreachable, &error)),
            };
            // The client writes the backend's own; the intake has said what the client asked for.
            parts.headers.remove(HOST);
            remove_cookies(&mut parts.headers);
            parts.version = Version::HTTP_11;
            parts.uri = uri;
            parts.extensions.clear();
            let answer = proxy.connections.0.request(Request::from_parts(parts, body));
            match tokio::time::timeout(proxy.response_timeout, answer).await {
                // Nobody asked for another protocol.
                Ok(Ok(response)) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                    Ok(failed(Failure::Unusable, &"it switches protocols"))
                }
                Ok(Ok(mut response)) => {
                    hop_by_hop::remove(response.headers_mut());
                    remove_set_cookies(response.headers_mut());
                    Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
                }
                Ok(Err(error)) if error.is_connect() => Ok(failed(Failure::Unreachable, &cause(&error))),
                Ok(Err(error)) => Ok(failed(Failure::Unusable, &cause(&error))),
                Err(elapsed) => Ok(failed(Failure::Slow, &elapsed)),
            }
        })
    }
}

/// What a backend did not do.
#[derive(Clone, Copy, Debug)]
enum Failure {
    /// There was no connection.
    Unreachable,
    /// There was no answer, or none that can be passed on.
    Unusable,
    /// There was no answer in time.
    Slow,
}

/// The backend's address and trouble go to the log, not to the client.
fn failed(failure: Failure, cause: &dyn std::fmt::Display) -> Response<BoxBody> {
    let (status, text) = match failure {
        Failure::Unreachable => (StatusCode::BAD_GATEWAY, "the MCP server cannot be reached"),
        Failure::Unusable => (StatusCode::BAD_GATEWAY, "the MCP server gave no usable answer"),
        Failure::Slow => (StatusCode::GATEWAY_TIMEOUT, "the MCP server did not answer in time"),
    };
    tracing::warn!(%cause, ?failure, "no answer from the backend");
    let body = format!(r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":-32603,"message":"{text}"}}}}"#);
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An error with everything behind it.
fn cause(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A body of this text.
pub(crate) fn full(text: impl Into<Bytes>) -> BoxBody {
    Full::new(text.into()).map_err(|never| match never {}).boxed_unsync()
}
