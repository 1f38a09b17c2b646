//! Why a request was refused, and the one table from reason to answer.

use std::sync::Arc;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Extensions, Response, StatusCode};
use mcp_auth_core::Principal;
use mcp_auth_core::credential::CredentialError;
use mcp_auth_core::dpop::{ProofError, ProofErrorKind};
use mcp_auth_core::istio::Denial;
use mcp_auth_core::jwt::{ClientText, ValidationError, ValidationErrorKind};
use mcp_auth_core::mcp::{AgreementError, McpCall, PeekError};
use mcp_auth_core::policy::Decision;
use mcp_auth_core::request_target::PathError;
use mcp_auth_core::session::{SessionIdError, SessionProblem};
use mcp_auth_discovery::challenge::{Challenge, RequestProblem, TokenProblem};
use mcp_auth_discovery::{ResourceIdentifier, Scopes};

use crate::body::ResponseBody;
use crate::exchange::ExchangeRefusal;
use crate::extension::Authenticated;

/// A refusal. Every response that a layer makes itself carries it as an extension.
#[derive(Clone, Debug)]
pub struct Rejection {
    reason: RejectionReason,
    principal: Option<Arc<Principal>>,
    call: Option<Box<McpCall>>,
}

/// Why a request was refused.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the answer's table has to be complete; a new reason is a new answer"
)]
pub enum RejectionReason {
    /// The page that calls is of an origin that is not allowed: 403.
    OriginNotAllowed,
    /// The request is for a host that is not allowed: 403.
    HostNotAllowed,
    /// More than one `Origin`: 400.
    MalformedOrigin,
    /// More than one `Host`, none where one is needed, one that is no host, or another than the target's: 400.
    MalformedHost,
    /// No credential: 401.
    MissingToken,
    /// The credential is not exactly one well-formed token: 400, or 401 for another scheme.
    Credential(CredentialError),
    /// The token was refused: 401.
    InvalidToken(ValidationError),
    /// The DPoP proof was refused, or is missing: 401.
    Proof(ProofError),
    /// The token is good once and was used before: 401.
    TokenUsed,
    /// There is no room to remember that a proof or a token was used: 503.
    ReplayStoreFull,
    /// The token was refused under Istio's rules: 401, or 403 for an audience.
    RequestAuthentication(Denial),
    /// The issuer's keys were never fetched, or not for too long: 503.
    KeysUnavailable,
    /// The issuer gave no answer about an opaque token: 503.
    IntrospectionUnavailable,
    /// The policy denies: 403, with a challenge where scopes alone are missing; 401 for a request without a token.
    Denied {
        /// The decision.
        decision: Decision,
        /// Whether somebody was denied, or nobody.
        anonymous: bool,
    },
    /// A rule reads the path, and it is not in the one spelling that everybody reads alike: 400.
    Path(PathError),
    /// The body is not one message that can be judged: 400.
    Message(PeekError),
    /// Headers and body do not say the same, or not in a version that is served: 400, or 404 for a method that the
    /// version does not have.
    Agreement(AgreementError),
    /// `GET` or `DELETE` in a protocol version that has neither: 405.
    ModernMethod,
    /// The body is longer than the limit: 413.
    BodyTooLarge,
    /// The body did not come in time: 408.
    BodyTimeout,
    /// The body could not be read to its end: 400.
    BodyRead,
    /// A body on a method that carries no message, such as `GET`: 400.
    UnexpectedBody,
    /// `Content-Type` is not `application/json`, or the body is compressed: 415.
    MediaType,
    /// A method that MCP over HTTP does not have: 405.
    Method,
    /// The session id is not one of ours for this caller: 404.
    Session(SessionProblem),
    /// The service's answer to a list cannot be filtered: 502.
    Answer,
    /// The service's answer has a session id that cannot be used: 502.
    SessionAnswer(SessionIdError),
    /// There is no credential for the service behind: 401 to 503, see [`exchange`](crate::exchange).
    Exchange(ExchangeRefusal),
    /// A layer found no [`Authenticated`]: the layers are put together wrongly: 500.
    NotAuthenticated,
    /// There are rules over MCP items, and nobody read the message: [`Mcp`](crate::mcp::Mcp) does not stand in
    /// front of [`Authorize`](crate::authorize::Authorize): 500.
    MessageNotRead,
}

