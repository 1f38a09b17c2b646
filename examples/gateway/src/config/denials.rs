//! `mcpDenials`: how a denial is told to the client.

use mcp_auth_tower::authorize::MissingScopes;

use super::error::Fault;
use super::fields::Fields;
use super::node::Node;

/// How denials are told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Denials {
    /// A denied item looks like one that does not exist.
    pub(crate) hide: bool,
    /// How missing scopes are told.
    pub(crate) missing_scopes: MissingScopes,
    /// All scopes are asked for when a client connects.
    pub(crate) all_scopes: bool,
}

impl Denials {
    pub(super) fn read(node: Node) -> Result<Self, Fault> {
        let mut fields = Fields::new(node, "mcpDenials", &["hide", "missingScopes"], &[])?;
        let hide = fields.take("hide").map(|node| node.boolean("hide")).transpose()?.unwrap_or(false);
        let mut denials = Self { hide, ..Self::default() };
        if let Some(word) = fields.text("missingScopes")? {
            match word.value.as_str() {
                "challenge" => {}
                "inBand" => denials.missing_scopes = MissingScopes::InBand,
                "atConnect" => denials.all_scopes = true,
                other => {
                    let known = ["challenge", "inBand", "atConnect"];
                    return Err(Fault::unknown_word(word.at, other, "`missingScopes`", &known));
                }
            }
        }
        Ok(denials)
    }
}
