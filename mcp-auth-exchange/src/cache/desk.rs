//! Where a request asks for its token.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use mcp_auth_core::UnixTime;

use super::breaker::{Breaker, BreakerSettings, CircuitState, Who};
use super::failures::{FailureLife, Failures};
use super::flight::Flights;
use super::{CacheKey, TokenStore};
use crate::outcome::{Diagnosis, Facts, Outcome};
use crate::plan::{ExchangePlan, IssuedToken, Step, Subject};

/// A token younger than this that a downstream refuses is not replaced: the next would not be better.
const YOUNG: Duration = Duration::from_secs(5);

/// How long an exchange may take before somebody else tries; more than a plan's requests with their timeouts take.
const FLIGHT: Duration = Duration::from_secs(60);

/// Issued tokens, failures of a moment ago, exchanges under way and circuits: what all requests of a gateway share.
///
/// `W` is what followers wait with, such as a channel of the driver's runtime; nothing here waits. A lock is held for
/// a look into a table, never during an exchange.
///
/// ```
/// # use std::sync::Arc;
/// # use mcp_auth_core::UnixTime;
/// # use mcp_auth_exchange::cache::{Ask, ExchangeDesk};
/// # use mcp_auth_exchange::plan::{ExchangePlan, Subject};
/// # fn example(desk: &ExchangeDesk<Arc<str>>, plan: &ExchangePlan, subject: &Subject, now: UnixTime) {
/// let key = plan.cache_key("", subject, None);
/// match desk.ask(key, plan, subject, now, || "a channel".into()) {
///     Ask::Ready(token) => { /* use it */ }
///     Ask::Renew(token, ticket) => { /* use it, and exchange in the background */ }
///     Ask::Lead(ticket, channel) => { /* exchange; finish(ticket); tell the channel */ }
///     Ask::Follow(channel) => { /* wait for the channel, or ask again after a time */ }
///     Ask::Failed(outcome) => { /* answer the client */ }
/// }
/// # }
/// ```
pub struct ExchangeDesk<W> {
    tokens: TokenStore,
    failures: Failures,
    flights: Mutex<Flights<W>>,
    circuits: Mutex<HashMap<Box<str>, Breaker>>,
    settings: BreakerSettings,
    hasher: SeedableRandomState,
}

/// What came of asking.
#[derive(Debug)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a driver has to handle each")]
pub enum Ask<W> {
    /// Use this.
    Ready(Arc<IssuedToken>),
    /// Use this, and exchange in the background.
    Renew(Arc<IssuedToken>, Ticket),
    /// Exchange now.
    Lead(Ticket, W),
    /// Somebody exchanges under this key: wait for him, and ask again when he has ended without a word.
    Follow(W),
    /// There is no token now.
    Failed(Outcome),
}

/// The right and the duty to end one exchange: with [`ExchangeDesk::finish`], [`ExchangeDesk::finish_unasked`] or
/// [`ExchangeDesk::abandon`]. It ends that one and no other: it is not `Clone`, and ending takes it.
///
/// ```compile_fail
/// # use mcp_auth_exchange::cache::{ExchangeDesk, Ticket};
/// # fn twice(desk: &ExchangeDesk<()>, ticket: Ticket) {
/// desk.abandon(ticket);
/// desk.abandon(ticket); // use of moved value
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Ticket {
    key: CacheKey,
    number: u64,
    endpoints: Vec<Box<str>>,
    who: Who,
}

impl Ticket {
    /// The key that is exchanged under.
    pub fn key(&self) -> CacheKey {
        self.key
    }
}

impl<W: Clone> ExchangeDesk<W> {
    /// A desk that keeps at most `max_bytes` of tokens. Take `seed` from a random source.
    pub fn new(max_bytes: usize, seed: u64) -> Self {
        Self::with(max_bytes, seed, FailureLife::default(), BreakerSettings::default())
    }

    /// As [`new`](Self::new), with settings.
    pub fn with(max_bytes: usize, seed: u64, life: FailureLife, settings: BreakerSettings) -> Self {
        Self {
            tokens: TokenStore::new(max_bytes, seed),
            // One failure is a few hundred bytes.
            failures: Failures::new(life, max_bytes / 8192, seed.rotate_left(32)),
            flights: Mutex::new(Flights::new(FLIGHT)),
            circuits: Mutex::new(HashMap::new()),
            settings,
            hasher: SeedableRandomState::with_seed(seed.rotate_left(16), SharedSeed::global_fixed()),
        }
    }

