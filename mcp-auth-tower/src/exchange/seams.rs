//! What an embedder can bring.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use mcp_auth_core::policy::Context;
use mcp_auth_exchange::cache::CacheKey;
use mcp_auth_exchange::grant::Parameters;
use mcp_auth_exchange::plan::{ActorToken, ExchangePlan, IssuedToken};

/// Who acts for the callers (RFC 8693 §2.1 `actor_token`).
pub trait ActorTokens: Send + Sync + Debug {
    /// The actor's token now; `None` where there is none, and then a plan that takes one is not run. Called for every
    /// request: it waits for nothing. A new token means new exchanges, since who acts stands in what is issued.
    fn current(&self) -> Option<ActorToken>;
}

/// What a request adds to the parameters of the first step, such as a `login_hint` of the caller's token. What it gives
/// is part of the cache's key: what differs for each request makes an exchange for each.
pub trait RequestParameters: Send + Sync + Debug {
    /// The parameters for this request, whose credentials were taken out before, and the plan that was chosen for it.
    ///
    /// # Errors
    ///
    /// Why there are none, for the log: the request is refused (403).
    fn parameters(&self, plan: &ExchangePlan, context: &Context<'_>) -> Result<Parameters, String>;
}

/// The future of a [`SharedTokens`].
pub type SharedFuture<'s, T> = Pin<Box<dyn Future<Output = T> + Send + 's>>;

/// Whose turn it is to exchange under a key, among all replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the exchange has to handle each")]
pub enum Claim {
    /// Ours, until it is released or its time is over.
    Ours,
    /// Another replica's, which exchanges now.
    Theirs,
    /// The store does not say: each replica exchanges for itself.
    Unknown,
}

/// Where several replicas share issued tokens. Asked before a provider is, never for a token that this replica has.
///
/// Without one each replica exchanges for itself; with the feature `redis` there is `RedisTokens`. An implementation seals
/// what it stores ([`SharedEntry`](mcp_auth_exchange::cache::SharedEntry) has the form and what the seal is bound to),
/// and treats what it cannot open as absent. It gets a second for each call (`ExchangerBuilder::shared_timeout`); a store that is slow or down costs an
/// exchange and nothing else.
///
/// Before an exchange its key is claimed. Where another replica has the claim, this one looks every 50 ms for what that
/// one brings, for as long as one request to a provider may take; then it exchanges itself. What went wrong at one replica
/// is not handed to another, which tries when the claim is free.
pub trait SharedTokens: Send + Sync + Debug {
    /// The token under this key.
    fn get(&self, key: CacheKey) -> SharedFuture<'_, Option<IssuedToken>>;

    /// Keeps a token, until its [`usable_until`](IssuedToken::usable_until) at most.
    fn put<'s>(&'s self, key: CacheKey, token: &'s IssuedToken) -> SharedFuture<'s, ()>;

    /// Forgets this token, which a downstream refused. Another one under this key stays: a replica that met the refusal
    /// before has replaced it.
    fn remove<'s>(&'s self, key: CacheKey, token: &'s IssuedToken) -> SharedFuture<'s, ()>;

    /// Claims the exchange under this key, for at most this time.
    fn claim(&self, key: CacheKey, hold: Duration) -> SharedFuture<'_, Claim> {
        let _ = (key, hold);
        Box::pin(async { Claim::Unknown })
    }

    /// Gives a claim of ours back, well before its time is over.
    fn release(&self, key: CacheKey) -> SharedFuture<'_, ()> {
        let _ = key;
        Box::pin(async {})
    }
}
