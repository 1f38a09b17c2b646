//! Issued tokens, bounded in bytes.

use std::sync::Arc;
use std::time::Duration;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use mcp_auth_core::UnixTime;
use mcp_auth_core::sweep::Sweep;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use super::CacheKey;
use crate::plan::IssuedToken;

/// Issued tokens by key. Bounded in bytes; what was used least goes first. Reading takes no lock that writing to
/// another part of it holds.
pub struct TokenStore {
    cache: Cache<CacheKey, Arc<IssuedToken>, ByMemory, SeedableRandomState>,
    sweep: Sweep,
}

/// How far the clocks of two replicas may differ. A token that was issued later than that is of before the clock was set
/// back, and nobody knows any more when it ends.
const SKEW: Duration = Duration::from_secs(60);

impl TokenStore {
    /// A store of at most `max_bytes`. Take `seed` from a random source.
    pub fn new(max_bytes: usize, seed: u64) -> Self {
        let items = (max_bytes / 2048).max(16);
        // The keys are digests already. The seed only makes sure that nobody outside can aim at one part.
        let hasher = SeedableRandomState::with_seed(seed, SharedSeed::global_fixed());
        let cache = Cache::with(items, max_bytes as u64, ByMemory, hasher, DefaultLifecycle::default());
        Self { cache, sweep: Sweep::default() }
    }

    /// The token under this key, if it is still to be used at `now`.
    pub fn get(&self, key: &CacheKey, now: UnixTime) -> Option<Arc<IssuedToken>> {
        self.cache.get(key).filter(|token| is_good(token, now))
    }

    /// Keeps a token. Now and then those that ended are removed.
    pub fn insert(&self, key: CacheKey, token: Arc<IssuedToken>, now: UnixTime) {
        self.cache.insert(key, token);
        if self.sweep.is_due(self.len()) {
            self.cache.retain(|_, token| is_good(token, now));
        }
    }

    /// Forgets the token under this key, if it is this one.
    pub fn remove(&self, key: &CacheKey, token: &Arc<IssuedToken>) {
        self.cache.remove_if(key, |kept| Arc::ptr_eq(kept, token));
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.cache.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Debug for TokenStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenStore").field("len", &self.len()).finish_non_exhaustive()
    }
}

fn is_good(token: &IssuedToken, now: UnixTime) -> bool {
    now < token.usable_until() && token.issued_at().since(now) <= SKEW
}

#[derive(Clone)]
struct ByMemory;

impl Weighter<CacheKey, Arc<IssuedToken>> for ByMemory {
    fn weight(&self, _: &CacheKey, token: &Arc<IssuedToken>) -> u64 {
        /// The key, the cache's slot and index, the reference counts, and what an allocator adds.
        const OVERHEAD: usize = 192;
        (token.memory_bytes() + OVERHEAD) as u64
    }
}