    /// Asks for the token of `plan` for `subject`, whose [`key`](ExchangePlan::cache_key) is. `waiter` makes what others wait with, should this one lead.
    pub fn ask(
        &self,
        key: CacheKey,
        plan: &ExchangePlan,
        subject: &Subject,
        now: UnixTime,
        waiter: impl FnOnce() -> W,
    ) -> Ask<W> {
        if let Some(token) = self.tokens.get(&key, now) {
            return self.renew(key, plan, subject, token, now, waiter);
        }
        if let Some(outcome) = self.failures.get(&key, now) {
            return Ask::Failed(outcome);
        }
        let mut flights = lock(&self.flights);
        if let Some(waiter) = flights.under_way(&key, now) {
            return Ask::Follow(waiter.clone());
        }
        // A flight that ended between the first look and the lock has left something.
        if let Some(token) = self.tokens.get(&key, now) {
            return Ask::Ready(token);
        }
        if let Some(outcome) = self.failures.get(&key, now) {
            return Ask::Failed(outcome);
        }
        let endpoints = endpoints(plan);
        let who = match self.pass_circuits(&endpoints, subject, now) {
            Ok(who) => who,
            Err((until, step)) => return Ask::Failed(circuit_open(plan, step, until, now)),
        };
        let waiter = waiter();
        let number = flights.begin(key, waiter.clone(), now);
        Ask::Lead(Ticket { key, number, endpoints, who }, waiter)
    }

    fn renew(
        &self,
        key: CacheKey,
        plan: &ExchangePlan,
        subject: &Subject,
        token: Arc<IssuedToken>,
        now: UnixTime,
        waiter: impl FnOnce() -> W,
    ) -> Ask<W> {
        // A renewal that failed a moment ago is remembered too; the token is still good.
        if now < token.refresh_at() || self.failures.get(&key, now).is_some() {
            return Ask::Ready(token);
        }
        let mut flights = lock(&self.flights);
        if flights.under_way(&key, now).is_some()
            || self.tokens.get(&key, now).is_some_and(|t| now < t.refresh_at())
        {
            return Ask::Ready(token);
        }
        let endpoints = endpoints(plan);
        let Ok(who) = self.pass_circuits(&endpoints, subject, now) else { return Ask::Ready(token) };
        let number = flights.begin(key, waiter(), now);
        Ask::Renew(token, Ticket { key, number, endpoints, who })
    }

    /// Ends an exchange with what came of it. Gives what its followers wait with, so that they can be told; `None`
    /// when the exchange took so long that somebody else began another.
    pub fn finish(&self, ticket: Ticket, outcome: &Outcome, now: UnixTime) -> Option<W> {
        let Ticket { key, number, endpoints, who } = ticket;
        if let Outcome::Token(token) = outcome {
            self.tokens.insert(key, token.clone(), now);
        }
        self.failures.keep(key, outcome, now);
        self.tell_circuits(&endpoints, who, outcome, now);
        lock(&self.flights).end(&key, number)
    }

    /// Ends an exchange for which no provider was asked: another replica had the token. As [`finish`](Self::finish), but
    /// no circuit hears of an answer.
    pub fn finish_unasked(&self, ticket: Ticket, token: Arc<IssuedToken>, now: UnixTime) -> Option<W> {
        self.tokens.insert(ticket.key, token.clone(), now);
        self.failures.keep(ticket.key, &Outcome::Token(token), now);
        self.abandon(ticket)
    }

    /// Ends an exchange of which nothing came: its task was dropped. Nothing is remembered, and the next one who asks
    /// leads. Gives what its followers wait with.
    pub fn abandon(&self, ticket: Ticket) -> Option<W> {
        let mut circuits = lock(&self.circuits);
        for endpoint in &ticket.endpoints {
            if let Some(breaker) = circuits.get_mut(endpoint) {
                breaker.abandoned(ticket.who);
            }
        }
        drop(circuits);
        lock(&self.flights).end(&ticket.key, ticket.number)
    }

    /// Whether it is worth asking for another token, once, when a downstream answers 401 to this one; not where it was
    /// issued in the last 5 seconds.
    pub fn is_worth_replacing(&self, token: &IssuedToken, now: UnixTime) -> bool {
        // One that was issued later than now is of before the clock was set back.
        token.issued_at() > now || now.since(token.issued_at()) >= YOUNG
    }

