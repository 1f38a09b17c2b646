//! What went wrong a moment ago, so that a client that tries again and again does not reach the provider each time.

use std::time::Duration;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use mcp_auth_core::UnixTime;
use mcp_auth_core::sweep::Sweep;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use super::{CacheKey, is_before};
use crate::outcome::Outcome;

/// How long a failure is remembered, under the key of one user's token. What a person is about to change is
/// remembered just long enough that a client's loop does not reach the provider.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FailureLife {
    /// The user's token is refused; a new login brings a new key. Default 30 seconds.
    pub subject_refused: Duration,
    /// The configuration is wrong, or the answer is not usable. Default 10 seconds.
    pub misconfigured: Duration,
    /// The provider is down. Default 1 second, and twice as long after each further time in a row; at least this where it
    /// names a time itself.
    pub transient: Duration,
    /// The longest time for that, to which a longer `Retry-After` is cut. Default 60 seconds.
    pub transient_at_most: Duration,
    /// Consent, step-up and claims: nobody is done with it in a browser sooner. Default 2 seconds.
    pub user_action: Duration,
}

impl Default for FailureLife {
    fn default() -> Self {
        Self {
            subject_refused: Duration::from_secs(30),
            misconfigured: Duration::from_secs(10),
            transient: Duration::from_secs(1),
            transient_at_most: Duration::from_secs(60),
            user_action: Duration::from_secs(2),
        }
    }
}

impl FailureLife {
    /// How long this one is remembered, after so many of its kind in a row. Exhaustive: a new outcome does not compile
    /// until somebody chose.
    fn of(&self, outcome: &Outcome, times: u32) -> Duration {
        match outcome {
            Outcome::Token(_) => Duration::ZERO,
            Outcome::SubjectRefused(_) => self.subject_refused,
            Outcome::ConsentRequired(_) | Outcome::StepUp { .. } | Outcome::ClaimsChallenge { .. } => {
                self.user_action
            }
            Outcome::Misconfigured(_) | Outcome::Unusable(_) => self.misconfigured,
            Outcome::Transient { retry_after, .. } => {
                let doubled = self.transient.saturating_mul(1u32.checked_shl(times).unwrap_or(u32::MAX));
                retry_after.map_or(doubled, |named| named.max(self.transient)).min(self.transient_at_most)
            }
        }
    }

    fn longest(&self) -> Duration {
        let Self { subject_refused, misconfigured, transient, transient_at_most, user_action } = *self;
        subject_refused.max(misconfigured).max(transient).max(transient_at_most).max(user_action)
    }
}

/// Failures by key, bounded in number.
pub(super) struct Failures {
    life: FailureLife,
    longest: Duration,
    cache: Cache<CacheKey, Failure, UnitWeighter, SeedableRandomState>,
    sweep: Sweep,
}

#[derive(Clone)]
struct Failure {
    until: UnixTime,
    outcome: Outcome,
    /// How many of its kind there were just before.
    times: u32,
}

impl Failures {
    pub(super) fn new(life: FailureLife, max_items: usize, seed: u64) -> Self {
        let hasher = SeedableRandomState::with_seed(seed, SharedSeed::global_fixed());
        let max = max_items.max(16);
        let cache = Cache::with(max, max as u64, UnitWeighter, hasher, DefaultLifecycle::default());
        Self { life, longest: life.longest(), cache, sweep: Sweep::default() }
    }

    pub(super) fn get(&self, key: &CacheKey, now: UnixTime) -> Option<Outcome> {
        let failure = self.cache.get(key)?;
        is_before(now, failure.until, self.longest).then_some(failure.outcome)
    }

    /// Remembers a failure, or forgets the one before after a success.
    pub(super) fn keep(&self, key: CacheKey, outcome: &Outcome, now: UnixTime) {
        let times = self.before(&key, outcome, now);
        let until = now.plus(self.life.of(outcome, times));
        if until <= now {
            self.cache.remove(&key);
            return;
        }
        self.cache.insert(key, Failure { until, outcome: outcome.clone(), times });
        if self.sweep.is_due(self.cache.len()) {
            self.cache.retain(|_, failure| self.is_recent(failure, now));
        }
    }

    fn before(&self, key: &CacheKey, outcome: &Outcome, now: UnixTime) -> u32 {
        if !matches!(outcome, Outcome::Transient { .. }) {
            return 0;
        }
        let before = self.cache.get(key).filter(|failure| self.is_recent(failure, now));
        let before = before.filter(|failure| matches!(failure.outcome, Outcome::Transient { .. }));
        before.map_or(0, |failure| failure.times.saturating_add(1))
    }

    /// Whether it is still told, or the next one is one in a row.
    fn is_recent(&self, failure: &Failure, now: UnixTime) -> bool {
        is_before(now, failure.until.plus(self.life.transient_at_most), self.longest.saturating_mul(2))
    }
}
