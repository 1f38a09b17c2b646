//! The issuer identifier of our own server.

use std::fmt;

use url::Url;

use crate::{transport, well_known};

/// The issuer identifier of our own authorization server (RFC 8414 §2): an origin, written without a slash at its end.
///
/// ```
/// use mcp_auth_discovery::facade::{FacadeIssuer, FacadeIssuerError};
///
/// assert!(FacadeIssuer::parse("https://mcp.example.com").is_ok());
/// assert_eq!(FacadeIssuer::parse("https://mcp.example.com/"), Err(FacadeIssuerError::TrailingSlash));
/// assert_eq!(FacadeIssuer::parse("https://mcp.example.com/auth"), Err(FacadeIssuerError::Path));
/// assert!(FacadeIssuer::with_path("https://mcp.example.com/auth").is_ok());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FacadeIssuer {
    text: String,
    url: Url,
}

/// Why a text is not an issuer of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FacadeIssuerError {
    /// Not an absolute URL with a host (`host:7777` is not one).
    #[error("issuer is not an absolute URL with a host")]
    NotAUrl,
    /// Neither `https` nor `http` to a loopback host.
    #[error("issuer is not https")]
    Insecure,
    /// With a query, a fragment, or a user (RFC 8414 §2).
    #[error("issuer has a query, a fragment, or a user")]
    Extra,
    /// With a slash at its end, which some clients drop.
    #[error("issuer ends in a slash, which some clients drop: write it without")]
    TrailingSlash,
    /// With a path.
    #[error("issuer has a path, and some clients do not find its metadata: use the origin alone")]
    Path,
    /// Not as URLs are written: capital letters in the host, a default port, empty or dot segments.
    #[error("issuer is not written canonically (capital letters, default port, empty or dot segments)")]
    NotCanonical,
}

impl FacadeIssuer {
    /// Reads an issuer: an https origin, or an http origin on a loopback host.
    ///
    /// # Errors
    ///
    /// [`FacadeIssuerError`].
    pub fn parse(text: &str) -> Result<Self, FacadeIssuerError> {
        let issuer = Self::with_path(text)?;
        if issuer.url.path() == "/" { Ok(issuer) } else { Err(FacadeIssuerError::Path) }
    }

    /// As [`parse`](Self::parse), and accepts a path: some clients will not find the metadata
    /// ([`FacadeLint::IssuerPath`](super::FacadeLint::IssuerPath)).
    ///
    /// # Errors
    ///
    /// [`FacadeIssuerError`].
    pub fn with_path(text: &str) -> Result<Self, FacadeIssuerError> {
        Self::read(text, false)
    }

    /// As [`with_path`](Self::with_path), and accepts `http` to any host: codes and tokens can be read by everyone on
    /// the way. For closed test networks.
    ///
    /// # Errors
    ///
    /// [`FacadeIssuerError`].
    pub fn insecure_http(text: &str) -> Result<Self, FacadeIssuerError> {
        Self::read(text, true)
    }

    /// The identifier as it is compared, sent and published.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it has a path.
    pub fn has_path(&self) -> bool {
        self.url.path() != "/"
    }

    /// The URLs at which its metadata stands, in the order in which clients ask.
    pub fn metadata_urls(&self) -> impl Iterator<Item = Url> + use<> {
        well_known::authorization_server_urls(&self.url)
    }

    /// The URL of a path below the issuer. `path` begins with a slash and is one of ours.
    pub(super) fn below(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{path}", self.url.path().trim_end_matches('/')));
        url
    }

    fn read(text: &str, any_http: bool) -> Result<Self, FacadeIssuerError> {
        if transport::is_ambiguous(text) || !text.contains("://") {
            return Err(FacadeIssuerError::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| FacadeIssuerError::NotAUrl)?;
        if url.host().is_none() {
            return Err(FacadeIssuerError::NotAUrl);
        }
        if !(transport::is_secure(&url) || any_http && url.scheme() == "http") {
            return Err(FacadeIssuerError::Insecure);
        }
        if url.query().is_some() || url.fragment().is_some() || transport::has_userinfo(&url) {
            return Err(FacadeIssuerError::Extra);
        }
        if text.ends_with('/') {
            return Err(FacadeIssuerError::TrailingSlash);
        }
        let canonical = url.as_str().trim_end_matches('/');
        if canonical != text || url.path().contains("//") {
            return Err(FacadeIssuerError::NotCanonical);
        }
        Ok(Self { text: text.to_owned(), url })
    }
}

impl fmt::Display for FacadeIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for FacadeIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FacadeIssuer({:?})", self.text)
    }
}
