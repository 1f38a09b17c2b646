//! The URL that is a `client_id`.

use std::fmt;

use url::Url;

use crate::transport;

/// The greatest length of a `client_id` that is a URL, in bytes.
pub const MAX_CLIENT_ID_BYTES: usize = 2048;

/// A `client_id` that is the URL of a document about the client (draft §3).
///
/// `https`, with a path that is more than `/`, without fragment, user information and dot segments, and written as
/// every URL parser would write it: identifiers are compared as strings.
///
/// ```
/// use mcp_auth_discovery::client_metadata::ClientIdUrl;
///
/// assert!(ClientIdUrl::parse("https://app.example.com/client.json").is_ok());
/// assert!(ClientIdUrl::parse("https://app.example.com/").is_err());
/// assert!(ClientIdUrl::parse("https://app.example.com/a/../client.json").is_err());
/// assert!(!ClientIdUrl::looks_like("0oa1b2c3"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientIdUrl {
    url: Url,
}

/// Why a `client_id` is not the URL of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientIdError {
    /// Longer than [`MAX_CLIENT_ID_BYTES`].
    #[error("client_id is too long")]
    TooLong,
    /// Not an absolute URL.
    #[error("client_id is not an absolute URL")]
    NotAUrl,
    /// Another scheme than `https`.
    #[error("client_id is not an https URL")]
    Scheme,
    /// With a fragment.
    #[error("client_id has a fragment")]
    Fragment,
    /// With a user name or a password.
    #[error("client_id has user information")]
    UserInfo,
    /// Without a path, or with `/` alone.
    #[error("client_id has no path")]
    NoPath,
    /// With dot segments, capital letters in the host, a default port, or anything else that URL parsers rewrite.
    #[error("client_id is not written canonically (dot segments, default port, capital letters in the host)")]
    NotCanonical,
    /// Its host is not among those that the operator allows.
    #[error("client_id has a host that is not allowed here")]
    HostNotAllowed,
}

impl ClientIdUrl {
    /// Whether a `client_id` has the form of a URL, so that it is not that of a registered client.
    pub fn looks_like(client_id: &str) -> bool {
        client_id.contains("://")
    }

    /// Reads a `client_id`.
    ///
    /// # Errors
    ///
    /// [`ClientIdError`].
    pub fn parse(client_id: &str) -> Result<Self, ClientIdError> {
        Self::read(client_id, false)
    }

    /// As [`parse`](Self::parse), and accepts `http`: anyone on the way can be any client. For test networks.
    ///
    /// # Errors
    ///
    /// [`ClientIdError`].
    pub fn insecure_http(client_id: &str) -> Result<Self, ClientIdError> {
        Self::read(client_id, true)
    }

    /// The identifier as it is compared.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Where the document is.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host, and the port if it is not the default: what a consent page shows. Other scripts are in their ASCII form
    /// (`xn--…`), so that look-alikes are seen.
    pub fn authority(&self) -> &str {
        // INVARIANT: there is no user information, so that the authority is host and port.
        self.url.authority()
    }

    /// The host without the port.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    fn read(client_id: &str, any_http: bool) -> Result<Self, ClientIdError> {
        if client_id.len() > MAX_CLIENT_ID_BYTES {
            return Err(ClientIdError::TooLong);
        }
        if transport::is_ambiguous(client_id) {
            return Err(ClientIdError::NotAUrl);
        }
        let url = Url::parse(client_id).map_err(|_| ClientIdError::NotAUrl)?;
        if !(url.scheme() == "https" || any_http && url.scheme() == "http") {
            return Err(ClientIdError::Scheme);
        }
        if url.fragment().is_some() {
            return Err(ClientIdError::Fragment);
        }
        if transport::has_userinfo(&url) {
            return Err(ClientIdError::UserInfo);
        }
        if url.path() == "/" {
            return Err(ClientIdError::NoPath);
        }
        // The parser has resolved dot segments, `%2e` included, and everything else that it repairs.
        if url.as_str() != client_id {
            return Err(ClientIdError::NotCanonical);
        }
        Ok(Self { url })
    }
}

impl fmt::Display for ClientIdUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ClientIdUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientIdUrl({:?})", self.as_str())
    }
}
