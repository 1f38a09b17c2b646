//! Verified tokens are remembered, so that a long conversation pays for one signature.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, OptionsBuilder, Weighter};

use crate::UnixTime;
use crate::principal::Principal;
use crate::sweep::Sweep;

/// What an entry costs besides its principal's own count: the cache's slot and index, and what an allocator adds to
/// a handful of small pieces. Measured: with it a full cache's resident memory stays within the bound
/// (`cargo bench --bench validate`).
const ENTRY_OVERHEAD: usize = 640;

/// The tokens that a [`Validator`](super::Validator) has verified, by their full text.
///
/// A hit is not yet a good token: [`Validator::recheck`](super::Validator::recheck) asks everything that time,
/// key rotation, revocation and the request itself may have changed. One cache belongs to one validator: what
/// another configuration accepted is no evidence here.
///
/// Bounded in bytes. A look-up hashes the token under a seed of the caller's, locks one shard for the time of
/// that look-up, compares the whole token, and allocates nothing.
///
/// ```
/// use mcp_auth_core::jwt::TokenCache;
///
/// let cache = TokenCache::new(64 * 1024 * 1024, 0x5eed);
/// assert!(cache.get("some.unknown.token").is_none());
/// ```
pub struct TokenCache {
    entries: Cache<ByToken, Arc<Principal>, ByMemory, Seeded>,
    max_bytes: usize,
    sweep: Sweep,
}

/// How long after its `exp` a token is kept: longer than the clock skew that anybody allows.
const AFTER_EXP: Duration = Duration::from_secs(600);

impl TokenCache {
    /// A cache of at most `max_bytes`. `seed` makes its hash differ from other processes'; take it from a random
    /// source.
    pub fn new(max_bytes: usize, seed: u64) -> Self {
        // A typical entry has about 4 KiB. Few tokens at a time need few shards; many bytes allow for more.
        let items = (max_bytes / 4096).clamp(16, 1 << 20);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(items)
            .weight_capacity(max_bytes as u64)
            .shards((items / 64).clamp(1, 64))
            // Room for names of evicted tokens only, a few bytes each.
            .ghost_allocation(0.1)
            .build();
        let entries = match options {
            Ok(options) => Cache::with_options(options, ByMemory, Seeded(seed), DefaultLifecycle::default()),
            // INVARIANT: capacity and weight are always given above.
            Err(_) => {
                Cache::with(items, max_bytes as u64, ByMemory, Seeded(seed), DefaultLifecycle::default())
            }
        };
        Self { entries, max_bytes, sweep: Sweep::default() }
    }

    /// The principal of exactly this token, not yet rechecked.
    pub fn get(&self, token: &str) -> Option<Arc<Principal>> {
        self.entries.get(token)
    }

    /// Remembers a principal by its token. One without a token, or bigger than a shard, is not kept. Now and then those
    /// that ended before `now` go, which nobody asks for any more: they would leave no room for new ones.
    pub fn insert(&self, principal: Arc<Principal>, now: UnixTime) {
        if principal.token().is_none() {
            return;
        }
        self.entries.insert(ByToken(principal.clone()), principal);
        if self.sweep.is_due(self.len()) {
            let lives = |kept: &Principal| kept.expires_at().is_none_or(|exp| now < exp.plus(AFTER_EXP));
            self.entries.retain(|_, kept| lives(kept));
        }
    }

    /// Forgets a token.
    pub fn remove(&self, token: &str) {
        self.entries.remove(token);
    }

    /// Forgets all tokens.
    pub fn clear(&self) {
        self.entries.clear();
    }

    /// Number of remembered tokens.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no token is remembered.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes held by the remembered tokens.
    pub fn memory_bytes(&self) -> u64 {
        self.entries.weight()
    }
}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCache").field("len", &self.len()).field("max_bytes", &self.max_bytes).finish()
    }
}

/// A principal that is looked up by its token's text.
#[derive(Clone)]
struct ByToken(Arc<Principal>);

impl ByToken {
    fn text(&self) -> &str {
        self.0.token().map_or("", |token| token.expose())
    }
}

impl Hash for ByToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

impl PartialEq for ByToken {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for ByToken {}

impl Equivalent<ByToken> for str {
    fn equivalent(&self, key: &ByToken) -> bool {
        self == key.text()
    }
}

#[derive(Clone)]
struct ByMemory;

impl Weighter<ByToken, Arc<Principal>> for ByMemory {
    fn weight(&self, _: &ByToken, principal: &Arc<Principal>) -> u64 {
        (principal.memory_bytes() + ENTRY_OVERHEAD) as u64
    }
}

/// The hash function under the caller's seed.
#[derive(Clone)]
struct Seeded(u64);

impl BuildHasher for Seeded {
    type Hasher = foldhash::quality::FoldHasher<'static>;

    fn build_hasher(&self) -> Self::Hasher {
        SeedableRandomState::with_seed(self.0, SharedSeed::global_fixed()).build_hasher()
    }
}
