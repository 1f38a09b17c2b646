use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use mcp_auth_core::mcp::McpCall;
use pin_project_lite::pin_project;

use super::filter::{Judge, ListFilter};
use crate::body::ResponseBody;
use crate::rejection::{Rejection, RejectionReason};

/// What to look for in an answer.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) judge: Judge,
    /// The request, for an error in its answer's place.
    pub(super) call: Option<McpCall>,
    /// The answer is a list; otherwise a stream in which one may come.
    pub(super) is_list: bool,
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
        Own { response: Option<Response<ResponseBody<ListFilter<B>>>> },
        Service { #[pin] future: F, watch: Option<Watch> },
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn own(response: Response<ResponseBody<ListFilter<B>>>) -> Self {
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
    type Output = Result<Response<ResponseBody<ListFilter<B>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Projected::Own { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                // Polled again after it was ready: nothing is left to give.
                None => Poll::Pending,
            },
            Projected::Service { future, watch } => future.poll(cx).map_ok(|response| match watch.take() {
                None => response.map(|body| ResponseBody::service(ListFilter::pass(body))),
                Some(watch) => watched(response, watch),
            }),
        }
    }
}

fn watched<B>(response: Response<B>, watch: Watch) -> Response<ResponseBody<ListFilter<B>>> {
    let kind = media_type(response.headers());
    // Error pages of proxies, and 202 without a body, are no lists.
    let may_be_other =
        !watch.is_list || !response.status().is_success() || response.status() == StatusCode::ACCEPTED;
    if kind == MediaType::Other && may_be_other {
        return response.map(|body| ResponseBody::service(ListFilter::pass(body)));
    }
    let is_plain = |v: &HeaderValue| v.as_bytes().eq_ignore_ascii_case(b"identity");
    let encoded = !response.headers().get_all(CONTENT_ENCODING).iter().all(is_plain);
    let id = watch.call.as_ref().and_then(|call| call.id.clone());
    let filter = match kind {
        MediaType::Json if !encoded => ListFilter::json,
        MediaType::EventStream if !encoded => ListFilter::events,
        _ => {
            tracing::warn!(target: "mcp_auth", ?kind, encoded, "an answer to a list cannot be filtered");
            let rejection = Rejection::new(RejectionReason::Answer).by(watch.judge.principal, watch.call);
            return rejection.into_response(None, id.as_deref());
        }
    };
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, ResponseBody::service(filter(body, watch.judge, id)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MediaType {
    Json,
    EventStream,
    Other,
    /// Which one counts is for the client to say.
    Several,
}

fn media_type(headers: &HeaderMap) -> MediaType {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let Some(value) = values.next() else { return MediaType::Other };
    if values.next().is_some() {
        return MediaType::Several;
    }
    let essence = value.as_bytes().split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        MediaType::Json
    } else if essence.eq_ignore_ascii_case(b"text/event-stream") {
        MediaType::EventStream
    } else {
        MediaType::Other
    }
}
