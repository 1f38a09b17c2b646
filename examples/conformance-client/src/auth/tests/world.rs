//! An MCP server and its authorization server, as a transport.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use http::{Method, Request, Response};
use mcp_auth_discovery::ResourceIdentifier;
use mcp_auth_tower::client::{Fetch, FetchFuture, FetchRequest};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::auth::{Authorizer, Settings};
use crate::credentials::Credentials;
use crate::error::ClientError;
use crate::http_client::HttpClient;
use crate::mcp::{McpClient, ProtocolVersion};

pub(super) const SERVER: &str = "https://mcp.example/mcp";
pub(super) const ISSUER: &str = "https://as.example";

/// What the two servers do, and what they were asked.
#[derive(Debug)]
pub(super) struct World {
    /// `METHOD path`, and of token requests the form.
    pub(super) asked: Vec<String>,
    pub(super) registered: u32,
    pub(super) issued: u32,
    /// The one token that is accepted.
    pub(super) good_token: String,
    /// The scopes of each token that was issued.
    pub(super) scopes: HashMap<String, String>,
    pub(super) authorized_scope: String,
    pub(super) expires_in: u64,
    pub(super) token_type: &'static str,
    pub(super) challenge: String,
    /// What a call needs.
    pub(super) call_scope: Option<&'static str>,
    pub(super) refuses_every_token: bool,
    pub(super) grants_scopes: bool,
    pub(super) refuses_refresh: bool,
    pub(super) unknown_clients: Vec<&'static str>,
    pub(super) speaks_only_sessions: bool,
    /// Answers in place of the usual ones, by path.
    pub(super) instead: HashMap<&'static str, u16>,
    pub(super) server_metadata: Value,
}

impl Default for World {
    fn default() -> Self {
        let metadata = "https://mcp.example/.well-known/oauth-protected-resource/mcp";
        Self {
            asked: Vec::new(),
            registered: 0,
            issued: 0,
            good_token: String::new(),
            scopes: HashMap::new(),
            authorized_scope: String::new(),
            expires_in: 3600,
            token_type: "Bearer",
            challenge: format!(r#"Bearer resource_metadata="{metadata}", scope="base""#),
            call_scope: None,
            refuses_every_token: false,
            grants_scopes: true,
            refuses_refresh: false,
            unknown_clients: Vec::new(),
            speaks_only_sessions: false,
            instead: HashMap::new(),
            server_metadata: json!({
                "issuer": ISSUER,
                "authorization_endpoint": format!("{ISSUER}/authorize"),
                "token_endpoint": format!("{ISSUER}/token"),
                "registration_endpoint": format!("{ISSUER}/register"),
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "authorization_response_iss_parameter_supported": true,
            }),
        }
    }
}

/// A world that a client is connected to.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared(Arc<Mutex<World>>);

impl Shared {
    pub(super) fn of(change: impl FnOnce(&mut World)) -> Self {
        let shared = Self::default();
        shared.with(change);
        shared
    }

    pub(super) fn with<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        look(&mut self.0.lock().unwrap())
    }

    pub(super) async fn connect(&self, credentials: Value) -> Result<McpClient, ClientError> {
        self.connect_with(credentials, Some(ProtocolVersion::newest_with_sessions())).await
    }

    pub(super) async fn connect_with(
        &self,
        credentials: Value,
        version: Option<ProtocolVersion>,
    ) -> Result<McpClient, ClientError> {
        let server = ResourceIdentifier::parse(SERVER)?;
        let settings = Settings {
            redirect_uri: "http://localhost:3000/callback".to_owned(),
            client_metadata_url: None,
            credentials: Credentials::parse(&credentials.to_string())?,
        };
        let http = HttpClient::over(Arc::new(self.clone()), &server);
        let authorizer = Authorizer::new(server.clone(), settings, http.clone());
        McpClient::connect(server.url().clone(), http, authorizer, version).await
    }

    /// The token requests, in order.
    pub(super) fn grants(&self) -> Vec<String> {
        self.with(|world| {
            let tokens = world.asked.iter().filter_map(|asked| asked.strip_prefix("POST /token "));
            tokens.map(|form| value(form, "grant_type")).collect()
        })
    }

    pub(super) fn count(&self, what: &str) -> usize {
        self.with(|world| world.asked.iter().filter(|asked| asked.starts_with(what)).count())
    }
}

impl Fetch for Shared {
    fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
        let answer = self.with(|world| world.answer(&request.to_http()));
        Box::pin(async move { Ok(answer) })
    }
}

