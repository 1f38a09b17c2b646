//! Which URLs may carry tokens.

use url::{Host, Url};

/// Whether `url` is `https`, or `http` to a loopback host (RFC 8252 §7.3, MCP "Communication Security").
///
/// Loopback is `localhost`, names below `.localhost`, `127.0.0.0/8` and `[::1]`.
///
/// ```
/// use mcp_auth_discovery::transport::is_secure;
/// use url::Url;
///
/// assert!(is_secure(&Url::parse("https://mcp.example.com/")?));
/// assert!(is_secure(&Url::parse("http://localhost:3000/mcp")?));
/// assert!(!is_secure(&Url::parse("http://mcp.example.com/")?));
/// assert!(!is_secure(&Url::parse("http://localhost.example.com/")?));
/// # Ok::<(), url::ParseError>(())
/// ```
pub fn is_secure(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(url),
        _ => false,
    }
}

/// Whether the host of `url` is this machine by its text alone; nothing is resolved.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether `url` names a user or a password.
pub fn has_userinfo(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Whether `text` holds what the URL parser would silently drop or rewrite: white space, control
/// characters, backslashes.
pub fn is_ambiguous(text: &str) -> bool {
    text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_decided_by_host_alone() {
        let secure = |text: &str| is_secure(&Url::parse(text).unwrap());
        for yes in [
            "http://127.0.0.1/",
            "http://127.8.9.1:80/",
            "http://[::1]:1/",
            "http://a.localhost/",
            "https://x",
        ] {
            assert!(secure(yes), "{yes}");
        }
        for no in [
            "http://10.0.0.1/",
            "http://[::ffff:169.254.169.254]/",
            "http://localhost@evil.example/",
            "http://0.0.0.0/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "ftp://localhost/",
        ] {
            assert!(!secure(no), "{no}");
        }
    }
}
