//! Starting everything on 127.0.0.1 and saying what to try.

use std::net::{Ipv4Addr, SocketAddr};

use clap::Args;
use tokio::net::TcpListener;
use url::Url;

use super::authorization_server::{AuthorizationServer, User};
use super::mcp_server;
use crate::config;
use crate::proxy::BoxError;
use crate::server::{Gateway, shutdown_signal};
use crate::telemetry::{complain, say};

/// Options of `demo`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Port of the gateway; 0 takes any free one
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Port of the demonstration's authorization server; 0 takes any free one
    #[arg(long, default_value_t = 9000)]
    authorization_server_port: u16,
}

/// Runs the demonstration until Ctrl-C.
pub(crate) async fn run(options: Options) -> Result<(), BoxError> {
    let server = listen(options.authorization_server_port, "--authorization-server-port").await?;
    let upstream = listen(0, "").await?;
    // The gateway's own port has to be known before it starts: it is part of the resource's name.
    let port = match options.port {
        0 => listen(0, "").await?.local_addr()?.port(),
        port => port,
    };
    let issuer = format!("http://{}", server.local_addr()?);
    let resource = format!("http://127.0.0.1:{port}/mcp");
    let mcp = format!("http://{}/mcp", upstream.local_addr()?);

    let text = configuration(port, &issuer, &resource, &mcp);
    let (config, warnings) = config::parse(&text, "demo.yaml")?;
    for warning in warnings {
        complain(format_args!("{warning}"));
    }
    let gateway =
        Gateway::new(&config)?.bind().await.map_err(|e| format!("{e}; choose another port with --port"))?;

    let authorization = AuthorizationServer::new(Url::parse(&issuer)?, resource.clone(), User::demo())?;
    tokio::spawn(async move { axum::serve(server, authorization.router()).await });
    tokio::spawn(async move { axum::serve(upstream, mcp_server::router()).await });

    let stop = shutdown_signal();
    say(guide(port, &issuer, &resource));
    gateway.serve(stop).await;
    Ok(())
}

async fn listen(port: u16, option: &str) -> Result<TcpListener, BoxError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let choose =
        if option.is_empty() { String::new() } else { format!("; choose another port with {option}") };
    TcpListener::bind(address).await.map_err(|e| format!("cannot listen on {address}: {e}{choose}").into())
}

/// The demonstration runs the very configuration that a file would hold.
fn configuration(port: u16, issuer: &str, resource: &str, mcp: &str) -> String {
    format!(
        r#"binds:
- port: {port}
  listeners:
  - routes:
    - matches:
      - path: {{exact: /mcp}}
      - path: {{exact: /.well-known/oauth-protected-resource/mcp}}
      - path: {{exact: /.well-known/oauth-protected-resource}}
      policies:
        cors:
          allowOrigins: ['*']
          allowHeaders: [mcp-protocol-version, content-type, authorization]
          exposeHeaders: [Mcp-Session-Id, WWW-Authenticate]
        mcpAuthentication:
          mode: strict
          issuer: {issuer}
          audiences: ['{resource}']
          jwks: {{url: '{issuer}/jwks'}}
          resourceMetadata:
            resource: {resource}
            scopesSupported: [mcp:read, mcp:write]
            bearerMethodsSupported: [header]
        mcpAuthorization:
          rules:
          - require: 'jwt.groups.exists(g, g == "mcp-readers")'
          - require: 'jwt.sub == "alice" || mcp.tool.name != "write_record"'
      backends:
      - mcp: {{targets: [{{name: records, mcp: {{host: '{mcp}'}}}}]}}
"#
    )
}

fn guide(port: u16, issuer: &str, resource: &str) -> String {
    let gateway = format!("http://127.0.0.1:{port}");
    let call = |id: u32, method: &str, params: &str, token: &str| {
        format!(
            r#"  curl -i {resource} -H "Authorization: Bearer ${token}" \
    -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \
    -d '{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}'"#
        )
    };
    let list = call(1, "tools/list", "{}", "BOB");
    let read = call(2, "tools/call", r#"{"name":"read_record","arguments":{"id":"1"}}"#, "BOB");
    let denied =
        call(3, "tools/call", r#"{"name":"write_record","arguments":{"id":"1","text":"from bob"}}"#, "BOB");
    let allowed = call(
        4,
        "tools/call",
        r#"{"name":"write_record","arguments":{"id":"1","text":"from alice"}}"#,
        "ALICE",
    );
    format!(
        r#"
mcp-auth demo: everything runs in this process, on 127.0.0.1. Nothing of it is for production.

  gateway               {resource}
  authorization server  {issuer}   (alice / alice-demo, bob / bob-demo)
  policy                members of mcp-readers may use every tool; only alice may call write_record

Paste these into another terminal.

1. Without a token: 401, and a challenge that says where to go.

  curl -i {resource}

2. The metadata it points to (RFC 9728).

  curl -s {gateway}/.well-known/oauth-protected-resource/mcp

3. Tokens. Clients log in through the browser; for the shell this demo has a short cut.

  BOB=$(curl -s -H 'Accept: text/plain' -d user=bob -d password=bob-demo {issuer}/demo/token)
  ALICE=$(curl -s -H 'Accept: text/plain' -d user=alice -d password=alice-demo {issuer}/demo/token)

4. Bob's list of tools: write_record is not in it.

{list}

5. Bob reads: allowed.

{read}

6. Bob writes: 403, and the MCP server never hears of it.

{denied}

7. Alice writes: allowed.

{allowed}

With the MCP Inspector (login through the browser starts by itself):

  npx @modelcontextprotocol/inspector --transport http --server-url {resource}

listening on {gateway}
Stop with Ctrl-C."#
    )
}
