//! What a provider's token endpoint accepts, and how it fails: data that extends the presets of
//! [`mcp_auth_discovery::provider`], which say where the endpoints are.
//!
//! RFC 8693 leaves much open, and no two providers fill it in the same way: Keycloak, Okta and Auth0 take subject
//! tokens of type `access_token` only, a target is a client id, an API identifier, a server's audience or part of the
//! scope, and `invalid_client` may mean that the audience is unknown. A profile says it once. Everything can be
//! written over, and [`ExchangeProfile::rfc8693`] assumes nothing.
//!
//! ```
//! use mcp_auth_discovery::provider::ProviderKind;
//! use mcp_auth_exchange::provider::{ExchangeProfile, Need};
//! use mcp_auth_exchange::TokenTypeUri;
//!
//! let keycloak = ExchangeProfile::of(ProviderKind::Keycloak);
//! assert_eq!(keycloak.subject_token_type(), &TokenTypeUri::ACCESS_TOKEN);
//! let own = ExchangeProfile::rfc8693().named("in-house STS").takes_audience(Need::Refused);
//! # assert_eq!(own.name(), "in-house STS");
//! ```

mod error_rule;
mod profile;
mod table;
#[cfg(test)]
mod tests;

pub use error_rule::{ErrorClass, ErrorRule};
pub use profile::{ExchangeGrant, ExchangeProfile, Need};
