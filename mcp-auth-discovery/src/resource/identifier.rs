//! The canonical URI of a protected resource.

use std::fmt;

use serde::{Serialize, Serializer};
use url::Url;

use crate::{transport, well_known};

/// The greatest length of a resource identifier, in bytes.
pub const MAX_RESOURCE_BYTES: usize = 2048;

/// The canonical URI of a protected resource (RFC 9728 §1.2, RFC 8707 §2, MCP "Canonical Server URI").
///
/// Scheme and host are lower case, a default port is gone, there is no fragment and no user information. A
/// trailing slash stays as it was given, because identifiers are compared as strings (RFC 9728 §3.3); it is
/// a [lint](super::MetadataLint::TrailingSlash).
///
/// ```
/// use mcp_auth_discovery::ResourceIdentifier;
///
/// let resource = ResourceIdentifier::parse("HTTPS://MCP.Example.com:443/Files")?;
/// assert_eq!(resource.as_str(), "https://mcp.example.com/Files");
/// assert_eq!(ResourceIdentifier::parse("https://mcp.example.com")?.as_str(), "https://mcp.example.com");
/// assert!(ResourceIdentifier::parse("http://mcp.example.com").is_err());
/// # Ok::<(), mcp_auth_discovery::resource::ResourceError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ResourceIdentifier {
    text: String,
    url: Url,
}

/// Why a text is not a resource identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("resource identifier `{input}`: {kind}")]
pub struct ResourceError {
    input: String,
    kind: ResourceErrorKind,
}

/// The kinds of [`ResourceError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceErrorKind {
    /// Not an absolute URL with a host, or with white space, control characters or backslashes.
    #[error("not an absolute URL with a host")]
    Url,
    /// Longer than [`MAX_RESOURCE_BYTES`].
    #[error("too long")]
    TooLong,
    /// Neither `https` nor `http`.
    #[error("the scheme is not https")]
    Scheme,
    /// `http` to a host that is not loopback.
    #[error("http is for loopback hosts only")]
    InsecureHttp,
    /// With a fragment, which RFC 9728 §1.2 forbids.
    #[error("has a fragment")]
    Fragment,
    /// With a user name or a password.
    #[error("has user information")]
    UserInfo,
}

impl ResourceIdentifier {
    /// Reads a resource identifier: `https`, or `http` to a loopback host.
    ///
    /// # Errors
    ///
    /// [`ResourceError`] with the kind of fault.
    pub fn parse(input: &str) -> Result<Self, ResourceError> {
        Self::read(input, false).map_err(|kind| ResourceError::new(input, kind))
    }

    /// Reads a resource identifier and accepts `http` to any host: tokens for it can be read by everyone on
    /// the way. For closed test networks.
    ///
    /// # Errors
    ///
    /// As [`ResourceIdentifier::parse`], but never [`ResourceErrorKind::InsecureHttp`].
    pub fn insecure_http(input: &str) -> Result<Self, ResourceError> {
        Self::read(input, true).map_err(|kind| ResourceError::new(input, kind))
    }

    /// The identifier as it is compared, sent and published.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The identifier as a URL. Its text has a slash after a bare host, [`as_str`](Self::as_str) may not.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The identifier of the whole origin: scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> Self {
        let mut url = self.url.clone();
        url.set_path("/");
        url.set_query(None);
        Self { text: url.origin().ascii_serialization(), url }
    }

    /// Where the metadata of this resource is served (RFC 9728 §3.1): the value of `resource_metadata`.
    pub fn metadata_url(&self) -> Url {
        well_known::protected_resource_url(&self.url)
    }

    /// The path of [`metadata_url`](Self::metadata_url).
    pub fn metadata_path(&self) -> String {
        well_known::protected_resource_path(&self.url)
    }

    /// Whether `requested` is where the metadata of this resource is served: same origin, same path, same
    /// query. Anything else is answered with 404, never with this document.
    pub fn is_described_at(&self, requested: &Url) -> bool {
        *requested == self.metadata_url()
    }

    /// The audiences that tokens for this resource may have: those configured, or else the resource itself.
    ///
    /// ```
    /// use mcp_auth_discovery::ResourceIdentifier;
    ///
    /// let resource = ResourceIdentifier::parse("http://localhost:3003/mcp")?;
    /// assert_eq!(resource.audiences_or_self(Vec::new()), ["http://localhost:3003/mcp"]);
    /// assert_eq!(resource.audiences_or_self(vec!["account".to_owned()]), ["account"]);
    /// # Ok::<(), mcp_auth_discovery::resource::ResourceError>(())
    /// ```
    pub fn audiences_or_self(&self, configured: Vec<String>) -> Vec<String> {
        if configured.is_empty() { vec![self.text.clone()] } else { configured }
    }

    fn read(input: &str, any_http: bool) -> Result<Self, ResourceErrorKind> {
        if input.len() > MAX_RESOURCE_BYTES {
            return Err(ResourceErrorKind::TooLong);
        }
        let Some((_, rest)) = input.split_once("://") else { return Err(ResourceErrorKind::Url) };
        if transport::is_ambiguous(input) || rest.starts_with('/') {
            return Err(ResourceErrorKind::Url);
        }
        let url = Url::parse(input).map_err(|_| ResourceErrorKind::Url)?;
        match url.scheme() {
            "https" => {}
            "http" if any_http || transport::is_loopback(&url) => {}
            "http" => return Err(ResourceErrorKind::InsecureHttp),
            _ => return Err(ResourceErrorKind::Scheme),
        }
        if url.fragment().is_some() {
            return Err(ResourceErrorKind::Fragment);
        }
        if transport::has_userinfo(&url) || rest.split(['/', '?']).next().is_some_and(|a| a.contains('@')) {
            return Err(ResourceErrorKind::UserInfo);
        }
        // The URL type writes `https://host/` for `https://host`; as strings these are two identifiers.
        let text = if rest.split('?').next().is_some_and(|path| path.contains('/')) {
            url.as_str().to_owned()
        } else {
            without_root_slash(&url)
        };
        Ok(Self { text, url })
    }
}

fn without_root_slash(url: &Url) -> String {
    let mut text = url.origin().ascii_serialization();
    if let Some(query) = url.query() {
        text.push('?');
        text.push_str(query);
    }
    text
}

impl ResourceError {
    /// What was wrong.
    pub fn kind(&self) -> ResourceErrorKind {
        self.kind
    }

    fn new(input: &str, kind: ResourceErrorKind) -> Self {
        let input = input.chars().filter(|c| !c.is_control()).take(200).collect();
        Self { input, kind }
    }
}

impl fmt::Display for ResourceIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for ResourceIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResourceIdentifier({:?})", self.text)
    }
}

impl std::str::FromStr for ResourceIdentifier {
    type Err = ResourceError;

    fn from_str(input: &str) -> Result<Self, ResourceError> {
        Self::parse(input)
    }
}

impl Serialize for ResourceIdentifier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
