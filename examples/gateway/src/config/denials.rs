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
    /// Lists leave out what the token does not grant the scopes for.
    pub(crate) list_granted_only: bool,
    /// All scopes are asked for when a client connects.
    pub(crate) all_scopes: bool,
}

impl Denials {
    pub(super) fn read(node: Node) -> Result<Self, Fault> {
        let mut fields = Fields::new(node, "mcpDenials", &["hide", "missingScopes", "listGrantedOnly"], &[])?;
        let mut flag = |name| fields.take(name).map(|node| node.boolean(name)).transpose();
        let hide = flag("hide")?.unwrap_or(false);
        let list_granted_only = flag("listGrantedOnly")?.unwrap_or(false);
        let mut denials = Self { hide, list_granted_only, ..Self::default() };
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
