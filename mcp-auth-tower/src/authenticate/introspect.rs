//! Asking issuers about opaque tokens (RFC 7662): one question per token at a time, few at once, short memory.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use mcp_auth_core::credential::AccessToken;
use mcp_auth_core::jwt::ValidationError;
use mcp_auth_core::{Principal, UnixTime};
use mcp_auth_exchange::introspection::{
    IntrospectionCache, IntrospectionLife, IntrospectionRequest, IntrospectionResponse, Known,
};
use mcp_auth_exchange::{ClientAuthentication, TokenEndpoint};
use tokio::sync::Semaphore;

use crate::client::{Fetch, FetchRequest, FetchUrl, UrlTrust};
use crate::flight::Flights;

/// Longest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Questions under way at once.
const CONCURRENT: usize = 32;
/// Questions under way or waiting for their turn; of a flood of invented tokens the rest gets 503 at once.
const MAX_FLIGHTS: usize = 512;

/// How an issuer is asked about tokens that cannot be read here.
///
/// An answer is believed for 60 seconds, and never past the token's `exp`; that a token is inactive for 30
/// ([`IntrospectionLife`]). A question takes at most 5 seconds; when there is no answer, the request gets 503: it is
/// neither let in nor told that its token is bad.
///
/// ```
/// use mcp_auth_exchange::{ClientAuthentication, Secret, TokenEndpoint};
/// use mcp_auth_tower::authenticate::Introspection;
/// use mcp_auth_tower::client::HttpClient;
/// use std::sync::Arc;
///
/// let endpoint = TokenEndpoint::new(&"https://idp.example/introspect".parse()?)?;
/// let client = ClientAuthentication::client_secret_basic("gateway", Secret::new("s3cret"));
/// let introspection = Introspection::new(endpoint, client, Arc::new(HttpClient::new()?))?;
/// # let _ = introspection;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct Introspection {
    url: FetchUrl,
    endpoint: TokenEndpoint,
    client: ClientAuthentication,
    fetch: Arc<dyn Fetch>,
    timeout: Duration,
    cache: IntrospectionCache,
    concurrent: Semaphore,
    /// Questions under way, by token.
    flights: Flights<Answer>,
}

/// Tokens and claims stand in what is under way and in what is remembered.
impl std::fmt::Debug for Introspection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Introspection")
            .field("url", &self.url)
            .field("client", &self.client)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

/// What came of a question.
#[derive(Clone)]
pub(super) enum Answer {
    /// The claims, as JSON.
    Active(Arc<[u8]>),
    Inactive,
    /// Nothing to go by.
    None,
}

impl Introspection {
    /// Asks at `endpoint` as `client`.
    ///
    /// # Errors
    ///
    /// [`FetchUrlError`](crate::client::FetchUrlError) when the endpoint is no URL that requests go to.
    pub fn new(
        endpoint: TokenEndpoint,
        client: ClientAuthentication,
        fetch: Arc<dyn Fetch>,
    ) -> Result<Self, crate::client::FetchUrlError> {
        // The endpoint was checked when it was made; plain http off this machine had to be asked for there.
        let url = FetchUrl::danger_http(&endpoint.uri().to_string())?;
        Ok(Self {
            url,
            endpoint,
            client,
            fetch,
            timeout: Duration::from_secs(5),
            cache: new_cache(IntrospectionLife::default(), 16 * 1024 * 1024),
            concurrent: Semaphore::new(CONCURRENT),
            flights: Flights::new(MAX_FLIGHTS),
        })
    }

    /// Replaces how long answers are believed, and the memory they may take, in bytes. Default: 16 MiB.
    pub fn memory(mut self, life: IntrospectionLife, max_bytes: usize) -> Self {
        self.cache = new_cache(life, max_bytes);
        self
    }

    /// Replaces the time for a question. Default: 5 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Where it asks.
    pub fn url(&self) -> &FetchUrl {
        &self.url
    }

    pub(super) fn known(&self, token: &str, now: UnixTime) -> Option<Known> {
        self.cache.get(token, now)
    }

    pub(super) fn keep(&self, principal: &Arc<Principal>, now: UnixTime) {
        self.cache.insert_active(principal.clone(), now);
    }

    pub(super) fn keep_refused(&self, token: &str, error: ValidationError, now: UnixTime) {
        self.cache.insert_refused(&AccessToken::new(token), error, now);
    }

    pub(super) fn keep_inactive(&self, token: &str, now: UnixTime) {
        self.cache.insert_inactive(&AccessToken::new(token), now);
    }

    /// Asks about a token, or waits for the answer that somebody else is waiting for.
    pub(super) async fn ask(self: &Arc<Self>, token: &str) -> Answer {
        let question = || {
            let (introspection, token) = (self.clone(), Box::<str>::from(token));
            async move { introspection.question(&token).await }
        };
        self.flights.join(token, question).await.unwrap_or(Answer::None)
    }
}

impl Introspection {
    async fn question(&self, token: &str) -> Answer {
        // The time for waiting does not shorten the time for the question.
        let turn = tokio::time::timeout(self.timeout, self.concurrent.acquire()).await;
        let asked = tokio::time::timeout(self.timeout, async {
            let _permit = turn.ok()?.ok()?;
            let message = IntrospectionRequest::new(AccessToken::new(token), self.client.clone());
            let request =
                FetchRequest::new(self.url.clone(), UrlTrust::Configured, MAX_ANSWER_BYTES, self.timeout)
                    .post(message.into_http(&self.endpoint));
            Some(self.fetch.fetch(request).await)
        });
        let endpoint = &self.url;
        match asked.await {
            Ok(Some(Ok(response))) => match IntrospectionResponse::from_http(&response) {
                Ok(IntrospectionResponse::Active(claims)) => Answer::Active(claims.into()),
                Ok(_) => Answer::Inactive,
                Err(error) => {
                    tracing::warn!(target: "mcp_auth", %endpoint, %error, "token not introspected");
                    Answer::None
                }
            },
            Ok(Some(Err(error))) => {
                tracing::warn!(target: "mcp_auth", %endpoint, %error, "token not introspected");
                Answer::None
            }
            Ok(None) | Err(_) => {
                tracing::warn!(target: "mcp_auth", %endpoint, "token not introspected: no answer in time");
                Answer::None
            }
        }
    }
}

/// A cache whose hash nobody outside can predict: the seed comes from the system's randomness.
fn new_cache(life: IntrospectionLife, max_bytes: usize) -> IntrospectionCache {
    IntrospectionCache::new(life, max_bytes, RandomState::new().hash_one(max_bytes))
}
