//! The host that a request is for.

use std::borrow::Cow;

use http::Uri;
use http::header::{HOST, HeaderMap};
use mcp_auth_core::request_target::normalise_host;
use url::Url;

/// Host and port of a request, made comparable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority<'r> {
    /// In lower case, without a dot at its end; IPv6 addresses in brackets.
    pub(crate) host: Cow<'r, str>,
    pub(crate) port: Option<u16>,
}

/// The request names no host that everybody behind reads alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadAuthority;

impl<'r> Authority<'r> {
    /// The authority of the request target (`:authority` in HTTP/2) or of `Host`; `None` without either.
    ///
    /// More than one, or two that differ, are an error: RFC 9110 §7.2, RFC 9113 §8.3.1.
    pub(crate) fn of(uri: &'r Uri, headers: &'r HeaderMap) -> Result<Option<Self>, BadAuthority> {
        let target = uri.authority().map(|a| Self::parse(a.as_str()).ok_or(BadAuthority)).transpose()?;
        let mut values = headers.get_all(HOST).iter();
        let Some(value) = values.next() else { return Ok(target) };
        let host = value.to_str().ok().and_then(Self::parse).filter(|_| values.next().is_none());
        let host = host.ok_or(BadAuthority)?;
        let default = match uri.scheme_str() {
            Some("https") => Some(443),
            Some("http") => Some(80),
            _ => None,
        };
        match &target {
            Some(target) if target.host != host.host => Err(BadAuthority),
            Some(target) if target.port.or(default) != host.port.or(default) => Err(BadAuthority),
            _ => Ok(Some(host)),
        }
    }

    /// `host` or `host:port`; `None` for everything else.
    pub(crate) fn parse(text: &'r str) -> Option<Self> {
        let host = normalise_host(text).ok()?;
        // What follows the name was checked with it: nothing, or a colon and perhaps a port.
        let after_address = text.rsplit_once(']').map_or(text, |(_, rest)| rest);
        let port = match after_address.rsplit_once(':') {
            None => None,
            Some((_, digits)) => Some(digits.parse().ok()?),
        };
        Some(Self { host, port })
    }
}

/// Where we are: host and port of a URL of ours. It comes from configuration; what is compared with it is what the
/// request says of itself, and never a header of a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    host: String,
    port: Option<u16>,
}

impl Place {
    pub(crate) fn of(url: &Url) -> Option<Self> {
        let host = Authority::parse(url.host_str()?)?.host.into_owned();
        Some(Self { host, port: url.port_or_known_default() })
    }

    /// Whether a request is for this place. One that names no host is taken for it: no client of HTTP/1.1 leaves it out.
    pub(crate) fn is_asked(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        match Authority::of(uri, headers) {
            // The scheme is not known where somebody else ends TLS: no port is that of either scheme.
            Ok(Some(asked)) => {
                let default = matches!(self.port, Some(80 | 443));
                *asked.host == *self.host
                    && (asked.port.is_some() && asked.port == self.port || asked.port.is_none() && default)
            }
            Ok(None) => true,
            Err(BadAuthority) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str, hosts: &[&'static str]) -> Result<Option<(String, Option<u16>)>, BadAuthority> {
        let headers = hosts.iter().map(|h| (HOST, http::HeaderValue::from_static(h))).collect();
        let uri: Uri = uri.parse().unwrap();
        Authority::of(&uri, &headers).map(|a| a.map(|a| (a.host.into_owned(), a.port)))
    }

    fn is(host: &str, port: Option<u16>) -> Result<Option<(String, Option<u16>)>, BadAuthority> {
        Ok(Some((host.to_owned(), port)))
    }

    #[test]
    fn attack_068_spellings_of_one_host_are_one_host() {
        for text in ["mcp.example", "MCP.example", "mcp.example.", "Mcp.Example.:1"] {
            assert_eq!(Authority::parse(text).unwrap().host, "mcp.example", "{text}");
        }
        assert_eq!(of("/", &["MCP.Example.:8443"]), is("mcp.example", Some(8443)));
        assert_eq!(of("https://MCP.Example/", &[]), is("mcp.example", None));
        assert_eq!(of("/", &["[::1]:3000"]), is("[::1]", Some(3000)));
        assert_eq!(of("/", &["[0:0::01]"]), is("[::1]", None));
        assert_eq!(of("/", &["127.0.0.1:3000"]), is("127.0.0.1", Some(3000)));
        assert_eq!(of("/", &[]), Ok(None));
    }

    #[test]
    fn attack_068_a_place_is_one_host_and_one_port() {
        let asked = |place: &str, uri: &str, hosts: &[&'static str]| {
            let place = Place::of(&Url::parse(place).unwrap()).unwrap();
            let headers = hosts.iter().map(|h| (HOST, http::HeaderValue::from_static(h))).collect();
            place.is_asked(&uri.parse().unwrap(), &headers)
        };
        for host in ["mcp.example", "MCP.Example.", "mcp.example:443"] {
            assert!(asked("https://mcp.example", "/", &[host]), "{host}");
        }
        for host in ["mcp.example:80", "mcp.example:8443", "evil.example", "mcp.example.evil.example"] {
            assert!(!asked("https://mcp.example", "/", &[host]), "{host}");
        }
        assert!(asked("http://[::1]:3000", "/", &["[::1]:3000"]));
        assert!(!asked("http://[::1]:3000", "/", &["[::1]"]));
        assert!(asked("https://mcp.example", "https://mcp.example/", &[]));
        assert!(asked("https://mcp.example", "/", &[]));
        assert!(!asked("https://mcp.example", "/", &["mcp.example", "mcp.example"]));
        assert!(!asked("https://mcp.example", "https://evil.example/", &["mcp.example"]));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_an_error() {
        for hosts in [&["a", "a"][..], &["a", "b"], &[""], &["a,b"], &["a b"], &["u@a"], &["a/b"], &["a:b"]] {
            assert_eq!(of("/", hosts), Err(BadAuthority), "{hosts:?}");
        }
        for host in [
            "a..", ".", ":80", "a:", "a:80:80", "a:99999", "a:+80", "[::1", "::1", "[a]", "[::1]x", "a[",
            "a]", "a%2e", "é",
        ] {
            assert_eq!(Authority::parse(host), None, "{host}");
        }
        assert_eq!(of("https://a/", &["b"]), Err(BadAuthority));
        assert_eq!(of("https://a:1/", &["a:2"]), Err(BadAuthority));
        assert_eq!(of("https://a:1/", &["a"]), Err(BadAuthority));
        assert_eq!(of("https://a:443/", &["A."]), is("a", None));
        assert_eq!(of("http://a/", &["a:80"]), is("a", Some(80)));
        assert_eq!(of("https://u@a/", &[]), Err(BadAuthority));
    }
}
