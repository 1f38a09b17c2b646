use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use super::{AddressRefused, FetchUrl};

/// Sends one request and reads the whole answer.
///
/// An implementation follows no redirects, reads at most [`max_bytes`](FetchRequest::max_bytes) and ends within
/// [`timeout`](FetchRequest::timeout); the caller checks the answer's status, encoding, type and length once
/// more.
pub trait Fetch: Send + Sync + Debug {
    /// Sends `request`.
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_>;
}

/// The future of [`Fetch::fetch`].
pub type FetchFuture<'f> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, FetchError>> + Send + 'f>>;

/// A document that is asked for, or a message that is posted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FetchRequest {
    /// Where it is.
    pub url: FetchUrl,
    /// Who wrote the URL.
    pub trust: UrlTrust,
    /// Longest answer, in bytes.
    pub max_bytes: usize,
    /// Time for everything.
    pub timeout: Duration,
    message: Option<Message>,
}

/// A message with its headers and its body. Tokens and secrets stand in them.
#[derive(Clone)]
struct Message {
    method: Method,
    headers: HeaderMap,
    body: Bytes,
}

impl Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message({} [redacted])", self.method)
    }
}

/// Who wrote a URL, which says where it may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a client has to handle each")]
pub enum UrlTrust {
    /// The operator, or a URL of the same origin as one that the operator wrote.
    Configured,
    /// Somebody else: it stood in a document or in a request.
    Learned,
}

/// Why a document could not be fetched. Holds nothing of the answer's body and no URL.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// TLS could not be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// No connection, TLS failure, or the connection broke.
    #[error("cannot be reached: {0}")]
    Connect(String),
    /// The host's address is not one that may be dialled.
    #[error(transparent)]
    Address(#[from] AddressRefused),
    /// An answer other than 200.
    #[error("answered {0}, expected 200{hint}", hint = redirect_hint(.0))]
    Status(StatusCode),
    /// A compressed answer, though none was asked for: a small one may become endless.
    #[error("answered with a Content-Encoding, which is refused")]
    Encoded,
    /// HTML: a login or error page.
    #[error("answered HTML, expected JSON: a login or error page? check the URL")]
    Html,
    /// Something that is no JSON.
    #[error("answered with a Content-Type that is not JSON")]
    ContentType,
    /// More than the limit.
    #[error("answer is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The answer broke off.
    #[error("answer broke off: {0}")]
    BrokeOff(String),
    /// Not done in time.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
}

fn redirect_hint(status: &StatusCode) -> &'static str {
    if status.is_redirection() { " (redirects are not followed: give the final URL)" } else { "" }
}

impl FetchRequest {
    /// A request for the document at `url`.
    pub fn new(url: FetchUrl, trust: UrlTrust, max_bytes: usize, timeout: Duration) -> Self {
        Self { url, trust, max_bytes, timeout, message: None }
    }

    /// A `POST` of what `message` holds to `url`: a request to a token, introspection or registration endpoint.
    /// Its answer is read whatever its status.
    #[must_use]
    pub fn post(self, mut message: Request<Bytes>) -> Self {
        *message.method_mut() = Method::POST;
        self.message(message)
    }

    /// As [`post`](Self::post), with the method that `message` has.
    #[must_use]
    pub fn message(mut self, message: Request<Bytes>) -> Self {
        let (parts, body) = message.into_parts();
        self.message = Some(Message { method: parts.method, headers: parts.headers, body });
        self
    }

    /// Whether an answer with another status than 200 has a body that is read.
    pub fn wants_errors(&self) -> bool {
        self.message.is_some()
    }

    /// The request as it goes over the wire: JSON, uncompressed.
    pub fn to_http(&self) -> Request<Bytes> {
        let mut request = Request::new(Bytes::new());
        if let Some(message) = &self.message {
            *request.method_mut() = message.method.clone();
            *request.headers_mut() = message.headers.clone();
            *request.body_mut() = message.body.clone();
        }
        // INVARIANT: a URL that `url` has parsed with a host is a URI.
        *request.uri_mut() = self.url.as_url().as_str().parse().unwrap_or_default();
        let headers = request.headers_mut();
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("application/json, application/jwk-set+json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        request
    }
}
