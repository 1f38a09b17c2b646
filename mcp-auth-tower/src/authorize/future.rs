use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http::{Response, StatusCode};
use pin_project_lite::pin_project;

use super::filter::{Judge, ListFilter};
use crate::body::ResponseBody;
use crate::rejection::{Rejection, RejectionReason};

/// What to look for in an answer.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) judge: Judge,
    /// The request's id, for an error in its place.
    pub(super) id: Option<Box<str>>,
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
    let encoded = response.headers().get_all(CONTENT_ENCODING).iter().any(|v| v.as_bytes() != b"identity");
    let kind = media_type(response.headers());
    let carries_no_list = !response.status().is_success() || response.status() == StatusCode::ACCEPTED;
    let (json, events) =
        (kind.as_deref() == Some("application/json"), kind.as_deref() == Some("text/event-stream"));
    if carries_no_list || (!watch.is_list && !json && !events) {
        return response.map(|body| ResponseBody::service(ListFilter::pass(body)));
    }
    if encoded || !(json || events) {
        tracing::warn!(target: "mcp_auth", content_type = ?kind, encoded, "an answer to a list cannot be filtered");
        return Rejection::new(RejectionReason::Answer).into_response(None, watch.id.as_deref());
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    let filter = if json {
        ListFilter::json(body, watch.judge, watch.id)
    } else {
        ListFilter::events(body, watch.judge, watch.id)
    };
    Response::from_parts(parts, ResponseBody::service(filter))
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next()?.trim().to_ascii_lowercase())
}
