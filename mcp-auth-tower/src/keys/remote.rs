//! Keys behind a URL: fetched in the background, never twice at once, kept through outages.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::Uri;
use http::header::{CACHE_CONTROL, HeaderMap};
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{AwsLc, CryptoProvider};
use mcp_auth_core::jwk::{FetchReason, KeyCache, KeyLife, KeySet, KeyState, KeyStatus, MAX_KEY_SET_BYTES};
use mcp_auth_core::jwt::Algorithm;
use tokio::sync::watch;

use crate::client::HttpClient;
use crate::clock::Clock;

/// Longest that a fetch takes, and longest that a request waits for one.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// A key set behind a URL. Clones share it.
#[derive(Clone, Debug)]
pub struct RemoteKeys(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    uri: Uri,
    client: HttpClient,
    provider: Arc<dyn CryptoProvider>,
    algorithms: Vec<Algorithm>,
    clock: Arc<dyn Clock>,
    /// What the hot path reads: one atomic load.
    snapshot: ArcSwapOption<Snapshot>,
    cache: Mutex<KeyCache>,
    /// Counts finished fetches; waiters watch it.
    finished: watch::Sender<u64>,
}

#[derive(Debug)]
struct Snapshot {
    keys: Arc<KeySet>,
    refresh_at: UnixTime,
    expires_at: UnixTime,
}

/// The state of a remote key set, for operators.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeysStatus {
    /// Where the keys come from.
    pub uri: String,
    /// Names, age and last error.
    pub keys: KeyStatus,
}

impl RemoteKeys {
    /// Keys behind `uri`, prepared for `algorithms`. Nothing is fetched yet.
    pub fn new(uri: Uri, client: HttpClient, algorithms: &[Algorithm], clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared {
            uri,
            client,
            provider: Arc::new(AwsLc::new()),
            algorithms: algorithms.to_vec(),
            clock,
            snapshot: ArcSwapOption::empty(),
            cache: Mutex::new(KeyCache::new(KeyLife::default())),
            finished: watch::Sender::new(0),
        }))
    }

    /// Keys that can be used at `now`. Starts a fetch in the background when they are due.
    ///
    /// Call it inside a tokio runtime.
    pub fn current(&self, now: UnixTime) -> Option<Arc<KeySet>> {
        let snapshot = self.0.snapshot.load();
        match &*snapshot {
            Some(s) if now < s.refresh_at => Some(s.keys.clone()),
            Some(s) if now < s.expires_at => {
                self.start(FetchReason::Due, now);
                Some(s.keys.clone())
            }
            _ => None,
        }
    }

    /// Keys after a fetch: starts one where the rules allow it and waits for whichever is under way, at most
    /// 5 seconds. `None` when there are no keys then either.
    pub async fn newer(&self, now: UnixTime) -> Option<Arc<KeySet>> {
        let mut finished = self.0.finished.subscribe();
        finished.mark_unchanged();
        let reason = match self.lock().state(now) {
            KeyState::Fresh(_) => FetchReason::UnknownKey,
            _ => FetchReason::Due,
        };
        if self.start(reason, now) || self.lock().is_fetching() {
            let _ = tokio::time::timeout(FETCH_TIMEOUT, finished.changed()).await;
        }
        self.current(self.0.clock.now())
    }

    /// The state for operators: URI, key ids, age, last error.
    pub fn status(&self) -> KeysStatus {
        KeysStatus { uri: self.0.uri.to_string(), keys: self.lock().status() }
    }

    fn lock(&self) -> MutexGuard<'_, KeyCache> {
        // A poisoned lock holds a cache that is whole: no method of it panics half-way.
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a fetch where the cache allows it. It runs on its own: a request that is cancelled does not
    /// cancel what others wait for.
    fn start(&self, reason: FetchReason, now: UnixTime) -> bool {
        let began = self.lock().begin_fetch(reason, now);
        if began {
            let guard = Unfinished(self.clone());
            tokio::spawn(async move { guard.0.fetch().await });
        }
        began
    }

    async fn fetch(&self) {
        let shared = &self.0;
        let outcome = shared.client.get_json(&shared.uri, MAX_KEY_SET_BYTES, FETCH_TIMEOUT).await;
        let now = shared.clock.now();
        let parsed = outcome.map_err(|e| e.to_string()).and_then(|(headers, body)| {
            let set =
                KeySet::parse(&body, &*shared.provider, &shared.algorithms).map_err(|e| e.to_string())?;
            Ok((set, max_age(&headers)))
        });
        let mut cache = self.lock();
        match parsed {
            Ok((set, max_age)) => {
                for skipped in set.skipped() {
                    tracing::info!(uri = %shared.uri, kid = ?skipped.kid, reason = %skipped.reason, "key not used");
                }
                cache.fetched(set, max_age, now);
            }
            Err(error) => {
                cache.failed(error, now);
            }
        }
        let status = cache.status();
        if let Some(error) = &status.last_error {
            tracing::warn!(uri = %shared.uri, %error, "key set not fetched");
        } else {
            tracing::info!(uri = %shared.uri, kids = ?status.kids, "key set fetched");
        }
        if let (KeyState::Fresh(keys), Some((refresh_at, expires_at))) = (cache.state(now), cache.deadlines())
        {
            shared.snapshot.store(Some(Arc::new(Snapshot { keys, refresh_at, expires_at })));
        }
    }
}

/// Wakes the waiters however the fetch ends; a fetch that was dropped or panicked counts as failed.
struct Unfinished(RemoteKeys);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let now = self.0.0.clock.now();
        let mut cache = self.0.lock();
        if cache.is_fetching() {
            cache.failed("fetch was abandoned".to_owned(), now);
        }
        drop(cache);
        self.0.0.finished.send_modify(|n| *n += 1);
    }
}

/// `max-age` of `Cache-Control`, RFC 9111 §5.2.2.1.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives =
        headers.get_all(CACHE_CONTROL).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    directives
        .filter_map(|d| d.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("max-age"))
        .and_then(|(_, secs)| secs.trim_matches('"').parse().ok())
        .map(Duration::from_secs)
}
