//! The command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::Config;
use crate::server::Gateway;
use crate::telemetry::{complain, say};
use crate::{check, demo, explain, telemetry};

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
    /// Read a configuration file, list its rules with their costs, and say what is doubtful in it
    Check(check::Options),
    /// Say what a route decides over a call, and how that comes about
    Explain(Box<explain::Options>),
    /// Try everything on this machine: authorization server, MCP server and gateway in one process
    Demo(demo::Options),
}

#[derive(Args, Debug)]
struct Run {
    /// The configuration, YAML in agentgateway's local shape
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
}

/// Exit status 0; 1 when serving fails or a call that is asked about is denied; 2 for a command line or a configuration
/// that cannot be used.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    match (cli.command, cli.run) {
        (Some(Command::Run(run)), _) | (None, Some(run)) => {
            telemetry::start();
            match load(&run.file) {
                Ok(config) => served(block_on(serve(config))),
                Err(error) => unusable(&error),
            }
        }
        (Some(Command::Demo(options)), _) => {
            telemetry::start();
            served(block_on(demo::run(options)))
        }
        (Some(Command::Check(options)), _) => {
            telemetry::start();
            check::run(&options).map_or_else(|refused| unusable(&refused), |()| ExitCode::SUCCESS)
        }
        // Without a log: it would name callers.
        (Some(Command::Explain(options)), _) => {
            block_on(explain::run(&options)).unwrap_or_else(|error| unusable(&error))
        }
        (None, None) => ExitCode::from(2),
    }
}

fn served(outcome: Result<(), BoxError>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn unusable(error: &dyn std::fmt::Display) -> ExitCode {
    complain(format_args!("error: {error}"));
    ExitCode::from(2)
}

/// What is doubtful in a file that loads is said, and is no reason not to serve.
fn load(file: &Path) -> Result<Config, BoxError> {
    let (config, warnings) = check::load(file)?;
    for warning in warnings {
        complain(format_args!("{warning} [{}]", warning.kind().code()));
    }
    for finding in check::findings(&config)? {
        complain(finding);
    }
    Ok(config)
}

async fn serve(config: Config) -> Result<(), BoxError> {
    let gateway = Gateway::new(&config)?;
    for server in check::Server::all(&config, gateway.facades()) {
        server.log();
    }
    let gateway = gateway.bind().await?;
    // Its text may hold secrets.
    drop(config);
    // Whoever reads that we listen may stop us.
    let stop = crate::server::shutdown_signal();
    for address in gateway.addresses() {
        say(format_args!("listening on http://{address}"));
    }
    gateway.serve(stop).await;
    Ok(())
}

fn block_on<T>(work: impl Future<Output = Result<T, BoxError>>) -> Result<T, BoxError> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}
