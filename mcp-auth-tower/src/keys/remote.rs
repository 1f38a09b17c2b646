//! Keys that change: fetched in the background, never twice at once, kept through outages.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use mcp_auth_core::UnixTime;
use mcp_auth_core::jwk::{
    FetchReason, FetchStart, FetchTicket, KeyCache, KeyLife, KeySet, KeySnapshot, KeyState, KeyUse,
    SkipReason,
};
use tokio::runtime::Handle;

use super::source::{Reader, Reading};
use super::{KeyOptions, KeysStatus};
use crate::clock::Clock;
use crate::flight::Landings;

/// A key set outside this process. Clones share it. [`Keys::new`](super::Keys::new) makes it; the
/// [module page](super) tells its life.
#[derive(Clone, Debug)]
pub struct RemoteKeys(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    issuer: String,
    reader: Reader,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    /// What the hot path reads: one atomic load. Replaced under the lock, so that it never goes back.
    snapshot: ArcSwap<KeySnapshot>,
    cache: Mutex<KeyCache>,
    landings: Landings,
    entropy: RandomState,
}

impl RemoteKeys {
    pub(super) fn new(issuer: String, reader: Reader, life: KeyLife, options: &KeyOptions) -> Self {
        let cache = KeyCache::new(life);
        Self(Arc::new(Shared {
            issuer,
            reader,
            timeout: options.timeout,
            clock: options.clock.clone(),
            snapshot: ArcSwap::from_pointee(cache.snapshot()),
            cache: Mutex::new(cache),
            landings: Landings::default(),
            entropy: RandomState::new(),
        }))
    }

    /// Takes a set that was read outside.
    pub(super) fn begin_with(&self, set: KeySet) {
        let now = self.0.clock.now();
        let begun = self.0.lock().begin_fetch(FetchReason::Due, now);
        if let FetchStart::Begin(ticket) = begun {
            Flight { keys: self.clone(), ticket: Some(ticket) }.land(Ok(Reading::Set(set, None)));
        }
    }

    /// Keys that can be used at `now`. Begins a fetch in the background when one is due; this needs a tokio
    /// runtime around.
    pub fn current(&self, now: UnixTime) -> Option<Arc<KeySet>> {
        match self.0.snapshot.load().decide(now) {
            KeyUse::Use(keys) => Some(keys.clone()),
            KeyUse::UseAndFetch(keys) => {
                self.begin(FetchReason::Due, now);
                Some(keys.clone())
            }
            KeyUse::Wait => None,
        }
    }

    /// Keys after a fetch: begins one where the rules allow it, or joins the one under way, and waits for it, at
    /// most 5 seconds ([`KeyOptions::timeout`]). Where none may begin it does not wait. `None` when there are no
    /// keys then either.
    pub async fn newer(&self, now: UnixTime) -> Option<Arc<KeySet>> {
        let snapshot = self.0.snapshot.load_full();
        if snapshot.newer_may_come(now) {
            let fresh = snapshot.state(now) == KeyState::Fresh;
            let reason = if fresh { FetchReason::UnknownKey } else { FetchReason::Due };
            if let Some(number) = self.begin(reason, now) {
                self.end_of(number).await;
            }
        }
        self.0.snapshot.load().usable(self.0.clock.now()).cloned()
    }

    /// Whether a fetch is under way or may begin at `now`. One atomic load.
    pub fn newer_may_come(&self, now: UnixTime) -> bool {
        self.0.snapshot.load().newer_may_come(now)
    }

    /// The state for operators.
    pub fn status(&self) -> KeysStatus {
        let now = self.0.clock.now();
        let keys = self.0.lock().status(now);
        KeysStatus::remote(&self.0.issuer, self.0.reader.label(), keys, now)
    }

