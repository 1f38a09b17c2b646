//! The command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::Config;
use crate::server::Gateway;
use crate::telemetry::{complain, say};
use crate::{check, demo, telemetry};

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
        (Some(Command::Check(options)), _) => check::run(&options).map(Ok).map_err(Into::into),
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