/// What refusals say about the resource.
#[derive(Debug)]
pub(crate) struct ChallengeContext {
    pub(crate) resource: ResourceIdentifier,
    pub(crate) scopes: Scopes,
}

impl Rejection {
    pub(crate) fn new(reason: RejectionReason) -> Self {
        Self { reason, principal: None, call: None }
    }

    /// Remembers who was refused, and what.
    pub(crate) fn by(self, principal: Option<Arc<Principal>>, call: Option<McpCall>) -> Self {
        Self { principal, call: call.map(Box::new), ..self }
    }

    /// Remembers as much as the layers in front have put into the request.
    pub(crate) fn of(self, request: &Extensions) -> Self {
        self.by(
            request.get::<Authenticated>().and_then(Authenticated::shared),
            request.get::<McpCall>().cloned(),
        )
    }

    /// Why.
    pub fn reason(&self) -> &RejectionReason {
        &self.reason
    }

    /// Who was refused, where a good token came before the refusal.
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.as_deref()
    }

    /// The message that was refused, where it was read before.
    pub fn call(&self) -> Option<&McpCall> {
        self.call.as_deref()
    }

    /// A stable word for logs and metrics.
    pub fn code(&self) -> &'static str {
        match &self.reason {
            RejectionReason::OriginNotAllowed => "origin",
            RejectionReason::HostNotAllowed => "host",
            RejectionReason::MalformedOrigin => "malformed_origin",
            RejectionReason::MalformedHost => "malformed_host",
            RejectionReason::MissingToken => "missing_token",
            RejectionReason::Credential(_) => "credential",
            RejectionReason::InvalidToken(e) => e.code(),
            RejectionReason::Proof(e) => e.code(),
            RejectionReason::TokenUsed => "token_used",
            RejectionReason::ReplayStoreFull => "replay_store_full",
            RejectionReason::RequestAuthentication(_) => "request_authentication",
            RejectionReason::KeysUnavailable => "keys_unavailable",
            RejectionReason::IntrospectionUnavailable => "introspection_unavailable",
            RejectionReason::Denied { decision, anonymous: false } if missing_scopes(decision).is_some() => {
                "insufficient_scope"
            }
            RejectionReason::Denied { .. } => "denied",
            RejectionReason::Path(_) => "path",
            RejectionReason::Message(_) => "message",
            RejectionReason::Agreement(e) => e.kind().as_str(),
            RejectionReason::ModernMethod => "method",
            RejectionReason::BodyTooLarge => "body_too_large",
            RejectionReason::BodyTimeout => "body_timeout",
            RejectionReason::BodyRead => "body_read",
            RejectionReason::UnexpectedBody => "unexpected_body",
            RejectionReason::MediaType => "media_type",
            RejectionReason::Method => "method",
            RejectionReason::Session(problem) => problem.code(),
            RejectionReason::Answer => "answer",
            RejectionReason::SessionAnswer(_) => "session_answer",
            RejectionReason::Exchange(refusal) => refusal.code(),
            RejectionReason::NotAuthenticated => "not_authenticated",
            RejectionReason::MessageNotRead => "message_not_read",
        }
    }

    /// The response, with this rejection as an extension. `id` is the request's JSON-RPC id, as JSON text.
    pub(crate) fn into_response<B>(
        self,
        context: Option<&ChallengeContext>,
        id: Option<&str>,
    ) -> Response<ResponseBody<B>> {
        let mut plain = None;
        let mut content_type = HeaderValue::from_static("application/json");
        let (status, challenge, body) = match &self.reason {
            RejectionReason::OriginNotAllowed => {
                (StatusCode::FORBIDDEN, None, rpc(None, -32600, "origin not allowed"))
            }
            RejectionReason::HostNotAllowed => {
                (StatusCode::FORBIDDEN, None, rpc(None, -32600, "host not allowed"))
            }
            RejectionReason::MalformedOrigin => {
                (StatusCode::BAD_REQUEST, None, rpc(None, -32600, "malformed origin header"))
            }
            RejectionReason::MalformedHost => {
                (StatusCode::BAD_REQUEST, None, rpc(None, -32600, "malformed host"))
            }
            RejectionReason::MissingToken | RejectionReason::Denied { anonymous: true, .. } => {
                challenged(Challenge::missing_token())
            }
            RejectionReason::Credential(e) => challenged(match e {
                CredentialError::Multiple => Challenge::invalid_request(RequestProblem::MultipleCredentials),
                CredentialError::OtherScheme => Challenge::missing_token(),
                _ => Challenge::invalid_request(RequestProblem::MalformedCredential),
            }),
            // A good token of a client that may not use this server: another token would not help.
            RejectionReason::InvalidToken(e) if matches!(e.kind(), ValidationErrorKind::Client { .. }) => {
                (StatusCode::FORBIDDEN, None, oauth("access_denied", e.client_text().as_str()))
            }
            RejectionReason::InvalidToken(e) => challenged(Challenge::invalid_token(token_problem(e))),
            RejectionReason::TokenUsed => challenged(Challenge::invalid_token(TokenProblem::Used)),
            RejectionReason::Proof(e) => {
                // What is wrong with a proof is said by the DPoP line; nothing is wrong with a bearer token then.
                let bearer = match e.kind() {
                    ProofErrorKind::Required => Challenge::invalid_token(TokenProblem::Binding),
                    _ => Challenge::missing_token(),
                };
                (bearer.status(), Some(bearer), oauth(e.oauth_error(), e.client_text()))
            }
            RejectionReason::RequestAuthentication(denial) => {
                plain = Some((WWW_AUTHENTICATE, denial.www_authenticate()));
                content_type = HeaderValue::from_static("text/plain");
                (denial.status(), None, denial.body().to_owned())
            }
            RejectionReason::KeysUnavailable
            | RejectionReason::IntrospectionUnavailable
            | RejectionReason::ReplayStoreFull => {
                plain = Some((RETRY_AFTER, HeaderValue::from_static("5")));
                (StatusCode::SERVICE_UNAVAILABLE, None, oauth("temporarily_unavailable", "try again later"))
            }
            RejectionReason::Denied { decision, .. } => match self.step_up(decision, context) {
                Some(challenge) => {
                    (StatusCode::FORBIDDEN, Some(challenge), rpc(id, -32003, "insufficient scope"))
                }
                None => (StatusCode::FORBIDDEN, None, rpc(id, -32003, "not allowed")),
            },
            RejectionReason::Path(e) => (StatusCode::BAD_REQUEST, None, rpc(id, -32600, &e.to_string())),
            RejectionReason::Message(e) => (StatusCode::BAD_REQUEST, None, rpc(id, e.code(), &e.to_string())),
            RejectionReason::Agreement(e) => (e.status(), None, e.to_json(id)),
            RejectionReason::ModernMethod => {
                plain = Some((ALLOW, HeaderValue::from_static("POST")));
                let text = "this protocol version has POST alone";
                (StatusCode::METHOD_NOT_ALLOWED, None, rpc(None, -32600, text))
            }
            RejectionReason::BodyTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, None, rpc(None, -32600, "the message is too large"))
            }
            RejectionReason::BodyTimeout => {
                (StatusCode::REQUEST_TIMEOUT, None, rpc(None, -32600, "the message did not arrive in time"))
            }
            RejectionReason::BodyRead => {
                (StatusCode::BAD_REQUEST, None, rpc(None, -32700, "the message could not be read"))
            }
            RejectionReason::UnexpectedBody => {
                (StatusCode::BAD_REQUEST, None, rpc(None, -32600, "this method carries no message"))
            }
            RejectionReason::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                None,
                rpc(None, -32600, "the message must be uncompressed application/json"),
            ),
            RejectionReason::Method => {
                plain = Some((ALLOW, HeaderValue::from_static("GET, POST, DELETE")));
                (StatusCode::METHOD_NOT_ALLOWED, None, rpc(None, -32600, "method not allowed"))
            }
            // The code that the official SDKs use for it.
            RejectionReason::Session(_) => {
                (StatusCode::NOT_FOUND, None, rpc(None, -32001, "session not found"))
            }
            RejectionReason::SessionAnswer(_) => {
                (StatusCode::BAD_GATEWAY, None, rpc(None, -32603, "the server's session id cannot be used"))
            }
            RejectionReason::Answer => {
                (StatusCode::BAD_GATEWAY, None, rpc(id, -32603, "the server's answer could not be read"))
            }
            RejectionReason::Exchange(refusal) => {
                let answer = refusal.answer(id);
                plain = answer.retry_after.map(|after| (RETRY_AFTER, after.as_secs().max(1).into()));
                match answer.challenge {
                    Some(challenge) => challenged(challenge),
                    None => (answer.status, None, answer.message),
                }
            }
            RejectionReason::NotAuthenticated | RejectionReason::MessageNotRead => {
                (StatusCode::INTERNAL_SERVER_ERROR, None, rpc(id, -32603, "internal error"))
            }
        };
        let mut response = Response::new(ResponseBody::own(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((name, value)) = plain {
            headers.insert(name, value);
        }
        if let Some(challenge) = challenge {
            headers.insert(WWW_AUTHENTICATE, complete(challenge, context).header_value());
        }
        self.attach(&mut response);
        response
    }

    /// The challenge for a denial that scopes alone would turn: the scopes of the operation, and behind them those
    /// of the resource that the token grants already. Clients that ask for exactly what they are told would lose
    /// them (TypeScript SDK 1.x).
    fn step_up(&self, decision: &Decision, context: Option<&ChallengeContext>) -> Option<Challenge> {
        missing_scopes(decision)?;
        let granted = |scope: &str| self.principal().is_some_and(|p| p.scopes().any(|s| s == scope));
        let held = context.into_iter().flat_map(|c| c.scopes.iter()).filter(|scope| granted(scope));
        let needed = decision.step_up()?.iter().map(AsRef::as_ref);
        let scopes = Scopes::new(needed.chain(held)).ok()?;
        Some(Challenge::insufficient_scope(&scopes))
    }

    /// Leaves word of itself for the layers outside.
    pub(crate) fn attach<B>(self, response: &mut Response<B>) {
        response.extensions_mut().insert(Arc::new(self));
    }
}

