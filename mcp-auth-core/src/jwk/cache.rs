//! The life of one issuer's keys, as a state machine without IO.
//!
//! ```text
//!            fetched                 refresh_after              usable_for
//!  empty ───────────────▶ fresh ──────────────────▶ stale ───────────────────▶ expired
//!    ▲                      ▲  background fetch       │  still used, fetch due     │ not used
//!    │ failed               └───────── fetched ───────┴──────────── fetched ──────┘
//! ```
//!
//! The driver asks [`KeyCache::begin_fetch`] before every request and tells what came of it. At most one fetch
//! is under way; fetches that somebody outside can provoke (an unknown `kid`) draw from a token bucket of two
//! that refills one token every 30 seconds, so a first rotation is seen at once and a flood is not.

use std::sync::Arc;
use std::time::Duration;

use super::KeySet;
use crate::time::UnixTime;

/// How long keys are used. Durations count in whole seconds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyLife {
    /// After this a set is fetched anew in the background. Default 10 minutes. The answer's `max-age` replaces
    /// it within 1 minute to 1 hour.
    pub refresh_after: Duration,
    /// After this without a successful fetch the set is no longer used. Default 24 hours.
    pub usable_for: Duration,
    /// One more fetch may be provoked per this time. Default 30 seconds.
    pub refill: Duration,
    /// Fetches that may be provoked at once. Default 2.
    pub burst: u32,
}

impl Default for KeyLife {
    fn default() -> Self {
        Self {
            refresh_after: Duration::from_secs(600),
            usable_for: Duration::from_secs(24 * 3600),
            refill: Duration::from_secs(30),
            burst: 2,
        }
    }
}

/// Why a fetch is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchReason {
    /// There are no keys, or they are due.
    Due,
    /// A token names a key that the set lacks.
    UnknownKey,
}

/// What can be used now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum KeyState {
    /// Keys, not yet due.
    Fresh(Arc<KeySet>),
    /// Keys that are used while a fetch is due or failing.
    Stale(Arc<KeySet>),
    /// None: never fetched, or not for too long.
    Unavailable,
}

/// A snapshot for operators.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyStatus {
    /// Names of the usable keys.
    pub kids: Vec<String>,
    /// When the set was last fetched.
    pub fetched_at: Option<UnixTime>,
    /// Why the last fetch failed, when it did.
    pub last_error: Option<String>,
    /// Fetches begun so far.
    pub fetches: u64,
}

/// One issuer's keys and when to fetch them.
#[derive(Debug)]
pub struct KeyCache {
    life: KeyLife,
    keys: Option<Held>,
    fetching: bool,
    failures: u32,
    retry_at: UnixTime,
    last_error: Option<String>,
    fetches: u64,
    bucket: u32,
    refilled_at: Option<UnixTime>,
}

#[derive(Debug)]
struct Held {
    set: Arc<KeySet>,
    at: UnixTime,
    refresh_at: UnixTime,
    expires_at: UnixTime,
}

const MIN_REFRESH: Duration = Duration::from_secs(60);
const MAX_REFRESH: Duration = Duration::from_secs(3600);
const MAX_BACKOFF_SECS: u64 = 60;

impl KeyCache {
    /// A cache without keys.
    pub fn new(life: KeyLife) -> Self {
        let bucket = life.burst;
        Self {
            life,
            keys: None,
            fetching: false,
            failures: 0,
            retry_at: UnixTime::from_secs(0),
            last_error: None,
            fetches: 0,
            bucket,
            refilled_at: None,
        }
    }

    /// What can be used at `now`.
    pub fn state(&self, now: UnixTime) -> KeyState {
        match &self.keys {
            Some(held) if now < held.refresh_at => KeyState::Fresh(held.set.clone()),
            Some(held) if now < held.expires_at => KeyState::Stale(held.set.clone()),
            _ => KeyState::Unavailable,
        }
    }

    /// When the keys become due and when they stop being used; `None` without keys.
    pub fn deadlines(&self) -> Option<(UnixTime, UnixTime)> {
        self.keys.as_ref().map(|held| (held.refresh_at, held.expires_at))
    }

    /// Whether a fetch is under way.
    pub fn is_fetching(&self) -> bool {
        self.fetching
    }

    /// Asks to fetch. `true` means: fetch now and report with [`fetched`](Self::fetched) or
    /// [`failed`](Self::failed); `false` means that one is under way, or that it is too early.
    pub fn begin_fetch(&mut self, reason: FetchReason, now: UnixTime) -> bool {
        if self.fetching {
            return false;
        }
        let allowed = match reason {
            FetchReason::Due => {
                let due = !matches!(self.state(now), KeyState::Fresh(_));
                due && (self.failures == 0 || now >= self.retry_at)
            }
            FetchReason::UnknownKey => self.draw(now),
        };
        if allowed {
            self.fetching = true;
            self.fetches += 1;
        }
        allowed
    }

    fn draw(&mut self, now: UnixTime) -> bool {
        let refill = self.life.refill.as_secs().max(1);
        let since = *self.refilled_at.get_or_insert(now);
        let earned = now.since(since).as_secs() / refill;
        if earned > 0 {
            let earned_tokens = u32::try_from(earned).unwrap_or(u32::MAX);
            self.bucket = self.bucket.saturating_add(earned_tokens).min(self.life.burst);
            self.refilled_at = Some(since.plus(Duration::from_secs(earned.saturating_mul(refill))));
        }
        if self.bucket == 0 {
            return false;
        }
        self.bucket -= 1;
        true
    }

    /// A fetch brought `set`; `max_age` is what the answer's `Cache-Control` said.
    ///
    /// A set without any usable key does not replace one that has keys: an issuer does not retire all its keys
    /// at once, but error pages happen.
    pub fn fetched(&mut self, set: KeySet, max_age: Option<Duration>, now: UnixTime) {
        if set.is_empty() {
            let reasons: Vec<String> = set.skipped().iter().take(5).map(|s| s.reason.to_string()).collect();
            return self.failed(format!("key set has no usable key ({})", reasons.join("; ")), now);
        }
        self.fetching = false;
        self.failures = 0;
        self.last_error = None;
        let refresh = max_age.map_or(self.life.refresh_after, |age| age.clamp(MIN_REFRESH, MAX_REFRESH));
        self.keys = Some(Held {
            set: Arc::new(set),
            at: now,
            refresh_at: now.plus(refresh),
            expires_at: now.plus(self.life.usable_for.max(refresh)),
        });
    }

    /// A fetch failed. The keys that are there stay; the next try waits 1, 2, 4 … up to 60 seconds.
    pub fn failed(&mut self, error: String, now: UnixTime) {
        self.fetching = false;
        let wait = 1u64.checked_shl(self.failures).unwrap_or(u64::MAX).min(MAX_BACKOFF_SECS);
        self.failures = self.failures.saturating_add(1);
        self.retry_at = now.plus(Duration::from_secs(wait));
        self.last_error = Some(error);
    }

    /// A snapshot for operators.
    pub fn status(&self) -> KeyStatus {
        let keys = self.keys.as_ref();
        KeyStatus {
            kids: keys
                .map(|held| {
                    held.set.keys().iter().map(|k| k.kid().unwrap_or("(no kid)").to_owned()).collect()
                })
                .unwrap_or_default(),
            fetched_at: keys.map(|held| held.at),
            last_error: self.last_error.clone(),
            fetches: self.fetches,
        }
    }
}
