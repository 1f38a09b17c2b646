//! What was exchanged lately, and who is exchanging now.
//!
//! ```text
//!  ask(key) ─┬─▶ Ready: a token that is good for a while
//!            ├─▶ Renew: a token that is still good, and the ticket to get the next one
//!            ├─▶ Failed: what went wrong a moment ago, or the circuit is open
//!            ├─▶ Lead: the ticket to exchange now ──▶ finish(ticket, outcome) or abandon(ticket)
//!            └─▶ Follow: somebody exchanges under this key already; wait for him
//! ```
//!
//! A [`CacheKey`] is a digest of everything that goes into the requests, the user's token included. Whatever is kept
//! under one key, a token or a failure, is therefore for one user's token, and nobody else is given it.

mod breaker;
mod circuits;
mod desk;
mod failures;
mod flight;
mod key;
mod shared;
#[cfg(test)]
mod tests;
mod tokens;

use std::time::Duration;

use mcp_auth_core::UnixTime;

pub use breaker::{BreakerSettings, CircuitState};
pub use desk::{Ask, ExchangeDesk, Ticket};
pub use failures::FailureLife;
pub use key::CacheKey;
pub(crate) use key::{PlanParts, RequestParts, StepParts};
pub use shared::{SharedEntry, SharedEntryError};
pub use tokens::TokenStore;

/// Whether `now` is before `until`, which was set at most `longest` before it: one that is further away was set before
/// the clock was set back, and is over.
fn is_before(now: UnixTime, until: UnixTime, longest: Duration) -> bool {
    now < until && until.since(now) <= longest
}
