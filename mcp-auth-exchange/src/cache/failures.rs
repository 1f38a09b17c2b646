//! What went wrong a moment ago, so that a client that tries again and again does not reach the provider each time.

use std::time::Duration;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use mcp_auth_core::UnixTime;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use super::CacheKey;
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
    /// The provider is down, unless it named a time itself. Default 1 second.
    pub transient: Duration,
    /// Consent, step-up and claims: nobody is done with it in a browser sooner. Default 2 seconds.
    pub user_action: Duration,
}

impl Default for FailureLife {
    fn default() -> Self {
        Self {
            subject_refused: Duration::from_secs(30),
            misconfigured: Duration::from_secs(10),
            transient: Duration::from_secs(1),
            user_action: Duration::from_secs(2),
        }
    }
}

impl FailureLife {
    /// How long this one is remembered. Exhaustive: a new outcome does not compile until somebody chose.
    fn of(&self, outcome: &Outcome) -> Duration {
        match outcome {
            Outcome::Token(_) => Duration::ZERO,
            Outcome::SubjectRefused(_) => self.subject_refused,
            Outcome::ConsentRequired(_) | Outcome::StepUp { .. } | Outcome::ClaimsChallenge { .. } => {
                self.user_action
            }
            Outcome::Misconfigured(_) | Outcome::Unusable(_) => self.misconfigured,
            Outcome::Transient { retry_after, .. } => retry_after.unwrap_or(self.transient),
        }
    }
}

/// Failures by key, bounded in number.
pub(super) struct Failures {
    life: FailureLife,
    cache: Cache<CacheKey, (UnixTime, Outcome), UnitWeighter, SeedableRandomState>,
}

impl Failures {
    pub(super) fn new(life: FailureLife, max_items: usize, seed: u64) -> Self {
        let hasher = SeedableRandomState::with_seed(seed, SharedSeed::global_fixed());
        let max = max_items.max(16);
        Self { life, cache: Cache::with(max, max as u64, UnitWeighter, hasher, DefaultLifecycle::default()) }
    }

    pub(super) fn get(&self, key: &CacheKey, now: UnixTime) -> Option<Outcome> {
        self.cache.get(key).filter(|(until, _)| now < *until).map(|(_, outcome)| outcome)
    }

    /// Remembers a failure, or forgets the one before after a success.
    pub(super) fn keep(&self, key: CacheKey, outcome: &Outcome, now: UnixTime) {
        let until = now.plus(self.life.of(outcome));
        if until > now {
            self.cache.insert(key, (until, outcome.clone()));
        } else {
            self.cache.remove(&key);
        }
    }
}
