//! How a denial is told to the client.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use mcp_auth_core::mcp::{McpCall, Target};
use mcp_auth_core::policy::DecisionReason;
use serde_json::json;

use crate::body::ResponseBody;
use crate::rejection::{ChallengeContext, Rejection, RejectionReason, missing_scopes, rpc, rpc_with};

/// How a client is told that scopes are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingScopes {
    /// 403 with a challenge `insufficient_scope` (RFC 6750 §3.1, MCP 2025-11-25 "Scope Challenge Handling").
    #[default]
    Challenge,
    /// In the answer, for clients that give up at a 403: the call of a tool gets a result with `isError` whose text
    /// names the scopes, so that the model can tell its user; anything else gets a JSON-RPC error.
    InBand,
}

/// How denials are told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Denials {
    pub(super) hide: bool,
    pub(super) missing_scopes: MissingScopes,
    pub(super) list_granted_only: bool,
}

impl Denials {
    pub(super) fn response<B>(
        self,
        rejection: Rejection,
        call: Option<&McpCall>,
        challenge: Option<&ChallengeContext>,
    ) -> Response<ResponseBody<B>> {
        match self.in_band(&rejection, call) {
            Some((status, body)) => in_place(Some(rejection), status, body),
            None => rejection.into_response(challenge, call.and_then(|call| call.id.as_deref())),
        }
    }

    /// What is said of one message of a batch.
    pub(super) fn message(self, rejection: &Rejection, call: &McpCall) -> String {
        if let Some((_, message)) = self.in_band(rejection, Some(call)) {
            return message;
        }
        let id = call.id.as_deref();
        match rejection.reason() {
            RejectionReason::Denied { decision, .. } if missing_scopes(decision).is_some() => {
                let scopes = json!({ "scopes": decision.step_up() });
                rpc_with(id, -32003, "insufficient scope", Some(scopes))
            }
            _ => rpc(id, -32003, "not allowed"),
        }
    }

    /// What is said in the place of an answer.
    fn in_band(self, rejection: &Rejection, call: Option<&McpCall>) -> Option<(StatusCode, String)> {
        let RejectionReason::Denied { decision, anonymous: false } = rejection.reason() else { return None };
        let call = call.filter(|call| call.expects_answer())?;
        let id = call.id.as_deref();
        if decision.reason() == DecisionReason::UnknownMethod {
            // As a server of its version answers; for older clients a 404 is the end of their session.
            let status = if call.protocol_version.is_some() { StatusCode::NOT_FOUND } else { StatusCode::OK };
            return Some((status, rpc(id, -32601, "method not found")));
        }
        if missing_scopes(decision).is_some() {
            let scopes = decision.step_up().filter(|_| self.missing_scopes == MissingScopes::InBand)?;
            return Some((StatusCode::OK, needs(call, scopes)));
        }
        if self.hide { unknown(call).map(|body| (StatusCode::OK, body)) } else { None }
    }
}

/// That an operation needs scopes.
fn needs(call: &McpCall, scopes: &[Box<str>]) -> String {
    let id = call.id.as_deref();
    if !matches!(call.target, Some(Target::Tool(_))) {
        return rpc_with(id, -32003, "insufficient scope", Some(json!({ "scopes": scopes })));
    }
    let text = format!(
        "Not allowed with the access that was granted. The user has to connect again and grant: {}",
        scopes.join(" ")
    );
    let mut result = json!({ "content": [{ "type": "text", "text": text }], "isError": true });
    if let (Some(_), Some(result)) = (&call.protocol_version, result.as_object_mut()) {
        result.insert("resultType".into(), "complete".into());
    }
    format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, id.unwrap_or("null"))
}

/// What a server says of an item that it does not have: the texts of the specification's examples.
fn unknown(call: &McpCall) -> Option<String> {
    let id = call.id.as_deref();
    let name = call.target.as_ref()?;
    Some(match name {
        Target::Tool(name) => rpc(id, -32602, &format!("Unknown tool: {name}")),
        Target::Prompt(name) => rpc(id, -32602, &format!("Unknown prompt: {name}")),
        Target::Resource(uri) => {
            // SEP-2164 changed the code.
            let code = if call.protocol_version.is_some() { -32602 } else { -32002 };
            rpc_with(id, code, "Resource not found", Some(json!({ "uri": uri })))
        }
        Target::Task(id_of_task) => rpc(id, -32602, &format!("Unknown task: {id_of_task}")),
        _ => return None,
    })
}

/// `rejection`: what the layers outside have to know.
pub(super) fn in_place<B>(
    rejection: Option<Rejection>,
    status: StatusCode,
    body: String,
) -> Response<ResponseBody<B>> {
    let mut response = Response::new(ResponseBody::own(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(rejection) = rejection {
        rejection.attach(&mut response);
    }
    response
}
