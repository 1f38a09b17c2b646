//! The reference gateway of mcp-auth: MCP servers behind JWT validation, discovery and per-tool policy.
//!
//! ```text
//! mcp-auth-gateway demo              everything in one process, on this machine
//! mcp-auth-gateway run -f FILE       a gateway from a file in agentgateway's local shape
//! mcp-auth-gateway check -f FILE     what the file says, what its rules cost, what is doubtful
//! mcp-auth-gateway explain -f FILE   what a route decides over a call, and why
//! ```

mod check;
mod cli;
mod config;
mod demo;
mod explain;
mod hop_by_hop;
mod intake;
mod outbound;
mod proxy;
mod route;
mod server;
mod state;
mod telemetry;
#[cfg(test)]
mod test;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
