use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};

use super::connector::{Guard, Resolve, System};
use super::tls::Tls;
use super::{
    AddressPolicy, AddressRefused, Fetch, FetchError, FetchFuture, FetchRequest, PemError, UrlTrust,
};

/// A client over hyper and rustls that trusts the certificate authorities of Mozilla's list, and those that it is given,
/// and follows no redirect. Cheap to clone; connections are shared. See the [module page](super) for its rules.
#[derive(Clone, Debug)]
pub struct HttpClient {
    // Two pools: a connection that one policy allowed is not lent to the other.
    configured: Pool,
    learned: Pool,
}

type Pool = Client<HttpsConnector<Guard>, Full<Bytes>>;

/// Builds an [`HttpClient`].
#[derive(Clone, Debug)]
#[must_use]
pub struct HttpClientBuilder {
    configured: AddressPolicy,
    learned: AddressPolicy,
    resolver: Arc<dyn Resolve>,
    tls: Tls,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than the least that servers are known to wait, the 5 seconds of Node: what is sent on a connection that the
/// server ends just then is lost, and a code or a refresh token cannot be sent twice.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
const MAX_IDLE: usize = 64;
const MAX_HEAD_BYTES: usize = 64 * 1024;

impl HttpClient {
    /// A client with the default address policies.
    ///
    /// # Errors
    ///
    /// [`FetchError::Tls`] when the TLS library refuses its own provider.
    pub fn new() -> Result<Self, FetchError> {
        Self::builder().build()
    }

    /// A client with policies of your own.
    pub fn builder() -> HttpClientBuilder {
        HttpClientBuilder {
            configured: AddressPolicy::with_private(),
            learned: AddressPolicy::public_only(),
            resolver: Arc::new(System),
            tls: Tls::default(),
        }
    }

    async fn exchange(&self, request: FetchRequest) -> Result<Response<Bytes>, FetchError> {
        let late = || FetchError::Timeout(request.timeout);
        let deadline = Instant::now() + request.timeout;
        let pool = match request.trust {
            UrlTrust::Configured => &self.configured,
            UrlTrust::Learned => &self.learned,
        };
        let answer = pool.request(request.to_http().map(Full::new));
        let answer = timeout_at(deadline, answer).await.map_err(|_| late())?.map_err(|e| failed(&e))?;
        let (parts, body) = answer.into_parts();
        if parts.status != StatusCode::OK && !request.wants_errors() {
            // Nobody reads the body of such an answer, so nobody waits for it.
            return Ok(Response::from_parts(parts, Bytes::new()));
        }
        let body = Limited::new(body, request.max_bytes).collect();
        match timeout_at(deadline, body).await {
            Err(_) => Err(late()),
            Ok(Err(e)) if e.is::<LengthLimitError>() => Err(FetchError::TooLong { limit: request.max_bytes }),
            Ok(Err(e)) => Err(FetchError::BrokeOff(chain(&*e))),
            Ok(Ok(body)) => Ok(Response::from_parts(parts, body.to_bytes())),
        }
    }
}

impl Fetch for HttpClient {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        Box::pin(self.exchange(request))
    }
}

impl HttpClientBuilder {
    /// Where URLs that the operator wrote may lead. Default: [`AddressPolicy::with_private`].
    pub fn configured_addresses(mut self, policy: AddressPolicy) -> Self {
        self.configured = policy;
        self
    }

    /// Where URLs that somebody else wrote may lead. Default: [`AddressPolicy::public_only`].
    pub fn learned_addresses(mut self, policy: AddressPolicy) -> Self {
        self.learned = policy;
        self
    }

    /// Trusts these certificate authorities besides those of Mozilla's list: that of a company, say. One or more
    /// certificates in PEM.
    ///
    /// # Errors
    ///
    /// [`PemError`].
    pub fn certificate_authorities(mut self, pem: &[u8]) -> Result<Self, PemError> {
        self.tls.trust(pem)?;
        Ok(self)
    }

    /// Shows this certificate to servers that ask for one, where the operator wrote the URL (RFC 8705 §2): a chain, the
    /// client's own certificate first, and its key, both in PEM. Servers of URLs that somebody else wrote see none.
    ///
    /// # Errors
    ///
    /// [`PemError`].
    pub fn client_certificate(mut self, chain: &[u8], key: &[u8]) -> Result<Self, PemError> {
        self.tls.identify(chain, key)?;
        Ok(self)
    }

    #[cfg(test)]
    pub(super) fn resolver(mut self, resolver: Arc<dyn Resolve>) -> Self {
        self.resolver = resolver;
        self
    }

    /// Builds the client. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`FetchError::Tls`] when the TLS library refuses its own provider, or a certificate that does not fit its key.
    pub fn build(self) -> Result<HttpClient, FetchError> {
        let pool = |policy, tls, idle| -> Pool {
            let https = HttpsConnectorBuilder::new()
                .with_tls_config(tls)
                .https_or_http()
                .enable_http1()
                .enable_http2()
                .wrap_connector(Guard::new(policy, self.resolver.clone(), CONNECT_TIMEOUT));
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE_TIMEOUT)
                .pool_max_idle_per_host(idle)
                .http1_max_buf_size(MAX_HEAD_BYTES)
                .build(https)
        };
        // Others choose these hosts: none of them gets to hold a connection.
        let learned = pool(self.learned, self.tls.clone().anonymous().config()?, 0);
        Ok(HttpClient { configured: pool(self.configured, self.tls.config()?, MAX_IDLE), learned })
    }
}

fn failed(error: &Error) -> FetchError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(refused) = cause.downcast_ref::<AddressRefused>() {
            return FetchError::Address(*refused);
        }
        source = cause.source();
    }
    let mut text = chain(error);
    if let Some((_, advice)) = CERTIFICATE_ADVICE.iter().find(|(sign, _)| text.contains(sign)) {
        text.push_str(advice);
    }
    FetchError::Connect(text)
}

/// What to do about certificates, by what rustls calls their fault.
const CERTIFICATE_ADVICE: [(&str, &str); 2] = [
    (
        "invalid peer certificate: UnknownIssuer",
        ": add its authority (HttpClientBuilder::certificate_authorities; outbound.caFiles in the gateway)",
    ),
    (
        "CaUsedAsEndEntity",
        ": the server shows an authority's certificate as its own; sign one for its host, and add the authority \
         (outbound.caFiles in the gateway)",
    ),
];

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
