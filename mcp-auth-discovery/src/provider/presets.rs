//! One constructor per preset.

use url::Url;

use super::address::{address, name};
use super::rows::RowMetadata;
use super::{Provider, ProviderError, ProviderKind, Quirks};
use crate::server::MetadataSource;

impl Provider {
    /// Keycloak: `base` with the path Keycloak is served under, without `/realms`.
    ///
    /// # Errors
    ///
    /// [`ProviderError`].
    pub fn keycloak(base: &str, realm: &str) -> Result<Self, ProviderError> {
        let (base, realm) = (address(base)?, name("realm", realm)?);
        Ok(Self::of(ProviderKind::Keycloak, &base, realm))
    }

    /// Auth0: the tenant's domain, such as `acme.eu.auth0.com`, or a custom one.
    ///
    /// # Errors
    ///
    /// [`ProviderError`].
    pub fn auth0(domain: &str) -> Result<Self, ProviderError> {
        Ok(Self::of(ProviderKind::Auth0, &address(domain)?, ""))
    }

    /// Okta: the org's domain, or a custom one, and the id of a custom authorization server (`default` is one).
    ///
    /// # Errors
    ///
    /// [`ProviderError::OktaOrgServer`] without such an id.
    pub fn okta(domain: &str, authorization_server: &str) -> Result<Self, ProviderError> {
        if matches!(authorization_server, "" | "v1") {
            return Err(ProviderError::OktaOrgServer);
        }
        let id = name("authorization server", authorization_server)?;
        Ok(Self::of(ProviderKind::Okta, &address(domain)?, id))
    }

    /// Frontegg: the environment's domain, as its OpenID Connect panel shows it.
    ///
    /// # Errors
    ///
    /// [`ProviderError`].
    pub fn frontegg(domain: &str) -> Result<Self, ProviderError> {
        Ok(Self::of(ProviderKind::Frontegg, &address(domain)?, ""))
    }

    /// Entra with v1.0 access tokens, which APIs get whose `requestedAccessTokenVersion` is null or 1: `iss` is
    /// `https://sts.windows.net/<tenant>/`, `aud` is `api://<app-id>`.
    ///
    /// # Errors
    ///
    /// [`ProviderError`].
    pub fn entra_v1(tenant: &str) -> Result<Self, ProviderError> {
        Ok(Self::of(ProviderKind::EntraV1, "", name("tenant", tenant)?))
    }

    /// Entra with v2.0 access tokens (`requestedAccessTokenVersion: 2`) and for login: `iss` is
    /// `https://login.microsoftonline.com/<tenant>/v2.0`, `aud` is the application's id without `api://`.
    ///
    /// # Errors
    ///
    /// [`ProviderError`].
    pub fn entra_v2(tenant: &str) -> Result<Self, ProviderError> {
        Ok(Self::of(ProviderKind::EntraV2, "", name("tenant", tenant)?))
    }

    /// Descope: an MCP server of a project, by the two ids in its discovery URL. `base` is `api.descope.com`, or that of
    /// your region or custom domain.
    ///
    /// # Errors
    ///
    /// [`ProviderError`].
    pub fn descope(base: &str, project: &str, server: &str) -> Result<Self, ProviderError> {
        let (base, project) = (address(base)?, name("project", project)?);
        let of = format!("{project}/{}", name("server", server)?);
        let mut provider = Self::of(ProviderKind::Descope, &base, &of);
        provider.jwks_uri = provider.jwks_uri.map(|uri| uri.replace("{project}", project));
        Ok(provider)
    }

    /// authentik: its address, and the slug of the application.
    ///
    /// # Errors
    ///
    /// [`ProviderError`].
    pub fn authentik(base: &str, application: &str) -> Result<Self, ProviderError> {
        let (base, application) = (address(base)?, name("application", application)?);
        Ok(Self::of(ProviderKind::Authentik, &base, application))
    }

    /// ZITADEL: the instance's domain, or a custom one.
    ///
    /// # Errors
    ///
    /// [`ProviderError`].
    pub fn zitadel(domain: &str) -> Result<Self, ProviderError> {
        Ok(Self::of(ProviderKind::Zitadel, &address(domain)?, ""))
    }

    /// Any provider with OpenID Connect Discovery, by its issuer exactly as its tokens name it.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Issuer`].
    pub fn openid_connect(issuer: &str) -> Result<Self, ProviderError> {
        Self::by_issuer(ProviderKind::OpenIdConnect, issuer)
    }

    /// Any provider with authorization server metadata (RFC 8414), by its issuer exactly as its tokens name it.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Issuer`].
    pub fn oauth(issuer: &str) -> Result<Self, ProviderError> {
        Self::by_issuer(ProviderKind::OAuth, issuer)
    }

    fn by_issuer(kind: ProviderKind, issuer: &str) -> Result<Self, ProviderError> {
        MetadataSource::Standard.urls(issuer)?;
        let mut provider = Self::of(kind, "", "");
        // As it was written, whatever is in it: not through the templates.
        issuer.clone_into(&mut provider.issuer);
        issuer.clone_into(&mut provider.metadata_issuer);
        Ok(provider)
    }

    fn of(kind: ProviderKind, base: &str, name: &str) -> Self {
        let row = kind.row();
        let fill = |template: &str| template.replace("{base}", base).replace("{name}", name);
        let issuer = fill(row.issuer);
        let (metadata_issuer, metadata_source) = match row.metadata {
            RowMetadata::Standard => (issuer.clone(), MetadataSource::Standard),
            RowMetadata::OpenIdFirst => (issuer.clone(), MetadataSource::OpenIdFirst),
            RowMetadata::Elsewhere { issuer, url } => {
                // INVARIANT: these templates are URLs, and names have no characters that change that.
                let source = Url::parse(&fill(url)).map_or(MetadataSource::OpenIdFirst, MetadataSource::Url);
                (fill(issuer), source)
            }
        };
        Self {
            kind,
            issuer,
            metadata_issuer,
            metadata_source,
            jwks_uri: row.jwks_uri.map(fill),
            authorization_endpoint: row.authorization_endpoint.map(fill),
            token_endpoint: row.token_endpoint.map(fill),
            quirks: Quirks::of(&row.quirks),
        }
    }
}
