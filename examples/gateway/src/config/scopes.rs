//! `toolScopes` and `scopeHierarchy`: which scopes tools need, and which scopes contain others.

use mcp_auth_core::policy::ScopeHierarchy;

use super::error::Fault;
use super::node::{Node, Spanned};

/// The scopes of a tool.
#[derive(Clone, Debug)]
pub(crate) struct ToolScope {
    /// The tool's name; `*` stands for any text.
    pub(crate) tool: String,
    /// What a token has to grant. Never empty.
    pub(crate) scopes: Vec<String>,
}

pub(super) fn read_tools(node: Node) -> Result<Vec<ToolScope>, Fault> {
    const WHAT: &str = "toolScopes";
    let at = node.at;
    let entries = node.mapping(WHAT)?;
    if entries.is_empty() {
        return Err(Fault::invalid(at, format!("`{WHAT}` must not be empty")));
    }
    let read = |(tool, node): (Spanned<String>, Node)| {
        if tool.value.is_empty() {
            return Err(Fault::invalid(tool.at, format!("`{WHAT}` needs the name of a tool")));
        }
        Ok(ToolScope { scopes: read_list(node, &tool.value)?, tool: tool.value })
    };
    entries.into_iter().map(read).collect()
}

pub(super) fn read_hierarchy(node: Node) -> Result<ScopeHierarchy, Fault> {
    const WHAT: &str = "scopeHierarchy";
    let at = node.at;
    let read = |(scope, node): (Spanned<String>, Node)| {
        refuse_other(&scope, WHAT)?;
        Ok((read_list(node, &scope.value)?, scope.value))
    };
    let entries = node.mapping(WHAT)?.into_iter().map(read).collect::<Result<Vec<_>, Fault>>()?;
    let implications = entries.iter().map(|(implied, scope)| (scope.as_str(), implied));
    ScopeHierarchy::new(implications).map_err(|error| Fault::invalid(at, format!("`{WHAT}`: {error}")))
}

fn read_list(node: Node, field: &str) -> Result<Vec<String>, Fault> {
    let at = node.at;
    let scopes = node.texts(field)?;
    if scopes.is_empty() {
        return Err(Fault::invalid(at, format!("`{field}` needs at least one scope")));
    }
    scopes.iter().try_for_each(|scope| refuse_other(scope, field))?;
    Ok(scopes.into_iter().map(|scope| scope.value).collect())
}

/// Refuses what is not one scope.
pub(super) fn refuse_other(scope: &Spanned<String>, field: &str) -> Result<(), Fault> {
    if is_scope(&scope.value) {
        return Ok(());
    }
    Err(Fault::invalid(scope.at, format!("`{field}` takes one scope an entry, found `{}`", scope.value)))
}

/// A `scope-token` of [RFC 6749, section 3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3).
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\'))
}
