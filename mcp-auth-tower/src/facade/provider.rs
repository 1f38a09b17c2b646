//! The provider's metadata: fetched when it is needed, kept through outages, never asked for twice at once.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Response;
use mcp_auth_discovery::server::{
    LocatorError, MetadataCache, MetadataFetch, MetadataFetchStart, MetadataLife, MetadataStatus, MetadataUse,
};
use mcp_auth_discovery::{AuthorizationServerMetadata, MAX_DOCUMENT_BYTES};
use mcp_auth_exchange::facade::Facade;
use tokio::runtime::Handle;

use crate::client::{Fetch, FetchRequest, FetchUrl, UrlTrust, document};
use crate::clock::Clock;
use crate::flight::Landings;

/// What is known of the provider. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct ProviderMetadata(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    facade: Arc<Facade>,
    cache: Mutex<MetadataCache>,
    fetch: Arc<dyn Fetch>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    landings: Landings,
    entropy: RandomState,
}

type Metadata = Arc<AuthorizationServerMetadata>;

impl ProviderMetadata {
    pub(super) fn new(
        facade: Arc<Facade>,
        life: MetadataLife,
        fetch: Arc<dyn Fetch>,
        timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LocatorError> {
        let provider = facade.provider();
        let cache = MetadataCache::new(provider.metadata_issuer(), provider.metadata_source(), life)?;
        Ok(Self(Arc::new(Shared {
            facade,
            cache: Mutex::new(cache),
            fetch,
            timeout,
            clock,
            landings: Landings::default(),
            entropy: RandomState::new(),
        })))
    }

    /// What is known now, without waiting. Begins a fetch where one is due.
    pub(super) fn current(&self) -> Option<Metadata> {
        let (known, due) = self.0.look();
        if due {
            self.begin();
        }
        known.or_else(|| self.known())
    }

    /// What is known, after a fetch where one is needed and may begin; waits for it at most for the time of one request.
    pub(super) async fn wait(&self) -> Option<Metadata> {
        let (known, due) = self.0.look();
        let number = if due { self.begin() } else { None };
        if known.is_some() {
            return known;
        }
        if let Some(number) = number {
            self.0.landings.wait(number, self.0.timeout).await;
        }
        self.known()
    }

    /// What is known now, and nothing else.
    pub(super) fn known(&self) -> Option<Metadata> {
        let now = self.0.clock.now();
        self.0.lock().usable(now).cloned()
    }

    pub(super) fn status(&self) -> MetadataStatus {
        let now = self.0.clock.now();
        self.0.lock().status(now)
    }

    /// Begins a fetch where the cache allows it, and tells the number of the one to wait for.
    fn begin(&self) -> Option<u64> {
        let now = self.0.clock.now();
        let fetch = match self.0.lock().begin_fetch(now) {
            MetadataFetchStart::Begin(fetch) => fetch,
            MetadataFetchStart::UnderWay(number) => return Some(number),
            MetadataFetchStart::NotNow => return None,
        };
        let number = fetch.number();
        let mut flight = Flight { shared: self.0.clone(), fetch: Some(fetch) };
        match Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move { flight.run().await });
            }
            Err(_) => {
                if let Some(fetch) = &mut flight.fetch {
                    fetch.handle_failure("no tokio runtime is there to fetch in");
                }
            }
        }
        Some(number)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, MetadataCache> {
        // A poisoned lock holds a cache that is whole: no method of it panics half-way.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be used, and whether a fetch is to begin or to be waited for.
    fn look(&self) -> (Option<Metadata>, bool) {
        let now = self.clock.now();
        match self.lock().decide(now) {
            MetadataUse::Use(metadata) => (Some(metadata.clone()), false),
            MetadataUse::UseAndFetch(metadata) => (Some(metadata.clone()), true),
            MetadataUse::Wait => (None, true),
            MetadataUse::Unavailable(_) => (None, false),
        }
    }

    async fn ask(&self, fetch: &mut MetadataFetch) {
        while let Some(request) = fetch.next_request() {
            let answer = match FetchUrl::parse(&request.uri().to_string()) {
                Ok(url) => {
                    let request =
                        FetchRequest::new(url, UrlTrust::Configured, MAX_DOCUMENT_BYTES, self.timeout);
                    document(&*self.fetch, request).await.map_err(|e| e.to_string())
                }
                Err(error) => Err(error.to_string()),
            };
            match answer {
                Ok((headers, body)) => {
                    let mut response = Response::new(body);
                    *response.headers_mut() = headers;
                    fetch.handle_response(&response);
                }
                Err(error) => fetch.handle_failure(&error),
            }
        }
    }

    /// Tells the operator what changed.
    fn report(&self, before: Option<&Metadata>) {
        let now = self.clock.now();
        let (status, held) = {
            let cache = self.lock();
            (cache.status(now), cache.usable(now).cloned())
        };
        let provider = self.facade.provider();
        let issuer = provider.metadata_issuer();
        if let Some(error) = status.last_error {
            let state = status.state;
            tracing::warn!(target: "mcp_auth", issuer, ?state, %error, "the provider's metadata was not fetched");
            return;
        }
        let Some(metadata) = held.filter(|held| before != Some(held)) else { return };
        tracing::info!(target: "mcp_auth", issuer, "the provider's metadata was fetched");
        for finding in self.facade.metadata().lint(&metadata, provider.quirks()) {
            tracing::warn!(target: "mcp_auth", issuer, %finding, "logins at the provider may fail");
        }
    }
}

/// A fetch under way. It ends once, however its task ends.
struct Flight {
    shared: Arc<Shared>,
    fetch: Option<MetadataFetch>,
}

impl Flight {
    async fn run(&mut self) {
        if let Some(fetch) = &mut self.fetch {
            self.shared.ask(fetch).await;
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let Some(fetch) = self.fetch.take() else { return };
        let number = fetch.number();
        let entropy = self.shared.entropy.hash_one(number);
        let now = self.shared.clock.now();
        let before = {
            let mut cache = self.shared.lock();
            let before = cache.usable(now).cloned();
            cache.end_fetch(fetch, entropy, now);
            before
        };
        self.shared.landings.landed(number);
        self.shared.report(before.as_ref());
    }
}
