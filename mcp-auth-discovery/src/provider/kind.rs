//! Which providers have a preset.

use super::rows;
use super::rows::Row;

/// A provider with a preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProviderKind {
    /// Keycloak.
    Keycloak,
    /// Auth0.
    Auth0,
    /// Okta with a custom authorization server.
    Okta,
    /// Frontegg.
    Frontegg,
    /// Microsoft Entra ID, v1.0 access tokens.
    EntraV1,
    /// Microsoft Entra ID, v2.0 access tokens.
    EntraV2,
    /// Descope, an MCP server of a project.
    Descope,
    /// authentik, an application.
    Authentik,
    /// ZITADEL.
    Zitadel,
    /// Anything with OpenID Connect Discovery.
    OpenIdConnect,
    /// Anything with authorization server metadata (RFC 8414).
    OAuth,
}

/// The grant by which the provider turns a user's token into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenExchange {
    /// RFC 8693.
    Rfc8693,
    /// RFC 7523 with `requested_token_use=on_behalf_of`.
    OnBehalfOf,
}

impl ProviderKind {
    /// Every provider with a preset.
    pub const ALL: &'static [Self] = &[
        Self::Keycloak,
        Self::Auth0,
        Self::Okta,
        Self::Frontegg,
        Self::EntraV1,
        Self::EntraV2,
        Self::Descope,
        Self::Authentik,
        Self::Zitadel,
        Self::OpenIdConnect,
        Self::OAuth,
    ];

    pub(super) const fn row(self) -> &'static Row {
        match self {
            Self::Keycloak => &rows::KEYCLOAK,
            Self::Auth0 => &rows::AUTH0,
            Self::Okta => &rows::OKTA,
            Self::Frontegg => &rows::FRONTEGG,
            Self::EntraV1 => &rows::ENTRA_V1,
            Self::EntraV2 => &rows::ENTRA_V2,
            Self::Descope => &rows::DESCOPE,
            Self::Authentik => &rows::AUTHENTIK,
            Self::Zitadel => &rows::ZITADEL,
            Self::OpenIdConnect => &rows::OPENID_CONNECT,
            Self::OAuth => &rows::OAUTH,
        }
    }

    /// The provider's own name.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// What the provider writes into `aud`.
    pub const fn audience_hint(self) -> &'static str {
        self.row().audience
    }

    /// How the provider exchanges tokens.
    pub const fn token_exchange(self) -> TokenExchange {
        self.row().exchange
    }

    /// The value of `provider` in agentgateway's configuration, where it has one.
    pub const fn configuration_name(self) -> Option<&'static str> {
        self.row().configuration_name
    }
}
