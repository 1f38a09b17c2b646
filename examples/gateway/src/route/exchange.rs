//! From `backendAuth` to an exchange.

use std::fmt;

use http::header::{AUTHORIZATION, HeaderName};
use mcp_auth_discovery::Secret;
use mcp_auth_tower::McpAuthBuilder;
use mcp_auth_tower::exchange::{ExchangeSettings, Exchanger};

use super::build::BuildError;
use crate::config::{self, Client, Position, Source};

/// Adds the exchange of a route, where it has one.
pub(super) fn exchanged(
    file: &Source,
    route: &config::Route,
    auth: McpAuthBuilder,
) -> Result<McpAuthBuilder, BuildError> {
    let Some(from) = &route.policies.backend_auth else { return Ok(auth) };
    let error = |at: Position, message: &dyn fmt::Display| BuildError::new(file, at, message);
    let secret = match &from.client {
        Client::Secret(_, _, secret) => {
            secret.open().map_err(|(at, e)| error(at, &format_args!("clientSecret: {e}")))?
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
