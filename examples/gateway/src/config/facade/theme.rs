//! `theme`: what the pages look like.

use mcp_auth_exchange::facade::{Theme, ThemeError};

use super::super::error::{Fault, Position};
use super::super::fields::Fields;
use super::super::node::Node;

pub(super) fn read(node: Option<Node>) -> Result<Theme, Fault> {
    let mut theme = Theme::default();
    let Some(node) = node else { return Ok(theme) };
    let mut fields = Fields::new(node, "theme", &["name", "logo", "accent", "links", "language"], &[])?;
    let wrong =
        |at: Position, field: &str, e: ThemeError| Fault::invalid(at, format!("`theme.{field}`: {e}"));
    if let Some(text) = fields.text("name")? {
        theme = theme.name(&text.value).map_err(|e| wrong(text.at, "name", e))?;
    }
    if let Some(text) = fields.text("logo")? {
        theme = theme.logo(&text.value).map_err(|e| wrong(text.at, "logo", e))?;
    }
    if let Some(text) = fields.text("accent")? {
        theme = theme.accent(&text.value).map_err(|e| wrong(text.at, "accent", e))?;
    }
    if let Some(text) = fields.text("language")? {
        theme = theme.language(&text.value).map_err(|e| wrong(text.at, "language", e))?;
    }
    let links = fields.take("links").map(|node| node.list("links")).transpose()?.unwrap_or_default();
    for node in links {
        let mut fields = Fields::new(node, "links", &["label", "url"], &[])?;
        let at = fields.at();
        let label = fields.require("label")?.filled_text("label")?;
        let url = fields.require("url")?.filled_text("url")?;
        theme = theme.link(&label.value, &url.value).map_err(|e| wrong(at, "links", e))?;
    }
    Ok(theme)
}
