//! What a person does with a client on the official Rust SDK, headless. It prints one JSON line per step.
//!
//! Environment: `CLIENT_URL`, `CLIENT_MODE` (`legacy`, `auto` or `2026-07-28`), `CLIENT_NAME`, `CLIENT_REDIRECT`,
//! `CLIENT_BROWSER` (a program that logs in at an address and prints where that led), `CLIENT_DOCUMENT` (the URL of a
//! metadata document, or nothing), and the tools: `CLIENT_READ`, `CLIENT_WRITE` (which needs a further scope). With the
//! argument `streams` it is the client of [`streams`].

mod streams;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt, RoleClient, RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::{AuthClient, AuthorizationManager, AuthorizationRequest, OAuthState};
use rmcp::transport::streamable_http_client::{InsufficientScopeError, StreamableHttpClientTransportConfig};
use serde_json::json;

type Session = RunningService<RoleClient, ()>;

struct Person {
    url: String,
    browser: String,
    lifecycle: ClientLifecycleMode,
}

fn setting(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set"))
}

fn say(step: &str, value: serde_json::Value) {
    println!("{}", json!({ "step": step, "value": value }));
}

fn lifecycle() -> Result<ClientLifecycleMode> {
    Ok(match setting("CLIENT_MODE")?.as_str() {
        "legacy" => ClientLifecycleMode::Initialize,
        "auto" => ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: None,
        },
        _ => ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] },
    })
}

#[tokio::main]
async fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        None => logged_in().await,
        Some("streams") => streams::run().await,
        Some(other) => bail!("unknown argument {other}"),
    }
}

async fn logged_in() -> Result<()> {
    let lifecycle = lifecycle()?;
    let person = Person { url: setting("CLIENT_URL")?, browser: setting("CLIENT_BROWSER")?, lifecycle };
    let (read, write) = (setting("CLIENT_READ")?, setting("CLIENT_WRITE")?);

    // 401, then log in with what the challenge says, then again.
    let anonymous = StreamableHttpClientTransport::from_uri(person.url.clone());
    let challenge = match ().serve_with_lifecycle(anonymous, person.lifecycle.clone()).await {
        Ok(_) => bail!("connected without a token"),
        Err(error) => error.auth_challenge().context("no challenge")?.to_owned(),
    };
    let mut oauth = OAuthState::new(&person.url, None).await?;
    let mut request = AuthorizationRequest::new(setting("CLIENT_REDIRECT")?)
        .with_client_name(setting("CLIENT_NAME")?)
        .with_application_type("native")
        .with_challenge(challenge);
    if let Ok(document) = setting("CLIENT_DOCUMENT") {
        request = request.with_client_metadata_url(document);
    }
    oauth.start_authorization(request).await?;
    let asked = oauth.get_authorization_url().await?;
    oauth.handle_callback_url(&person.browse(&asked).await?).await?;
    let (session, client) = person.connect(oauth).await?;

    let tools = session.list_all_tools().await?;
    say("listed", json!(tools.iter().map(|tool| &tool.name).collect::<Vec<_>>()));
    say("read", json!(call(&session, &read).await.is_ok()));

    // The SDK tells its caller which scope is missing; the caller asks the person, and takes a new session.
    let required = match call(&session, &write).await {
        Ok(_) => bail!("{write} needs no further scope"),
        Err(error) => required_scope(&error).context("the refusal names no scope")?,
    };
    say("required", json!(required));
    let old = client.get_access_token().await?;
    session.cancel().await?;
    let asked = client.auth_manager.lock().await.request_scope_upgrade(&required).await?;
    let answered = person.browse(&asked).await?;
    let callback = rmcp::transport::auth::AuthorizationCallback::from_redirect_url(&answered)?;
    client
        .auth_manager
        .lock()
        .await
        .exchange_code_for_token_with_issuer(&callback.code, &callback.csrf_token, callback.issuer.as_deref())
        .await?;
    let session = person.session(client.clone()).await?;
    // A new session knows no tool, and with it no header of a parameter.
    let more = session.list_all_tools().await?;
    say("listed after", json!(more.iter().map(|tool| &tool.name).collect::<Vec<_>>()));
    say("wrote", json!(call(&session, &write).await.is_ok()));
    let token = client.get_access_token().await?;
    say("stepped up", json!(token != old));

    // The SDK refreshes before its token expires: until then it presents the old one.
    loop {
        call(&session, &read).await?;
        if client.get_access_token().await? != token {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    say("refreshed", json!(call(&session, &read).await.is_ok()));
    session.cancel().await?;
    say("done", json!(true));
    Ok(())
}

async fn call(session: &Session, tool: &str) -> Result<(), ServiceError> {
    let arguments = json!({ "region": "north" });
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    session.call_tool(CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments)).await.map(drop)
}

fn required_scope(error: &ServiceError) -> Option<String> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = match error {
        ServiceError::TransportSend(error) => Some(error.error.as_ref()),
        _ => None,
    };
    while let Some(current) = source {
        if let Some(insufficient) = current.downcast_ref::<InsufficientScopeError>() {
            return insufficient.required_scope.clone();
        }
        source = current.source();
    }
    None
}

impl Person {
    async fn connect(&self, oauth: OAuthState) -> Result<(Session, AuthClient<reqwest::Client>)> {
        let manager: AuthorizationManager = oauth.into_authorization_manager().context("not authorized")?;
        let client = AuthClient::new(reqwest::Client::new(), manager);
        Ok((self.session(client.clone()).await?, client))
    }

    async fn session(&self, client: AuthClient<reqwest::Client>) -> Result<Session> {
        let config = StreamableHttpClientTransportConfig::with_uri(self.url.clone());
        let transport = StreamableHttpClientTransport::with_client(client, config);
        Ok(().serve_with_lifecycle(transport, self.lifecycle.clone()).await?)
    }

    /// Has the browser follow the address up to the redirect URI; gives what it was led to.
    async fn browse(&self, asked: &str) -> Result<String> {
        let browser = tokio::process::Command::new(&self.browser).arg(asked).output().await?;
        if !browser.status.success() {
            bail!("no way on from {asked}: {}", String::from_utf8_lossy(&browser.stderr));
        }
        Ok(String::from_utf8(browser.stdout)?.trim().to_owned())
    }
}
