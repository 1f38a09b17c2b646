//! Okta's two kinds of authorization servers.

use url::Url;

use super::{Provider, ProviderError};

/// Which authorization server of Okta an issuer or endpoint belongs to.
///
/// ```
/// use mcp_auth_discovery::provider::OktaServer;
///
/// let of = OktaServer::of;
/// assert_eq!(of("https://acme.okta.com/oauth2/default"), Some(OktaServer::Custom("default".into())));
/// assert_eq!(of("https://acme.okta.com/oauth2/aus1/v1/token"), Some(OktaServer::Custom("aus1".into())));
/// assert_eq!(of("https://acme.okta.com"), Some(OktaServer::Org));
/// assert_eq!(of("https://acme.okta.com/oauth2/v1/token"), Some(OktaServer::Org));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OktaServer {
    /// The org's own. Its access tokens are opaque and for Okta's own APIs; it does issue ID-JAGs, so that the first
    /// leg of cross-app access goes there (`idp-exchange.md` T8).
    Org,
    /// A custom one with this id, whose access tokens are JWTs for an API.
    Custom(String),
}

impl OktaServer {
    /// Reads an issuer or endpoint; `None` for a text that is not a URL.
    pub fn of(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let mut path = url.path().trim_matches('/').split('/');
        match (path.next(), path.next()) {
            // `v1` is how the paths of the org server go on after `/oauth2/`.
            (Some("oauth2"), Some(id)) if !matches!(id, "" | "v1") => Some(Self::Custom(id.to_owned())),
            _ => Some(Self::Org),
        }
    }
}

impl Provider {
    /// Okta by its issuer, `https://<org>/oauth2/<authServerId>`.
    ///
    /// # Errors
    ///
    /// [`ProviderError::OktaOrgServer`] for the org's own issuer and endpoints.
    pub fn okta_issuer(issuer: &str) -> Result<Self, ProviderError> {
        match (OktaServer::of(issuer), Url::parse(issuer)) {
            (Some(OktaServer::Custom(id)), Ok(url)) => Self::okta(&url.origin().ascii_serialization(), &id),
            (Some(OktaServer::Org), _) => Err(ProviderError::OktaOrgServer),
            _ => Err(ProviderError::Address(issuer.to_owned())),
        }
    }
}
