//! Istio's `RequestAuthentication` in front of a service.
//!
//! 1. [`RequestAuthentication`](mcp_auth_core::istio::RequestAuthentication) decides, as Istio and Envoy do. A bad
//!    token: 401 or 403, with Envoy's text. No token: the request goes on, so put an authorization policy behind.
//! 2. A request that goes on has an [`Authenticated`](crate::Authenticated) extension, and with a token also a
//!    [`RequestAuth`](mcp_auth_core::istio::RequestAuth): what policies read under `request.auth`.
//! 3. Verified tokens are taken out and claims become headers as the rules say.
//! 4. Rules without inline keys use what was last given to their [`RuleKeys`]. Before that no token of theirs is
//!    accepted.
//!
//! ```
//! use mcp_auth_core::istio::{JwtRule, RequestAuthentication};
//! use mcp_auth_tower::istio::RequestAuthenticationLayer;
//!
//! let rule = JwtRule::new("https://idp.example").jwks_uri("https://idp.example/jwks.json")?;
//! let layer = RequestAuthenticationLayer::new(RequestAuthentication::new([rule])?);
//! // Whoever fetches the keys gives them here, again and again.
//! let keys = layer.keys()[0].clone();
//! # let _ = keys;
//! # Ok::<(), mcp_auth_core::istio::ConfigError>(())
//! ```

mod future;
mod layer;
mod service;
#[cfg(test)]
mod tests;

pub use future::ResponseFuture;
pub use layer::{RequestAuthenticationLayer, RuleKeys};
pub use service::RequestAuthenticated;
