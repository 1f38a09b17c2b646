//! `registration`, `clientMetadataDocuments`, `redirectUris`: who may become a client.

use std::time::Duration;

use mcp_auth_discovery::client_metadata::ClientMetadataPolicy;
use mcp_auth_discovery::registration::RedirectUriRules;

use super::super::duration;
use super::super::error::Fault;
use super::super::fields::Fields;
use super::super::node::{Kind, Node};
use super::super::secret::{SecretFrom, path};
use super::clients::known_client;

/// Who may register (RFC 7591).
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    /// What those show who may.
    pub(crate) initial_access_token: Option<SecretFrom>,
    /// How long a registration is good for. `None`: for ever.
    pub(crate) lifetime: Option<Duration>,
    /// Whether clients may change it (RFC 7592).
    pub(crate) managed: bool,
    /// The redirect URIs that are taken.
    pub(crate) redirect_uris: RedirectUriRules,
}

impl Registration {
    /// `true`, `false`, or a mapping; open where nothing is said.
    pub(super) fn read(node: Option<Node>, rules: &RedirectUriRules) -> Result<Option<Self>, Fault> {
        let open =
            Self { initial_access_token: None, lifetime: None, managed: false, redirect_uris: rules.clone() };
        let Some(node) = node else { return Ok(Some(open)) };
        if !matches!(node.kind, Kind::Mapping(_)) {
            let at = node.at;
            let offered = match node.kind {
                Kind::Boolean(offered) => offered,
                other => return Err(other.wrong_type(at, "registration", "true, false or a mapping")),
            };
            return Ok(offered.then_some(open));
        }
        let known = ["initialAccessTokenFile", "lifetime", "managed"];
        let mut fields = Fields::new(node, "registration", &known, &[])?;
        let managed_at = fields.key_at("managed");
        let file = fields.take("initialAccessTokenFile").map(|node| path(node, "initialAccessTokenFile"));
        let lifetime = fields.take("lifetime").map(|node| duration::read_filled(node, "lifetime"));
        let managed = fields.take("managed").map(|node| node.boolean("managed")).transpose()?;
        let registration = Self {
            initial_access_token: file.transpose()?.map(SecretFrom::File),
            lifetime: lifetime.transpose()?,
            managed: managed.unwrap_or(false),
            ..open
        };
        if registration.managed && registration.lifetime.is_none() {
            let message =
                "`managed` needs `lifetime`: what clients change is kept until the registration ends";
            return Err(Fault::invalid(managed_at.unwrap_or(fields.at()), message));
        }
        Ok(Some(registration))
    }

    pub(super) fn are_same(a: &Option<Self>, b: &Option<Self>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => {
                SecretFrom::are_same(a.initial_access_token.as_ref(), b.initial_access_token.as_ref())
                    && a.lifetime == b.lifetime
                    && a.managed == b.managed
                    && a.redirect_uris == b.redirect_uris
            }
            (a, b) => a.is_none() && b.is_none(),
        }
    }
}

/// `true`, `false`, or the hosts whose documents are taken; all where nothing is said.
pub(super) fn read_documents(
    node: Option<Node>,
    rules: &RedirectUriRules,
) -> Result<Option<ClientMetadataPolicy>, Fault> {
    let all = ClientMetadataPolicy::default().redirect_uris(rules.clone());
    let Some(node) = node else { return Ok(Some(all)) };
    let at = node.at;
    match node.kind {
        Kind::Boolean(offered) => return Ok(offered.then_some(all)),
        Kind::Mapping(_) => {}
        other => return Err(other.wrong_type(at, "clientMetadataDocuments", "true, false or a mapping")),
    }
    let known = ["allowHosts", "allowSubdomainsOf"];
    let mut fields = Fields::new(node, "clientMetadataDocuments", &known, &[])?;
    let mut policy = all;
    let mut named = false;
    for (field, subdomains) in [("allowHosts", false), ("allowSubdomainsOf", true)] {
        let texts = fields.take(field).map(|node| node.texts(field)).transpose()?.unwrap_or_default();
        for text in texts {
            named = true;
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
            if !text.value.chars().all(plain) || text.value.split('.').any(str::is_empty) {
                let message =
                    format!("`{field}` has names of hosts, without scheme and port, found `{}`", text.value);
                return Err(Fault::invalid(text.at, message));
            }
            policy = if subdomains {
                policy.allow_subdomains_of(&text.value)
            } else {
                policy.allow_host(&text.value)
            };
        }
    }
    if !named {
        let message =
            "`clientMetadataDocuments` names no host: write `true` for documents of every host, or `false`";
        return Err(Fault::invalid(at, message));
    }
    Ok(Some(policy))
}

/// `any`, or what is allowed: programs on the user's machine, and these besides.
pub(super) fn read_rules(node: Node) -> Result<RedirectUriRules, Fault> {
    if matches!(node.kind, Kind::Text(_)) {
        let word = node.filled_text("redirectUris")?;
        return match word.value.as_str() {
            "any" => Ok(RedirectUriRules::default()),
            other => Err(Fault::unknown_word(word.at, other, "`redirectUris`", &["any"])),
        };
    }
    let mut fields = Fields::new(node, "redirectUris", &["knownClients", "httpsHosts", "schemes"], &[])?;
    let listed = fields.key_at("knownClients").is_some() || fields.key_at("httpsHosts").is_some();
    let mut rules = if listed { RedirectUriRules::listed() } else { RedirectUriRules::default() };
    let mut texts = |field: &str| -> Result<_, Fault> {
        Ok(fields.take(field).map(|node| node.texts(field)).transpose()?.unwrap_or_default())
    };
    for text in texts("knownClients")? {
        rules = rules.allow_known_client(known_client(&text)?);
    }
    for text in texts("httpsHosts")? {
        let wrong = |e| Fault::invalid(text.at, format!("`httpsHosts`, `{}`: {e}", text.value));
        rules = rules.allow_https_host(&text.value).map_err(wrong)?;
    }
    for text in texts("schemes")? {
        let wrong = |e| Fault::invalid(text.at, format!("`schemes`, `{}`: {e}", text.value));
        rules = rules.allow_private_use_scheme(&text.value).map_err(wrong)?;
    }
    Ok(rules)
}
