use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use http::header::{ACCEPT_ENCODING, HeaderValue, RANGE};
use http::{Method, Request, Response, Uri};
use mcp_auth_core::Principal;
use mcp_auth_core::mcp::{CallKind, Era, McpCall};
use mcp_auth_core::policy::{Decision, Explanation};
use mcp_auth_core::request_target::PathError;
use tower_service::Service;

use super::ResponseFuture;
use super::future::Watch;
use super::http::{KeptRequest, Seen};
use super::judge::Judge;
use super::layer::{Rules, Shared};
use crate::audit::Trail;
use crate::body::ResponseBody;
use crate::extension::{Authenticated, CallArguments};
use crate::mcp::CallBatch;
use crate::messages::FilteredBody;
use crate::rejection::{Rejection, RejectionReason};

/// Authorizes requests, see the [module page](super).
#[derive(Clone, Debug)]
pub struct Authorize<S> {
    pub(super) inner: S,
    pub(super) shared: Arc<ArcSwap<Shared>>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Authorize<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ResponseBody<FilteredBody<ResBody>>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let watch = match self.shared.load().judge(&mut request) {
            Ok(watch) => watch,
            Err(response) => return ResponseFuture::own(*response),
        };
        if watch.is_some() {
            // A compressed list cannot be filtered, nor a part of one.
            request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            request.headers_mut().remove(RANGE);
        }
        ResponseFuture::service(self.inner.call(request), watch)
    }
}

/// What the answer to a batch may hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Holds {
    /// A list.
    pub(super) list: bool,
    /// Something that has to be watched: see [`is_watched`].
    pub(super) watched: bool,
}

impl Shared {
    /// What has to be watched in the answer, or the refusal.
    fn judge<B, R>(&self, request: &mut Request<B>) -> Result<Option<Watch>, Box<Response<ResponseBody<R>>>> {
        if let (Some(who), Some(batch)) = (
            request.extensions().get::<Authenticated>().cloned(),
            request.extensions().get::<CallBatch>().cloned(),
        ) {
            return self
                .judge_batch(request, &who, &batch)
                .map_err(|nothing| Box::new(nothing.into_response(self.challenge.as_deref())));
        }
        self.judge_one(request).map_err(|reason| {
            let rejection = Rejection::new(reason).of(request.extensions());
            let call = request.extensions().get::<McpCall>();
            Box::new(self.denials.response(rejection, call, self.challenge.as_deref()))
        })
    }

    fn judge_one<B>(&self, request: &Request<B>) -> Result<Option<Watch>, RejectionReason> {
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
        let arguments = request.extensions().get::<CallArguments>().map(CallArguments::json);
        let decision = self.judge_call(request, who, call, arguments)?;
        if let Some(trail) = request.extensions().get::<Trail>() {
            trail.permitted(who.principal(), call, decision.as_ref());
        }
        Ok(self.watch(request, who, call))
    }

    /// The decision that lets one message through, where any set has something to say.
    pub(super) fn judge_call<B>(
        &self,
        request: &Request<B>,
        who: &Authenticated,
        call: Option<&McpCall>,
        arguments: Option<&[u8]>,
    ) -> Result<Option<Decision>, RejectionReason> {
        self.check_path(request.uri()).map_err(RejectionReason::Path)?;
        match self.decide(request, who, call, arguments) {
            Some(decision) if !decision.is_allowed() => {
                Err(RejectionReason::Denied { decision, anonymous: who.principal().is_none() })
            }
            decision => Ok(decision),
        }
    }

    /// What has to be watched in the answer to one message, or in a stream.
    fn watch<B>(&self, request: &Request<B>, who: &Authenticated, call: Option<&McpCall>) -> Option<Watch> {
        let is_watched = match call {
            Some(call) => is_watched(call, request.extensions().get::<Era>() == Some(&Era::Modern)),
            None => request.method() == Method::GET,
        };
        if !is_watched {
            return None;
        }
        let judge = self.judge_of_answers(request, who)?;
        let is_list = call.is_some_and(|c| c.kind() == CallKind::List);
        Some(Watch {
            judge: Some(judge),
            call: call.cloned(),
            is_list,
            ours: Vec::new(),
            max_bytes: self.max_answer_bytes,
        })
    }

