//! Absolute `http` and `https` URLs, and what is loopback.

use url::{Host, Url};

use super::error::{Fault, Position};
use super::node::Node;
use super::warning::{Lints, WarningKind};

/// An absolute `http` or `https` URL without credentials and without a fragment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HttpUrl {
    text: String,
    url: Url,
}

impl HttpUrl {
    /// The URL as the operator wrote it. Identifiers (`resource`, an issuer) are compared in this form.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The parsed URL, to connect to.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether the URL is `http` to another machine.
    pub(crate) fn is_plain_and_remote(&self) -> bool {
        self.url.scheme() == "http" && !is_loopback(&self.url)
    }

    /// Parses `text`, the value of `field`.
    pub(super) fn parse(text: &str, field: &str, at: Position) -> Result<Self, Fault> {
        let url = Url::parse(text).map_err(|error| {
            Fault::invalid(at, format!("`{field}` is not an absolute URL: {error}{}", quoted(text)))
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = url.scheme();
            return Err(Fault::invalid(
                at,
                format!("`{field}` must be an http or https URL, found `{scheme}`"),
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let message = format!("`{field}` must not hold a user name or a password");
            return Err(Fault::invalid(at, message));
        }
        if url.fragment().is_some() {
            return Err(Fault::invalid(at, format!("`{field}` must not have a fragment (`#…`)")));
        }
        Ok(Self { text: text.to_owned(), url })
    }

    /// Reads the value of `field`.
    pub(super) fn read(node: Node, field: &str) -> Result<Self, Fault> {
        let text = node.filled_text(field)?;
        Self::parse(&text.value, field, text.at)
    }

    /// Warns when the URL is `http` to another machine.
    pub(super) fn warn_if_plain(&self, field: &str, at: Position, lints: &mut Lints) {
        if self.is_plain_and_remote() {
            let message =
                format!("`{field}` is http on a host that is not loopback: tokens and keys are unprotected");
            lints.add(WarningKind::PlainHttp, at, message);
        }
    }
}

/// The text in backticks, unless it may hold a password.
pub(super) fn quoted(text: &str) -> String {
    if text.contains('@') { String::new() } else { format!(", found `{text}`") }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // RFC 6761, section 6.3: every name under `localhost` is loopback.
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
