//! Under which URL clients see us.

use std::fmt;

use url::Url;

use super::{ResourceError, ResourceIdentifier};
use crate::transport;

/// The public URL under which resources are mounted: scheme, authority and an optional path prefix.
///
/// It comes from configuration, or from headers that a trusted proxy set. It never comes from the `Host` of whoever
/// asks: metadata and challenges would then send clients wherever the asker wants.
///
/// ```
/// use mcp_auth_discovery::resource::{BaseUrl, BaseUrlError, Forwarded, Peer};
///
/// let base = BaseUrl::parse("https://mcp.example.com/tools/")?;
/// assert_eq!(base.resource("/files")?.as_str(), "https://mcp.example.com/tools/files");
///
/// let forwarded = Forwarded::new("https", "mcp.example.com").prefix("/tools");
/// assert_eq!(BaseUrl::forwarded(Peer::TrustedProxy, &forwarded)?, base);
/// assert_eq!(BaseUrl::forwarded(Peer::Anyone, &forwarded), Err(BaseUrlError::UntrustedPeer));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    /// Without a slash at its end.
    text: String,
    insecure_http: bool,
}

/// Who sent the forwarding headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a caller has decided, one way or the other")]
pub enum Peer {
    /// A proxy of the operator, which sets these headers itself and drops those of the client.
    TrustedProxy,
    /// Anybody else.
    Anyone,
}

/// What a proxy says about the URL that the client used: the values of `X-Forwarded-Proto`, `X-Forwarded-Host` and
/// `X-Forwarded-Prefix`, or of `Forwarded` (RFC 7239).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarded<'h> {
    proto: &'h str,
    host: &'h str,
    prefix: &'h str,
}

/// Why there is no base URL, or no resource below it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// The headers were not set by a trusted proxy.
    #[error("forwarding headers count only when a trusted proxy sent them: configure the public URL")]
    UntrustedPeer,
    /// The scheme is neither `http` nor `https`.
    #[error("forwarded scheme is neither http nor https (a list of schemes is refused too)")]
    Proto,
    /// Not one host with an optional port.
    #[error("forwarded host is not one host with an optional port (a list of hosts is refused too)")]
    Host,
    /// Not an absolute path of unreserved characters without empty and dot segments.
    #[error("path or prefix is not an absolute path without empty segments, dot segments and escapes")]
    Path,
    /// With a query.
    #[error("base URL has a query")]
    Query,
    /// Not acceptable as (the beginning of) a resource identifier.
    #[error(transparent)]
    Resource(#[from] ResourceError),
}

impl BaseUrl {
    /// Reads a configured URL: `https`, or `http` to a loopback host. A slash at its end makes no difference.
    ///
    /// # Errors
    ///
    /// [`BaseUrlError`].
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        Self::read(text, false)
    }

    /// As [`parse`](Self::parse), and accepts `http` to any host. For closed test networks.
    ///
    /// # Errors
    ///
    /// [`BaseUrlError`].
    pub fn insecure_http(text: &str) -> Result<Self, BaseUrlError> {
        Self::read(text, true)
    }

    /// What a trusted proxy says. The host is that of the headers: let the proxy set it, or check it against a list.
    ///
    /// # Errors
    ///
    /// [`BaseUrlError::UntrustedPeer`] for headers of anybody else; otherwise what is wrong with them. `http` is for
    /// loopback hosts only: a proxy that ends TLS has to say `https`.
    pub fn forwarded(peer: Peer, forwarded: &Forwarded<'_>) -> Result<Self, BaseUrlError> {
        if peer != Peer::TrustedProxy {
            return Err(BaseUrlError::UntrustedPeer);
        }
        let Forwarded { proto, host, prefix } = forwarded;
        if !["http", "https"].iter().any(|known| proto.eq_ignore_ascii_case(known)) {
            return Err(BaseUrlError::Proto);
        }
        let authority = |b: u8| b.is_ascii_alphanumeric() || b"-._[]:".contains(&b);
        if host.is_empty() || !host.bytes().all(authority) {
            return Err(BaseUrlError::Host);
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        Url::parse(&format!("{proto}://{host}")).map_err(|_| BaseUrlError::Host)?;
        Self::read(&format!("{proto}://{host}{}", plain_path(prefix)?), false)
    }

    /// The identifier of the resource that is mounted at `path`, `""` for the base itself. Whoever serves it serves
    /// its metadata at [`ResourceIdentifier::metadata_url`].
    ///
    /// # Errors
    ///
    /// [`BaseUrlError::Path`] for a path that two readers could read differently, [`BaseUrlError::Resource`] for one
    /// that is too long.
    pub fn resource(&self, path: &str) -> Result<ResourceIdentifier, BaseUrlError> {
        let text = format!("{}{}", self.text, plain_path(path)?);
        let read =
            if self.insecure_http { ResourceIdentifier::insecure_http } else { ResourceIdentifier::parse };
        Ok(read(&text)?)
    }

    /// The URL without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn read(text: &str, insecure_http: bool) -> Result<Self, BaseUrlError> {
        let read = if insecure_http { ResourceIdentifier::insecure_http } else { ResourceIdentifier::parse };
        let url = read(text)?.url().clone();
        if url.query().is_some() {
            return Err(BaseUrlError::Query);
        }
        let path = url.path().trim_end_matches('/');
        let text = format!("{}{}", url.origin().ascii_serialization(), plain_path(path)?);
        let insecure_http = insecure_http && !transport::is_secure(&url);
        Ok(Self { text, insecure_http })
    }
}

/// A path that every reader reads alike. Escapes are refused: routers differ in when they decode them.
fn plain_path(path: &str) -> Result<&str, BaseUrlError> {
    let Some(rest) = path.strip_prefix('/') else {
        return if path.is_empty() { Ok(path) } else { Err(BaseUrlError::Path) };
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&b);
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        let empty = segment.is_empty() && !last;
        if empty || matches!(segment, "." | "..") || !segment.bytes().all(plain) {
            return Err(BaseUrlError::Path);
        }
    }
    Ok(path)
}

impl<'h> Forwarded<'h> {
    /// The scheme and the host (with a port, if it is not the default) of the client's request.
    pub fn new(proto: &'h str, host: &'h str) -> Self {
        Self { proto, host, prefix: "" }
    }

    /// The path that the proxy cut off.
    #[must_use]
    pub fn prefix(mut self, prefix: &'h str) -> Self {
        self.prefix = prefix;
        self
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({:?})", self.text)
    }
}