    /// The downstream answered 401 to this token: forgets it, where it [is worth replacing](Self::is_worth_replacing),
    /// and says whether it was. Where replicas share tokens, it has to be out of their store before, or somebody brings
    /// it back from there.
    pub fn refused_downstream(&self, key: &CacheKey, token: &Arc<IssuedToken>, now: UnixTime) -> bool {
        let worth = self.is_worth_replacing(token, now);
        if worth {
            self.tokens.remove(key, token);
        }
        worth
    }

    /// The tokens, to put one in that another replica got.
    pub fn tokens(&self) -> &TokenStore {
        &self.tokens
    }

    /// Number of exchanges under way.
    pub fn under_way(&self) -> usize {
        lock(&self.flights).len()
    }

    /// The circuits of all endpoints that were asked.
    pub fn circuits(&self) -> Vec<(String, CircuitState)> {
        let circuits = lock(&self.circuits);
        circuits.iter().map(|(endpoint, breaker)| (endpoint.to_string(), breaker.state())).collect()
    }

    /// Lets a request through when all circuits do, so that no circuit is left probing for one that another stops.
    fn pass_circuits(
        &self,
        endpoints: &[Box<str>],
        subject: &Subject,
        now: UnixTime,
    ) -> Result<Who, (UnixTime, usize)> {
        let principal = subject.principal();
        let name = principal.subject().or_else(|| principal.client_id());
        let mut who = Who { subject: self.hasher.hash_one((principal.issuer(), name)), is_probe: false };
        let mut circuits = lock(&self.circuits);
        for (step, endpoint) in endpoints.iter().enumerate() {
            if let Some(breaker) = circuits.get(endpoint) {
                breaker.would_allow(who.subject, now).map_err(|until| (until, step))?;
            }
        }
        for endpoint in endpoints {
            let new = || Breaker::new(self.settings);
            let allowed = circuits.entry(endpoint.clone()).or_insert_with(new).allow(who.subject, now);
            // INVARIANT: allowed a line ago, under the same lock; an endpoint that occurs twice has this probe already.
            who.is_probe |= allowed.unwrap_or(true);
        }
        Ok(who)
    }

    fn tell_circuits(&self, endpoints: &[Box<str>], who: Who, outcome: &Outcome, now: UnixTime) {
        let mut circuits = lock(&self.circuits);
        let ended_at = outcome.diagnosis().map_or(endpoints.len(), |d| d.step().saturating_sub(1));
        let asked = outcome.diagnosis().is_none_or(Diagnosis::was_asked);
        for (step, endpoint) in endpoints.iter().enumerate() {
            let Some(breaker) = circuits.get_mut(endpoint) else { continue };
            match outcome {
                Outcome::Transient { retry_after, diagnosis } if step == ended_at => {
                    // A 429 may be about one user: the pause is his, and what he failed counts as one failure.
                    let limited = diagnosis.status() == Some(429);
                    breaker.failed(who, retry_after.filter(|_| !limited), now);
                }
                // Two steps at one endpoint: what it said last counts.
                _ if step < ended_at && endpoints.get(ended_at) == Some(endpoint) => {}
                _ if step < ended_at || step == ended_at && asked => breaker.answered(),
                // Never asked.
                _ => breaker.abandoned(who),
            }
        }
    }
}

impl<W> fmt::Debug for ExchangeDesk<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeDesk").field("tokens", &self.tokens).finish_non_exhaustive()
    }
}

/// Without queries, which are nobody's business who reads about circuits.
fn endpoints(plan: &ExchangePlan) -> Vec<Box<str>> {
    let name = |step: &Step| {
        let uri = step.endpoint().uri();
        let (scheme, authority) = (uri.scheme_str().unwrap_or_default(), uri.authority());
        format!("{scheme}://{}{}", authority.map_or("", |a| a.as_str()), uri.path()).into()
    };
    plan.steps().iter().map(name).collect()
}

fn circuit_open(plan: &ExchangePlan, step: usize, until: UnixTime, now: UnixTime) -> Outcome {
    let provider = plan.steps().get(step).map(|step| step.profile().name().to_owned()).unwrap_or_default();
    let facts = Facts { provider, step: step + 1, ..Facts::default() };
    let text = "not asked: it failed for several users in a row, or asked for a pause";
    Outcome::Transient {
        retry_after: Some(until.since(now).max(Duration::from_secs(1))),
        diagnosis: Diagnosis::new("circuit_open", text, &facts),
    }
}

/// A panic elsewhere leaves tables that are whole: each change is one call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