    /// The same for a batch.
    pub(super) fn watch_batch<B>(
        &self,
        request: &Request<B>,
        who: &Authenticated,
        holds: Holds,
        ours: Vec<String>,
    ) -> Option<Watch> {
        let judge = if holds.watched { self.judge_of_answers(request, who) } else { None };
        let is_list = holds.list && judge.is_some();
        (judge.is_some() || !ours.is_empty()).then_some(Watch {
            judge,
            call: None,
            is_list,
            ours,
            max_bytes: self.max_answer_bytes,
        })
    }

    fn judge_of_answers<B>(&self, request: &Request<B>, who: &Authenticated) -> Option<Judge> {
        // Rules over every request may speak of items, too: what they deny they also hide.
        let rules = match (&self.mcp, &self.http) {
            (Some(items), _) => &items.call,
            (None, Some(rules)) if rules.reads.items() => rules,
            _ => return None,
        };
        Some(Judge {
            policy: rules.policy.clone(),
            principal: who.shared(),
            granted_only: self.denials.list_granted_only,
            request: KeptRequest::new(request, rules.reads, &self.clock).behind(self.target.as_ref()),
        })
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
        let arguments = request.extensions().get::<CallArguments>().map(CallArguments::json);
        let seen =
            Seen::new(request, call, arguments, rules.reads, &*self.clock).behind(self.target.as_deref());
        Some(rules.policy.explain(&seen.context(principal, call), show_values))
    }

    /// `None`: no set has anything to say.
    fn decide<B>(
        &self,
        request: &Request<B>,
        who: &Authenticated,
        call: Option<&McpCall>,
        arguments: Option<&[u8]>,
    ) -> Option<Decision> {
        let principal = who.principal();
        let decide = |rules: &Rules| {
            let seen =
                Seen::new(request, call, arguments, rules.reads, &*self.clock).behind(self.target.as_deref());
            match call {
                Some(call) if !call.more_targets.is_empty() => each(rules, &seen, principal, call),
                call => rules.policy.decide(&seen.context(principal, call)),
            }
        };
        let kind = call.map(McpCall::kind);
        let names_items = call.is_some_and(|call| call.targets().next().is_some());
        if let (Some(items), Some(CallKind::Item | CallKind::Subscription), true) =
            (&self.mcp, kind, names_items)
        {
            return Some(decide(&items.call));
        }
        let decision = self.http.as_ref().map(decide);
        if self.mcp.is_none() || decision.as_ref().is_some_and(|d| !d.is_allowed()) {
            return decision;
        }
        match kind {
            // `None`: GET and DELETE.
            Some(CallKind::List | CallKind::Lifecycle | CallKind::Subscription) | None => {
                if principal.is_none() { Some(Decision::NO_PRINCIPAL) } else { decision }
            }
            Some(_) => Some(Decision::UNKNOWN_METHOD),
        }
    }
}

/// Whether the answer to a message may hold what its sender must not see.
///
/// In a session it may be the answer to another request: servers of the official SDKs send what answers an id to the
/// last request that came with it. So a list that was asked for under the id of a later call comes as the answer to the
/// call.
pub(super) fn is_watched(call: &McpCall, is_modern: bool) -> bool {
    match call.kind() {
        CallKind::List | CallKind::Subscription => true,
        // What the read resource says about caching.
        _ if is_modern => call.method.as_deref() == Some("resources/read"),
        _ => call.expects_answer(),
    }
}

/// Every item that a message names has to be allowed: the first denial, or else the last decision.
fn each(rules: &Rules, seen: &Seen<'_>, principal: Option<&Principal>, call: &McpCall) -> Decision {
    let mut last = Decision::NO_PRINCIPAL;
    for target in call.targets() {
        let one = call.for_target(target);
        last = rules.policy.decide(&seen.context(principal, Some(&one)));
        if !last.is_allowed() {
            break;
        }
    }
    last
}
