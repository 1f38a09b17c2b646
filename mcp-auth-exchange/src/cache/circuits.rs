//! The circuits of all endpoints, and what the exchanges of a plan tell them.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::Mutex;
use std::time::Duration;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use http::Uri;
use mcp_auth_core::UnixTime;

use super::breaker::{Breaker, BreakerSettings, CircuitState, Who};
use super::desk::lock;
use crate::outcome::{Diagnosis, Facts, Outcome};
use crate::plan::{ExchangePlan, Subject};

/// The circuits of all endpoints that were asked.
pub(super) struct Circuits {
    by_endpoint: Mutex<HashMap<Box<str>, Breaker>>,
    settings: BreakerSettings,
    /// Tells subjects apart; nobody outside can aim at another's number.
    hasher: SeedableRandomState,
}

/// One endpoint of an exchange, in the order of the plan's steps.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) endpoint: Box<str>,
    who: Who,
}

impl Circuits {
    /// Take `seed` from a random source.
    pub(super) fn new(settings: BreakerSettings, seed: u64) -> Self {
        let hasher = SeedableRandomState::with_seed(seed, SharedSeed::global_fixed());
        Self { by_endpoint: Mutex::default(), settings, hasher }
    }

    pub(super) fn states(&self) -> Vec<(String, CircuitState)> {
        let circuits = lock(&self.by_endpoint);
        // Queries are nobody's business who reads about circuits.
        let shown = |endpoint: &str| endpoint.split('?').next().unwrap_or_default().to_owned();
        circuits.iter().map(|(endpoint, breaker)| (shown(endpoint), breaker.state())).collect()
    }

    /// Lets a request through when all circuits do, so that no circuit is left probing for one that another stops.
    pub(super) fn pass(
        &self,
        plan: &ExchangePlan,
        subject: &Subject,
        now: UnixTime,
    ) -> Result<Vec<Pass>, (UnixTime, usize)> {
        let principal = subject.principal();
        let name = principal.subject().or_else(|| principal.client_id());
        let subject = self.hasher.hash_one((principal.issuer(), name));
        let endpoints: Vec<Box<str>> =
            plan.steps().iter().map(|step| name_of(step.endpoint().uri())).collect();
        let mut circuits = lock(&self.by_endpoint);
        for (step, endpoint) in endpoints.iter().enumerate() {
            if let Some(breaker) = circuits.get(endpoint) {
                breaker.would_allow(subject, now).map_err(|until| (until, step))?;
            }
        }
        let passes = endpoints.into_iter().map(|endpoint| {
            let breaker = circuits.entry(endpoint.clone()).or_insert_with(|| Breaker::new(self.settings));
            // INVARIANT: allowed a line ago, under the same lock; an endpoint that occurs twice has this probe already.
            let is_probe = breaker.allow(subject, now).unwrap_or(true);
            Pass { endpoint, who: Who { subject, is_probe } }
        });
        Ok(passes.collect())
    }

    pub(super) fn tell(&self, endpoints: &[Pass], outcome: &Outcome, now: UnixTime) {
        let mut circuits = lock(&self.by_endpoint);
        let ended_at = outcome.diagnosis().map_or(endpoints.len(), |d| d.step().saturating_sub(1));
        let asked = outcome.diagnosis().is_none_or(Diagnosis::was_asked);
        for (step, Pass { endpoint, who }) in endpoints.iter().enumerate() {
            let Some(breaker) = circuits.get_mut(endpoint) else { continue };
            match outcome {
                Outcome::Transient { retry_after, diagnosis } if step == ended_at => {
                    // A 429 may be about one user: the pause is his, and what he failed counts as one failure.
                    let limited = diagnosis.status() == Some(429);
                    breaker.failed(*who, retry_after.filter(|_| !limited), now);
                }
                // Two steps at one endpoint: what it said last counts.
                _ if step < ended_at && endpoints.get(ended_at).is_some_and(|e| e.endpoint == *endpoint) => {}
                _ if step < ended_at || step == ended_at && asked => breaker.answered(),
                // Never asked.
                _ => breaker.abandoned(*who),
            }
        }
    }

    /// An exchange stopped after `answered` steps, and sent nothing to the endpoints of the others.
    pub(super) fn end_before(&self, endpoints: &[Pass], answered: usize) {
        let mut circuits = lock(&self.by_endpoint);
        for (step, pass) in endpoints.iter().enumerate() {
            let Some(breaker) = circuits.get_mut(&pass.endpoint) else { continue };
            if step < answered {
                breaker.answered();
            } else {
                breaker.abandoned(pass.who);
            }
        }
    }

    /// What is said instead of asking an endpoint whose circuit is open.
    pub(super) fn opened(&self, plan: &ExchangePlan, endpoint: &Uri, now: UnixTime) -> Option<Outcome> {
        let step = plan.steps().iter().position(|step| step.endpoint().uri() == endpoint)?;
        match lock(&self.by_endpoint).get(&name_of(endpoint))?.state() {
            CircuitState::Open { until } if now < until => Some(circuit_open(plan, step, until, now)),
            _ => None,
        }
    }
}

/// By which an endpoint is found.
pub(super) fn name_of(endpoint: &Uri) -> Box<str> {
    endpoint.to_string().into()
}

pub(super) fn circuit_open(plan: &ExchangePlan, step: usize, until: UnixTime, now: UnixTime) -> Outcome {
    let provider = plan.steps().get(step).map(|step| step.profile().name().to_owned()).unwrap_or_default();
    let facts = Facts { provider, step: step + 1, ..Facts::default() };
    let text = "not asked: it failed for several users in a row, or asked for a pause";
    Outcome::Transient {
        retry_after: Some(until.since(now).max(Duration::from_secs(1))),
        diagnosis: Diagnosis::new("circuit_open", text, &facts),
    }
}
