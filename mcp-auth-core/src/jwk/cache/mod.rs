//! When to fetch an issuer's keys, and which may be used meanwhile.

mod bucket;
mod life;
mod snapshot;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use super::{KeySet, SkippedKey};
use crate::time::UnixTime;

use bucket::TokenBucket;
pub use life::KeyLife;
use snapshot::HeldKeys;
pub use snapshot::{KeySnapshot, KeyState, KeyUse};

/// Why a fetch is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchReason {
    /// There are no keys, or they are due.
    Due,
    /// A token names a key that the set lacks.
    UnknownKey,
}

/// What came of asking for a fetch.
#[derive(Debug)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a driver has to handle each")]
pub enum FetchStart {
    /// Fetch now, and give the ticket back.
    Begin(FetchTicket),
    /// The fetch of this number is under way.
    UnderWay(u64),
    /// There is no need, or it is too early.
    NotNow,
}

/// The right and the duty to end one fetch. It ends that fetch and no other: it is not `Clone`, and ending takes
/// it.
///
/// ```compile_fail
/// # use mcp_auth_core::{UnixTime, jwk::{KeyCache, FetchTicket}};
/// # fn twice(cache: &mut KeyCache, ticket: FetchTicket, now: UnixTime) {
/// cache.failed(ticket, "timed out".to_owned(), now);
/// cache.failed(ticket, "timed out".to_owned(), now); // use of moved value
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct FetchTicket(u64);

impl FetchTicket {
    /// The number of the fetch, counted from 1.
    pub fn number(&self) -> u64 {
        self.0
    }
}

/// A snapshot for operators.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyStatus {
    /// Where the set is in its life.
    pub state: KeyState,
    /// Names of the usable keys.
    pub kids: Vec<String>,
    /// Keys of the set that are not used, and why.
    pub skipped: Vec<SkippedKey>,
    /// When the set was last fetched.
    pub fetched_at: Option<UnixTime>,
    /// When the next fetch in the background is due.
    pub refresh_at: Option<UnixTime>,
    /// When the set is given up if every fetch fails.
    pub expires_at: Option<UnixTime>,
    /// Before this no fetch begins, whatever asks for one.
    pub retry_at: UnixTime,
    /// Why the last fetch failed, when it did.
    pub last_error: Option<String>,
    /// Fetches begun so far.
    pub fetches: u64,
    /// Fetches that failed so far.
    pub failures: u64,
}

/// The life of one issuer's keys, as a state machine without IO.
///
/// ```text
///          fetched        60 to 80 % of         refresh_after         usable_for
///  none ───────────▶ fresh ──────────────▶ due ──────────────▶ stale ──────────────▶ unavailable
///                      ▲      background   │      request      │        request       │
///                      │      fetch        │      waits for    │        waits, or     │
///                      └───────────────────┴──── a fetch ──────┴─────── is refused ───┘
/// ```
///
/// The driver asks [`KeyCache::begin_fetch`] before every fetch and tells what came of it with the
/// [`FetchTicket`] that it got. At most one fetch is under way. Every fetch draws from one token bucket, whatever
/// asks for it: with the defaults at most `2 + t / 30 s` fetches happen within any time `t`, under a flood of
/// unknown `kid`s as in an outage. A first rotation is therefore seen at once, and a flood is not.
///
/// A stale set is used only when a fetch was tried within the last minute and failed, so that a key which the
/// issuer withdrew is gone after [`refresh_after`](KeyLife::refresh_after) also where nobody called for a day, and
/// an outage loses no request.
#[derive(Debug)]
pub struct KeyCache {
    life: KeyLife,
    keys: Option<HeldKeys>,
    bucket: TokenBucket,
    under_way: Option<u64>,
    pause_until: UnixTime,
    excused_until: UnixTime,
    changed_at: UnixTime,
    last_error: Option<String>,
    fetches: u64,
    failures: u64,
}

/// After a failure nothing begins for this time, even where the bucket would allow it: a second look at once
/// would see the same.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a failed fetch allows stale keys without another try.
const EXCUSE: Duration = Duration::from_secs(60);

/// Longest text of an error that is kept, in bytes.
const MAX_ERROR_BYTES: usize = 512;

impl KeyCache {
    /// A cache without keys.
    pub fn new(life: KeyLife) -> Self {
        let bucket = TokenBucket::new(life.burst, life.refill);
        let start = UnixTime::from_secs(0);
        Self {
            life,
            keys: None,
            bucket,
            under_way: None,
            pause_until: start,
            excused_until: start,
            changed_at: start,
            last_error: None,
            fetches: 0,
            failures: 0,
        }
    }

