//! The rows. `{base}` is the provider's address, `{name}` the realm, authorization server, tenant or application.
//!
//! Sources: `idp-exchange.md` §1.3 and `mcp-spec.md` §4.3, §5 of the project's references, and the vendors' pages that
//! stand at each row. None of the hosted services was called.

use super::TokenExchange::{OnBehalfOf, Rfc8693};
use super::{PkceMetadata, Registration, TokenExchange};

pub(super) struct Row {
    pub(super) name: &'static str,
    /// The exact `iss` of access tokens.
    pub(super) issuer: &'static str,
    pub(super) metadata: RowMetadata,
    pub(super) jwks_uri: Option<&'static str>,
    pub(super) authorization_endpoint: Option<&'static str>,
    pub(super) token_endpoint: Option<&'static str>,
    pub(super) audience: &'static str,
    pub(super) exchange: TokenExchange,
    /// The value of `provider` in agentgateway's configuration (`LocalMcpAuthentication`).
    pub(super) configuration_name: Option<&'static str>,
    pub(super) quirks: RowQuirks,
}

pub(super) enum RowMetadata {
    Standard,
    OpenIdFirst,
    /// The document stands elsewhere, and names another issuer than access tokens do.
    Elsewhere {
        issuer: &'static str,
        url: &'static str,
    },
}

pub(super) struct RowQuirks {
    pub(super) resource: RowResource,
    pub(super) pkce: PkceMetadata,
    pub(super) registration: Registration,
    pub(super) response_iss: Option<bool>,
    pub(super) default_scopes: &'static [&'static str],
    pub(super) scope_prefixes: &'static [&'static str],
}

