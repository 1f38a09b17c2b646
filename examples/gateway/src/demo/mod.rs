//! What `mcp-auth-gateway demo` brings along, so that one command shows the whole path: an authorization
//! server and an MCP server, both for demonstration only.

mod authorization_server;
mod launch;
mod mcp_server;

pub(crate) use launch::{Options, run};
