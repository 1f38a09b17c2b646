//! What `gateway demo` brings along, so that one command shows the whole path: an authorization server and an
//! MCP server, both for demonstration only.

pub(crate) mod authorization_server;
pub(crate) mod mcp_server;
