//! `matches`: which requests a route takes.

use mcp_auth_core::request_target::check_path;

use super::error::Fault;
use super::fields::Fields;
use super::node::{Node, Spanned};

/// The conditions of one match; all of them must hold.
#[derive(Clone, Debug)]
pub(crate) struct RouteMatch {
    /// The path.
    pub(crate) path: PathMatch,
    /// The headers.
    pub(crate) headers: Vec<HeaderMatch>,
    /// The method; `None` matches all.
    pub(crate) method: Option<String>,
}

/// A condition on the path.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub(crate) enum PathMatch {
    /// The whole path, byte for byte.
    Exact(String),
    /// The path, or everything below it: `/a` takes `/a` and `/a/b`, not `/ab`.
    Prefix(String),
    /// A regular expression for the whole path. It is compiled where routes are built.
    Regex(Spanned<String>),
}

/// A condition on one header.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HeaderMatch {
    /// The name in lower case.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: ValueMatch,
}

/// A condition on a header's value.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub(crate) enum ValueMatch {
    /// The whole value, byte for byte.
    Exact(String),
    /// A regular expression for the whole value. It is compiled where routes are built.
    Regex(Spanned<String>),
}

impl RouteMatch {
    pub(super) fn read(node: Node) -> Result<Self, Fault> {
        let mut fields = Fields::new(node, "matches", &["path", "headers", "method"], &["query"])?;
        let path = match fields.take("path") {
            None => PathMatch::Prefix("/".to_owned()),
            Some(node) => PathMatch::read(node)?,
        };
        let headers = match fields.take("headers") {
            None => Vec::new(),
            Some(node) => {
                node.list("headers")?.into_iter().map(HeaderMatch::read).collect::<Result<_, _>>()?
            }
        };
        let method = fields.text("method")?;
        if let Some(method) = method.as_ref().filter(|method| !is_token(&method.value)) {
            let message = format!("`method` must be an HTTP method, found `{}`", method.value);
            return Err(Fault::invalid(method.at, message));
        }
        Ok(Self { path, headers, method: method.map(|text| text.value) })
    }
}

impl PathMatch {
    /// Whether a request for `path` matches. A regular expression is not tried: `false`.
    pub(crate) fn covers(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == path,
            Self::Prefix(prefix) => {
                let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
                path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::Regex(_) => false,
        }
    }

    fn read(node: Node) -> Result<Self, Fault> {
        let (key, node) = one_of(node, "path", &["exact", "pathPrefix", "regex"])?;
        match key.value.as_str() {
            "exact" => Ok(Self::Exact(read_path(node, "exact")?)),
            "pathPrefix" => Ok(Self::Prefix(read_path(node, "pathPrefix")?)),
            _ => Ok(Self::Regex(node.filled_text("regex")?)),
        }
    }
}

impl HeaderMatch {
    fn read(node: Node) -> Result<Self, Fault> {
        let mut fields = Fields::new(node, "headers", &["name", "value"], &[])?;
        let name = read_header_name(fields.require("name")?, "name")?;
        let (key, node) = one_of(fields.require("value")?, "value", &["exact", "regex"])?;
        let value = match key.value.as_str() {
            "exact" => ValueMatch::Exact(node.text("exact")?.value),
            _ => ValueMatch::Regex(node.filled_text("regex")?),
        };
        Ok(Self { name, value })
    }
}

/// The only entry of a mapping that must have exactly one of `known`.
pub(super) fn one_of(
    node: Node,
    what: &'static str,
    known: &[&str],
) -> Result<(Spanned<String>, Node), Fault> {
    let at = node.at;
    let mut entries = node.mapping(what)?;
    for (key, _) in &entries {
        if !known.contains(&key.value.as_str()) {
            return Err(Fault::unknown_field(key.at, &key.value, what, known));
        }
    }
    match (entries.pop(), entries.is_empty()) {
        (Some(entry), true) => Ok(entry),
        _ => Err(Fault::invalid(
            at,
            format!("{what} must have exactly one of {}", super::suggest::list(known)),
        )),
    }
}

/// The name of a header, in lower case.
pub(super) fn read_header_name(node: Node, field: &str) -> Result<String, Fault> {
    let text = node.filled_text(field)?;
    if !is_token(&text.value) {
        return Err(Fault::invalid(
            text.at,
            format!("`{field}` must be a header name, found `{}`", text.value),
        ));
    }
    Ok(text.value.to_ascii_lowercase())
}

/// A `token` of [RFC 9110, section 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(allowed)
}

fn read_path(node: Node, field: &str) -> Result<String, Fault> {
    let text = node.filled_text(field)?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#');
    if !text.value.starts_with('/') || text.value.contains(odd) {
        let message = format!("`{field}` must be a path that starts with `/`, found `{}`", text.value);
        return Err(Fault::invalid(text.at, message));
    }
    // Requests for it would be answered with 400 before any route is asked.
    check_path(&text.value).map_err(|error| {
        Fault::invalid(
            text.at,
            format!("`{field}` is a path that no request can have, found `{}`: {error}", text.value),
        )
    })?;
    Ok(text.value)
}
