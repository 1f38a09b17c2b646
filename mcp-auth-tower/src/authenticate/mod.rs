//! Authentication: from the token in the request to an [`Authenticated`](crate::Authenticated) extension.
//!
//! 1. Where tokens stand is said per issuer; `Authorization: Bearer` where nothing is. No credential: 401 with a
//!    challenge that names the metadata and no `error`; more than one, or a malformed one: 400.
//! 2. The token's issuer chooses keys, algorithms and audiences; anything wrong: 401 `invalid_token` with a
//!    fixed text. The operator's reason goes to `tracing` and into the response's extensions.
//! 3. A token that was verified before costs one look-up, and is asked again for everything that may have
//!    changed: its dates, its key, revocation, what the request proves.
//! 4. A token that is bound to a key or a certificate needs a proof of it with each request: [`dpop`],
//!    [`PeerCertificate`].
//! 5. Keys that were never fetched: 503. A token that names an unknown key waits for one fetch, at most 5 s.
//! 6. Opaque tokens, and those of an issuer without keys, are looked up at their issuer ([`Introspection`]).
//! 7. The token is removed from the request unless [`AuthenticateLayer::forward_token`] was asked for. Headers
//!    set from claims ([`AuthenticateLayer::claim_headers`]) are ours alone.
//!
//! Not a byte of the body is read before.

pub mod dpop;

mod certificate;
mod future;
mod introspect;
mod judge;
mod layer;
mod service;

pub use certificate::PeerCertificate;
pub use dpop::{DpopConfigError, DpopMode, DpopSettings};
pub use future::ResponseFuture;
pub use introspect::Introspection;
pub use layer::{AuthenticateLayer, Mode, RevocationList};
pub use service::Authenticate;
