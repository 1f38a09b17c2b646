//! What an embedder can bring.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use mcp_auth_exchange::cache::CacheKey;
use mcp_auth_exchange::plan::{ActorToken, IssuedToken};

/// Who acts for the callers (RFC 8693 §2.1 `actor_token`).
pub trait ActorTokens: Send + Sync + Debug {
    /// The actor's token now; `None` where there is none, and then a plan that takes one is not run. Called for every
    /// request: it waits for nothing. A new token means new exchanges, since who acts stands in what is issued.
    fn current(&self) -> Option<ActorToken>;
}

/// The future of a [`SharedTokens`].
pub type SharedFuture<'s, T> = Pin<Box<dyn Future<Output = T> + Send + 's>>;

/// Where several replicas share issued tokens. Asked before a provider is, never for a token that this replica has.
///
/// This is the seam for a store such as Redis; without one each replica exchanges for itself. An implementation seals
/// what it stores ([`SharedEntry`](mcp_auth_exchange::cache::SharedEntry) has the form and what the seal is bound to),
/// and treats what it cannot open as absent. It gets a second for each call; a store that is slow or down costs an
/// exchange and nothing else.
pub trait SharedTokens: Send + Sync + Debug {
    /// The token under this key.
    fn get(&self, key: CacheKey) -> SharedFuture<'_, Option<IssuedToken>>;

    /// Keeps a token, until its [`usable_until`](IssuedToken::usable_until) at most.
    fn put<'s>(&'s self, key: CacheKey, token: &'s IssuedToken) -> SharedFuture<'s, ()>;

    /// Forgets what is under this key: a downstream refused it.
    fn remove(&self, key: CacheKey) -> SharedFuture<'_, ()>;
}
