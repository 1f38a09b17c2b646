//! What is legal in front of a provider and still a mistake.

use super::FacadeMetadata;
use crate::provider::{Quirks, Registration};
use crate::server::{AuthorizationServerMetadata, UnusableServer};

/// A warning about our own server in front of a provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FacadeLint {
    /// The issuer has a path.
    #[error("the issuer has a path, and some clients do not find its metadata")]
    IssuerPath,
    /// The provider cannot be used for the authorization code flow.
    #[error("the provider cannot be used: {0}")]
    Upstream(UnusableServer),
    /// Registrations are to be passed on, and the provider's metadata names no endpoint for them.
    #[error(
        "registrations are to be passed on and the provider names no `registration_endpoint`: register one client \
         there and answer with it"
    )]
    NoRegistrationEndpoint,
    /// A scope that clients may ask for is not among those that the provider lists.
    #[error("scope `{0}` is not in the provider's `scopes_supported`")]
    UnknownScope(String),
    /// Refresh tokens are to be issued and the provider says that it has none: they are not offered.
    #[error(
        "the provider's `grant_types_supported` lacks `refresh_token`: clients will log in again and again"
    )]
    NoRefreshTokens,
}

impl FacadeMetadata {
    /// Warnings about this server in front of a provider with this metadata and these quirks.
    ///
    /// ```
    /// use mcp_auth_discovery::AuthorizationServerMetadata;
    /// use mcp_auth_discovery::facade::{FacadeIssuer, FacadeLint, FacadeMetadata};
    /// use mcp_auth_discovery::provider::Quirks;
    /// use mcp_auth_discovery::server::UnusableServer;
    ///
    /// let facade = FacadeMetadata::new(FacadeIssuer::parse("https://mcp.example.com")?);
    /// let upstream = AuthorizationServerMetadata::new("https://idp.example.com");
    /// assert_eq!(
    ///     facade.lint(&upstream, &Quirks::default()),
    ///     [
    ///         FacadeLint::Upstream(UnusableServer::Missing("authorization_endpoint")),
    ///         FacadeLint::NoRegistrationEndpoint,
    ///     ]
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lint(&self, upstream: &AuthorizationServerMetadata, quirks: &Quirks) -> Vec<FacadeLint> {
        let mut found = Vec::new();
        if self.issuer.has_path() {
            found.push(FacadeLint::IssuerPath);
        }
        found.extend(upstream.code_flow(quirks.pkce).err().map(FacadeLint::Upstream));
        let proxied = self.registration && quirks.registration == Registration::Proxied;
        if proxied && upstream.registration_endpoint.is_none() {
            found.push(FacadeLint::NoRegistrationEndpoint);
        }
        if let Some(known) = &upstream.scopes_supported {
            let unknown = self.scopes.iter().filter(|scope| !known.iter().any(|known| known == scope));
            found.extend(unknown.map(|scope| FacadeLint::UnknownScope(scope.to_owned())));
        }
        if self.refresh_tokens && !self.refreshes(Some(upstream)) {
            found.push(FacadeLint::NoRefreshTokens);
        }
        found
    }
}
