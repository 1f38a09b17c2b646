//! The URI that a proof is for, in the one form in which two of them are compared.

use std::fmt;
use std::net::Ipv6Addr;

/// The greatest length of a target URI, in bytes.
pub const MAX_TARGET_BYTES: usize = 4096;

/// The URI of a request without query and fragment, normalised as RFC 9449 §4.3 asks for: scheme and host in lower
/// case, no default port, dot segments resolved, percent-encoding in upper case and only where it is needed
/// (RFC 3986 §6.2.2 and §6.2.3).
///
/// ```
/// use mcp_auth_core::dpop::TargetUri;
///
/// let target = TargetUri::parse("HTTPS://MCP.example:443/a/../m%63p?x=1")?;
/// assert_eq!(target.as_str(), "https://mcp.example/mcp");
/// assert_ne!(target, TargetUri::parse("https://mcp.example/mcp/")?, "a slash at the end is another path");
/// # Ok::<(), mcp_auth_core::dpop::TargetUriError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TargetUri(String);

/// What stands in front of a request's path in the URI that clients use: scheme, host, and the part of the path
/// that a router or proxy takes away before the request arrives here.
///
/// It comes from configuration. The header `Host` is the client's word, and a proxy may have changed it.
///
/// ```
/// use mcp_auth_core::dpop::TargetBase;
///
/// let base = TargetBase::parse("https://mcp.example/files")?;
/// assert_eq!(base.target("/mcp")?.as_str(), "https://mcp.example/files/mcp");
/// # Ok::<(), mcp_auth_core::dpop::TargetUriError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TargetBase {
    origin: String,
    prefix: String,
}

/// Why a text is not a target URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetUriError {
    /// Longer than [`MAX_TARGET_BYTES`].
    #[error("longer than 4096 bytes")]
    TooLong,
    /// Not absolute, or of another scheme than `http` and `https`.
    #[error("not an absolute http or https URI")]
    NotHttp,
    /// With a user name or password.
    #[error("has user information")]
    UserInfo,
    /// No host, or one that is neither a name in ASCII nor an address.
    #[error("has no valid host")]
    Host,
    /// Something other than a number up to 65535 behind the host.
    #[error("has no valid port")]
    Port,
    /// A path that does not begin with a slash, or with a character that a URI does not have.
    #[error("has a path that is not one of a URI")]
    Path,
}

impl TargetUri {
    /// Reads an absolute URI; its query and fragment are dropped.
    ///
    /// # Errors
    ///
    /// [`TargetUriError`] for anything but a bounded http or https URI.
    pub fn parse(text: &str) -> Result<Self, TargetUriError> {
        let (mut uri, rest) = origin(text)?;
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        push_path(&mut uri, if path.is_empty() { "/" } else { path })?;
        Ok(Self(uri))
    }

    /// The normalised URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TargetBase {
    /// Reads a base. A slash at its end does not count.
    ///
    /// # Errors
    ///
    /// As [`TargetUri::parse`].
    pub fn parse(text: &str) -> Result<Self, TargetUriError> {
        let (origin, _) = origin(text)?;
        let whole = TargetUri::parse(text)?;
        let path = whole.0.get(origin.len()..).unwrap_or_default();
        Ok(Self { prefix: path.strip_suffix('/').unwrap_or(path).to_owned(), origin })
    }

    /// The target of a request with this path.
    ///
    /// # Errors
    ///
    /// [`TargetUriError`] when `path` is too long or not the absolute path of a URI.
    pub fn target(&self, path: &str) -> Result<TargetUri, TargetUriError> {
        if self.origin.len() + self.prefix.len() + path.len() > MAX_TARGET_BYTES {
            return Err(TargetUriError::TooLong);
        }
        let mut uri = self.origin.clone();
        if self.prefix.is_empty() {
            push_path(&mut uri, path)?;
        } else if path.starts_with('/') {
            push_path(&mut uri, &format!("{}{path}", self.prefix))?;
        } else {
            return Err(TargetUriError::Path);
        }
        Ok(TargetUri(uri))
    }
}

