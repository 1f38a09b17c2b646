//! Batches (MCP 2025-03-26): each message is judged by itself. What is refused is answered here, the rest goes on.

use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Request, Response, StatusCode};
use mcp_auth_core::mcp::{CallKind, McpCall};

use super::denial::in_place;
use super::future::Watch;
use super::layer::Shared;
use crate::audit::Trail;
use crate::body::ResponseBody;
use crate::extension::Authenticated;
use crate::mcp::CallBatch;
use crate::rejection::{Rejection, RejectionReason, rpc};

/// A batch of which nothing goes on.
pub(super) enum Nothing {
    /// Somebody waits for these answers.
    Answers(Vec<String>),
    /// Nobody does: the refusal of the first message.
    Refused(Rejection),
}

impl Nothing {
    pub(super) fn into_response<B>(self) -> Response<ResponseBody<B>> {
        match self {
            Self::Answers(answers) => in_place(None, StatusCode::OK, format!("[{}]", answers.join(","))),
            Self::Refused(rejection) => rejection.into_response(None, None),
        }
    }
}

impl Shared {
    /// Judges each message, and takes those that are refused out of what the service gets.
    pub(super) fn judge_batch<B>(
        &self,
        request: &mut Request<B>,
        who: &Authenticated,
        batch: &CallBatch,
    ) -> Result<Option<Watch>, Nothing> {
        let trail = request.extensions().get::<Trail>().cloned();
        let (mut answers, mut refusals) = (Vec::new(), Vec::new());
        let (mut keep, mut lists) = (Vec::new(), false);
        for element in batch.elements() {
            let call = element.message.as_ref().ok();
            let outcome = match &element.message {
                Ok(call) => self.judge_call(request, who, Some(call), batch.arguments(element)),
                Err(error) => Err(RejectionReason::Message(*error)),
            };
            keep.push(outcome.is_ok());
            match outcome {
                Ok(decision) => {
                    lists |= call.is_some_and(|call| call.kind() == CallKind::List);
                    if let Some(trail) = &trail {
                        trail.permitted(who.principal(), call, decision.as_ref());
                    }
                }
                Err(reason) => {
                    let rejection = Rejection::new(reason).by(who.shared(), call.cloned());
                    answers.extend(self.answer(&rejection, call, element.id()));
                    refusals.push(rejection);
                }
            }
        }
        // The one that becomes the response is written when it passes.
        let passes = !keep.contains(&true) && answers.is_empty();
        if let Some(trail) = &trail {
            refusals.iter().skip(usize::from(passes)).for_each(|rejection| trail.refused(rejection));
        }
        if !keep.contains(&true) {
            return Err(match refusals.into_iter().next() {
                Some(rejection) if passes => Nothing::Refused(rejection),
                _ => Nothing::Answers(answers),
            });
        }
        if keep.contains(&false) {
            let length = batch.narrow(&keep);
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        Ok(self.watch_batch(request, who, lists, answers))
    }

    /// What the sender of a refused message gets, when one waits.
    fn answer(&self, rejection: &Rejection, call: Option<&McpCall>, id: Option<&str>) -> Option<String> {
        match (rejection.reason(), call) {
            (RejectionReason::Message(error), _) => Some(rpc(id, error.code(), &error.to_string())),
            (_, Some(call)) if call.expects_answer() => Some(self.denials.message(rejection, call)),
            _ => None,
        }
    }
}
