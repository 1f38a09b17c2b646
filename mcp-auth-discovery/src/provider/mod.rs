//! Providers by name: where their keys and endpoints are, how they write `iss`, what goes into `aud`.
//!
//! A preset is data, one row per provider (`table.rs`). Everything it says can be said by hand; what it adds are
//! the addresses and the mistakes that are made again and again, refused with the reason.
//!
//! ```
//! use mcp_auth_discovery::provider::Provider;
//!
//! let keycloak = Provider::keycloak("https://keycloak.acme.io", "acme")?;
//! assert_eq!(keycloak.issuer(), "https://keycloak.acme.io/realms/acme");
//! assert_eq!(keycloak.jwks_uri(), "https://keycloak.acme.io/realms/acme/protocol/openid-connect/certs");
//! let issuer = keycloak.trust("https://mcp.acme.io/mcp");
//! # assert_eq!(issuer.name(), keycloak.issuer());
//!
//! let error = Provider::okta("acme.okta.com", "").unwrap_err();
//! assert!(error.to_string().contains("custom authorization server"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod table;
#[cfg(test)]
mod tests;

use mcp_auth_core::jwt::Issuer;
use url::Url;

use crate::transport;

pub use table::{ProviderKind, TokenExchange};

/// A provider's addresses, and what its access tokens look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    kind: ProviderKind,
    issuer: String,
    jwks_uri: String,
    authorization_endpoint: String,
    token_endpoint: String,
}

/// Why a provider's addresses cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// Not a host, or not an https URL (http on this machine) without query and fragment.
    #[error("`{0}` is neither a host name nor an https URL without query and fragment")]
    Address(String),
    /// An empty name, or one with characters that do not belong into a path.
    #[error("{what} `{value}` is empty or has characters that do not belong there")]
    Name {
        /// What was named.
        what: &'static str,
        /// The name.
        value: String,
    },
    /// Okta's org authorization server.
    #[error(
        "this is Okta's org authorization server, whose access tokens are opaque and for Okta only: use a custom \
         authorization server, `https://<org>/oauth2/<authServerId>`"
    )]
    OktaOrgServer,
}

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
        // `v1` is how the paths of the org server go on after `/oauth2/`.
        if matches!(authorization_server, "" | "v1") {
            return Err(ProviderError::OktaOrgServer);
        }
        let id = name("authorization server", authorization_server)?;
        Ok(Self::of(ProviderKind::Okta, &address(domain)?, id))
    }

    /// Okta by its issuer, `https://<org>/oauth2/<authServerId>`.
    ///
    /// # Errors
    ///
    /// [`ProviderError::OktaOrgServer`] for the org's own issuer and endpoints.
    pub fn okta_issuer(issuer: &str) -> Result<Self, ProviderError> {
        let url = Url::parse(issuer).map_err(|_| ProviderError::Address(issuer.to_owned()))?;
        let mut path = url.path().trim_matches('/').split('/');
        let id = match (path.next(), path.next()) {
            (Some("oauth2"), Some(id)) => id.to_owned(),
            _ => return Err(ProviderError::OktaOrgServer),
        };
        let origin = url.origin().ascii_serialization();
        Self::okta(&origin, &id)
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

    fn of(kind: ProviderKind, base: &str, name: &str) -> Self {
        let row = kind.row();
        let fill = |template: &str| template.replace("{base}", base).replace("{name}", name);
        Self {
            kind,
            issuer: fill(row.issuer),
            jwks_uri: fill(row.jwks_uri),
            authorization_endpoint: fill(row.authorization_endpoint),
            token_endpoint: fill(row.token_endpoint),
        }
    }

    /// Which provider.
    pub fn kind(&self) -> ProviderKind {
        self.kind
    }

    /// The exact `iss` of its access tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its keys.
    pub fn jwks_uri(&self) -> &str {
        &self.jwks_uri
    }

    /// Where users log in.
    pub fn authorization_endpoint(&self) -> &str {
        &self.authorization_endpoint
    }

    /// Where tokens are issued and exchanged.
    pub fn token_endpoint(&self) -> &str {
        &self.token_endpoint
    }

    /// The issuer as a validator trusts it, for tokens with this audience; [`ProviderKind::audience_hint`] says
    /// what the provider writes there.
    pub fn trust(&self, audience: impl Into<String>) -> Issuer {
        Issuer::new(&self.issuer).audience(audience)
    }
}

/// A host name or URL as an address without a slash at its end.
fn address(text: &str) -> Result<String, ProviderError> {
    let bad = || ProviderError::Address(text.to_owned());
    let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&full).map_err(|_| bad())?;
    let plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !plain || !transport::is_secure(&url) {
        return Err(bad());
    }
    Ok(format!("{}{}", url.origin().ascii_serialization(), url.path().trim_end_matches('/')))
}

fn name<'n>(what: &'static str, value: &'n str) -> Result<&'n str, ProviderError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    if value.is_empty() || matches!(value, "." | "..") || !value.bytes().all(plain) {
        return Err(ProviderError::Name { what, value: value.to_owned() });
    }
    Ok(value)
}
