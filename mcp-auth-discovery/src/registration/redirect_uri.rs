//! Where an authorization response may be sent.

use url::Url;

use super::KnownClient;
use crate::transport;

/// The greatest length of a redirect URI, in bytes.
pub const MAX_REDIRECT_URI_BYTES: usize = 2048;

/// Schemes that run code, read files or mean something to a browser: never private-use.
const DANGEROUS_SCHEMES: [&str; 16] = [
    "about",
    "blob",
    "chrome",
    "data",
    "file",
    "filesystem",
    "ftp",
    "http",
    "https",
    "intent",
    "javascript",
    "mailto",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// Which redirect URIs are acceptable: `https`, and `http` to a loopback host (MCP "Communication Security").
///
/// Private-use schemes (RFC 8252 §7.1) can be claimed by any program of the device and are refused, except
/// those that were allowed by name.
///
/// ```
/// use mcp_auth_discovery::registration::RedirectUriRules;
///
/// let rules = RedirectUriRules::default();
/// assert!(rules.check("https://app.example.com/callback").is_ok());
/// assert!(rules.check("http://127.0.0.1:33418/").is_ok());
/// assert!(rules.check("cursor://anysphere.cursor-mcp/oauth/callback").is_err());
///
/// let rules = rules.allow_private_use_scheme("cursor")?;
/// assert!(rules.check("cursor://anysphere.cursor-mcp/oauth/callback").is_ok());
/// # Ok::<(), mcp_auth_discovery::registration::RedirectUriError>(())
/// ```
///
/// With [`listed`](Self::listed) only those `https` URIs are acceptable that were named:
///
/// ```
/// use mcp_auth_discovery::registration::{KnownClient, RedirectUriRules};
///
/// let rules = RedirectUriRules::listed()
///     .allow_known_client(KnownClient::Claude)
///     .allow_known_client(KnownClient::Cursor)
///     .allow_https_host("app.example.com")?;
/// assert!(rules.check("https://claude.ai/api/mcp/auth_callback").is_ok());
/// assert!(rules.check("cursor://anysphere.cursor-mcp/oauth/callback").is_ok());
/// assert!(rules.check("https://app.example.com/cb").is_ok());
/// assert!(rules.check("http://localhost:50123/callback").is_ok());
/// assert!(rules.check("https://evil.example/cb").is_err());
/// # Ok::<(), mcp_auth_discovery::registration::RedirectUriError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedirectUriRules {
    private_use_schemes: Vec<String>,
    known_clients: Vec<KnownClient>,
    /// `None`: any.
    https_hosts: Option<Vec<String>>,
}

/// Why a redirect URI or a private-use scheme is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.description())]
#[non_exhaustive]
pub enum RedirectUriError {
    /// Not an absolute URI, or with white space, control characters or backslashes.
    Syntax,
    /// Longer than [`MAX_REDIRECT_URI_BYTES`].
    TooLong,
    /// With a fragment (RFC 6749 §3.1.2).
    Fragment,
    /// With a user name or a password.
    UserInfo,
    /// `http` to a host that is not loopback.
    InsecureHttp,
    /// Neither `https` nor `http`, and not allowed by name.
    Scheme,
    /// `https` to a host that was not listed, where only listed ones are acceptable.
    Host,
}

impl RedirectUriRules {
    /// Rules under which no `https` URI is acceptable but those that are named, and `http` to a loopback host is.
    pub fn listed() -> Self {
        Self { https_hosts: Some(Vec::new()), ..Self::default() }
    }

    /// Allows the redirect URIs of a client: also its private-use URI, and no other one of that scheme.
    #[must_use]
    pub fn allow_known_client(mut self, client: KnownClient) -> Self {
        self.known_clients.push(client);
        self
    }

