use std::fmt;

use mcp_auth_discovery::transport;
use url::Url;

/// A URL that documents may be fetched from: https, or http to this machine, without a user or a password.
///
/// Its query may hold a secret, so `Debug` and `Display` leave it out.
///
/// ```
/// use mcp_auth_tower::client::FetchUrl;
///
/// let url = FetchUrl::parse("https://idp.example/jwks?code=s3cret")?;
/// assert_eq!(url.to_string(), "https://idp.example/jwks?…");
/// assert!(FetchUrl::parse("http://keycloak:8080/certs").is_err());
/// assert!(FetchUrl::danger_http("http://keycloak:8080/certs").is_ok());
/// # Ok::<(), mcp_auth_tower::client::FetchUrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct FetchUrl(Url);

/// Why nothing is fetched from a URL. Holds no part of it: there may be a password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchUrlError {
    /// Not an absolute http or https URL.
    #[error("is not an absolute http or https URL")]
    NotHttp,
    /// `http` to another machine: whoever is on the way can replace the document.
    #[error(
        "is http on a host that is not this machine: anyone on the way could replace what it answers; use https, \
         or `danger_allow_http` in a closed network"
    )]
    PlainHttp,
    /// A user or a password.
    #[error("has a user name or a password, which are not sent")]
    UserInfo,
    /// A fragment, which is never sent.
    #[error("has a fragment (`#…`)")]
    Fragment,
}

impl FetchUrl {
    /// A URL with https, or with http to a loopback host (by its text: `localhost`, `127.0.0.0/8`, `[::1]`).
    ///
    /// # Errors
    ///
    /// [`FetchUrlError`].
    pub fn parse(text: &str) -> Result<Self, FetchUrlError> {
        Self::danger_http(text)?.secure()
    }

    /// A URL with https, or with http to any host: whoever is on the way can replace the document, and with it
    /// the keys that tokens are checked with. For closed networks.
    ///
    /// # Errors
    ///
    /// [`FetchUrlError`], except [`PlainHttp`](FetchUrlError::PlainHttp).
    pub fn danger_http(text: &str) -> Result<Self, FetchUrlError> {
        if transport::is_ambiguous(text) {
            return Err(FetchUrlError::NotHttp);
        }
        Self::check(Url::parse(text).map_err(|_| FetchUrlError::NotHttp)?)
    }

    /// The URL of `path` at a backend: https where it speaks TLS, else http, which the operator asked for by saying
    /// so. `path` begins with a slash.
    ///
    /// ```
    /// use mcp_auth_tower::client::FetchUrl;
    ///
    /// let url = FetchUrl::of_backend("keycloak.acme.io", 443, true, "/realms/acme/protocol/openid-connect/certs")?;
    /// assert_eq!(url.to_string(), "https://keycloak.acme.io/realms/acme/protocol/openid-connect/certs");
    /// # Ok::<(), mcp_auth_tower::client::FetchUrlError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`FetchUrlError`].
    pub fn of_backend(host: &str, port: u16, tls: bool, path: &str) -> Result<Self, FetchUrlError> {
        let scheme = if tls { "https" } else { "http" };
        let name = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
        if !name || !path.starts_with('/') {
            return Err(FetchUrlError::NotHttp);
        }
        Self::danger_http(&format!("{scheme}://{host}:{port}{path}"))
    }

    pub(crate) fn check(url: Url) -> Result<Self, FetchUrlError> {
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(FetchUrlError::NotHttp);
        }
        if transport::has_userinfo(&url) {
            return Err(FetchUrlError::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(FetchUrlError::Fragment);
        }
        Ok(Self(url))
    }

    /// Itself, unless it is http to another machine.
    pub(crate) fn secure(self) -> Result<Self, FetchUrlError> {
        if transport::is_secure(&self.0) { Ok(self) } else { Err(FetchUrlError::PlainHttp) }
    }

    /// The whole URL, with its query.
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for FetchUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = self.0.query().is_some();
        let mut shown = self.0.clone();
        shown.set_query(None);
        write!(f, "{shown}{}", if query { "?…" } else { "" })
    }
}

impl fmt::Debug for FetchUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FetchUrl({self})")
    }
}
