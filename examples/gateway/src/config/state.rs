//! `state`: what outlives a restart, and what replicas share.

use std::path::PathBuf;

use url::Url;

use super::error::{ConfigErrorKind, Fault, Position};
use super::fields::Fields;
use super::node::{Kind, Node, Spanned};
use super::path_match::one_of;
use super::secret::{Form, SecretFrom, path};
use super::warning::Lints;

/// What outlives a restart, and what replicas share.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// The keys that seal what clients keep for us: the first seals, all open. Empty: one of this process alone.
    pub(crate) key_files: Vec<Spanned<PathBuf>>,
    /// Whether several gateways run with this configuration.
    pub(crate) replicated: bool,
    /// What is used once, and what waits between two requests.
    pub(crate) store: Store,
}

/// Where short-lived state is.
#[derive(Clone, Debug, Default)]
pub(crate) enum Store {
    /// In this process.
    #[default]
    Memory,
    /// In Redis.
    Redis(Box<Redis>),
}

/// A Redis server.
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "then the configuration does not get as far"))]
#[derive(Clone, Debug)]
pub(crate) struct Redis {
    /// `redis://host:port/database`, `rediss` for TLS, or `unix:///path`; without a password.
    pub(crate) url: Url,
    /// Who we are there.
    pub(crate) username: Option<String>,
    /// Its password.
    pub(crate) password: Option<SecretFrom>,
    /// The certificate authorities that are trusted for `rediss`, in PEM.
    pub(crate) authorities: Option<Spanned<PathBuf>>,
    /// Where it is written.
    pub(crate) at: Position,
}

impl State {
    pub(super) fn read(node: Node, lints: &mut Lints) -> Result<Self, Fault> {
        let known = ["keyFile", "keyFiles", "replicas", "store"];
        let mut fields = Fields::new(node, "state", &known, &[])?;
        let (one_at, at) = (fields.key_at("keyFile"), fields.at());
        let key_files = match (fields.take("keyFile"), fields.take("keyFiles"), one_at) {
            (Some(_), Some(_), Some(at)) => {
                let message = "`keyFile` is `keyFiles` with one entry: give one of them";
                return Err(Fault::new(ConfigErrorKind::Conflict, at, message));
            }
            (Some(node), ..) => vec![path(node, "keyFile")?],
            (None, Some(node), _) => {
                let nodes = node.filled_list("keyFiles")?.into_iter();
                nodes.map(|node| path(node, "keyFiles")).collect::<Result<_, _>>()?
            }
            (None, None, _) => Vec::new(),
        };
        let replicas_at = fields.key_at("replicas").unwrap_or(at);
        let replicas = fields.take("replicas").map(|node| node.count("replicas")).transpose()?.unwrap_or(1);
        let store = fields.take("store").map(Store::read).transpose()?.unwrap_or_default();
        if let Store::Redis(redis) = &store
            && let Some(password) = &redis.password
        {
            password.warn("password", lints);
        }
        let replicated = replicas > 1;
        if replicated && matches!(store, Store::Memory) {
            let message = "several `replicas` need `state.store.redis`: a code that one has redeemed would be good at the next";
            return Err(Fault::new(ConfigErrorKind::MissingField, replicas_at, message));
        }
        if replicated && key_files.is_empty() {
            let message = "several `replicas` need `state.keyFile`: what one gives to a client the others could not read";
            return Err(Fault::new(ConfigErrorKind::MissingField, replicas_at, message));
        }
        Ok(Self { key_files, replicated, store })
    }
}

impl Store {
    fn read(node: Node) -> Result<Self, Fault> {
        if matches!(node.kind, Kind::Text(_)) {
            let word = node.filled_text("store")?;
            return match word.value.as_str() {
                "memory" => Ok(Self::Memory),
                "redis" => Err(Fault::missing(word.at, "url", "store.redis")),
                other => Err(Fault::unknown_word(word.at, other, "`store`", &["memory", "redis"])),
            };
        }
        let (key, node) = one_of(node, "store", &["redis"])?;
        if !cfg!(feature = "redis") {
            return Err(Fault::unsupported(key.at, "redis", "a gateway built without its feature `redis`"));
        }
        let known = ["url", "username", "password", "passwordFile", "caFile"];
        let mut fields = Fields::new(node, "store.redis", &known, &[])?;
        let text = fields.require("url")?.filled_text("url")?;
        let bad = |message: &str| Fault::invalid(text.at, format!("`store.redis.url` {message}"));
        let url = Url::parse(&text.value).map_err(|e| bad(&format!("is not a URL: {e}")))?;
        let known = match url.scheme() {
            "redis" | "rediss" => url.host().is_some(),
            "unix" => url.path().len() > 1,
            _ => false,
        };
        if !known {
            return Err(bad("must be `redis://host:port`, `rediss://host:port` or `unix:///path`"));
        }
        // Never quoted: it is where people put the password.
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad(
                "must not hold a user or a password: `username` and `passwordFile` are for them",
            ));
        }
        Ok(Self::Redis(Box::new(Redis {
            url,
            username: fields.text("username")?.map(|text| text.value),
            password: SecretFrom::take(&mut fields, "password", "passwordFile", Form::Line)?,
            authorities: fields.take("caFile").map(|node| path(node, "caFile")).transpose()?,
            at: key.at,
        })))
    }
}