    /// Allows `https` URIs of one host, on any port. No other `https` URI is acceptable then but those that are named.
    ///
    /// # Errors
    ///
    /// [`RedirectUriError::Host`] when this is not the name of a host, without scheme, port and wildcard.
    pub fn allow_https_host(mut self, host: &str) -> Result<Self, RedirectUriError> {
        let parsed = Url::parse(&format!("https://{host}/")).map_err(|_| RedirectUriError::Host)?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'[' | b']' | b':');
        match parsed.host_str() {
            Some(name) if name.eq_ignore_ascii_case(host) && host.bytes().all(plain) => {
                self.https_hosts.get_or_insert_default().push(name.to_owned());
                Ok(self)
            }
            _ => Err(RedirectUriError::Host),
        }
    }

    /// Allows one private-use scheme, such as `cursor` or `com.example.app`.
    ///
    /// # Errors
    ///
    /// [`RedirectUriError::Scheme`] when this is not the name of a scheme, or of one that runs code or means
    /// something to a browser, such as `javascript`.
    pub fn allow_private_use_scheme(mut self, scheme: &str) -> Result<Self, RedirectUriError> {
        let scheme = scheme.to_ascii_lowercase();
        let well_formed = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
            && scheme.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
        if !well_formed || DANGEROUS_SCHEMES.contains(&scheme.as_str()) {
            return Err(RedirectUriError::Scheme);
        }
        self.private_use_schemes.push(scheme);
        Ok(self)
    }

    /// Checks one redirect URI.
    ///
    /// # Errors
    ///
    /// [`RedirectUriError`] with the reason.
    pub fn check(&self, uri: &str) -> Result<(), RedirectUriError> {
        if uri.len() > MAX_REDIRECT_URI_BYTES {
            return Err(RedirectUriError::TooLong);
        }
        if transport::is_ambiguous(uri) || !uri.is_ascii() {
            return Err(RedirectUriError::Syntax);
        }
        if uri.contains('#') {
            return Err(RedirectUriError::Fragment);
        }
        let url = Url::parse(uri).map_err(|_| RedirectUriError::Syntax)?;
        if transport::has_userinfo(&url) {
            return Err(RedirectUriError::UserInfo);
        }
        match url.scheme() {
            // `https:host` and `https:///host` are repaired by the parser, and read otherwise by others.
            "https" | "http" if !has_plain_authority(uri) => Err(RedirectUriError::Syntax),
            "https" if self.allows_https(&url) || self.is_of_known_client(uri) => Ok(()),
            "https" => Err(RedirectUriError::Host),
            "http" if transport::is_loopback(&url) => Ok(()),
            "http" => Err(RedirectUriError::InsecureHttp),
            scheme if self.private_use_schemes.iter().any(|allowed| allowed == scheme) => Ok(()),
            _ if self.is_of_known_client(uri) => Ok(()),
            _ => Err(RedirectUriError::Scheme),
        }
    }

    fn allows_https(&self, url: &Url) -> bool {
        match (&self.https_hosts, url.host_str()) {
            (None, _) => true,
            (Some(hosts), Some(host)) => hosts.iter().any(|allowed| allowed == host),
            (Some(_), None) => false,
        }
    }

    fn is_of_known_client(&self, uri: &str) -> bool {
        self.known_clients.iter().any(|client| client.has_redirect_uri(uri))
    }
}

impl RedirectUriError {
    /// The fixed text for developers of clients.
    pub fn description(self) -> &'static str {
        match self {
            Self::Syntax => "redirect URI is not an absolute URI",
            Self::TooLong => "redirect URI is too long",
            Self::Fragment => "redirect URI has a fragment",
            Self::UserInfo => "redirect URI has user information",
            Self::InsecureHttp => "redirect URI is http to a host that is not loopback",
            Self::Scheme => "redirect URI has a scheme that is not allowed",
            Self::Host => "redirect URI has a host that is not allowed",
        }
    }
}

/// Whether the redirect URI of an authorization request is the registered one: equal as strings, or, on an
/// `http` loopback host, equal but for the port (RFC 8252 §7.3).
///
/// ```
/// use mcp_auth_discovery::registration::redirect_uri_matches;
///
/// assert!(redirect_uri_matches("https://app.example.com/cb", "https://app.example.com/cb"));
/// assert!(redirect_uri_matches("http://127.0.0.1/cb", "http://127.0.0.1:33418/cb"));
/// assert!(!redirect_uri_matches("https://app.example.com/cb", "https://app.example.com/cb/"));
/// assert!(!redirect_uri_matches("http://127.0.0.1/cb", "http://localhost/cb"));
/// ```
pub fn redirect_uri_matches(registered: &str, requested: &str) -> bool {
    if registered == requested {
        return true;
    }
    // Whatever the parser would repair is compared as a string only.
    if [registered, requested].iter().any(|uri| transport::is_ambiguous(uri) || !has_plain_authority(uri)) {
        return false;
    }
    let (Ok(registered), Ok(requested)) = (without_port(registered), without_port(requested)) else {
        return false;
    };
    matches!((registered, requested), (Some(a), Some(b)) if a == b)
}

/// The text around the port of an `http` loopback URL; `None` for other URLs.
fn without_port(uri: &str) -> Result<Option<(Url, &str)>, url::ParseError> {
    let mut url = Url::parse(uri)?;
    if url.scheme() != "http" || !transport::is_loopback(&url) || transport::has_userinfo(&url) {
        return Ok(None);
    }
    let _ = url.set_port(None);
    let tail =
        uri.split_once("://").and_then(|(_, rest)| rest.find(['/', '?', '#']).and_then(|at| rest.get(at..)));
    Ok(Some((url, tail.unwrap_or(""))))
}

fn has_plain_authority(uri: &str) -> bool {
    uri.split_once("://").is_some_and(|(scheme, rest)| !scheme.contains(['/', ':']) && !rest.starts_with('/'))
}
