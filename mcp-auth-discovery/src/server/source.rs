//! Where the document of an issuer lives.

use url::Url;

use super::LocatorError;
use super::locator::issuer_url;
use crate::well_known;

/// Where to ask for the metadata of an issuer, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataSource {
    /// The order that MCP prescribes for clients: RFC 8414 inserted, OpenID Connect inserted, OpenID Connect appended
    /// (MCP authorization 2026-07-28, "Authorization Server Metadata Discovery").
    #[default]
    Standard,
    /// OpenID Connect appended first, then the other two: for providers that are known to serve that one.
    OpenIdFirst,
    /// Only here: for providers whose document is not below the issuer.
    Url(Url),
}

impl MetadataSource {
    /// The URLs to ask, in order.
    ///
    /// ```
    /// use mcp_auth_discovery::server::MetadataSource;
    ///
    /// let urls = MetadataSource::Standard.urls("https://login.example.com/tenant1")?;
    /// let urls: Vec<_> = urls.iter().map(|url| url.path()).collect();
    /// assert_eq!(urls, [
    ///     "/.well-known/oauth-authorization-server/tenant1",
    ///     "/.well-known/openid-configuration/tenant1",
    ///     "/tenant1/.well-known/openid-configuration",
    /// ]);
    /// # Ok::<(), mcp_auth_discovery::server::LocatorError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LocatorError`] for an issuer that is not an https URL (or http to a loopback host) without query, fragment
    /// and user; not for [`Url`](Self::Url), which is checked in the same way instead.
    pub fn urls(&self, issuer: &str) -> Result<Vec<Url>, LocatorError> {
        self.urls_of(issuer, false)
    }

    pub(super) fn urls_of(&self, issuer: &str, insecure_http: bool) -> Result<Vec<Url>, LocatorError> {
        let mut urls: Vec<Url> = match self {
            Self::Url(url) => return Ok(vec![issuer_url(url.as_str(), insecure_http)?]),
            Self::Standard | Self::OpenIdFirst => {
                well_known::authorization_server_urls(&issuer_url(issuer, insecure_http)?).collect()
            }
        };
        if *self == Self::OpenIdFirst {
            urls.rotate_right(1);
        }
        Ok(urls)
    }
}