/// The normalised `scheme://host[:port]` of a URI, and what stands behind it.
fn origin(text: &str) -> Result<(String, &str), TargetUriError> {
    if text.len() > MAX_TARGET_BYTES {
        return Err(TargetUriError::TooLong);
    }
    let (scheme, rest) = text.split_once("://").ok_or(TargetUriError::NotHttp)?;
    let (scheme, default_port) = if scheme.eq_ignore_ascii_case("https") {
        ("https", 443)
    } else if scheme.eq_ignore_ascii_case("http") {
        ("http", 80)
    } else {
        return Err(TargetUriError::NotHttp);
    };
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(TargetUriError::UserInfo);
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(address) => {
            let (address, port) = address.split_once(']').ok_or(TargetUriError::Host)?;
            let address: Ipv6Addr = address.parse().map_err(|_| TargetUriError::Host)?;
            let port = match port.strip_prefix(':') {
                None if !port.is_empty() => return Err(TargetUriError::Port),
                port => port.unwrap_or_default(),
            };
            (format!("[{address}]"), port)
        }
        None => {
            let (name, port) = authority.split_once(':').unwrap_or((authority, ""));
            let labels = name.strip_suffix('.').unwrap_or(name);
            if labels.split('.').any(str::is_empty) || !labels.bytes().all(is_unreserved) {
                return Err(TargetUriError::Host);
            }
            (name.to_ascii_lowercase(), port)
        }
    };
    let mut uri = format!("{scheme}://{host}");
    if !port.is_empty() {
        // `parse` alone would take a sign.
        let digits = port.bytes().all(|b| b.is_ascii_digit());
        let port: u16 = port.parse().ok().filter(|_| digits).ok_or(TargetUriError::Port)?;
        if port != default_port {
            uri.push_str(&format!(":{port}"));
        }
    }
    Ok((uri, rest))
}

/// Appends an absolute path, without its dot segments (RFC 3986 §5.2.4).
fn push_path(uri: &mut String, path: &str) -> Result<(), TargetUriError> {
    let start = uri.len();
    let mut segments = path.strip_prefix('/').ok_or(TargetUriError::Path)?.split('/').peekable();
    while let Some(segment) = segments.next() {
        let begin = uri.len();
        uri.push('/');
        push_segment(uri, segment)?;
        let up = match uri.get(begin..) {
            Some("/.") => false,
            Some("/..") => true,
            _ => continue,
        };
        uri.truncate(begin);
        if up {
            let parent = uri.get(start..).and_then(|path| path.rfind('/')).unwrap_or_default();
            uri.truncate(start + parent);
        }
        if segments.peek().is_none() {
            uri.push('/');
        }
    }
    Ok(())
}

/// Appends a segment with its percent-encoding normalised (RFC 3986 §6.2.2.1 and §6.2.2.2). Characters that RFC 3986
/// would have encoded, and clients send as they are, stay as they are.
fn push_segment(uri: &mut String, segment: &str) -> Result<(), TargetUriError> {
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else { return Err(TargetUriError::Path) };
                let decoded = u8::try_from(high * 16 + low).map_err(|_| TargetUriError::Path)?;
                if is_unreserved(decoded) {
                    uri.push(char::from(decoded));
                } else {
                    uri.push_str(&format!("%{decoded:02X}"));
                }
            }
            b'\\' | b'?' | b'#' => return Err(TargetUriError::Path),
            b'!'..=b'~' => uri.push(char::from(byte)),
            _ => return Err(TargetUriError::Path),
        }
    }
    Ok(())
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

impl fmt::Display for TargetUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TargetUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TargetUri({:?})", self.0)
    }
}

impl fmt::Debug for TargetBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TargetBase({:?})", format_args!("{}{}", self.origin, self.prefix))
    }
}
