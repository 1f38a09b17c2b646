//! From `backendAuth` to an exchange.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderName};
use mcp_auth_discovery::Secret;
use mcp_auth_tower::McpAuthBuilder;
use mcp_auth_tower::exchange::{ActorTokenFile, ExchangeSettings, Exchanger};

use super::build::BuildError;
use crate::config::{self, Client, Position, SecretFrom, Source};

/// The longest secret that is read, in bytes.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// Adds the exchange of a route, where it has one.
pub(super) fn exchanged(
    file: &Source,
    route: &config::Route,
    auth: McpAuthBuilder,
) -> Result<McpAuthBuilder, BuildError> {
    let Some(from) = &route.policies.backend_auth else { return Ok(auth) };
    let error = |at: Position, message: &dyn fmt::Display| BuildError::new(file, at, message);
    let secret = match &from.client {
        Client::Secret(_, _, SecretFrom::Here(secret)) => secret.clone(),
        Client::Secret(_, _, SecretFrom::File(path)) => {
            read(&path.value).map_err(|e| error(path.at, &format_args!("clientSecret: {e}")))?
        }
        _ => Secret::new(""),
    };
    // In logs, and to keep the tokens of two routes apart.
    let name = match &route.name {
        Some(name) => name.clone(),
        None => format!("route at {}", route.at),
    };
    let plan = from.plan(&name, from.client.with_secret(secret)).map_err(|e| error(from.at, &e))?;
    let mut settings = ExchangeSettings::new(plan);
    if let Client::Workload(id, path) = &from.client {
        let exchanger = Exchanger::builder().workload_token_file(id, &path.value).build();
        settings = settings.exchanger(exchanger.map_err(|e| error(path.at, &e))?);
    }
    if let Some((path, token_type)) = &from.actor {
        let actor = ActorTokenFile::open(&path.value, token_type.clone()).map_err(|e| error(path.at, &e))?;
        settings = settings.actor(Arc::new(actor));
    }
    let header: HeaderName = from.location.name.parse().map_err(|e| error(from.at, &e))?;
    if header == AUTHORIZATION {
        if from.location.prefix != "Bearer " {
            let message = "backendAuth.authorizationLocation: in `authorization` the prefix is `Bearer `";
            return Err(error(from.at, &message));
        }
    } else {
        settings = settings.token_header(header, &from.location.prefix);
    }
    Ok(auth.exchange_with(settings))
}

/// A secret in a file, without the newline at its end.
fn read(path: &Path) -> Result<Secret, String> {
    let wrong = |e: std::io::Error| format!("`{}` cannot be read: {e}", path.display());
    // A pipe or a device would not end.
    if !std::fs::metadata(path).map_err(wrong)?.is_file() {
        return Err(format!("`{}` is not a file", path.display()));
    }
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MAX_SECRET_BYTES).read_to_string(&mut text)).map_err(wrong)?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(format!("`{}` is empty", path.display()));
    }
    Ok(Secret::new(text))
}
