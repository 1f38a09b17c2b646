//! Proxies in front whose word about a request counts.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;
use mcp_auth_core::request_target::normalise_host;

use super::Refusal;

/// The proxies in front, by their addresses. They set `X-Forwarded-For`, `X-Forwarded-Host` and `X-Forwarded-Proto`, and
/// do not pass on those of a client. `Forwarded` (RFC 7239) is not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

/// What is known of the client of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) address: SocketAddr,
    /// The host that it asked for, where a proxy says so.
    pub(super) host: Option<String>,
    /// The scheme that it used.
    pub(super) scheme: &'static str,
}

impl TrustedProxies {
    pub(crate) fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Reads what a proxy says; of anybody else it is what the connection shows. What a proxy says and cannot be
    /// understood is refused: somebody else's address or host would stand there.
    pub(super) fn client(&self, headers: &HeaderMap, peer: SocketAddr) -> Result<Client, Refusal> {
        // Listeners speak plain HTTP only.
        let mut client = Client { address: peer, host: None, scheme: "http" };
        if !self.trusts(peer.ip()) {
            return Ok(client);
        }
        let refused = || Refusal::Forwarded;
        // Each proxy adds who asked it at the end: the first from there that is none of ours is the client.
        let lines: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
        'lines: for line in lines.iter().rev() {
            for hop in line.to_str().map_err(|_| refused())?.rsplit(',') {
                let address = address(hop.trim()).ok_or_else(refused)?;
                client.address = SocketAddr::new(address, 0);
                if !self.trusts(address) {
                    break 'lines;
                }
            }
        }
        if let Some(host) = one(headers, "x-forwarded-host")? {
            normalise_host(host)?;
            client.host = Some(host.to_owned());
        }
        client.scheme = match one(headers, "x-forwarded-proto")? {
            None => "http",
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
            Some(scheme) if scheme.eq_ignore_ascii_case("http") => "http",
            Some(_) => return Err(Refusal::Forwarded),
        };
        Ok(client)
    }
}

/// The value of a field that may be there once.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(|text| Some(text.trim())).map_err(|_| Refusal::Forwarded),
        (Some(_), Some(_)) => Err(Refusal::Forwarded),
    }
}

/// An address, perhaps with a port behind it.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, HeaderValue};

    use super::*;

    const PROXY: &str = "10.0.0.5:443";

    fn client(peer: &str, fields: &[(&'static str, &'static str)]) -> Result<Client, Refusal> {
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let headers = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        proxies.client(&headers, peer.parse().unwrap())
    }

    fn seen(address: &str) -> String {
        client(PROXY, &[("x-forwarded-for", Box::leak(address.to_owned().into_boxed_str()))])
            .map_or_else(|e| e.to_string(), |client| client.address.ip().to_string())
    }

    #[test]
    fn attack_061_what_a_proxy_says_counts_and_nobody_elses_word() {
        let all = [
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-proto", "https"),
        ];
        for peer in ["192.0.2.9:1", "[2001:db8::1]:1", "11.0.0.1:1"] {
            let own = Client { address: peer.parse().unwrap(), host: None, scheme: "http" };
            assert_eq!(client(peer, &all), Ok(own));
        }
        for peer in [PROXY, "[::ffff:10.1.2.3]:9", "[fd12::1]:9"] {
            let told = Client {
                address: "192.0.2.1:0".parse().unwrap(),
                host: Some("evil.example".to_owned()),
                scheme: "https",
            };
            assert_eq!(client(peer, &all), Ok(told));
        }
        let silent = Client { address: PROXY.parse().unwrap(), host: None, scheme: "http" };
        assert_eq!(client(PROXY, &[]), Ok(silent));
    }

    #[test]
    fn attack_061_the_client_is_the_last_that_is_no_proxy_of_ours() {
        assert_eq!(seen("192.0.2.1"), "192.0.2.1");
        assert_eq!(
            seen("6.6.6.6, 192.0.2.1, 10.0.0.9"),
            "192.0.2.1",
            "the first one was written by the client"
        );
        assert_eq!(seen("10.9.9.9,10.0.0.9"), "10.9.9.9", "one of us");
        assert_eq!(seen("192.0.2.1:5000"), "192.0.2.1");
        assert_eq!(seen("[2001:db8::7]:5000"), "2001:db8::7");
        assert_eq!(seen("[2001:db8::7]"), "2001:db8::7");
        assert_eq!(seen("::ffff:192.0.2.1"), "192.0.2.1");
        for bad in ["", "unknown", "192.0.2.1,", "_hidden", "192.0.2.1 192.0.2.2"] {
            assert_eq!(seen(bad), Refusal::Forwarded.to_string(), "{bad}");
        }
        let two = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.1")];
        assert_eq!(client(PROXY, &two).unwrap().address.ip().to_string(), "192.0.2.1");
    }

    #[test]
    fn attack_061_what_cannot_be_understood_is_refused() {
        for fields in [
            &[("x-forwarded-host", "a.example, b.example")][..],
            &[("x-forwarded-host", "a.example"), ("x-forwarded-host", "a.example")],
            &[("x-forwarded-host", "user@a.example")],
            &[("x-forwarded-proto", "https, http")],
            &[("x-forwarded-proto", "ftp")],
        ] {
            assert!(client(PROXY, fields).is_err(), "{fields:?}");
        }
    }
}
