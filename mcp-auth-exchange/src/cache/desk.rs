//! Where a request asks for its token.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Uri;
use mcp_auth_core::UnixTime;

use super::breaker::{BreakerSettings, CircuitState};
use super::circuits::{Circuits, Pass, circuit_open, name_of};
use super::failures::{FailureLife, Failures};
use super::flight::Flights;
use super::{CacheKey, TokenStore};
use crate::outcome::Outcome;
use crate::plan::{ExchangePlan, IssuedToken, Subject};

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
    circuits: Circuits,
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

/// The right and the duty to end one exchange: with [`ExchangeDesk::finish`], [`ExchangeDesk::finish_unasked`],
/// [`ExchangeDesk::abandon`] or [`ExchangeDesk::abandon_before`]. It ends that one and no other: it is not `Clone`, and ending takes it.
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
    endpoints: Vec<Pass>,
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
            circuits: Circuits::new(settings, seed.rotate_left(16)),
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
        let endpoints = match self.circuits.pass(plan, subject, now) {
            Ok(endpoints) => endpoints,
            Err((until, step)) => return Ask::Failed(circuit_open(plan, step, until, now)),
        };
        let waiter = waiter();
        let number = flights.begin(key, waiter.clone(), now);
        Ask::Lead(Ticket { key, number, endpoints }, waiter)
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
        let Ok(endpoints) = self.circuits.pass(plan, subject, now) else { return Ask::Ready(token) };
        let number = flights.begin(key, waiter(), now);
        Ask::Renew(token, Ticket { key, number, endpoints })
    }

    /// Ends an exchange with what came of it. Gives what its followers wait with, so that they can be told; `None`
    /// when the exchange took so long that somebody else began another.
    pub fn finish(&self, ticket: Ticket, outcome: &Outcome, now: UnixTime) -> Option<W> {
        let Ticket { key, number, endpoints } = ticket;
        if let Outcome::Token(token) = outcome {
            self.tokens.insert(key, token.clone(), now);
        }
        self.failures.keep(key, outcome, now);
        self.circuits.tell(&endpoints, outcome, now);
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
        self.end_before(ticket, 0)
    }

    /// Ends an exchange that stops before the first request to `endpoint`, which was never sent: nothing is remembered,
    /// its circuit hears nothing, and those of the steps before it hear that they answered. As
    /// [`abandon`](Self::abandon) where no step before it is.
    pub fn abandon_before(&self, ticket: Ticket, endpoint: &Uri) -> Option<W> {
        let name = name_of(endpoint);
        let answered = ticket.endpoints.iter().position(|pass| pass.endpoint == name).unwrap_or(0);
        self.end_before(ticket, answered)
    }

    fn end_before(&self, ticket: Ticket, answered: usize) -> Option<W> {
        self.circuits.end_before(&ticket.endpoints, answered);
        lock(&self.flights).end(&ticket.key, ticket.number)
    }

    /// For a request that had to wait before it could be sent: what is said instead of sending it, where the circuit of
    /// its step's endpoint opened meanwhile. End the exchange with [`abandon_before`](Self::abandon_before) then.
    pub fn opened_meanwhile(&self, plan: &ExchangePlan, endpoint: &Uri, now: UnixTime) -> Option<Outcome> {
        self.circuits.opened(plan, endpoint, now)
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
        self.circuits.states()
    }
}

impl<W> fmt::Debug for ExchangeDesk<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangeDesk").field("tokens", &self.tokens).finish_non_exhaustive()
    }
}

/// A panic elsewhere leaves tables that are whole: each change is one call.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
