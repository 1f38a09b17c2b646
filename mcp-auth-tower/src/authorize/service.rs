use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{ACCEPT_ENCODING, HeaderValue, RANGE};
use http::{Method, Request, Response, Uri};
use mcp_auth_core::mcp::{CallKind, McpCall};
use mcp_auth_core::policy::{Decision, Explanation};
use mcp_auth_core::request_target::PathError;
use tower_service::Service;

use super::ResponseFuture;
use super::filter::{Judge, ListFilter};
use super::future::Watch;
use super::http::{KeptRequest, Seen};
use super::layer::{Rules, Shared};
use crate::audit::Trail;
use crate::body::ResponseBody;
use crate::extension::Authenticated;
use crate::rejection::{Rejection, RejectionReason};

/// Authorizes requests, see the [module page](super).
#[derive(Clone, Debug)]
pub struct Authorize<S> {
    pub(super) inner: S,
    pub(super) shared: Arc<Shared>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Authorize<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ResponseBody<ListFilter<ResBody>>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let watch = match self.shared.judge(&request) {
            Ok(watch) => watch,
            Err(reason) => {
                let rejection = Rejection::new(reason).of(request.extensions());
                let call = request.extensions().get::<McpCall>();
                let Shared { denials, challenge, .. } = &*self.shared;
                return ResponseFuture::own(denials.response(rejection, call, challenge.as_deref()));
            }
        };
        if watch.is_some() {
            // A compressed list cannot be filtered, nor a part of one.
            request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            request.headers_mut().remove(RANGE);
        }
        ResponseFuture::service(self.inner.call(request), watch)
    }
}

impl Shared {
    /// What has to be watched in the answer, or why the request is refused.
    fn judge<B>(&self, request: &Request<B>) -> Result<Option<Watch>, RejectionReason> {
        let Some(who) = request.extensions().get::<Authenticated>() else {
            tracing::error!(target: "mcp_auth", "no Authenticated extension: put Authenticate in front of Authorize");
            return Err(RejectionReason::NotAuthenticated);
        };
        let call = request.extensions().get::<McpCall>();
        if self.mcp.is_some() && call.is_none() && !matches!(*request.method(), Method::GET | Method::DELETE)
        {
            tracing::error!(target: "mcp_auth", "no McpCall extension: put McpLayer before AuthorizeLayer");
            return Err(RejectionReason::MessageNotRead);
        }
        if let Err(problem) = self.check_path(request.uri()) {
            return Err(RejectionReason::Path(problem));
        }
        let principal = who.principal();
        let decision = match self.decide(request, who, call) {
            Some(decision) if !decision.is_allowed() => {
                return Err(RejectionReason::Denied { decision, anonymous: principal.is_none() });
            }
            decision => decision,
        };
        if let Some(trail) = request.extensions().get::<Trail>() {
            trail.permitted(principal, call, decision.as_ref());
        }
        let Some(items) = &self.mcp else { return Ok(None) };
        let is_list = call.is_some_and(|c| c.kind() == CallKind::List);
        let is_stream = call.is_none() && request.method() == Method::GET;
        Ok((is_list || is_stream).then(|| Watch {
            judge: Judge {
                policy: items.own.policy.clone(),
                principal: who.shared(),
                request: KeptRequest::new(request, items.own.reads, &self.clock),
            },
            call: call.cloned(),
            is_list,
        }))
    }

    /// A path that the service could read in another way than the rules is refused before they see it.
    fn check_path(&self, uri: &Uri) -> Result<(), PathError> {
        let items = self.mcp.as_ref().map(|items| items.call.reads);
        // The rules over calls are those of every request and more.
        items.or(self.http.as_ref().map(|rules| rules.reads)).map_or(Ok(()), |reads| reads.check_path(uri))
    }

    /// As [`decide`](Self::decide) decides.
    pub(super) fn explain<B>(&self, request: &Request<B>, show_values: bool) -> Option<Explanation> {
        let principal = request.extensions().get::<Authenticated>()?.principal();
        let call = request.extensions().get::<McpCall>();
        let rules = match (&self.mcp, call.map(McpCall::kind)) {
            (Some(items), Some(CallKind::Item)) => &items.call,
            _ => self.http.as_ref()?,
        };
        let seen = Seen::new(request, rules.reads, &*self.clock);
        Some(rules.policy.explain(&seen.context(principal, call), show_values))
    }

    /// `None`: no set has anything to say.
    fn decide<B>(
        &self,
        request: &Request<B>,
        who: &Authenticated,
        call: Option<&McpCall>,
    ) -> Option<Decision> {
        let principal = who.principal();
        let decide = |rules: &Rules| {
            let seen = Seen::new(request, rules.reads, &*self.clock);
            rules.policy.decide(&seen.context(principal, call))
        };
        let kind = call.map(McpCall::kind);
        if let (Some(items), Some(CallKind::Item)) = (&self.mcp, kind) {
            return Some(decide(&items.call));
        }
        let decision = self.http.as_ref().map(decide);
        if self.mcp.is_none() || decision.as_ref().is_some_and(|d| !d.is_allowed()) {
            return decision;
        }
        match kind {
            // `None`: GET and DELETE.
            Some(CallKind::List | CallKind::Lifecycle) | None => {
                if principal.is_none() {
                    Some(Decision::NO_PRINCIPAL)
                } else {
                    decision
                }
            }
            Some(_) => Some(Decision::UNKNOWN_METHOD),
        }
    }
}