/// [`ResourceHandling`](super::ResourceHandling) without an allocation.
#[derive(Clone, Copy)]
pub(super) enum RowResource {
    Keep,
    Strip,
    Audience,
    Scope(&'static str),
}

const NO_QUIRKS: RowQuirks = RowQuirks {
    resource: RowResource::Keep,
    pkce: PkceMetadata::Required,
    registration: Registration::Proxied,
    response_iss: None,
    default_scopes: &[],
    scope_prefixes: &[],
};

/// Keycloak: Securing Applications guide, "OpenID Connect endpoints" and "MCP authorization server". An `aud` needs an
/// audience mapper; `resource` is ignored without `--features=resource-indicators` (`idp-exchange.md` T5, T6). It sends
/// `iss` (`mcp-spec.md` §4.3).
pub(super) const KEYCLOAK: Row = Row {
    name: "Keycloak",
    issuer: "{base}/realms/{name}",
    metadata: RowMetadata::OpenIdFirst,
    jwks_uri: Some("{base}/realms/{name}/protocol/openid-connect/certs"),
    authorization_endpoint: Some("{base}/realms/{name}/protocol/openid-connect/auth"),
    token_endpoint: Some("{base}/realms/{name}/protocol/openid-connect/token"),
    audience: "what an audience mapper of the client or its scopes adds, usually a client id",
    exchange: Rfc8693,
    configuration_name: Some("keycloak"),
    quirks: RowQuirks { response_iss: Some(true), ..NO_QUIRKS },
};

/// Auth0: "Application settings", "JSON Web Key Sets", "Dynamic Application Registration". The issuer ends with a
/// slash. `resource` counts only with the tenant's compatibility profile (`idp-exchange.md` §1.3).
pub(super) const AUTH0: Row = Row {
    name: "Auth0",
    issuer: "{base}/",
    metadata: RowMetadata::OpenIdFirst,
    jwks_uri: Some("{base}/.well-known/jwks.json"),
    authorization_endpoint: Some("{base}/authorize"),
    token_endpoint: Some("{base}/oauth/token"),
    audience: "the API Identifier; without it in the client's request the token is opaque",
    exchange: Rfc8693,
    configuration_name: Some("auth0"),
    quirks: RowQuirks { resource: RowResource::Audience, ..NO_QUIRKS },
};

/// Okta: "Authorization servers", custom servers only. Registration needs an SSWS token (`agentgateway.md` §1.1), so
/// that it cannot be passed on. `audience`: design decision 12.
pub(super) const OKTA: Row = Row {
    name: "Okta",
    issuer: "{base}/oauth2/{name}",
    metadata: RowMetadata::OpenIdFirst,
    jwks_uri: Some("{base}/oauth2/{name}/v1/keys"),
    authorization_endpoint: Some("{base}/oauth2/{name}/v1/authorize"),
    token_endpoint: Some("{base}/oauth2/{name}/v1/token"),
    audience: "the custom authorization server's Audience, such as `api://default`",
    exchange: Rfc8693,
    configuration_name: Some("okta"),
    quirks: RowQuirks {
        resource: RowResource::Audience,
        registration: Registration::PreRegistered,
        default_scopes: &["openid"],
        ..NO_QUIRKS
    },
};

/// Frontegg: the environment's "OpenID Connect endpoints" panel; seed S0, rows 106 to 108. How it treats `resource` and
/// registration is not documented where we could read it.
pub(super) const FRONTEGG: Row = Row {
    name: "Frontegg",
    issuer: "{base}",
    metadata: RowMetadata::OpenIdFirst,
    jwks_uri: Some("{base}/.well-known/jwks.json"),
    authorization_endpoint: Some("{base}/oauth/authorize"),
    token_endpoint: Some("{base}/oauth/token"),
    audience: "the client id or app id, by the environment's JWT claims settings",
    exchange: Rfc8693,
    configuration_name: None,
    quirks: NO_QUIRKS,
};

/// Entra: "Access tokens in the Microsoft identity platform", "OpenID Connect". Which version an API gets is in its own
/// registration. The v2.0 endpoints serve both; their document names the v2.0 issuer. `resource` is refused
/// (AADSTS901002, AADSTS9010010), a request without scope too (AADSTS900144), PKCE is supported and not announced
/// (claude-ai-mcp#786), there is no registration: `mcp-spec.md` §5.3 to §5.5, C13, C14.
///
/// A scope without a resource before it is one of Microsoft Graph ("Scopes and permissions in the Microsoft identity
/// platform"). The resource is its application ID URI, usually `api://<app-id>`, or the application's id (Microsoft Q&A
/// 589941). Which of them stands in token responses we could not see; each is understood, and the short name.
pub(super) const ENTRA_V1: Row = Row {
    name: "Microsoft Entra ID (v1.0 tokens)",
    issuer: "https://sts.windows.net/{name}/",
    metadata: RowMetadata::Elsewhere {
        issuer: "https://login.microsoftonline.com/{name}/v2.0",
        url: "https://login.microsoftonline.com/{name}/v2.0/.well-known/openid-configuration",
    },
    jwks_uri: Some("https://login.microsoftonline.com/{name}/discovery/v2.0/keys"),
    authorization_endpoint: Some("https://login.microsoftonline.com/{name}/oauth2/v2.0/authorize"),
    token_endpoint: Some("https://login.microsoftonline.com/{name}/oauth2/v2.0/token"),
    audience: "`api://<app-id>`",
    exchange: OnBehalfOf,
    configuration_name: Some("entra"),
    quirks: ENTRA_QUIRKS,
};

const ENTRA_QUIRKS: RowQuirks = RowQuirks {
    resource: RowResource::Strip,
    pkce: PkceMetadata::AssumeS256,
    registration: Registration::PreRegistered,
    response_iss: None,
    default_scopes: &["{audience}/.default"],
    scope_prefixes: &["{audience}/"],
};

pub(super) const ENTRA_V2: Row = Row {
    name: "Microsoft Entra ID (v2.0 tokens)",
    issuer: "https://login.microsoftonline.com/{name}/v2.0",
    audience: "the application's id, without `api://`",
    quirks: RowQuirks { scope_prefixes: &["{audience}/", "api://{audience}/"], ..ENTRA_QUIRKS },
    ..ENTRA_V1
};

/// Descope: "Discovery Endpoints" of an MCP server in the Agentic Identity Hub; `{name}` is `<project>/<server>`. Keys
/// are those of the project. It supports `resource` (`agentgateway.md` §1.1) and registers clients where the console
/// allows it.
pub(super) const DESCOPE: Row = Row {
    name: "Descope",
    issuer: "{base}/v1/apps/agentic/{name}",
    metadata: RowMetadata::OpenIdFirst,
    jwks_uri: Some("{base}/{project}/.well-known/jwks.json"),
    authorization_endpoint: Some("{base}/oauth2/v1/apps/agentic/{name}/authorize"),
    token_endpoint: Some("{base}/oauth2/v1/apps/agentic/{name}/token"),
    audience: "the id of the project, beside that of the client",
    exchange: Rfc8693,
    configuration_name: Some("descope"),
    quirks: NO_QUIRKS,
};

/// authentik: "OAuth 2.0 provider", endpoints; the issuer is that of one application and ends with a slash (issuer mode
/// "each provider has a different issuer", the default). `resource` is `invalid_target`, an omitted scope is no scope
/// at all, there is no registration: `idp-exchange.md` §1.3, `mcp-spec.md` §5.5.
pub(super) const AUTHENTIK: Row = Row {
    name: "authentik",
    issuer: "{base}/application/o/{name}/",
    metadata: RowMetadata::OpenIdFirst,
    jwks_uri: Some("{base}/application/o/{name}/jwks/"),
    authorization_endpoint: Some("{base}/application/o/authorize/"),
    token_endpoint: Some("{base}/application/o/token/"),
    audience: "the client id of the provider",
    exchange: Rfc8693,
    configuration_name: Some("authentik"),
    quirks: RowQuirks {
        resource: RowResource::Strip,
        registration: Registration::PreRegistered,
        default_scopes: &["openid", "profile", "email"],
        ..NO_QUIRKS
    },
};

/// ZITADEL: "OpenID Connect endpoints", "Reserved scopes". `resource` is `invalid_target` (`idp-exchange.md` §1.3); a
/// project gets into `aud` by a scope. Registration exists since zitadel#12313 (2026) and is off by default.
pub(super) const ZITADEL: Row = Row {
    name: "ZITADEL",
    issuer: "{base}",
    metadata: RowMetadata::OpenIdFirst,
    jwks_uri: Some("{base}/oauth/v2/keys"),
    authorization_endpoint: Some("{base}/oauth/v2/authorize"),
    token_endpoint: Some("{base}/oauth/v2/token"),
    audience: "the id of the project, asked for with the scope `urn:zitadel:iam:org:project:id:<id>:aud`",
    exchange: Rfc8693,
    configuration_name: None,
    quirks: RowQuirks {
        resource: RowResource::Scope("urn:zitadel:iam:org:project:id:{audience}:aud"),
        registration: Registration::PreRegistered,
        default_scopes: &["openid"],
        ..NO_QUIRKS
    },
};

/// OpenID Connect Discovery 1.0. Without any scope a strict server refuses the request (`mcp-spec.md` §4.2).
pub(super) const OPENID_CONNECT: Row = Row {
    name: "OpenID Connect",
    issuer: "{base}",
    metadata: RowMetadata::OpenIdFirst,
    jwks_uri: None,
    authorization_endpoint: None,
    token_endpoint: None,
    audience: "by the provider",
    exchange: Rfc8693,
    configuration_name: None,
    quirks: RowQuirks { default_scopes: &["openid"], ..NO_QUIRKS },
};

/// RFC 8414.
pub(super) const OAUTH: Row =
    Row { name: "OAuth 2.0", metadata: RowMetadata::Standard, quirks: NO_QUIRKS, ..OPENID_CONNECT };
