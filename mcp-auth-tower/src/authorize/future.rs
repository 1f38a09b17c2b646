use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue};
use http::{Response, StatusCode};
use mcp_auth_core::mcp::McpCall;
use pin_project_lite::pin_project;

use super::batch::Nothing;
use super::judge::{Everything, Judge};
use crate::body::ResponseBody;
use crate::messages::{FilteredBody, MediaType, Messages, Work, media_type};
use crate::rejection::{Rejection, RejectionReason};

/// What to look for in an answer.
#[derive(Debug)]
pub(super) struct Watch {
    /// `None`: there are no rules over items.
    pub(super) judge: Option<Judge>,
    /// The request, for an error in its answer's place. `None` for streams and batches.
    pub(super) call: Option<McpCall>,
    /// A list is in the answer; otherwise a stream in which one may come.
    pub(super) is_list: bool,
    /// Answers to messages of a batch that were refused.
    pub(super) ours: Vec<String>,
    /// Longest answer or event that is held.
    pub(super) max_bytes: usize,
}

pin_project! {
    /// The future of [`Authorize`](super::Authorize).
    #[derive(Debug)]
    pub struct ResponseFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = Projected]
    #[derive(Debug)]
    enum State<F, B> {
        Own { response: Option<Response<ResponseBody<FilteredBody<B>>>> },
        Service { #[pin] future: F, watch: Option<Watch> },
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn own(response: Response<ResponseBody<FilteredBody<B>>>) -> Self {
        Self { state: State::Own { response: Some(response) } }
    }

    pub(super) fn service(future: F, watch: Option<Watch>) -> Self {
        Self { state: State::Service { future, watch } }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ResponseBody<FilteredBody<B>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Projected::Own { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                // Polled again after it was ready: nothing is left to give.
                None => Poll::Pending,
            },
            Projected::Service { future, watch } => future.poll(cx).map_ok(|response| match watch.take() {
                None => response.map(|body| ResponseBody::service(FilteredBody::pass(body))),
                Some(watch) => watched(response, watch),
            }),
        }
    }
}

fn watched<B>(response: Response<B>, mut watch: Watch) -> Response<ResponseBody<FilteredBody<B>>> {
    let kind = media_type(response.headers());
    let has_nothing = matches!(response.status(), StatusCode::ACCEPTED | StatusCode::NO_CONTENT);
    if has_nothing && kind != MediaType::EventStream && !watch.ours.is_empty() {
        // Nobody else has something to say: the rest of the batch were notifications.
        return Nothing::Answers(watch.ours).into_response(None);
    }
    // Error pages of proxies, and 202 without a body, are no lists.
    let may_be_other =
        !watch.is_list || !response.status().is_success() || response.status() == StatusCode::ACCEPTED;
    if kind == MediaType::Other && may_be_other {
        return response.map(|body| ResponseBody::service(FilteredBody::pass(body)));
    }
    let is_plain = |v: &HeaderValue| v.as_bytes().eq_ignore_ascii_case(b"identity");
    let encoded = !response.headers().get_all(CONTENT_ENCODING).iter().all(is_plain);
    let id = watch.call.as_ref().and_then(|call| call.id.clone());
    let filter = match kind {
        MediaType::Json if !encoded => FilteredBody::json,
        MediaType::EventStream if !encoded => FilteredBody::events,
        _ => {
            tracing::warn!(target: "mcp_auth", ?kind, encoded, "an answer to a list cannot be filtered");
            let principal = watch.judge.and_then(|judge| judge.principal);
            let rejection = Rejection::new(RejectionReason::Answer).by(principal, watch.call);
            return rejection.into_response(None, id.as_deref());
        }
    };
    let messages: Box<dyn Messages> = match watch.judge.take() {
        Some(judge) => Box::new(judge),
        None => Box::new(Everything),
    };
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    let work = Work { messages, id, ours: watch.ours, max_bytes: watch.max_bytes };
    Response::from_parts(parts, ResponseBody::service(filter(body, work)))
}
