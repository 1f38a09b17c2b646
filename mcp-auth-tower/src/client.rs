//! The HTTP client for metadata and keys: bounded, without redirects.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HeaderMap, HeaderValue};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

/// A client over hyper and rustls. Cheap to clone; connections are shared.
///
/// It speaks http and https, follows no redirect, and takes a 200 only.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

/// Why a document could not be fetched. Holds no body of the other side.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// TLS could not be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// No connection, TLS failure, or the connection broke.
    #[error("cannot be reached: {0}")]
    Connect(String),
    /// An answer other than 200.
    #[error("answered {0}, expected 200 (redirects are not followed)")]
    Status(StatusCode),
    /// More than the limit.
    #[error("answer is longer than {limit} bytes, or broke off")]
    Body {
        /// The limit in bytes.
        limit: usize,
    },
    /// Not done in time.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
}

impl HttpClient {
    /// A client that trusts the certificate authorities of Mozilla's list.
    ///
    /// # Errors
    ///
    /// [`FetchError::Tls`] when the TLS library refuses its own provider.
    pub fn new() -> Result<Self, FetchError> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        // The provider is passed as a value: no process-wide default is read or set.
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::aws_lc_rs::default_provider())
            .map_err(|e| FetchError::Tls(e.to_string()))?
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(connector);
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(https) })
    }

    /// Fetches a JSON document of at most `limit` bytes within `timeout`.
    ///
    /// # Errors
    ///
    /// [`FetchError`].
    pub async fn get_json(
        &self,
        uri: &Uri,
        limit: usize,
        timeout: Duration,
    ) -> Result<(HeaderMap, Bytes), FetchError> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri.clone();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let exchange = async {
            let response = self.client.request(request).await.map_err(|e| FetchError::Connect(chain(&e)))?;
            let (parts, body) = response.into_parts();
            if parts.status != StatusCode::OK {
                return Err(FetchError::Status(parts.status));
            }
            let body = Limited::new(body, limit).collect().await.map_err(|_| FetchError::Body { limit })?;
            Ok((parts.headers, body.to_bytes()))
        };
        tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(FetchError::Timeout(timeout)))
    }
}

/// An error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
