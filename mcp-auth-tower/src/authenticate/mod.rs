//! Authentication: from the token in the request to an [`Authenticated`](crate::Authenticated) extension.
//!
//! 1. No credential: 401 with a challenge that names the metadata and no `error`; more than one, or a
//!    malformed one: 400.
//! 2. The token's issuer chooses keys, algorithms and audiences; anything wrong: 401 `invalid_token` with a
//!    fixed text. The operator's reason goes to `tracing` and into the response's extensions.
//! 3. Keys that were never fetched: 503. A token that names an unknown key waits for one fetch, at most 5 s.
//! 4. The token is removed from the request unless [`AuthenticateLayer::forward_token`] was asked for.
//!
//! Not a byte of the body is read before.

mod future;
mod layer;
mod service;

pub use future::ResponseFuture;
pub use layer::{AuthenticateLayer, Mode};
pub use service::Authenticate;
