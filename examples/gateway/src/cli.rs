//! The command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Config};
use crate::server::Gateway;
use crate::telemetry::{complain, say};
use crate::{demo, telemetry};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An authorization gateway for the Model Context Protocol.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Option<Run>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a gateway from a configuration file (also without the word `run`)
    Run(Run),
    /// Read a configuration file, show what it means and what is doubtful in it
    Check(Run),
    /// Try everything on this machine: authorization server, MCP server and gateway in one process
    Demo(demo::Options),
}

#[derive(Args, Debug)]
struct Run {
    /// The configuration, YAML in agentgateway's local shape
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
}

/// Exit status 0; 1 when serving fails; 2 for a command line or a configuration that cannot be used.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::start();
    let outcome = match (cli.command, cli.run) {
        (Some(Command::Run(run)), _) | (None, Some(run)) => {
            load(&run.file).map(|config| block_on(serve(config)))
        }
        (Some(Command::Check(run)), _) => load(&run.file).map(|config| {
            summary(&config);
            Ok(())
        }),
        (Some(Command::Demo(options)), _) => Ok(block_on(demo::run(options))),
        (None, None) => return ExitCode::from(2),
    };
    match outcome {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            complain(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            complain(format_args!("error: {error}"));
            ExitCode::from(2)
        }
    }
}

fn load(file: &Path) -> Result<Config, BoxError> {
    let (config, warnings) = config::load(file).map_err(|e| format!("{e} [{}]", e.kind().code()))?;
    for warning in warnings {
        complain(format_args!("{warning} [{}]", warning.kind().code()));
    }
    // Everything that can be wrong in a configuration is found before anything listens.
    Gateway::new(&config)?;
    Ok(config)
}

/// Which policies stand before which backend.
fn summary(config: &Config) {
    for bind in &config.binds {
        for listener in &bind.listeners {
            let name = listener.name.as_deref().unwrap_or("(unnamed)");
            let host = listener.hostname.as_ref().map_or("*", |h| h.value.as_str());
            say(format_args!("{:?} {} listener {name} host {host}", listener.protocol, bind.address));
            for route in &listener.routes {
                let policies = &route.policies;
                let rules = |a: &Option<config::Authorization>| a.as_ref().map_or(0, |a| a.rules.len());
                say(format_args!(
                    "  route {}: cors {}, authentication {}, {} HTTP rule(s), {} MCP rule(s)",
                    route.name.as_deref().unwrap_or("(unnamed)"),
                    if policies.cors.is_some() { "yes" } else { "no" },
                    policies.mcp_authentication.as_ref().map_or("none", |a| a.issuer.value.as_str()),
                    rules(&policies.rules.http),
                    rules(&policies.rules.mcp),
                ));
            }
        }
    }
    say(format_args!("{}: accepted", config.file));
}

async fn serve(config: Config) -> Result<(), BoxError> {
    let gateway = Gateway::new(&config)?.bind().await?;
    // Whoever reads that we listen may stop us.
    let stop = crate::server::shutdown_signal();
    for address in gateway.addresses() {
        say(format_args!("listening on http://{address}"));
    }
    gateway.serve(stop).await;
    Ok(())
}

fn block_on(work: impl Future<Output = Result<(), BoxError>>) -> Result<(), BoxError> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}
