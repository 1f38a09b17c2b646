//! Where a resource is: the host and the port of its URL, as a request names them.

use http::Request;
use http::header::HOST;
use mcp_auth_core::request_target::normalise_host;
use url::Url;

/// Host and port of a URL of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    host: String,
    port: Option<u16>,
}

impl Place {
    pub(super) fn of(url: &Url) -> Option<Self> {
        let host = normalise_host(url.host_str()?).ok()?.into_owned();
        Some(Self { host, port: url.port_or_known_default() })
    }

    /// Whether a request that was [taken in](crate::intake) is for this place. One that names no host is taken for it.
    pub(super) fn is_asked<B>(&self, request: &Request<B>) -> bool {
        let Some(value) = request.headers().get(HOST) else { return true };
        let Some((text, host)) =
            value.to_str().ok().and_then(|text| Some((text, normalise_host(text).ok()?)))
        else {
            return false;
        };
        let port = text.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        // The scheme is not known where somebody else ends TLS: no port is that of either scheme.
        let same = port == self.port || port.is_none() && matches!(self.port, Some(80 | 443));
        *host == *self.host && same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_126_a_place_is_asked_by_its_host_and_port() {
        let asked = |url: &str, host: &str| {
            let request = Request::builder().header(HOST, host).body(()).unwrap();
            Place::of(&Url::parse(url).unwrap()).unwrap().is_asked(&request)
        };
        for (url, host) in [
            ("https://mcp.example/mcp", "mcp.example"),
            ("https://mcp.example/mcp", "MCP.example.:443"),
            ("http://mcp.example:8080/", "mcp.example:8080"),
            ("http://[::1]:3000/mcp", "[::1]:3000"),
        ] {
            assert!(asked(url, host), "{url} {host}");
        }
        for (url, host) in [
            ("https://mcp.example/mcp", "other.example"),
            ("https://mcp.example/mcp", "mcp.example:8443"),
            ("http://mcp.example:8080/", "mcp.example"),
            ("http://127.0.0.1:3000/mcp", "localhost:3000"),
            ("http://[::1]:3000/mcp", "[::1]"),
        ] {
            assert!(!asked(url, host), "{url} {host}");
        }
        assert!(Place::of(&Url::parse("https://mcp.example/").unwrap()).unwrap().is_asked(&Request::new(())));
    }
}
