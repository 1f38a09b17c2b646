//! What is allowed.

use http::Uri;
use http::header::{HeaderMap, HeaderValue, ORIGIN};
use url::Url;

use crate::authority::Authority;
use crate::rejection::RejectionReason;

/// A text that is no origin or no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` {reason}")]
pub struct OriginError {
    input: String,
    reason: &'static str,
}

impl OriginError {
    fn new(input: &str, reason: &'static str) -> Self {
        Self { input: input.chars().filter(|c| !c.is_control()).take(200).collect(), reason }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// As browsers write them.
    origins: Vec<Box<[u8]>>,
    any_origin: bool,
    loopback: bool,
    /// The resource's own, for when hosts are checked.
    own: Option<Host>,
    /// `None`: not checked.
    hosts: Option<Vec<Host>>,
}

/// Without a port: on any.
#[derive(Clone, Debug)]
struct Host {
    name: Box<str>,
    port: Option<u16>,
}

impl Rules {
    pub(super) fn for_resource(url: &Url) -> Self {
        let own = url.host_str().and_then(Authority::parse);
        let own = own.map(|own| Host { name: own.host.into(), port: url.port() });
        let origin = url.origin().ascii_serialization().into_bytes().into();
        Self { origins: vec![origin], any_origin: false, loopback: false, own, hosts: None }
    }

    pub(super) fn for_loopback() -> Self {
        Self { origins: Vec::new(), any_origin: false, loopback: true, own: None, hosts: Some(Vec::new()) }
    }

    pub(super) fn add_origin(&mut self, text: &str) -> Result<(), OriginError> {
        self.origins.push(serialized(text)?.into_bytes().into());
        Ok(())
    }

    pub(super) fn add_null_origin(&mut self) {
        self.origins.push((*b"null").into());
    }

    pub(super) fn set_any_origin(&mut self) {
        self.any_origin = true;
    }

    pub(super) fn check_hosts(&mut self) {
        self.hosts.get_or_insert_with(|| self.own.iter().cloned().collect());
    }

    pub(super) fn add_host(&mut self, text: &str) -> Result<(), OriginError> {
        let host = Authority::parse(text)
            .ok_or_else(|| OriginError::new(text, "is not a host or host:port, as in `mcp.example:8443`"))?;
        let host = Host { name: host.host.into(), port: host.port };
        self.hosts.get_or_insert_default().push(host);
        Ok(())
    }

    /// Why a request is refused.
    pub(super) fn judge(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), RejectionReason> {
        let authority = Authority::of(uri, headers).map_err(|_| RejectionReason::MalformedHost)?;
        if let Some(hosts) = &self.hosts {
            let authority = authority.ok_or(RejectionReason::MalformedHost)?;
            let listed = hosts.iter().any(|host| host.is(&authority));
            let allowed = listed || (self.loopback && is_loopback(&authority));
            if !allowed {
                return Err(RejectionReason::HostNotAllowed);
            }
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else { return Ok(()) };
        if origins.next().is_some() {
            return Err(RejectionReason::MalformedOrigin);
        }
        let listed = || self.origins.iter().any(|known| **known == *origin.as_bytes());
        if self.any_origin || listed() || (self.loopback && is_loopback_origin(origin)) {
            Ok(())
        } else {
            Err(RejectionReason::OriginNotAllowed)
        }
    }
}

impl Host {
    fn is(&self, asked: &Authority<'_>) -> bool {
        let port_fits = match (self.port, asked.port) {
            (None, _) => true,
            (Some(port), Some(asked)) => port == asked,
            // The default of a scheme that is not known here.
            (Some(port), None) => port == 80 || port == 443,
        };
        *self.name == *asked.host && port_fits
    }
}

fn is_loopback(authority: &Authority<'_>) -> bool {
    matches!(&*authority.host, "localhost" | "127.0.0.1" | "[::1]")
}

fn is_loopback_origin(origin: &HeaderValue) -> bool {
    let Ok(text) = origin.to_str() else { return false };
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.and_then(Authority::parse).is_some_and(|authority| is_loopback(&authority))
}

/// The ASCII serialization of an origin (RFC 6454 §6.2), as browsers send it. Schemes of applications, such as
/// `tauri://localhost`, have no origin by the standard; their web views send scheme and host all the same.
fn serialized(text: &str) -> Result<String, OriginError> {
    let error = |reason| Err(OriginError::new(text, reason));
    match text {
        "*" => return error("is not an origin; `danger_allow_any_origin` allows all"),
        "null" => return error("can be sent by any page; `danger_allow_null_origin` allows it"),
        _ => {}
    }
    const SHAPE: &str = "is not an origin: scheme, host and port, as in `https://app.example`";
    let Ok(url) = Url::parse(text) else { return error(SHAPE) };
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() || text.contains('*') {
        return error(SHAPE);
    }
    let origin = url.origin();
    if origin.is_tuple() {
        return Ok(origin.ascii_serialization());
    }
    match (url.host_str(), url.port()) {
        (None | Some(""), _) => error(SHAPE),
        (Some(host), None) => Ok(format!("{}://{host}", url.scheme())),
        (Some(host), Some(port)) => Ok(format!("{}://{host}:{port}", url.scheme())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        for (text, written) in [
            ("https://app.example", "https://app.example"),
            ("HTTPS://App.Example:443/", "https://app.example"),
            ("http://localhost:6274", "http://localhost:6274"),
            ("http://[0::1]:80", "http://[::1]"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("tauri://localhost", "tauri://localhost"),
            ("chrome-extension://abcdefgh/", "chrome-extension://abcdefgh"),
        ] {
            assert_eq!(serialized(text).as_deref(), Ok(written));
        }
        for text in [
            "",
            "*",
            "null",
            "app.example",
            "https://",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "https://u@a",
            "https://*.example",
            "file:///",
            "data:text/plain,x",
            "https://a b",
        ] {
            assert!(serialized(text).is_err(), "{text}");
        }
        let error = serialized("*").unwrap_err().to_string();
        assert_eq!(error, "`*` is not an origin; `danger_allow_any_origin` allows all");
    }
}
