//! The reference gateway of mcp-auth: MCP servers behind JWT validation, discovery and per-tool policy.
//!
//! ```text
//! mcp-auth-gateway demo          everything in one process, on this machine
//! mcp-auth-gateway run -f FILE   a gateway from a file in agentgateway's local shape
//! ```

mod check;
mod cli;
mod config;
mod demo;
mod hop_by_hop;
mod intake;
mod proxy;
mod route;
mod server;
mod telemetry;
#[cfg(test)]
mod test;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
