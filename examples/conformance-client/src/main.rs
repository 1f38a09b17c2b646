//! An MCP client whose whole authorization is built on the crates of mcp-auth: it connects to a server, logs in where
//! the server asks for it, lists the tools, and calls each of them.
//!
//! `mcp-auth-conformance-client [OPTIONS] URL`. The official conformance suite runs it
//! (`conformance client --command …`); see the README.

mod auth;
mod credentials;
mod error;
mod http_client;
mod mcp;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser;
use mcp_auth_discovery::ResourceIdentifier;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::auth::{Authorizer, Settings};
use crate::credentials::Credentials;
use crate::error::ClientError;
use crate::http_client::HttpClient;
use crate::mcp::{McpClient, ProtocolVersion};

#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// The MCP server.
    url: String,
    /// What this client has to prove who it is, as a JSON object; see `credentials.rs`. Without it the client registers.
    #[arg(long, env = "MCP_CONFORMANCE_CONTEXT", hide_env_values = true)]
    credentials: Option<String>,
    /// The version of MCP to speak. Without it the newest is tried first.
    #[arg(long, env = "MCP_CONFORMANCE_PROTOCOL_VERSION")]
    protocol_version: Option<String>,
    /// Where this client's metadata document is, for authorization servers that take its URL as the client's identifier.
    #[arg(long)]
    client_metadata_url: Option<String>,
    /// Where authorization responses are sent.
    #[arg(long, default_value = "http://localhost:3000/callback")]
    redirect_uri: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), ClientError> {
    let server = ResourceIdentifier::parse(&arguments.url)?;
    let credentials = match &arguments.credentials {
        Some(json) => Credentials::parse(json)?,
        None => Credentials::default(),
    };
    let settings = Settings {
        redirect_uri: arguments.redirect_uri,
        client_metadata_url: arguments.client_metadata_url,
        credentials,
    };
    let http = HttpClient::new(&server)?;
    let authorizer = Authorizer::new(server.clone(), settings, http.clone());
    let version = arguments.protocol_version.as_deref().map(ProtocolVersion::new);

    let mut client = McpClient::connect(server.url().clone(), http, authorizer, version).await?;
    for tool in client.list_tools().await? {
        let answer = client.call_tool(&tool, json!({})).await?;
        tracing::info!(tool, failed = answer.get("isError") == Some(&true.into()), "called");
    }
    Ok(())
}
