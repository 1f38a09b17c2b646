//! A client on the official Rust SDK with a token that it was given: it lists, calls a tool that tells progress, and ends.
//! It prints one JSON line per step.
//!
//! Environment: `CLIENT_URL`, `CLIENT_MODE`, `CLIENT_NAME` (sent as `X-Client`), `CLIENT_TOKEN`, `CLIENT_KEY` (what the
//! tool waits for) and `CLIENT_RELEASE` (where a POST lets it go on).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use http::{HeaderName, HeaderValue};
use rmcp::ClientHandler;
use rmcp::model::{CallToolRequestParams, ProgressNotificationParam};
use rmcp::service::{ClientServiceExt, NotificationContext, RoleClient};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::json;

use crate::{lifecycle, say, setting};

/// Lets the tool go on at each notification.
struct Releasing {
    release: String,
    told: Arc<Mutex<Vec<f64>>>,
}

impl ClientHandler for Releasing {
    async fn on_progress(&self, progress: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        if let Ok(mut told) = self.told.lock() {
            told.push(progress.progress);
        }
        let client = reqwest::Client::new();
        while !client.post(&self.release).send().await.is_ok_and(|answer| answer.status().is_success()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(crate) async fn run() -> Result<()> {
    let name = HeaderValue::from_str(&setting("CLIENT_NAME")?)?;
    let config = StreamableHttpClientTransportConfig::with_uri(setting("CLIENT_URL")?)
        .auth_header(setting("CLIENT_TOKEN")?)
        .custom_headers(HashMap::from([(HeaderName::from_static("x-client"), name)]));
    let transport = StreamableHttpClientTransport::with_client(reqwest::Client::new(), config);
    let told = Arc::<Mutex<Vec<f64>>>::default();
    let handler = Releasing { release: setting("CLIENT_RELEASE")?, told: told.clone() };
    let session = handler.serve_with_lifecycle(transport, lifecycle()?).await?;
    let tools = session.list_all_tools().await?;
    say("listed", json!(tools.iter().map(|tool| &tool.name).collect::<Vec<_>>()));
    let arguments = json!({ "key": setting("CLIENT_KEY")?, "count": 3 });
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    let result = session.call_tool(CallToolRequestParams::new("steps").with_arguments(arguments)).await?;
    say("progress", json!(*told.lock().map_err(|_| anyhow::anyhow!("poisoned"))?));
    say("result", json!(result.content.first().and_then(|part| part.as_text()).context("no text")?.text));
    session.cancel().await?;
    Ok(())
}
