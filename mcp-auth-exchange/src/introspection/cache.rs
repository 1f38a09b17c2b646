//! What introspection said lately.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use foldhash::SharedSeed;
use foldhash::quality::{FoldHasher, SeedableRandomState};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, Weighter};

use mcp_auth_core::credential::AccessToken;
use mcp_auth_core::jwt::ValidationError;
use mcp_auth_core::sweep::Sweep;
use mcp_auth_core::{Principal, UnixTime};

/// How long an answer is believed. A revoked token is good for at most that long here.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct IntrospectionLife {
    /// An active token, and never past its `exp`. Default 60 seconds.
    pub active: Duration,
    /// An inactive token. Default 30 seconds.
    pub inactive: Duration,
}

impl Default for IntrospectionLife {
    fn default() -> Self {
        Self { active: Duration::from_secs(60), inactive: Duration::from_secs(30) }
    }
}

/// What is known of a token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Known {
    /// It was active; its dates and what it is bound to have to be checked again.
    Active(Arc<Principal>),
    /// It was inactive.
    Inactive,
    /// It was active and not acceptable: for another audience, for example.
    Refused(Arc<ValidationError>),
}

/// Answers of one issuer's introspection endpoint, by the full token, bounded in bytes. Good and bad tokens are
/// kept apart, so that a flood of invented ones drives no good one out.
///
/// ```
/// use mcp_auth_core::UnixTime;
/// use mcp_auth_core::credential::AccessToken;
/// use mcp_auth_exchange::introspection::{IntrospectionCache, IntrospectionLife, Known};
///
/// let cache = IntrospectionCache::new(IntrospectionLife::default(), 16 << 20, 0x5eed);
/// let now = UnixTime::from_secs(1_700_000_000);
/// cache.insert_inactive(&AccessToken::new("invented"), now);
/// assert!(matches!(cache.get("invented", now), Some(Known::Inactive)));
/// assert!(cache.get("invented", UnixTime::from_secs(1_700_000_030)).is_none());
/// ```
pub struct IntrospectionCache {
    life: IntrospectionLife,
    active: Cache<Token, Entry, ByMemory, Seeded>,
    inactive: Cache<Token, Entry, ByMemory, Seeded>,
    sweep: Sweep,
}

#[derive(Clone)]
struct Entry {
    until: UnixTime,
    known: Known,
}

impl IntrospectionCache {
    /// A cache of at most `max_bytes`, an eighth of it for inactive tokens. Take `seed` from a random source.
    pub fn new(life: IntrospectionLife, max_bytes: usize, seed: u64) -> Self {
        let cache = |bytes: usize| {
            let items = (bytes / 4096).max(16);
            Cache::with(items, bytes as u64, ByMemory, Seeded(seed), DefaultLifecycle::default())
        };
        let (active, inactive) = (cache(max_bytes - max_bytes / 8), cache(max_bytes / 8));
        Self { life, active, inactive, sweep: Sweep::default() }
    }

    /// What is known of exactly this token at `now`.
    pub fn get(&self, token: &str, now: UnixTime) -> Option<Known> {
        let fresh = |entry: &Entry| now < entry.until;
        let good = self.active.get(token).filter(fresh);
        good.or_else(|| self.inactive.get(token).filter(fresh)).map(|entry| entry.known)
    }

    /// Keeps an active token's principal.
    pub fn insert_active(&self, principal: Arc<Principal>, now: UnixTime) {
        let Some(token) = principal.token().cloned() else { return };
        let until = now.plus(self.life.active);
        let until = principal.expires_at().map_or(until, |exp| until.min(exp));
        self.inactive.remove(token.expose());
        self.active.insert(Token(token), Entry { until, known: Known::Active(principal) });
        self.sweep(now);
    }

    /// Keeps that a token was inactive.
    pub fn insert_inactive(&self, token: &AccessToken, now: UnixTime) {
        self.insert_bad(token, Known::Inactive, now);
    }

    /// Keeps that a token was active and not acceptable.
    pub fn insert_refused(&self, token: &AccessToken, error: ValidationError, now: UnixTime) {
        self.insert_bad(token, Known::Refused(Arc::new(error)), now);
    }

    fn insert_bad(&self, token: &AccessToken, known: Known, now: UnixTime) {
        self.active.remove(token.expose());
        self.inactive.insert(Token(token.clone()), Entry { until: now.plus(self.life.inactive), known });
        self.sweep(now);
    }

    /// Removes, now and then, what nobody is told any more.
    fn sweep(&self, now: UnixTime) {
        if self.sweep.is_due(self.active.len() + self.inactive.len()) {
            self.active.retain(|_, entry| now < entry.until);
            self.inactive.retain(|_, entry| now < entry.until);
        }
    }

    /// Number of kept answers: for active tokens and for inactive ones.
    pub fn len(&self) -> (usize, usize) {
        (self.active.len(), self.inactive.len())
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == (0, 0)
    }
}

impl std::fmt::Debug for IntrospectionCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IntrospectionCache")
            .field("life", &self.life)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Token(AccessToken);

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.expose().hash(state);
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

impl Eq for Token {}

impl Equivalent<Token> for str {
    fn equivalent(&self, key: &Token) -> bool {
        self == key.0.expose()
    }
}

#[derive(Clone)]
struct ByMemory;

impl Weighter<Token, Entry> for ByMemory {
    fn weight(&self, token: &Token, entry: &Entry) -> u64 {
        /// The cache's slot and index, and what an allocator adds.
        const OVERHEAD: usize = 512;
        let known = match &entry.known {
            Known::Active(principal) => principal.memory_bytes(),
            // A refusal quotes the claim that was not as expected.
            Known::Refused(_) => 1024,
            Known::Inactive => 0,
        };
        (token.0.expose().len() + known + OVERHEAD) as u64
    }
}

#[derive(Clone)]
struct Seeded(u64);

impl BuildHasher for Seeded {
    type Hasher = FoldHasher<'static>;

    fn build_hasher(&self) -> Self::Hasher {
        SeedableRandomState::with_seed(self.0, SharedSeed::global_fixed()).build_hasher()
    }
}