fn challenged(challenge: Challenge) -> (StatusCode, Option<Challenge>, String) {
    let body = oauth(
        challenge.error().unwrap_or("unauthorized"),
        challenge.error_description().unwrap_or("an access token is required"),
    );
    (challenge.status(), Some(challenge), body)
}

/// The scopes of a denial that they alone would turn. What is no scope token (RFC 6749 §3.3) cannot be asked for.
pub(crate) fn missing_scopes(decision: &Decision) -> Option<Scopes> {
    Scopes::new(decision.step_up()?).ok().filter(|scopes| !scopes.is_empty())
}

fn complete(challenge: Challenge, context: Option<&ChallengeContext>) -> Challenge {
    let Some(context) = context else { return challenge };
    let challenge = challenge.resource_metadata(&context.resource.metadata_url());
    // This one has the scopes of the operation.
    if challenge.error() == Some("insufficient_scope") { challenge } else { challenge.scope(&context.scopes) }
}

pub(crate) fn token_problem(error: &ValidationError) -> TokenProblem {
    match error.kind() {
        ValidationErrorKind::UnknownIssuer { .. } => TokenProblem::Issuer,
        ValidationErrorKind::Audience { .. } | ValidationErrorKind::AudienceMissing { .. } => {
            TokenProblem::Audience
        }
        ValidationErrorKind::HeaderMember { member: "typ", .. } => TokenProblem::Type,
        _ => match error.client_text() {
            ClientText::Malformed => TokenProblem::Malformed,
            ClientText::Expired => TokenProblem::Expired,
            ClientText::NotYetValid => TokenProblem::NotYetValid,
            ClientText::Signature => TokenProblem::Signature,
            ClientText::Binding => TokenProblem::Binding,
            _ => TokenProblem::Invalid,
        },
    }
}

/// An error body as OAuth servers write it. Both texts are ours.
fn oauth(error: &str, description: &str) -> String {
    serde_json::json!({ "error": error, "error_description": description }).to_string()
}

/// A JSON-RPC error. `id` is JSON text that a parser has accepted.
pub(crate) fn rpc(id: Option<&str>, code: i32, message: &str) -> String {
    rpc_with(id, code, message, None)
}

/// The same, with `data`.
pub(crate) fn rpc_with(
    id: Option<&str>,
    code: i32,
    message: &str,
    data: Option<serde_json::Value>,
) -> String {
    let message = serde_json::Value::from(message);
    let id = id.unwrap_or("null");
    let data = data.map_or_else(String::new, |data| format!(r#","data":{data}"#));
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message}{data}}}}}"#)
}
