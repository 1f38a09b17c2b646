//! A small MCP server on the official SDK, to stand behind the gateway. It trusts whoever reaches it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use rmcp::ServerHandler;
use rmcp::handler::server::tool::Extension;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, ContentBlock};
use rmcp::schemars::JsonSchema;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{tool, tool_handler, tool_router};
use serde::Deserialize;
use serde_json::json;

const MAX_RECORDS: usize = 100;
const MAX_ID_BYTES: usize = 64;
const MAX_TEXT_BYTES: usize = 4_096;

/// The server at `/mcp`, without sessions. It takes requests whose `Host` is a loopback name on any port.
pub(crate) fn router() -> Router {
    let records = Records::default();
    let config =
        StreamableHttpServerConfig::default().with_legacy_session_mode(false).with_json_response(true);
    let service = StreamableHttpService::new(
        move || Ok(records.clone()),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    Router::new().route_service("/mcp", service)
}

/// Texts by name, shared by all requests.
#[derive(Clone, Debug)]
struct Records(Arc<Mutex<BTreeMap<String, String>>>);

impl Default for Records {
    fn default() -> Self {
        let first =
            [("1", "the first record"), ("welcome", "Members of mcp-readers read; only alice writes.")];
        let first = first.map(|(id, text)| (id.to_owned(), text.to_owned()));
        Self(Arc::new(Mutex::new(BTreeMap::from(first))))
    }
}

impl Records {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct ReadRecord {
    /// Name of the record.
    id: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct WriteRecord {
    /// Name of the record, at most 64 bytes.
    id: String,
    /// Its new text, at most 4,096 bytes.
    text: String,
}

fn text(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

fn failed(text: &str) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

#[tool_router]
impl Records {
    #[tool(description = "Reads a record", annotations(read_only_hint = true))]
    async fn read_record(&self, Parameters(ReadRecord { id }): Parameters<ReadRecord>) -> CallToolResult {
        self.lock().get(&id).map_or_else(|| failed("there is no such record"), text)
    }

    #[tool(description = "Lists the names of all records", annotations(read_only_hint = true))]
    async fn list_records(&self) -> CallToolResult {
        let ids: Vec<String> = self.lock().keys().cloned().collect();
        CallToolResult::structured(json!({ "records": ids }))
    }

    #[tool(description = "Writes a record", annotations(destructive_hint = true, idempotent_hint = true))]
    async fn write_record(
        &self,
        Parameters(WriteRecord { id, text: new }): Parameters<WriteRecord>,
    ) -> CallToolResult {
        if id.is_empty() || id.len() > MAX_ID_BYTES || new.len() > MAX_TEXT_BYTES {
            return failed("the id or the text is too long, or the id is empty");
        }
        let mut records = self.lock();
        if records.len() >= MAX_RECORDS && !records.contains_key(&id) {
            return failed("there is no room for another record");
        }
        records.insert(id, new);
        text("written")
    }

    /// The token itself is never repeated, only whether one came.
    #[tool(
        description = "Tells which identity headers reached this server, and whether the client's token did",
        annotations(read_only_hint = true)
    )]
    async fn whoami(&self, Extension(parts): Extension<Parts>) -> CallToolResult {
        let identity: BTreeMap<&str, String> = parts
            .headers
            .iter()
            .filter(|(name, _)| {
                let way = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto"];
                name.as_str().starts_with("x-") && !way.contains(&name.as_str())
            })
            .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        CallToolResult::structured(json!({
            "identity_headers": identity,
            "authorization_header_arrived": parts.headers.contains_key(AUTHORIZATION),
        }))
    }
}

#[tool_handler(
    name = "mcp-auth-demo",
    instructions = "Records to read and write, behind the gateway of mcp-auth"
)]
impl ServerHandler for Records {}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use http_body_util::BodyExt as _;
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;

    async fn call(router: &Router, host: &str, method: &str, params: Value) -> (StatusCode, Value) {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = Request::post("/mcp")
            .header("host", host)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-06-18")
            .header("x-user", "bob");
        let response =
            router.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn tool(router: &Router, name: &str, arguments: Value) -> Value {
        let params = json!({ "name": name, "arguments": arguments });
        let (status, answer) = call(router, "127.0.0.1:8080", "tools/call", params).await;
        assert_eq!(status, StatusCode::OK);
        answer["result"].clone()
    }

    #[tokio::test]
    async fn tools_are_listed_without_a_session() {
        let (status, answer) = call(&router(), "127.0.0.1:8080", "tools/list", json!({})).await;
        assert_eq!(status, StatusCode::OK);
        let tools = answer["result"]["tools"].as_array().unwrap();
        let mut names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["list_records", "read_record", "whoami", "write_record"]);
    }

    #[tokio::test]
    async fn records_are_shared_and_bounded() {
        let router = router();
        let written = tool(&router, "write_record", json!({ "id": "a", "text": "hello" })).await;
        assert_ne!(written["isError"], true);
        let read = tool(&router, "read_record", json!({ "id": "a" })).await;
        assert_eq!(read["content"][0]["text"], "hello");
        assert_eq!(tool(&router, "read_record", json!({ "id": "b" })).await["isError"], true);
        let listed = tool(&router, "list_records", json!({})).await;
        assert_eq!(listed["structuredContent"]["records"], json!(["1", "a", "welcome"]));
        for i in 0..MAX_RECORDS {
            tool(&router, "write_record", json!({ "id": i.to_string(), "text": "" })).await;
        }
        assert_eq!(tool(&router, "write_record", json!({ "id": "z", "text": "" })).await["isError"], true);
        let long = json!({ "id": "a", "text": "x".repeat(MAX_TEXT_BYTES + 1) });
        assert_eq!(tool(&router, "write_record", long).await["isError"], true);
    }

    #[tokio::test]
    async fn whoami_tells_headers_and_a_foreign_host_is_refused() {
        let router = router();
        let told = tool(&router, "whoami", json!({})).await["structuredContent"].clone();
        assert_eq!(told["identity_headers"], json!({ "x-user": "bob" }));
        assert_eq!(told["authorization_header_arrived"], false);
        let (status, _) = call(&router, "evil.example", "tools/list", json!({})).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    }
}