impl World {
    fn answer(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path().to_owned();
        let form = String::from_utf8_lossy(request.body()).into_owned();
        let detail = if path == "/token" { &form } else { "" };
        self.asked.push(format!("{} {path} {detail}", request.method()).trim_end().to_owned());
        if let Some(status) = self.instead.get(&*path) {
            return status_only(*status);
        }
        match (request.method(), &*path) {
            (&Method::POST, "/mcp") => self.mcp(request),
            (_, "/.well-known/oauth-protected-resource/mcp") => {
                json_answer(200, &json!({"resource": SERVER, "authorization_servers": [ISSUER]}))
            }
            (_, "/.well-known/oauth-authorization-server") => json_answer(200, &self.server_metadata),
            (&Method::POST, "/register") => {
                self.registered += 1;
                let mut client: Value = serde_json::from_str(&form).unwrap();
                client["client_id"] = format!("c-{}", self.registered).into();
                json_answer(201, &client)
            }
            (_, "/authorize") => self.authorize(&request.uri().to_string()),
            (&Method::POST, "/token") => self.token(&form),
            _ => status_only(404),
        }
    }

    fn mcp(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let message: Value = serde_json::from_slice(request.body()).unwrap();
        let header = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap());
        let token = header.and_then(|header| header.split_once(' ')).map(|(_, token)| token);
        if self.refuses_every_token || token.is_none_or(|token| token != self.good_token) {
            return refusal(401, &self.challenge);
        }
        let scopes = self.scopes.get(&self.good_token).map_or("", String::as_str);
        let method = message["method"].as_str().unwrap();
        if let Some(needed) = self.call_scope.filter(|_| method == "tools/call")
            && !scopes.split(' ').any(|scope| scope == needed)
        {
            return refusal(403, &format!(r#"Bearer error="insufficient_scope", scope="{needed}""#));
        }
        let result = match method {
            "server/discover" if self.speaks_only_sessions => return status_only(400),
            "server/discover" => json!({"supportedVersions": ["2026-07-28"], "resultType": "complete"}),
            "initialize" => json!({"protocolVersion": "2025-11-25", "capabilities": {}}),
            "notifications/initialized" => return status_only(202),
            "tools/list" => json!({"tools": [{"name": "tool"}]}),
            _ => json!({"content": []}),
        };
        json_answer(200, &json!({"jsonrpc": "2.0", "id": message["id"], "result": result}))
    }

    fn authorize(&mut self, url: &str) -> Response<Bytes> {
        let query = Url::parse(url).unwrap().query().unwrap().to_owned();
        self.authorized_scope = value(&query, "scope");
        let mut back = Url::parse(&value(&query, "redirect_uri")).unwrap();
        let state = value(&query, "state");
        back.query_pairs_mut()
            .append_pair("code", "c0de")
            .append_pair("state", &state)
            .append_pair("iss", ISSUER);
        let mut answer = status_only(302);
        answer.headers_mut().insert(LOCATION, back.as_str().parse().unwrap());
        answer
    }

    fn token(&mut self, form: &str) -> Response<Bytes> {
        let refused = |error: &str| json_answer(400, &json!({ "error": error }));
        if self.unknown_clients.iter().any(|client| *client == value(form, "client_id")) {
            return refused("invalid_client");
        }
        if value(form, "grant_type") == "refresh_token" && self.refuses_refresh {
            return refused("invalid_grant");
        }
        self.issued += 1;
        self.good_token = format!("t-{}", self.issued);
        let scope = if self.grants_scopes { self.authorized_scope.clone() } else { "base".to_owned() };
        self.scopes.insert(self.good_token.clone(), scope.clone());
        json_answer(
            200,
            &json!({
                "access_token": self.good_token, "token_type": self.token_type, "expires_in": self.expires_in,
                "refresh_token": format!("r-{}", self.issued), "scope": scope,
            }),
        )
    }
}

/// A parameter of a query or form.
pub(super) fn value(form: &str, name: &str) -> String {
    let found = form_urlencoded::parse(form.as_bytes()).find(|(n, _)| n == name);
    found.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn status_only(status: u16) -> Response<Bytes> {
    Response::builder().status(status).body(Bytes::new()).unwrap()
}

fn json_answer(status: u16, body: &Value) -> Response<Bytes> {
    let body = Bytes::from(body.to_string());
    Response::builder().status(status).header(CONTENT_TYPE, "application/json").body(body).unwrap()
}

fn refusal(status: u16, challenge: &str) -> Response<Bytes> {
    Response::builder().status(status).header(WWW_AUTHENTICATE, challenge).body(Bytes::new()).unwrap()
}
