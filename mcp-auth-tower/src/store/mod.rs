//! Where it is written down what was used: codes, logins, refresh tokens, sessions.
//!
//! [`LocalStore`] is for one instance and forgets at its end: logins under way and the sessions of clients end with the
//! process only as far as their tokens wait here, and what was used is no longer known. Several replicas need one store
//! that all of them ask, or a code could be used once at each. With the feature `redis` that is `redis::RedisStore`.
//!
//! A store that cannot be asked is a refusal, never a guess: whoever depends on it answers 503.

mod local;
#[cfg(feature = "redis")]
pub mod redis;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use mcp_auth_core::UnixTime;
pub use mcp_auth_exchange::facade::{StoreCommand, StoreEntry, StoreReply};

pub use local::LocalStore;

/// Carries out the commands of the [facade](crate::facade). Each takes effect at once and whole, or fails.
///
/// `now` is the time of whoever asks; a store with a clock of its own goes by that one, and the two should agree within a
/// few seconds. Nothing that has not expired may be dropped to make room: what was used could be used again.
pub trait Store: Send + Sync + Debug {
    /// Carries out one command.
    fn execute(&self, command: StoreCommand, now: UnixTime) -> StoreFuture<'_>;
}

/// The future of [`Store::execute`].
pub type StoreFuture<'s> = Pin<Box<dyn Future<Output = Result<StoreReply, StoreError>> + Send + 's>>;

/// Why a command was not carried out, or may not have been. Holds no value and no password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No room until something expires.
    #[error("the store has no room until something expires: give it more, or find out who fills it")]
    Full,
    /// It cannot be reached, or the connection broke.
    #[error("the store cannot be reached: {0}")]
    Unavailable(String),
    /// Not done in time.
    #[error("the store did not answer within {0:?}")]
    Timeout(Duration),
    /// It refused the name, the password, or the command for this user.
    #[error("the store refuses us: {0}; check user, password and its access rules")]
    Refused(String),
    /// It cannot do what is needed.
    #[error("the store cannot be used: {0}")]
    Unusable(String),
    /// It answered something that no command asks for.
    #[error("the store answered something unexpected")]
    Answer,
}
