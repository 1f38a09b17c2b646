//! Providers: where their keys and endpoints are, how they write `iss`, what goes into `aud`, and where they depart from
//! the standards.
//!
//! A preset is data, one row per provider (`rows.rs`). Everything it says can be said by hand ([`ProviderSettings`]);
//! what it adds are the addresses and the mistakes that are made again and again, refused with the reason.
//!
//! ```
//! use mcp_auth_discovery::provider::Provider;
//!
//! let keycloak = Provider::keycloak("https://keycloak.acme.io", "acme")?;
//! assert_eq!(keycloak.issuer(), "https://keycloak.acme.io/realms/acme");
//! assert_eq!(
//!     keycloak.jwks_uri(),
//!     Some("https://keycloak.acme.io/realms/acme/protocol/openid-connect/certs"),
//! );
//! let issuer = keycloak.trust("https://mcp.acme.io/mcp");
//! # assert_eq!(issuer.name(), keycloak.issuer());
//!
//! let error = Provider::okta("acme.okta.com", "").unwrap_err();
//! assert!(error.to_string().contains("custom authorization server"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod by_issuer;
mod kind;
mod okta;
mod presets;
mod quirks;
mod rows;
mod scope_names;
mod settings;
#[cfg(test)]
mod tests;

use mcp_auth_core::jwt::Issuer;

use crate::server::MetadataSource;

pub use address::ProviderError;
pub use kind::{ProviderKind, TokenExchange};
pub use okta::OktaServer;
pub use quirks::{PkceMetadata, Quirks, Registration, ResourceHandling, TranslatedResource};
pub use settings::{MetadataLocation, ProviderSettings};

/// A provider's addresses, what its access tokens look like, and its [`Quirks`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    kind: ProviderKind,
    issuer: String,
    metadata_issuer: String,
    metadata_source: MetadataSource,
    jwks_uri: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    quirks: Quirks,
}

impl Provider {
    /// Which provider.
    pub fn kind(&self) -> ProviderKind {
        self.kind
    }

    /// The exact `iss` of its access tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The exact `issuer` of its metadata, which is also `iss` in authorization responses. Not that of access tokens
    /// for [`ProviderKind::EntraV1`].
    pub fn metadata_issuer(&self) -> &str {
        &self.metadata_issuer
    }

    /// Where its metadata is.
    pub fn metadata_source(&self) -> &MetadataSource {
        &self.metadata_source
    }

    /// Its keys. `None`: as its metadata says.
    pub fn jwks_uri(&self) -> Option<&str> {
        self.jwks_uri.as_deref()
    }

    /// Where users log in. `None`: as its metadata says.
    pub fn authorization_endpoint(&self) -> Option<&str> {
        self.authorization_endpoint.as_deref()
    }

    /// Where tokens are issued and exchanged. `None`: as its metadata says.
    pub fn token_endpoint(&self) -> Option<&str> {
        self.token_endpoint.as_deref()
    }

    /// Where it departs from what MCP clients send and expect.
    pub fn quirks(&self) -> &Quirks {
        &self.quirks
    }

    /// The same provider with other quirks, for a tenant that is set up differently.
    #[must_use]
    pub fn with_quirks(mut self, quirks: Quirks) -> Self {
        self.quirks = quirks;
        self
    }

    /// The issuer as a validator trusts it, for tokens with this audience; [`ProviderKind::audience_hint`] says
    /// what the provider writes there.
    pub fn trust(&self, audience: impl Into<String>) -> Issuer {
        Issuer::new(&self.issuer).audience(audience)
    }
}
