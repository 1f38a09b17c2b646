//! The official SDK's server.

use http::{HeaderMap, StatusCode};
use rmcp::model::{CallToolResult, ContentBlock};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};

use super::*;

#[derive(Clone, Debug)]
struct Tools;

#[tool_router]
impl Tools {
    #[tool(description = "Reads")]
    async fn read(&self) -> CallToolResult {
        CallToolResult::success(vec![ContentBlock::text("read it")])
    }

    #[tool(description = "Writes")]
    async fn write(&self) -> CallToolResult {
        CallToolResult::success(vec![ContentBlock::text("wrote it")])
    }
}

#[tool_handler]
impl ServerHandler for Tools {}

/// With answers in JSON and without sessions, and with event streams and sessions.
#[tokio::test]
async fn on_rmcp() {
    let idp = Idp::new();
    for json in [true, false] {
        let config =
            StreamableHttpServerConfig::default().with_legacy_session_mode(!json).with_json_response(json);
        let server =
            StreamableHttpService::new(|| Ok(Tools), Arc::new(LocalSessionManager::default()), config);
        let mut sender = http1(serve(all(&idp).layer(server.clone())).await).await;
        // The same behind axum.
        let app = axum::Router::new().route_service("/files/mcp", server).layer(all(&idp));
        let mut behind_axum = http1(serve(app).await).await;
        for sender in [&mut sender, &mut behind_axum] {
            for (user, tools) in [("alice", &["read", "write"][..]), ("bob", &["read"])] {
                let mut session = Session { sender, token: idp.token(user), id: None };
                let hello = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
                let (status, answer) = session.ask(hello).await;
                assert!(
                    status.is_success() && answer["result"]["serverInfo"].is_object(),
                    "{status} {answer}"
                );
                assert_eq!(session.id.is_some(), !json);
                let notice = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
                assert_eq!(session.ask(notice).await.0, StatusCode::ACCEPTED);
                let (_, answer) = session.ask(LIST).await;
                let mut names: Vec<&str> = answer["result"]["tools"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|t| t["name"].as_str().unwrap())
                    .collect();
                names.sort_unstable();
                assert_eq!(names, tools, "{user}");
                for (tool, text) in [("read", "read it"), ("write", "wrote it")] {
                    let (status, answer) = session.ask(&call(tool)).await;
                    if tools.contains(&tool) {
                        assert_eq!(answer["result"]["content"][0]["text"], text);
                    } else {
                        assert_eq!(
                            (status, &answer["error"]["message"]),
                            (StatusCode::FORBIDDEN, &json!("not allowed"))
                        );
                    }
                }
            }
        }
    }
}

/// The SDK's server lets everybody into a session who knows its id; the layers do not.
#[tokio::test]
async fn attack_091_sessions_of_the_sdk_are_their_callers() {
    let idp = Idp::new();
    let config = StreamableHttpServerConfig::default().with_legacy_session_mode(true);
    let server = StreamableHttpService::new(|| Ok(Tools), Arc::new(LocalSessionManager::default()), config);
    let mut direct = http1(serve(server.clone()).await).await;
    let mut layered = http1(serve(all(&idp).layer(server)).await).await;
    for (sender, protected) in [(&mut direct, false), (&mut layered, true)] {
        let mut alice = Session { sender, token: idp.token("alice"), id: None };
        let hello = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
        assert!(alice.ask(hello).await.0.is_success());
        let notice = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        assert_eq!(alice.ask(notice).await.0, StatusCode::ACCEPTED);
        let id = alice.id.clone();

        let mut bob = Session { sender, token: idp.token("bob"), id: id.clone() };
        let (status, answer) = bob.ask(LIST).await;
        if !protected {
            assert_eq!(status, StatusCode::OK, "else this test shows nothing");
            continue;
        }
        assert_eq!((status, &answer["error"]["code"]), (StatusCode::NOT_FOUND, &json!(-32001)));
        assert_eq!(bob.end().await, StatusCode::NOT_FOUND);

        // Alice's session has not ended by that. When she ends it, the server's own 404 comes.
        let mut alice = Session { sender, token: idp.token("alice"), id };
        assert_eq!(alice.ask(LIST).await.0, StatusCode::OK);
        assert!(alice.end().await.is_success());
        assert_eq!(alice.ask(LIST).await.0, StatusCode::NOT_FOUND);
    }
}

struct Session<'s> {
    sender: &'s mut Sender,
    token: String,
    id: Option<http::HeaderValue>,
}

impl Session<'_> {
    /// The answer's status, and its message: the body, or the last event that holds one.
    async fn ask(&mut self, body: &str) -> (StatusCode, Value) {
        self.send(post(&self.token, body)).await
    }

    async fn end(&mut self) -> StatusCode {
        let mut request = post(&self.token, "");
        *request.method_mut() = http::Method::DELETE;
        self.send(request).await.0
    }

    async fn send(&mut self, mut request: Request<Full<Bytes>>) -> (StatusCode, Value) {
        let headers: &mut HeaderMap = request.headers_mut();
        headers.insert("host", "localhost:3000".parse().unwrap());
        headers.insert("accept", "application/json, text/event-stream".parse().unwrap());
        headers.insert("mcp-protocol-version", "2025-06-18".parse().unwrap());
        headers.extend(self.id.clone().map(|id| (http::HeaderName::from_static("mcp-session-id"), id)));
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        if let Some(id) = response.headers().get("mcp-session-id") {
            self.id = Some(id.clone());
        }
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let mut events =
            text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok());
        (status, serde_json::from_str(&text).ok().or_else(|| events.next_back()).unwrap_or(Value::Null))
    }
}
