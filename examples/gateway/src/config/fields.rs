//! The fields of one mapping: unknown ones are refused before any is read.

use super::error::{Fault, Position};
use super::node::{Node, Spanned};

/// The fields of one mapping of the schema.
#[derive(Debug)]
pub(super) struct Fields {
    what: &'static str,
    at: Position,
    entries: Vec<(Spanned<String>, Node)>,
}

impl Fields {
    /// Takes the mapping `node`, which the operator calls `what`.
    ///
    /// A field that is in `unsupported` is one of agentgateway's that this gateway does not serve: it is refused
    /// under its own name, since ignoring it could leave something open.
    pub(super) fn new(
        node: Node,
        what: &'static str,
        known: &[&str],
        unsupported: &[&str],
    ) -> Result<Self, Fault> {
        let at = node.at;
        let entries = node.mapping(what)?;
        for (key, _) in &entries {
            if unsupported.contains(&key.value.as_str()) {
                return Err(Fault::unsupported(key.at, &key.value, what));
            }
            if !known.contains(&key.value.as_str()) {
                return Err(Fault::unknown_field(key.at, &key.value, what, known));
            }
        }
        Ok(Self { what, at, entries })
    }

    /// A mapping that is not written; `at` is where somebody would look for it.
    pub(super) fn empty(what: &'static str, at: Position) -> Self {
        Self { what, at, entries: Vec::new() }
    }

    /// Where the mapping begins.
    pub(super) fn at(&self) -> Position {
        self.at
    }

    /// What the operator calls the mapping.
    pub(super) fn what(&self) -> &'static str {
        self.what
    }

    /// Where the key of `field` is.
    pub(super) fn key_at(&self, field: &str) -> Option<Position> {
        self.entries.iter().find(|(key, _)| key.value == field).map(|(key, _)| key.at)
    }

    /// The value of `field`, if it is written.
    pub(super) fn take(&mut self, field: &str) -> Option<Node> {
        let index = self.entries.iter().position(|(key, _)| key.value == field)?;
        Some(self.entries.swap_remove(index).1)
    }

    /// The value of `field`, which must be written.
    pub(super) fn require(&mut self, field: &str) -> Result<Node, Fault> {
        self.take(field).ok_or_else(|| Fault::missing(self.at, field, self.what))
    }

    /// The text of `field`, if it is written.
    pub(super) fn text(&mut self, field: &str) -> Result<Option<Spanned<String>>, Fault> {
        self.take(field).map(|node| node.filled_text(field)).transpose()
    }
}
