//! Where tokens are asked for.

use mcp_auth_exchange::TokenEndpoint;

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::node::Node;
use super::super::url::HttpUrl;
use super::super::warning::Lints;

/// `host` and `path`; with `policies.backendTLS` a host without a scheme is https.
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
    url.warn_if_plain("host", at, lints);
    TokenEndpoint::insecure_http(url.url()).map_err(|e| Fault::invalid(at, format!("`host`: {e}")))
}

/// Whether TLS is on: `backendTLS: {}`.
fn read_tls(node: Node) -> Result<bool, Fault> {
    let mut fields = Fields::new(node, "policies", &["backendTLS"], &[])?;
    let Some(node) = fields.take("backendTLS") else { return Ok(false) };
    let unsupported = ["cert", "key", "root", "hostname", "insecure", "insecureHost", "alpn"];
    Fields::new(node, "backendTLS", &[], &unsupported).map(|_| true)
}