    /// Begins a fetch where the cache allows it, and tells the number of the fetch to wait for. The fetch runs on
    /// its own: a request that is cancelled does not cancel what others wait for.
    pub(super) fn begin(&self, reason: FetchReason, now: UnixTime) -> Option<u64> {
        let mut cache = self.0.lock();
        let start = cache.begin_fetch(reason, now);
        self.0.publish(&cache);
        drop(cache);
        let ticket = match start {
            FetchStart::Begin(ticket) => ticket,
            FetchStart::UnderWay(number) => return Some(number),
            FetchStart::NotNow => return None,
        };
        let number = ticket.number();
        let mut flight = Flight { keys: self.clone(), ticket: Some(ticket) };
        match Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    let brought = flight.keys.0.fetch().await;
                    flight.land(brought);
                });
            }
            Err(_) => flight.land(Err("no tokio runtime is there to fetch in".to_owned())),
        }
        Some(number)
    }

    /// Waits for the end of the fetch of this number, or of a later one, but no longer than a fetch may take.
    pub(super) async fn end_of(&self, number: u64) {
        self.0.landings.wait(number, self.0.timeout).await;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, KeyCache> {
        // A poisoned lock holds a cache that is whole: no method of it panics half-way.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, cache: &KeyCache) {
        self.snapshot.store(Arc::new(cache.snapshot()));
    }

    async fn fetch(&self) -> Result<Reading, String> {
        match tokio::time::timeout(self.timeout, self.reader.read()).await {
            Ok(brought) => brought,
            Err(_) => Err(format!("no complete answer within {:?}", self.timeout)),
        }
    }

    /// Tells the operator what changed.
    fn report(&self, before: &KeySnapshot, brought: &Result<Reading, String>, now: UnixTime) {
        let (issuer, source) = (&self.issuer, self.reader.label());
        match brought {
            Err(error) => tracing::warn!(target: "mcp_auth", %issuer, %source, %error, "keys not fetched"),
            Ok(Reading::Unchanged) => {}
            Ok(Reading::Set(set, _)) => {
                let names = |set: &KeySet| -> Vec<String> {
                    set.keys().iter().map(|k| k.kid().unwrap_or("(no kid)").to_owned()).collect()
                };
                let skipped = |set: &KeySet| -> Vec<_> {
                    set.skipped().iter().map(|s| (s.kid.clone(), s.reason)).collect()
                };
                let same = before
                    .usable(now)
                    .is_some_and(|old| names(old) == names(set) && skipped(old) == skipped(set));
                if same {
                    tracing::debug!(target: "mcp_auth", %issuer, %source, "keys fetched, no change");
                    return;
                }
                tracing::info!(target: "mcp_auth", %issuer, %source, kids = ?names(set), "keys fetched");
                for key in set.skipped() {
                    let (kid, reason) = (&key.kid, key.reason);
                    if reason == SkipReason::Private {
                        tracing::warn!(target: "mcp_auth", %issuer, ?kid, %reason, "key not used");
                    } else {
                        tracing::info!(target: "mcp_auth", %issuer, ?kid, %reason, "key not used");
                    }
                }
            }
        }
    }
}

/// A fetch under way. It ends once, however its task ends, and ends no other fetch: the ticket is taken under
/// the lock.
struct Flight {
    keys: RemoteKeys,
    ticket: Option<FetchTicket>,
}

impl Flight {
    fn land(&mut self, brought: Result<Reading, String>) {
        let shared = &*self.keys.0;
        let now = shared.clock.now();
        let Some(ticket) = self.ticket.take() else { return };
        let number = ticket.number();
        shared.report(&shared.snapshot.load(), &brought, now);
        let entropy = shared.entropy.hash_one(number);
        let mut cache = shared.lock();
        match brought {
            Ok(Reading::Set(set, max_age)) => cache.fetched(ticket, set, max_age, entropy, now),
            Ok(Reading::Unchanged) => cache.unchanged(ticket, None, entropy, now),
            Err(error) => cache.failed(ticket, error, now),
        }
        shared.publish(&cache);
        drop(cache);
        shared.landings.landed(number);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.land(Err("fetch was abandoned".to_owned()));
    }
}
