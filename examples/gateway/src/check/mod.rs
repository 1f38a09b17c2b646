//! `check`: what a configuration means, and what in it is doubtful.

mod outline;
mod refused;
mod server;
mod text;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use self::outline::Outline;
pub(crate) use self::refused::Refused;
pub(crate) use self::server::Server;
use crate::config::{self, Config};
use crate::proxy::BoxError;
use crate::route::{BuildError, Finding, Set};
use crate::server::Gateway;
use crate::telemetry::{complain, say};

/// Options of `check`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The configuration, YAML in agentgateway's local shape
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// How to write what is found
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Ask the providers behind authorization servers for their metadata, and say what may go wrong with it
    #[arg(long)]
    ask_providers: bool,
}

/// How output is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Reads a configuration and builds everything once: what is wrong is found before anything listens.
pub(crate) fn load(file: &Path) -> Result<(Config, Vec<config::Warning>), Refused> {
    // What building logs is said when the gateway is built to serve.
    let silence = tracing::Dispatch::none();
    let (config, warnings, _) = tracing::dispatcher::with_default(&silence, || load_built(file))?;
    Ok((config, warnings))
}

fn load_built(file: &Path) -> Result<(Config, Vec<config::Warning>, Gateway), Refused> {
    let (config, warnings) = config::load(file)?;
    let gateway = Gateway::check(&config)?;
    Ok((config, warnings, gateway))
}

/// What in the rules is probably not meant, from the outside in and in the file's order.
pub(crate) fn findings(config: &Config) -> Result<Vec<Finding>, BuildError> {
    let listeners = || config.binds.iter().flat_map(|bind| &bind.listeners);
    let of_routes = listeners().flat_map(|listener| &listener.routes).map(|route| &route.policies.rules);
    let of_listeners = listeners().map(|listener| &listener.rules);
    let mut findings = Vec::new();
    for rules in std::iter::once(&config.rules).chain(of_listeners).chain(of_routes) {
        for set in Set::of(&config.file, rules)? {
            findings.extend(set.findings(&config.file));
        }
    }
    Ok(findings)
}

/// Prints what the file means. Warnings are no failure.
pub(crate) fn run(options: &Options) -> Result<(), Refused> {
    let outlined = load_built(&options.file).and_then(|(config, warnings, gateway)| {
        let mut outline = Outline::of(&config, &warnings, gateway.facades())?;
        if options.ask_providers {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime
                .map_err(|e| Refused::from(BoxError::from(e)))?
                .block_on(Server::ask_all(&mut outline.authorization_servers, gateway.facades()));
        }
        Ok((outline, warnings))
    });
    match (options.format, outlined) {
        (Format::Text, Ok((outline, warnings))) => {
            for warning in &warnings {
                complain(format_args!("{warning} [{}]", warning.kind().code()));
            }
            say(outline);
            Ok(())
        }
        (Format::Text, Err(refused)) => Err(refused),
        (Format::Json, Ok((outline, _))) => {
            say(serde_json::json!(outline));
            Ok(())
        }
        (Format::Json, Err(refused)) => {
            say(refused.to_json(&options.file));
            Err(refused)
        }
    }
}
