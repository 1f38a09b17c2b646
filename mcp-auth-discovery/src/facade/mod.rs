//! The metadata of an authorization server of our own, in front of a provider that MCP clients cannot use as it is.
//!
//! 1. The issuer is ours and has no path: several clients look in the wrong place otherwise (`mcp-spec.md` §5.2).
//! 2. Every endpoint in the documents is ours as well. A document that names our issuer and the provider's endpoints
//!    fails in every client that compares `iss` (RFC 9207), which three of four official SDKs do (`mcp-spec.md` §4.3).
//! 3. The provider's metadata only narrows what ours offers, so that ours is there when the provider is not.
//! 4. The documents stand at the well-known paths of this issuer and nowhere else.
//!
//! ```
//! use mcp_auth_discovery::Scopes;
//! use mcp_auth_discovery::facade::{FacadeIssuer, FacadeMetadata};
//! use url::Url;
//!
//! let facade = FacadeMetadata::new(FacadeIssuer::parse("https://mcp.example.com")?)
//!     .scopes(&Scopes::parse("mcp:read mcp:write")?);
//! let at = Url::parse("https://mcp.example.com/.well-known/oauth-authorization-server")?;
//! let document = facade.document_at(&at, None).ok_or("not one of ours")?;
//! let document: serde_json::Value = serde_json::from_slice(&document)?;
//! assert_eq!(document["issuer"], "https://mcp.example.com");
//! assert_eq!(document["authorization_endpoint"], "https://mcp.example.com/authorize");
//! assert_eq!(document["code_challenge_methods_supported"], serde_json::json!(["S256"]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod endpoint;
mod issuer;
mod lint;
mod metadata;
#[cfg(test)]
mod tests;

pub use endpoint::{FacadeEndpoint, FacadePathError};
pub use issuer::{FacadeIssuer, FacadeIssuerError};
pub use lint::FacadeLint;
pub use metadata::FacadeMetadata;
