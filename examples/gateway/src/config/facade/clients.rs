//! `clients`: those that the operator registered.

use mcp_auth_discovery::registration::KnownClient;

use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::node::{Node, Spanned};
use super::super::secret::{Form, SecretFrom};
use super::super::warning::Lints;

/// A client that the operator registered.
#[derive(Clone, Debug)]
pub(crate) struct PreRegistered {
    pub(crate) id: Spanned<String>,
    pub(crate) name: Option<String>,
    /// Never empty.
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) secret: Option<SecretFrom>,
    /// Whether users are not asked about it.
    pub(crate) first_party: bool,
}

const PRESETS: [(&str, KnownClient); 6] = [
    ("claude", KnownClient::Claude),
    ("claudeCode", KnownClient::ClaudeCode),
    ("chatGpt", KnownClient::ChatGpt),
    ("cursor", KnownClient::Cursor),
    ("vsCode", KnownClient::VsCode),
    ("inspector", KnownClient::Inspector),
];

pub(super) fn read(node: Option<Node>, lints: &mut Lints) -> Result<Vec<PreRegistered>, Fault> {
    let Some(node) = node else { return Ok(Vec::new()) };
    let clients =
        node.list("clients")?.into_iter().map(PreRegistered::read).collect::<Result<Vec<_>, _>>()?;
    clients
        .iter()
        .filter_map(|client| client.secret.as_ref())
        .for_each(|secret| secret.warn("secret", lints));
    Ok(clients)
}

/// A client whose redirect URIs are known, by its name.
pub(super) fn known_client(name: &Spanned<String>) -> Result<KnownClient, Fault> {
    let found = PRESETS.iter().find(|(known, _)| *known == name.value);
    found.map(|(_, client)| *client).ok_or_else(|| {
        Fault::unknown_word(name.at, &name.value, "a known client", &PRESETS.map(|(known, _)| known))
    })
}

impl PreRegistered {
    fn read(node: Node) -> Result<Self, Fault> {
        let known = ["clientId", "name", "preset", "redirectUris", "secret", "secretFile", "firstParty"];
        let mut fields = Fields::new(node, "clients", &known, &[])?;
        let id = fields.require("clientId")?.filled_text("clientId")?;
        let preset = fields.text("preset")?.map(|name| known_client(&name)).transpose()?;
        let mut redirect_uris: Vec<String> =
            preset.into_iter().flat_map(KnownClient::redirect_uris).map(str::to_owned).collect();
        if let Some(node) = fields.take("redirectUris") {
            redirect_uris.extend(node.texts("redirectUris")?.into_iter().map(|text| text.value));
        }
        if redirect_uris.is_empty() {
            let message = format!("client `{}` needs `redirectUris` or a `preset`", id.value);
            return Err(Fault::invalid(id.at, message));
        }
        Ok(Self {
            name: fields.text("name")?.map(|text| text.value),
            secret: SecretFrom::take(&mut fields, "secret", "secretFile", Form::Line)?,
            first_party: match fields.take("firstParty") {
                None => false,
                Some(node) => node.boolean("firstParty")?,
            },
            redirect_uris,
            id,
        })
    }

    pub(super) fn are_same(a: &[Self], b: &[Self]) -> bool {
        let same = |(a, b): (&Self, &Self)| {
            SecretFrom::are_same(a.secret.as_ref(), b.secret.as_ref())
                && a.id.value == b.id.value
                && a.name == b.name
                && a.redirect_uris == b.redirect_uris
                && a.first_party == b.first_party
        };
        a.len() == b.len() && a.iter().zip(b).all(same)
    }
}
