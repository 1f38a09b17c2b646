//! Streams end with the token that opened them.
//!
//! 1. An answer of type `text/event-stream` is ended at the token's `exp` plus its issuer's leeway, the time at which
//!    a new request with that token would be refused; with whole seconds on the clock, less than a second later. The
//!    client comes back, learns by a 401 that it needs a new token, and resumes.
//! 2. Every other answer is one message of a call that was allowed, and is not cut.
//! 3. Without a principal, or with a token that has no `exp`, nothing is ended.
//!
//! A timer exists only for a stream that waits for its next event.
//!
//! Put it behind [`authenticate`](crate::authenticate). It needs a tokio runtime.

mod body;
mod future;
mod layer;
mod service;

pub use body::ExpiringBody;
pub use future::ResponseFuture;
pub use layer::ExpiryLayer;
pub use service::Expiry;
