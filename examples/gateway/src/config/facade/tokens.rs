//! `tokens`: what clients get as access token.

use std::path::PathBuf;
use std::time::Duration;

use super::super::duration;
use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::node::{Kind, Node, Spanned};
use super::super::path_match::one_of;
use super::super::secret::path;

/// What clients get as access token.
#[derive(Clone, Debug, Default)]
pub(crate) enum Tokens {
    /// The provider's own.
    #[default]
    PassThrough,
    /// One of ours.
    Own(OwnTokens),
}

/// Access tokens of our own.
#[derive(Clone, Debug)]
pub(crate) struct OwnTokens {
    /// The private key, PKCS #8 in PEM.
    pub(crate) key_file: Spanned<PathBuf>,
    /// How long a token is good for at most.
    pub(crate) lifetime: Option<Duration>,
    /// Claims of the provider's token that are copied.
    pub(crate) claims: Vec<String>,
}

impl Tokens {
    pub(super) fn read(node: Node) -> Result<Self, Fault> {
        if matches!(node.kind, Kind::Text(_)) {
            let word = node.filled_text("tokens")?;
            return match word.value.as_str() {
                "passThrough" => Ok(Self::PassThrough),
                "own" => Err(Fault::missing(word.at, "keyFile", "tokens.own")),
                other => Err(Fault::unknown_word(word.at, other, "`tokens`", &["passThrough", "own"])),
            };
        }
        let (_, node) = one_of(node, "tokens", &["own"])?;
        let mut fields = Fields::new(node, "tokens.own", &["keyFile", "lifetime", "claims"], &[])?;
        let claims = fields.take("claims").map(|node| node.texts("claims")).transpose()?.unwrap_or_default();
        Ok(Self::Own(OwnTokens {
            key_file: path(fields.require("keyFile")?, "keyFile")?,
            lifetime: fields.take("lifetime").map(|n| duration::read_filled(n, "lifetime")).transpose()?,
            claims: claims.into_iter().map(|text| text.value).collect(),
        }))
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::PassThrough, Self::PassThrough) => true,
            (Self::Own(a), Self::Own(b)) => {
                a.key_file.value == b.key_file.value && a.lifetime == b.lifetime && a.claims == b.claims
            }
            _ => false,
        }
    }
}
