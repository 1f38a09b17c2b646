//! The rows. `{base}` is the provider's address, `{name}` the realm, authorization server or tenant.

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

pub(super) struct Row {
    name: &'static str,
    pub(super) issuer: &'static str,
    pub(super) jwks_uri: &'static str,
    pub(super) authorization_endpoint: &'static str,
    pub(super) token_endpoint: &'static str,
    audience: &'static str,
    exchange: TokenExchange,
    /// The value of `provider` in agentgateway's configuration.
    configuration_name: Option<&'static str>,
}

/// Keycloak: Securing Applications guide, "OpenID Connect endpoints". An `aud` needs an audience mapper.
const KEYCLOAK: Row = Row {
    name: "Keycloak",
    issuer: "{base}/realms/{name}",
    jwks_uri: "{base}/realms/{name}/protocol/openid-connect/certs",
    authorization_endpoint: "{base}/realms/{name}/protocol/openid-connect/auth",
    token_endpoint: "{base}/realms/{name}/protocol/openid-connect/token",
    audience: "what an audience mapper of the client or its scopes adds, usually a client id",
    exchange: TokenExchange::Rfc8693,
    configuration_name: Some("keycloak"),
};

/// Auth0: "Application settings", "JSON Web Key Sets". The issuer ends with a slash.
const AUTH0: Row = Row {
    name: "Auth0",
    issuer: "{base}/",
    jwks_uri: "{base}/.well-known/jwks.json",
    authorization_endpoint: "{base}/authorize",
    token_endpoint: "{base}/oauth/token",
    audience: "the API Identifier; without it in the client's request the token is opaque",
    exchange: TokenExchange::Rfc8693,
    configuration_name: Some("auth0"),
};

/// Okta: "Authorization servers", custom servers only.
const OKTA: Row = Row {
    name: "Okta",
    issuer: "{base}/oauth2/{name}",
    jwks_uri: "{base}/oauth2/{name}/v1/keys",
    authorization_endpoint: "{base}/oauth2/{name}/v1/authorize",
    token_endpoint: "{base}/oauth2/{name}/v1/token",
    audience: "the custom authorization server's Audience, such as `api://default`",
    exchange: TokenExchange::Rfc8693,
    configuration_name: None,
};

/// Frontegg: the environment's "OpenID Connect endpoints" panel.
const FRONTEGG: Row = Row {
    name: "Frontegg",
    issuer: "{base}",
    jwks_uri: "{base}/.well-known/jwks.json",
    authorization_endpoint: "{base}/oauth/authorize",
    token_endpoint: "{base}/oauth/token",
    audience: "the client id or app id, by the environment's JWT claims settings",
    exchange: TokenExchange::Rfc8693,
    configuration_name: None,
};

/// Entra: "Access tokens in the Microsoft identity platform", "OpenID Connect". Which version an API gets is in
/// its own registration.
const ENTRA_V1: Row = Row {
    name: "Microsoft Entra ID (v1.0 tokens)",
    issuer: "https://sts.windows.net/{name}/",
    jwks_uri: "https://login.microsoftonline.com/{name}/discovery/v2.0/keys",
    authorization_endpoint: "https://login.microsoftonline.com/{name}/oauth2/v2.0/authorize",
    token_endpoint: "https://login.microsoftonline.com/{name}/oauth2/v2.0/token",
    audience: "`api://<app-id>`",
    exchange: TokenExchange::OnBehalfOf,
    configuration_name: None,
};

const ENTRA_V2: Row = Row {
    name: "Microsoft Entra ID (v2.0 tokens)",
    issuer: "https://login.microsoftonline.com/{name}/v2.0",
    audience: "the application's id, without `api://`",
    ..ENTRA_V1
};

impl ProviderKind {
    /// Every provider with a preset.
    pub const ALL: &'static [Self] =
        &[Self::Keycloak, Self::Auth0, Self::Okta, Self::Frontegg, Self::EntraV1, Self::EntraV2];

    pub(super) const fn row(self) -> &'static Row {
        match self {
            Self::Keycloak => &KEYCLOAK,
            Self::Auth0 => &AUTH0,
            Self::Okta => &OKTA,
            Self::Frontegg => &FRONTEGG,
            Self::EntraV1 => &ENTRA_V1,
            Self::EntraV2 => &ENTRA_V2,
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
