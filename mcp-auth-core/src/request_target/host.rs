use std::borrow::Cow;
use std::net::Ipv6Addr;

/// The greatest length of a host with its port, in bytes: a DNS name of 253, a dot, a colon and five digits.
pub const MAX_HOST_BYTES: usize = 260;

/// Why a text is not a host. The texts are fixed, so that they may be sent to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// No host at all.
    #[error("the host is empty")]
    Empty,
    /// Longer than [`MAX_HOST_BYTES`].
    #[error("the host is too long")]
    TooLong,
    /// `user@host`.
    #[error("the host holds a user name")]
    UserInfo,
    /// Something other than digits up to 65535 behind the colon, or more than one colon.
    #[error("the host is not followed by a port of digits")]
    Port,
    /// Brackets around something other than an IPv6 address.
    #[error("the host is in brackets and not an IPv6 address")]
    Address,
    /// `..`, or a dot in front.
    #[error("the host holds an empty label")]
    EmptyLabel,
    /// Something other than letters, digits, `-`, `_` and `.`: percent-encoding and names that are not in ASCII
    /// (send their `xn--` form) included.
    #[error("the host holds a character that host names do not have")]
    Character,
}

/// The one spelling of a host: the value of `Host` or `:authority`, or the authority of a URL, in lower case, without
/// its port and without one dot at the end. An IPv6 address stays in brackets and is written as RFC 5952 says.
///
/// ```
/// use mcp_auth_core::request_target::normalise_host;
///
/// assert_eq!(normalise_host("api.example.com")?, "api.example.com");
/// assert_eq!(normalise_host("API.example.com.:443")?, "api.example.com");
/// assert_eq!(normalise_host("[0:0::1]:3000")?, "[::1]");
/// # Ok::<(), mcp_auth_core::request_target::HostError>(())
/// ```
///
/// # Errors
///
/// [`HostError`] for what is not a host name or an address with at most one port. A request with such a host is
/// answered with 400.
pub fn normalise_host(host: &str) -> Result<Cow<'_, str>, HostError> {
    if host.is_empty() {
        return Err(HostError::Empty);
    }
    if host.len() > MAX_HOST_BYTES {
        return Err(HostError::TooLong);
    }
    if host.contains('@') {
        return Err(HostError::UserInfo);
    }
    if let Some(rest) = host.strip_prefix('[') {
        return address(rest);
    }
    let name = match host.split_once(':') {
        Some((name, port)) => {
            check_port(port)?;
            name
        }
        None => host,
    };
    if name.is_empty() {
        return Err(HostError::Empty);
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        return Err(HostError::Character);
    }
    if name.split('.').any(str::is_empty) {
        return Err(HostError::EmptyLabel);
    }
    Ok(if name.bytes().any(|b| b.is_ascii_uppercase()) {
        name.to_ascii_lowercase().into()
    } else {
        name.into()
    })
}

fn address(rest: &str) -> Result<Cow<'_, str>, HostError> {
    let (address, port) = rest.split_once(']').ok_or(HostError::Address)?;
    let address: Ipv6Addr = address.parse().map_err(|_| HostError::Address)?;
    match port.strip_prefix(':') {
        Some(port) => check_port(port)?,
        None if port.is_empty() => {}
        None => return Err(HostError::Port),
    }
    Ok(format!("[{address}]").into())
}

fn check_port(port: &str) -> Result<(), HostError> {
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    if digits && port.parse::<u16>().is_ok() { Ok(()) } else { Err(HostError::Port) }
}
