//! `backends`: where a request goes.

use super::error::{ConfigErrorKind, Fault};
use super::fields::Fields;
use super::node::{Node, Spanned};
use super::url::HttpUrl;

/// Where a request goes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub(crate) enum Backend {
    /// An HTTP server; the request's path is kept.
    Host(HttpUrl),
    /// One or more MCP servers. Never empty, and no two have the same name.
    Mcp(Vec<McpTarget>),
}

/// One MCP server.
#[derive(Clone, Debug)]
pub(crate) struct McpTarget {
    /// Its name.
    pub(crate) name: Spanned<String>,
    /// Its Streamable HTTP endpoint.
    pub(crate) url: HttpUrl,
}

impl Backend {
    pub(super) fn read(node: Node) -> Result<Self, Fault> {
        let known = ["host", "mcp"];
        let unsupported = ["ai", "service", "dynamic", "backend", "weight", "policies"];
        let mut fields = Fields::new(node, "backends", &known, &unsupported)?;
        match (fields.take("host"), fields.take("mcp")) {
            (Some(host), None) => Ok(Self::Host(read_host(host)?)),
            (None, Some(mcp)) => read_mcp(mcp),
            _ => Err(Fault::invalid(fields.at(), "a backend must have exactly one of `host`, `mcp`")),
        }
    }
}

impl McpTarget {
    fn read(node: Node) -> Result<Self, Fault> {
        let unsupported = ["stdio", "sse", "openapi", "condition", "policies"];
        let mut fields = Fields::new(node, "targets", &["name", "mcp"], &unsupported)?;
        let name = fields.require("name")?.filled_text("name")?;
        let mut fields = Fields::new(fields.require("mcp")?, "mcp", &["host", "port", "path"], &["backend"])?;
        let host = fields.require("host")?;
        let url = match (fields.take("port"), fields.take("path")) {
            (None, None) => read_host(host)?,
            (Some(port), Some(path)) => {
                let host = host.filled_text("host")?;
                let port = port.port("port")?;
                let path = path.filled_text("path")?;
                if !path.value.starts_with('/') {
                    let message = format!("`path` must start with `/`, found `{}`", path.value);
                    return Err(Fault::invalid(path.at, message));
                }
                if host.value.contains(['/', '?', '#', '@']) {
                    return Err(Fault::invalid(host.at, "`host` must be a host name when `port` is there"));
                }
                HttpUrl::parse(&format!("http://{}:{port}{}", host.value, path.value), "host", host.at)?
            }
            (Some(_), None) => return Err(Fault::missing(fields.at(), "path", fields.what())),
            (None, Some(_)) => return Err(Fault::missing(fields.at(), "port", fields.what())),
        };
        Ok(Self { name, url })
    }
}

fn read_mcp(node: Node) -> Result<Backend, Fault> {
    let unsupported = ["statefulMode", "prefixMode", "failureMode", "policies"];
    let mut fields = Fields::new(node, "mcp", &["targets"], &unsupported)?;
    let targets = fields.require("targets")?.filled_list("targets")?;
    let targets = targets.into_iter().map(McpTarget::read).collect::<Result<Vec<_>, _>>()?;
    for (index, target) in targets.iter().enumerate() {
        if targets.iter().take(index).any(|earlier| earlier.name.value == target.name.value) {
            let message = format!("two targets have the name `{}`", target.name.value);
            return Err(Fault::new(ConfigErrorKind::Duplicate, target.name.at, message));
        }
    }
    Ok(Backend::Mcp(targets))
}

/// A URL, or `host:port`, which is plain HTTP.
fn read_host(node: Node) -> Result<HttpUrl, Fault> {
    let text = node.filled_text("host")?;
    if text.value.contains("://") {
        return HttpUrl::parse(&text.value, "host", text.at);
    }
    let port = text.value.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    if port.is_none_or(|port| port == 0) || text.value.contains(['/', '?', '#', '@']) {
        let found = super::url::quoted(&text.value);
        return Err(Fault::invalid(text.at, format!("`host` must be a URL or `host:port`{found}")));
    }
    HttpUrl::parse(&format!("http://{}/", text.value), "host", text.at)
}