    /// What requests read, until the next call that changes the cache.
    pub fn snapshot(&self) -> KeySnapshot {
        KeySnapshot {
            keys: self.keys.clone(),
            excused_until: self.excused_until,
            fetching: self.under_way.is_some(),
            fetch_at: self.pause_until.max(self.bucket.next_at()),
            changed_at: self.changed_at,
        }
    }

    /// Asks to fetch.
    pub fn begin_fetch(&mut self, reason: FetchReason, now: UnixTime) -> FetchStart {
        if let Some(number) = self.under_way {
            return FetchStart::UnderWay(number);
        }
        // Somebody else may have fetched since the caller looked.
        if reason == FetchReason::Due && self.snapshot().state(now) == KeyState::Fresh {
            return FetchStart::NotNow;
        }
        self.changed_at = now;
        self.pause_until = self.pause_until.min(now.plus(PAUSE));
        if now < self.pause_until || !self.bucket.draw(now) {
            return FetchStart::NotNow;
        }
        self.fetches += 1;
        self.under_way = Some(self.fetches);
        FetchStart::Begin(FetchTicket(self.fetches))
    }

    /// The fetch brought `set`; `max_age` is what the answer's `Cache-Control` said, `entropy` is any random
    /// number and spreads the next fetch.
    ///
    /// A set without any usable key counts as a failure and does not replace one that has keys: an issuer does
    /// not retire all its keys at once, but error pages happen.
    pub fn fetched(
        &mut self,
        ticket: FetchTicket,
        set: KeySet,
        max_age: Option<Duration>,
        entropy: u64,
        now: UnixTime,
    ) {
        if set.is_empty() {
            let reasons: Vec<String> = set.skipped().iter().take(5).map(|s| s.reason.to_string()).collect();
            return self.failed(ticket, format!("key set has no usable key ({})", reasons.join("; ")), now);
        }
        if self.end(ticket, now) {
            let deadlines = self.life.deadlines(max_age, entropy, now);
            let set = match &self.keys {
                Some(held) => set.keeping_identity_of(&held.set),
                None => set,
            };
            self.keys = Some(HeldKeys { set: Arc::new(set), at: now, deadlines });
        }
    }

    /// The fetch found the set that is held: its time begins anew. Without keys this is a failure.
    pub fn unchanged(&mut self, ticket: FetchTicket, max_age: Option<Duration>, entropy: u64, now: UnixTime) {
        let deadlines = self.life.deadlines(max_age, entropy, now);
        if self.keys.is_none() {
            return self.failed(ticket, "nothing was fetched before".to_owned(), now);
        }
        if self.end(ticket, now)
            && let Some(held) = &mut self.keys
        {
            (held.at, held.deadlines) = (now, deadlines);
        }
    }

    /// The fetch failed. The keys that are there stay.
    pub fn failed(&mut self, ticket: FetchTicket, mut error: String, now: UnixTime) {
        if self.end(ticket, now) {
            if let Some((end, _)) = error.char_indices().find(|(i, c)| i + c.len_utf8() > MAX_ERROR_BYTES) {
                error.truncate(end);
            }
            self.failures += 1;
            self.pause_until = now.plus(PAUSE);
            self.excused_until = now.plus(EXCUSE);
            self.last_error = Some(error);
        }
    }

    /// A snapshot for operators.
    pub fn status(&self, now: UnixTime) -> KeyStatus {
        let keys = self.keys.as_ref();
        let snapshot = self.snapshot();
        KeyStatus {
            state: snapshot.state(now),
            kids: keys
                .map(|held| {
                    held.set.keys().iter().map(|k| k.kid().unwrap_or("(no kid)").to_owned()).collect()
                })
                .unwrap_or_default(),
            skipped: keys.map(|held| held.set.skipped().to_vec()).unwrap_or_default(),
            fetched_at: keys.map(|held| held.at),
            refresh_at: keys.map(|held| held.deadlines.refresh_at),
            expires_at: keys.map(|held| held.deadlines.expires_at),
            retry_at: snapshot.fetch_at,
            last_error: self.last_error.clone(),
            fetches: self.fetches,
            failures: self.failures,
        }
    }

    /// Ends the ticket's fetch, without an error so far. `false` for a ticket of another cache.
    fn end(&mut self, ticket: FetchTicket, now: UnixTime) -> bool {
        let ours = self.under_way == Some(ticket.0);
        if ours {
            self.under_way = None;
            self.changed_at = now;
            self.last_error = None;
            self.excused_until = UnixTime::from_secs(0);
        }
        ours
    }
}
