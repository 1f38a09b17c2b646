//! Enough of MCP to use a server over Streamable HTTP: connect, list tools, call them.
//!
//! Up to 2025-11-25 a session begins with `initialize`; from 2026-07-28 on every request says all about itself in
//! `_meta` and in headers.

mod answer;
mod version;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use serde_json::{Value, json};
use url::Url;

pub(crate) use self::version::ProtocolVersion;
use crate::auth::{Attempts, Authorizer};
use crate::error::ClientError;
use crate::http_client::HttpClient;

/// How many pages of tools are read.
const MAX_PAGES: usize = 100;

/// A connection to one server.
#[derive(Debug)]
pub(crate) struct McpClient {
    endpoint: Uri,
    http: HttpClient,
    authorizer: Authorizer,
    version: ProtocolVersion,
    /// `Mcp-Session-Id`, which servers of older versions may give.
    session: Option<HeaderValue>,
    last_id: u64,
}

impl McpClient {
    /// Connects, with the version that was asked for, else with the newest that the server has.
    pub(crate) async fn connect(
        endpoint: Url,
        http: HttpClient,
        authorizer: Authorizer,
        version: Option<ProtocolVersion>,
    ) -> Result<Self, ClientError> {
        let uri = Uri::try_from(endpoint.as_str())
            .map_err(|_| fault("connect", "the URL is not one of a request"))?;
        let negotiated = version.is_none();
        let version = version.unwrap_or_else(ProtocolVersion::newest);
        let mut client = Self { endpoint: uri, http, authorizer, version, session: None, last_id: 0 };
        if !client.version.is_stateless() {
            client.initialize().await?;
            return Ok(client);
        }
        let (response, id) = client.send("server/discover", json!({}), None).await?;
        if negotiated && response.status().is_client_error() {
            client.version = ProtocolVersion::newest_with_sessions();
            client.initialize().await?;
        } else {
            answer::result(&response, "server/discover", id)?;
        }
        Ok(client)
    }

    /// The names of the server's tools.
    pub(crate) async fn list_tools(&mut self) -> Result<Vec<String>, ClientError> {
        let (mut names, mut cursor) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let params = cursor.map_or_else(|| json!({}), |cursor: Value| json!({ "cursor": cursor }));
            let page = self.request("tools/list", params, None).await?;
            let tools = page.get("tools").and_then(Value::as_array);
            let tools = tools.ok_or_else(|| fault("tools/list", "no `tools`"))?;
            names.extend(tools.iter().filter_map(|tool| Some(tool.get("name")?.as_str()?.to_owned())));
            match page.get("nextCursor") {
                Some(next) if !next.is_null() => cursor = Some(next.clone()),
                _ => break,
            }
        }
        Ok(names)
    }

    /// Calls a tool.
    pub(crate) async fn call_tool(&mut self, name: &str, arguments: Value) -> Result<Value, ClientError> {
        self.request("tools/call", json!({ "name": name, "arguments": arguments }), Some(name)).await
    }

    async fn initialize(&mut self) -> Result<(), ClientError> {
        let params = json!({
            "protocolVersion": self.version.as_str(),
            "capabilities": {},
            "clientInfo": client_info(),
        });
        let (response, id) = self.send("initialize", params, None).await?;
        let result = answer::result(&response, "initialize", id)?;
        let version =
            result.get("protocolVersion").and_then(Value::as_str).and_then(ProtocolVersion::with_sessions);
        self.version =
            version.ok_or_else(|| fault("initialize", "answered with a version that we do not have"))?;
        self.session = response.headers().get("mcp-session-id").cloned();
        let message = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let response = self.post(&message, "notifications/initialized", None).await?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => Err(fault("notifications/initialized", &format!("answered {status}"))),
        }
    }

    async fn request(
        &mut self,
        method: &str,
        params: Value,
        name: Option<&str>,
    ) -> Result<Value, ClientError> {
        let (response, id) = self.send(method, params, name).await?;
        answer::result(&response, method, id)
    }

    /// Sends a request and says under which id its answer comes.
    async fn send(
        &mut self,
        method: &str,
        mut params: Value,
        name: Option<&str>,
    ) -> Result<(Response<Bytes>, u64), ClientError> {
        self.last_id += 1;
        let id = self.last_id;
        if self.version.is_stateless() {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": self.version.as_str(),
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": client_info(),
            });
            params.as_object_mut().map(|members| members.insert("_meta".to_owned(), meta));
        }
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        Ok((self.post(&message, method, name).await?, id))
    }

    /// Posts a message, and again with a better token as often as that is worth it.
    async fn post(
        &mut self,
        message: &Value,
        method: &str,
        name: Option<&str>,
    ) -> Result<Response<Bytes>, ClientError> {
        let request = self.to_http(message, method, name)?;
        let mut attempts = Attempts::default();
        self.authorizer.keep_fresh().await;
        loop {
            let mut attempt = request.clone();
            self.authorizer.present(&mut attempt)?;
            let response = self.http.post(attempt).await?;
            self.authorizer.keep_nonce(response.headers());
            if !matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                return Ok(response);
            }
            self.authorizer.satisfy(&response, &mut attempts).await?;
        }
    }

    fn to_http(
        &self,
        message: &Value,
        method: &str,
        name: Option<&str>,
    ) -> Result<Request<Bytes>, ClientError> {
        let mut request = Request::new(Bytes::from(message.to_string()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        let mut set = |header: &'static str, text: &str| {
            let value =
                HeaderValue::try_from(text).map_err(|_| fault(method, "not the value of a header"))?;
            headers.insert(HeaderName::from_static(header), value);
            Ok::<(), ClientError>(())
        };
        if method != "initialize" {
            set("mcp-protocol-version", self.version.as_str())?;
        }
        if self.version.is_stateless() {
            set("mcp-method", method)?;
            if let Some(name) = name {
                set("mcp-name", &version::header_text(name))?;
            }
        }
        if let Some(session) = &self.session {
            headers.insert("mcp-session-id", session.clone());
        }
        Ok(request)
    }
}

fn client_info() -> Value {
    json!({ "name": "mcp-auth-conformance-client", "version": env!("CARGO_PKG_VERSION") })
}

fn fault(method: &str, fault: &str) -> ClientError {
    ClientError::Mcp { method: method.to_owned(), fault: fault.to_owned() }
}
