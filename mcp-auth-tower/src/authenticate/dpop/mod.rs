//! DPoP (RFC 9449) in the authentication layer.
//!
//! 1. Per issuer proofs are off, accepted or required ([`DpopMode`]). Where they are not off, tokens are read from
//!    `Authorization: DPoP` wherever they are read from `Authorization: Bearer`.
//! 2. A token that is bound to a key (`cnf.jkt`) and comes as `Bearer` is refused, and so is a token that is bound
//!    to none and comes as `DPoP`. Both are 401, as is a proof that does not hold: `invalid_dpop_proof`.
//! 3. A remembered token needs a proof for each request all the same.
//! 4. A proof is good once. When there is no more room to remember that, new ones are refused with 503.
//! 5. A refusal with 401 has a line `DPoP algs="…"` behind the `Bearer` line. Where nonces are required and the
//!    proof's is missing or old, the `DPoP` line comes alone, with `use_dpop_nonce` and a header `DPoP-Nonce`.
//! 6. The header `DPoP` is removed from the request together with the token.
//!
//! # Deployment
//!
//! - **The URI of a proof** is compared with the configured resource's scheme, host and port and the path of the
//!   request, never with `Host` or `X-Forwarded-*`, which are the client's words. Behind a proxy or a router that
//!   takes a part of the path away (axum's `nest` does) say what is missing: [`DpopSettings::public_base`].
//! - **Several processes** do not know what the others saw: each accepts a proof once, within its window of a
//!   minute. Send a client's requests to the same one, or keep the window small. Nonces need one secret for all of
//!   them ([`Nonces::new`](mcp_auth_core::dpop::Nonces::new)).
//! - **Room for proofs** is shared by all clients: limit how many requests one may send, or a client with a good
//!   token can take all of it for a minute or two ([`DpopSettings::replay_bytes`]).
//! - **Clients in browsers** read `DPoP-Nonce` and `WWW-Authenticate` only where the CORS layer in front lists them in
//!   `Access-Control-Expose-Headers`.
//!
//! ```
//! use mcp_auth_tower::McpAuth;
//! use mcp_auth_tower::authenticate::{DpopMode, DpopSettings};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Bound tokens need proofs, the others may still come as they are.
//! let auth = McpAuth::builder("https://mcp.example/mcp")?
//!     .issuer("https://idp.example", "https://idp.example/jwks.json")?
//!     .dpop(DpopMode::Accepted)
//!     .build()?;
//! # let _ = auth;
//!
//! // Every token of this issuer is bound, and proofs carry nonces.
//! let builder = McpAuth::builder("https://mcp.example/mcp")?;
//! let settings = DpopSettings::new(DpopMode::Required, builder.resource()).require_nonces();
//! let auth = builder
//!     .issuer("https://idp.example", "https://idp.example/jwks.json")?
//!     .dpop_with(settings)
//!     .build()?;
//! # let _ = auth;
//! # Ok(()) }
//! ```

mod answer;
mod guard;
mod settings;
#[cfg(test)]
mod tests;

pub(super) use answer::After;
pub(super) use guard::{Dpop, Proven, prove};
pub use settings::{DpopConfigError, DpopMode, DpopSettings};
