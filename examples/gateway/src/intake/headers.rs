//! The header fields that a client must not choose.

use std::fmt::Write as _;
use std::net::SocketAddr;

use http::header::{FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue};

use super::proxies::Client;
use super::{MAX_HEADER_BYTES, MAX_HEADERS, Refusal};

/// What every such field begins with that a proxy in front may have set: `X-Forwarded-For`, `X-Forwarded-User`, …
const FAMILY: &str = "x-forwarded-";

/// What else is said about the way of a request, and believed by many servers.
const FORWARDING: [&str; 8] = [
    "forwarded",
    "x-forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-original-host",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];

/// They have a server do another thing than what policies were asked about.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// The parser holds these limits for HTTP/1.1, and that of the bytes about; HTTP/2 has no limit of the number.
pub(super) fn check_size(headers: &HeaderMap) -> Result<(), Refusal> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        Err(Refusal::HeaderTooLarge)
    } else {
        Ok(())
    }
}

/// Removes what a client says about the way of its request, and what would change its method.
pub(super) fn remove_claimed(headers: &mut HeaderMap) {
    let claimed: Vec<HeaderName> = headers.keys().filter(|name| is_claimed(name.as_str())).cloned().collect();
    for name in claimed {
        headers.remove(name);
    }
}

fn is_claimed(name: &str) -> bool {
    FORWARDING.iter().chain(&METHOD_OVERRIDES).any(|known| alike(name, known))
        || name.get(..FAMILY.len()).is_some_and(|prefix| alike(prefix, FAMILY))
}

/// `_` counts as `-`: CGI, WSGI and their kin make one name of both.
fn alike(name: &str, known: &str) -> bool {
    name.len() == known.len()
        && name.bytes().zip(known.bytes()).all(|(a, b)| a == b || (a, b) == (b'_', b'-'))
}

/// Says what the gateway itself has seen, or was told by a proxy that it trusts: RFC 7239 `Forwarded`, and the older fields. The host is in its one spelling,
/// with the port that the client wrote.
pub(super) fn set_forwarded(headers: &mut HeaderMap, host: Option<&str>, client: &Client, local: SocketAddr) {
    let peer = client.address.ip().to_canonical();
    let mut port_asked = if client.scheme == "https" { "443" } else { "80" }.to_owned();
    if client.host.is_none() {
        port_asked = local.port().to_string();
    }
    let mut forwarded = if peer.is_ipv6() { format!("for=\"[{peer}]\"") } else { format!("for={peer}") };
    if let Some(host) = host {
        let host = match headers.get(HOST).and_then(port) {
            Some(port) => {
                if client.host.is_some() {
                    port.clone_into(&mut port_asked);
                }
                format!("{host}:{port}")
            }
            None => host.to_owned(),
        };
        let _ = write!(forwarded, ";host=\"{host}\"");
        set(headers, "x-forwarded-host", &host);
    }
    let _ = write!(forwarded, ";proto={}", client.scheme);
    set(headers, "x-forwarded-proto", client.scheme);
    set(headers, "x-forwarded-for", &peer.to_string());
    set(headers, "x-forwarded-port", &port_asked);
    set(headers, FORWARDED.as_str(), &forwarded);
}

/// The port of a host that was checked.
fn port(host: &HeaderValue) -> Option<&str> {
    let (_, port) = host.to_str().ok()?.rsplit_once(':')?;
    // `[::1]` has colons and no port.
    port.bytes().all(|b| b.is_ascii_digit()).then_some(port)
}

/// What is set here is made of digits, addresses and checked hosts; anything else stays away.
fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
