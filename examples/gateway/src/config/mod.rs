//! The gateway's configuration: agentgateway's local YAML shape, read strictly.
//!
//! 1. A file is at most [`limits::MAX_CONFIG_BYTES`] long, and nesting, aliases and nodes have budgets.
//! 2. A key that is written twice, a key that nobody knows and a value of the wrong type are errors. A typing
//!    mistake in a security policy must never mean "this policy is absent".
//! 3. A field of agentgateway that this gateway knows of but does not serve is refused by name.
//! 4. What is doubtful but legal is a [`Warning`].
//!
//! Every error and every warning carries the file, the line and the column. A value that exists after loading is
//! valid: nothing here has a `validate` method.
//!
//! Reading has two steps. [`node`] turns the text into a tree in which each key and each value knows its place;
//! one file per concept (`bind`, `route`, `authentication`, …) then reads its part of the tree with [`fields`].

use std::fs::File;
use std::io::Read;
use std::path::Path;

mod authentication;
mod authorization;
mod backend;
mod backend_auth;
mod bind;
mod connections;
mod cors;
mod denials;
mod duration;
mod error;
mod exchange_limits;
mod facade;
mod fields;
mod jwks;
mod limits;
mod metadata;
mod node;
mod outbound;
mod path_match;
mod policies;
mod route;
mod scopes;
mod secret;
mod source;
mod state;
mod suggest;
mod timeout;
mod url;
mod warning;

#[cfg(test)]
mod tests;

pub(crate) use self::authentication::{McpAuthentication, Mode};
pub(crate) use self::authorization::{Authorization, Rule, Rules};
pub(crate) use self::backend::Backend;
pub(crate) use self::backend_auth::{
    Actor, Assertion, BackendAuth, CERTIFICATE, CertificateHeader, Client, Expression, evaluate,
};
pub(crate) use self::bind::{Bind, Listener, Protocol};
pub(crate) use self::connections::ConnectionLimits;
pub(crate) use self::cors::{Cors, Names};
pub(crate) use self::error::{ConfigError, Position};
pub(crate) use self::exchange_limits::ExchangeLimits;
pub(crate) use self::facade::{Facade, OwnTokens, Tokens};
pub(crate) use self::jwks::Jwks;
pub(crate) use self::metadata::{Members, SignedMetadata};
pub(crate) use self::node::Spanned;
pub(crate) use self::outbound::Outbound;
pub(crate) use self::path_match::{PathMatch, RouteMatch, ValueMatch};
pub(crate) use self::route::Route;
pub(crate) use self::secret::SecretFrom;
pub(crate) use self::source::Source;
pub(crate) use self::state::{Redis, State, Store};
pub(crate) use self::timeout::Timeout;
pub(crate) use self::warning::Warning;

use self::backend_auth::Install;
use self::error::{ConfigErrorKind, Fault};
use self::fields::Fields;
use self::node::Node;
use self::warning::Lints;

/// A whole configuration file.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The file. Errors that are found later (a CEL rule that does not compile) show a place in it.
    pub(crate) file: Source,
    /// Rules for all routes, which can narrow them and not widen.
    pub(crate) rules: Rules,
    /// What outlives a restart, and what replicas share.
    pub(crate) state: State,
    /// How others are asked.
    pub(crate) outbound: Outbound,
    /// The sockets to listen on. Never empty, and no address is named twice.
    pub(crate) binds: Vec<Bind>,
}

/// Reads the configuration file at `path`.
///
/// # Errors
///
/// When the file cannot be read, is longer than [`limits::MAX_CONFIG_BYTES`], is not UTF-8, or is refused by
/// [`parse`].
pub(crate) fn load(path: &Path) -> Result<(Config, Vec<Warning>), ConfigError> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| Fault::unreadable(&error).in_file(&name);
    let mut bytes = Vec::new();
    // One byte more than the limit shows that the file is too long, whatever its metadata says.
    let limit = u64::try_from(limits::MAX_CONFIG_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).map_err(unreadable)?.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > limits::MAX_CONFIG_BYTES {
        return Err(Fault::too_large().in_file(&name));
    }
    let text = String::from_utf8(bytes).map_err(|_| Fault::not_utf8().in_file(&name))?;
    parse(&text, &name)
}

/// Reads a configuration from `text`; `file` is the name that errors and warnings show.
///
/// # Errors
///
/// At the first thing that is wrong: see the [module](self) for what is refused.
pub(crate) fn parse(text: &str, file: &str) -> Result<(Config, Vec<Warning>), ConfigError> {
    let mut lints = Lints::new();
    let config = node::parse(text)
        .and_then(|root| read_root(root, Source::new(file, text), &mut lints))
        .map_err(|fault| fault.in_file(file))?;
    Ok((config, lints.in_file(file)))
}

fn read_root(root: Node, file: Source, lints: &mut Lints) -> Result<Config, Fault> {
    const WHAT: &str = "the configuration";
    let mut fields = Fields::new(
        root,
        WHAT,
        &["binds", "policies", "state", "outbound", "tokenExchange"],
        &["config", "frontendPolicies", "backends"],
    )?;
    let rules = match fields.take("policies") {
        None => Rules::default(),
        // agentgateway has a list here, of policies that name their targets.
        Some(list) if list.is_list() => {
            let message = "policies that name their targets are not supported yet: `policies` of the file is a \
                           mapping with `authorization` or `mcpAuthorization`, for all routes";
            return Err(Fault::new(ConfigErrorKind::Unsupported, list.at, message));
        }
        Some(node) => Rules::read(node, "policies of the file", &[])?,
    };
    let state = fields.take("state").map(State::read).transpose()?.unwrap_or_default();
    let outbound = fields.take("outbound").map(Outbound::read).transpose()?.unwrap_or_default();
    let binds = fields.require("binds")?.filled_list("binds")?;
    let mut binds = binds.into_iter().map(|bind| Bind::read(bind, lints)).collect::<Result<Vec<_>, _>>()?;
    bind::refuse_same_address(&binds)?;
    let install = fields.take("tokenExchange").map(Install::read).transpose()?;
    let listeners = binds.iter_mut().flat_map(|bind| &mut bind.listeners);
    for route in listeners.flat_map(|listener| &mut listener.routes) {
        route.policies.resolve(install.as_ref(), lints)?;
        if let Some(at) = route.policies.certificate_at().filter(|_| outbound.certificate.is_none()) {
            return Err(backend_auth::no_certificate(at));
        }
    }
    let mut routes = binds.iter().flat_map(|bind| &bind.listeners).flat_map(|listener| &listener.routes);
    let used = routes.any(|route| route.policies.backend_auth.is_some());
    outbound.exchanges.lint(used, lints);
    facade::check(&binds, &state, lints)?;
    Ok(Config { file, rules, state, outbound, binds })
}
