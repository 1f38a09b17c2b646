//! The request on its way through the pipeline.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use mcp_auth_core::audit::Record;
use mcp_auth_core::jwt::{ValidationError, ValidationErrorKind};
use mcp_auth_core::mcp::{CallKind, McpCall};
use mcp_auth_core::policy::Explanation;
use mcp_auth_tower::audit::AuditSink;
use mcp_auth_tower::{Authenticated, McpAuth, Rejection, RejectionReason};
use tower::{Layer as _, Service, ServiceExt as _};

use super::request::Built;
use super::token::Presented;
use crate::proxy::BoxError;

/// What came of it.
#[derive(Debug)]
pub(super) struct Asked {
    /// `POST mcp.example /mcp`.
    pub(super) request: String,
    pub(super) caller: Caller,
    /// `None`: the request is passed on to the backend.
    pub(super) refusal: Option<Refusal>,
    /// `None` where no rule was asked.
    pub(super) explanation: Option<Explanation>,
    /// Whether a list is asked for, whose items are judged when they come.
    pub(super) is_list: bool,
}

/// Who asked.
#[derive(Debug)]
pub(super) enum Caller {
    /// A caller with a token of this issuer that was verified.
    Verified(String),
    /// Claims that nobody verified.
    Unverified { of_token: bool },
    /// Nobody; with a token that was refused and ignored, or without one.
    Nobody { despite_token: bool },
}

/// An answer of the gateway's own.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// A stable word.
    pub(super) code: &'static str,
    pub(super) reason: String,
    pub(super) challenge: Option<String>,
    /// What the client reads.
    pub(super) body: String,
}

impl Asked {
    pub(super) fn is_allowed(&self) -> bool {
        self.refusal.is_none()
    }
}

/// Nobody has called anything: there is nothing to record, and records name callers.
pub(super) fn unrecorded() -> Arc<dyn AuditSink> {
    #[derive(Debug)]
    struct Unrecorded;

    impl AuditSink for Unrecorded {
        fn record(&self, _: &Record<'_>) {}
    }

    Arc::new(Unrecorded)
}

/// Sends the request through `auth`.
///
/// # Errors
///
/// When it cannot be said what the answer is: there are no keys to verify the token with.
pub(super) async fn ask(
    auth: &McpAuth,
    built: Built,
    presented: Presented,
    show_values: bool,
) -> Result<Asked, BoxError> {
    let Built { mut request, host } = built;
    let line = format!("{} {} {}", request.method(), host.as_deref().unwrap_or("-"), request.uri().path());
    let has_token = matches!(presented, Presented::Token(_));
    let (tap, end) = (Tap::default(), Tap::default());
    let mut caller = Caller::Nobody { despite_token: has_token };
    let response = match presented {
        Presented::Claims { principal, of_token } => {
            caller = Caller::Unverified { of_token };
            request.extensions_mut().insert(Authenticated::danger_unverified(*principal));
            let Ok(_) = auth.messages().layer(tap.clone()).oneshot(request.clone()).await;
            let Ok(response) =
                auth.messages().layer(auth.authorize().layer(end.clone())).oneshot(request).await;
            read(response).await?
        }
        Presented::Nothing | Presented::Token(_) => {
            let before_rules = auth.authenticate().layer(auth.messages().layer(tap.clone()));
            let Ok(response) = auth.layer(end.clone()).oneshot(request.clone()).await;
            let Ok(_) = before_rules.oneshot(request).await;
            read(response).await?
        }
    };
    let refusal = refusal(auth, &response, end.take().is_some(), show_values)?;
    let judged = tap.take();
    let principal =
        judged.as_ref().and_then(|request| request.extensions().get::<Authenticated>()?.principal());
    if let (Some(principal), Caller::Nobody { .. }) = (principal, &caller) {
        // Of this issuer's tokens one was verified: its name stands in the configuration.
        caller = Caller::Verified(principal.trusted_issuer().name().to_owned());
    }
    let call = judged.as_ref().and_then(|request| request.extensions().get::<McpCall>());
    let is_list = call.is_some_and(|call| call.kind() == CallKind::List);
    let explanation = judged.as_ref().and_then(|request| auth.authorize().explain(request, show_values));
    Ok(Asked { request: line, caller, refusal, explanation, is_list })
}

fn refusal(
    auth: &McpAuth,
    response: &Response<String>,
    passed_on: bool,
    show_values: bool,
) -> Result<Option<Refusal>, BoxError> {
    if passed_on {
        return Ok(None);
    }
    let Some(rejection) = response.extensions().get::<Arc<Rejection>>() else {
        return Err("the gateway answers this request itself, with the metadata of the resource".into());
    };
    let reason = match rejection.reason() {
        RejectionReason::KeysUnavailable => return Err(no_keys(auth).into()),
        RejectionReason::MissingToken => "there is no token".to_owned(),
        RejectionReason::InvalidToken(error) => token_refused(error, show_values),
        RejectionReason::Denied { decision, .. } => decision.to_string(),
        RejectionReason::Message(error) => error.to_string(),
        RejectionReason::Credential(_) => "the header does not hold exactly one token".to_owned(),
        _ => rejection.code().replace('_', " "),
    };
    let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    Ok(Some(Refusal {
        status: response.status(),
        code: rejection.code(),
        reason,
        challenge: challenge.map(str::to_owned),
        body: response.body().clone(),
    }))
}

/// The whole answer. It is the gateway's own, or empty.
async fn read<B>(response: Response<B>) -> Result<Response<String>, BoxError>
where
    B: http_body::Body<Data = Bytes, Error = Infallible>,
{
    let (parts, body) = response.into_parts();
    let Ok(body) = body.collect().await;
    Ok(Response::from_parts(parts, String::from_utf8(body.to_bytes().into())?))
}

fn no_keys(auth: &McpAuth) -> String {
    let status = auth.authenticate().status();
    let why = status.iter().map(|keys| {
        let error = keys.last_error.as_deref().unwrap_or("no answer in time");
        format!("keys of {} from {}: {error}", keys.issuer, keys.source)
    });
    let why = why.collect::<Vec<_>>().join("; ");
    format!("the token cannot be verified, its answer is 503: {why}; --danger-unverified goes without keys")
}

/// What is expected can be said, what stands in the claims only where it may be shown.
fn token_refused(error: &ValidationError, show_values: bool) -> String {
    use ValidationErrorKind as K;
    let tells_nothing = matches!(
        error.kind(),
        K::TooLong { .. }
            | K::NotCompact { .. }
            | K::EmptyPart
            | K::Base64 { .. }
            | K::Json { .. }
            | K::NotAnObject { .. }
            | K::HeaderMember { .. }
            | K::AlgorithmUnknown
            | K::AlgorithmNotAllowed { .. }
            | K::ClaimType { .. }
            | K::ClaimRange { .. }
            | K::ClaimMissing { .. }
            | K::AudienceMissing { .. }
            | K::Lifetime { .. }
            | K::KeyIssuer
            | K::UnknownKey { .. }
            | K::AmbiguousKey
            | K::Signature
    );
    if show_values || tells_nothing {
        error.to_string()
    } else {
        format!("{} (--show-values says more)", error.client_text().as_str())
    }
}

/// A service that keeps the head of the request that reaches it.
#[derive(Clone, Debug, Default)]
struct Tap(Arc<Mutex<Option<Request<()>>>>);

impl Tap {
    fn take(&self) -> Option<Request<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<B> Service<Request<B>> for Tap {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.map(drop));
        ready(Ok(Response::new(Full::default())))
    }
}
