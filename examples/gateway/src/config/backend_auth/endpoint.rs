//! Where tokens are asked for.

use mcp_auth_exchange::TokenEndpoint;

use super::super::error::{Fault, Position};
use super::super::fields::Fields;
use super::super::node::Node;
use super::super::url::HttpUrl;
use super::super::warning::Lints;

/// `host` and `path`, and `dangerPlainHttp` where that is http to another machine; with `policies.backendTLS` a host without a scheme is https.
pub(super) fn read(fields: &mut Fields, lints: &mut Lints) -> Result<TokenEndpoint, Fault> {
    let node = fields.require("host")?;
    let at = node.at;
    let host = node.filled_text("host")?;
    let path = fields.require("path")?.filled_text("path")?;
    let tls = fields.take("policies").map(read_tls).transpose()?.unwrap_or(false);
    let base = match host.value.split_once("://") {
        Some(("http", _)) if tls => {
            return Err(Fault::invalid(at, "`host` is http and `policies.backendTLS` asks for TLS"));
        }
        Some(_) => host.value.trim_end_matches('/').to_owned(),
        None => format!("{}://{}", if tls { "https" } else { "http" }, host.value),
    };
    let own_path = HttpUrl::parse(&base, "host", at)?;
    if own_path.url().path() != "/" || own_path.url().query().is_some() {
        return Err(Fault::invalid(at, "`host` must have no path: that is `path`"));
    }
    if !path.value.starts_with('/') {
        return Err(Fault::invalid(path.at, format!("`path` must start with `/`, found `{}`", path.value)));
    }
    let url = HttpUrl::parse(&format!("{base}{}", path.value), "host", at)?;
    let danger = fields.take(DANGER).map(|node| node.boolean(DANGER)).transpose()?.unwrap_or(false);
    refuse_plain(&url, "host", at, danger, lints)?;
    TokenEndpoint::insecure_http(url.url()).map_err(|e| Fault::invalid(at, format!("`host`: {e}")))
}

/// Who is at `endpoint`, by the URL that its metadata is found at; http to another machine only where the endpoint is
/// that, too.
pub(super) fn read_issuer(node: Node, endpoint: &TokenEndpoint) -> Result<String, Fault> {
    let at = node.at;
    let issuer = HttpUrl::read(node, "issuer")?;
    let endpoint = HttpUrl::parse(&endpoint.uri().to_string(), "host", at)?;
    if issuer.is_plain_and_remote() && !endpoint.is_plain_and_remote() {
        let message = "`issuer` must be https: what it says of itself is believed, and anybody on the way could write it";
        return Err(Fault::invalid(at, message));
    }
    if issuer.url().query().is_some() {
        return Err(Fault::invalid(at, "`issuer` must not have a query (RFC 8414 §2)"));
    }
    Ok(issuer.as_str().to_owned())
}

/// Lets the client's secret and the callers' tokens cross the network unencrypted.
pub(super) const DANGER: &str = "dangerPlainHttp";

/// Http to another machine is an error, or with `danger` a warning.
pub(super) fn refuse_plain(
    url: &HttpUrl,
    field: &str,
    at: Position,
    danger: bool,
    lints: &mut Lints,
) -> Result<(), Fault> {
    if danger || !url.is_plain_and_remote() {
        url.warn_if_plain(field, at, lints);
        return Ok(());
    }
    let message = format!(
        "`{field}` is http on a host that is not loopback: the client's secret and the callers' tokens would go \
         unencrypted; use https, or write `{DANGER}: true`"
    );
    Err(Fault::invalid(at, message))
}

/// Whether TLS is on: `backendTLS: {}`.
fn read_tls(node: Node) -> Result<bool, Fault> {
    let mut fields = Fields::new(node, "policies", &["backendTLS"], &[])?;
    let Some(node) = fields.take("backendTLS") else { return Ok(false) };
    let unsupported = ["cert", "key", "root", "hostname", "insecure", "insecureHost", "alpn"];
    Fields::new(node, "backendTLS", &[], &unsupported).map(|_| true)
}
