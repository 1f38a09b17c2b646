//! A provider from configuration.

use serde::Deserialize;

use super::address::endpoint;
use super::{Provider, ProviderError, Quirks};
use crate::server::MetadataSource;

/// A provider that has no preset, as an operator describes it. What is left out comes from its metadata.
///
/// ```
/// use mcp_auth_discovery::provider::{PkceMetadata, ProviderSettings};
///
/// let settings: ProviderSettings = serde_json::from_str(
///     r#"{
///         "issuer": "https://sso.example.com",
///         "metadata": "openIdFirst",
///         "jwksUri": "https://sso.example.com/keys",
///         "quirks": { "resource": "strip", "pkce": "assumeS256", "defaultScopes": ["openid", "{audience}"] }
///     }"#,
/// )?;
/// let provider = settings.into_provider()?;
/// assert_eq!(provider.quirks().pkce, PkceMetadata::AssumeS256);
/// assert_eq!(provider.jwks_uri(), Some("https://sso.example.com/keys"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProviderSettings {
    /// The exact `iss` of its access tokens.
    pub issuer: String,
    /// The exact `issuer` of its metadata, where that is another one.
    #[serde(default)]
    pub metadata_issuer: Option<String>,
    /// Where its metadata is.
    #[serde(default)]
    pub metadata: MetadataLocation,
    /// Its keys.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// Where users log in.
    #[serde(default)]
    pub authorization_endpoint: Option<String>,
    /// Where tokens are issued.
    #[serde(default)]
    pub token_endpoint: Option<String>,
    /// Where it departs from the standards.
    #[serde(default)]
    pub quirks: Quirks,
}

/// Where the metadata of a provider is, as an operator writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum MetadataLocation {
    /// RFC 8414 first, [`MetadataSource::Standard`].
    #[default]
    Standard,
    /// OpenID Connect first, [`MetadataSource::OpenIdFirst`].
    OpenIdFirst,
    /// At this URL only.
    Url(String),
}

impl ProviderSettings {
    /// Starts with an issuer.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            metadata_issuer: None,
            metadata: MetadataLocation::Standard,
            jwks_uri: None,
            authorization_endpoint: None,
            token_endpoint: None,
            quirks: Quirks::default(),
        }
    }

    /// Checks the settings. Kind: [`ProviderKind::OAuth`](super::ProviderKind::OAuth).
    ///
    /// # Errors
    ///
    /// [`ProviderError`] names the field.
    pub fn into_provider(self) -> Result<Provider, ProviderError> {
        let metadata_issuer = self.metadata_issuer.as_ref().unwrap_or(&self.issuer);
        let mut provider = Provider::oauth(metadata_issuer)?;
        provider.metadata_source = match &self.metadata {
            MetadataLocation::Standard => MetadataSource::Standard,
            MetadataLocation::OpenIdFirst => MetadataSource::OpenIdFirst,
            MetadataLocation::Url(url) => MetadataSource::Url(endpoint("metadata.url", url)?),
        };
        let checked = |field, value: Option<String>| match value {
            Some(value) => endpoint(field, &value).map(|_| Some(value)),
            None => Ok(None),
        };
        provider.jwks_uri = checked("jwksUri", self.jwks_uri)?;
        provider.authorization_endpoint = checked("authorizationEndpoint", self.authorization_endpoint)?;
        provider.token_endpoint = checked("tokenEndpoint", self.token_endpoint)?;
        provider.issuer = self.issuer;
        provider.quirks = self.quirks;
        Ok(provider)
    }
}
