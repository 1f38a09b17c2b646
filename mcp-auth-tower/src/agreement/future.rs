use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use pin_project_lite::pin_project;

use super::learn::Shown;
use crate::body::ResponseBody;
use crate::messages::{FilteredBody, MAX_ANSWER_BYTES, MediaType, Work, media_type};

pin_project! {
    /// The future of [`Agree`](super::Agree).
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
        Service { #[pin] future: F, learner: Option<Shown> },
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn own(response: Response<ResponseBody<FilteredBody<B>>>) -> Self {
        Self { state: State::Own { response: Some(response) } }
    }

    pub(super) fn service(future: F, learner: Option<Shown>) -> Self {
        Self { state: State::Service { future, learner } }
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
            Projected::Service { future, learner } => future.poll(cx).map_ok(|response| {
                let (mut parts, body) = response.into_parts();
                let body = match (learner.take(), media_type(&parts.headers)) {
                    // What is compressed is read by nobody here.
                    _ if parts.headers.contains_key(CONTENT_ENCODING) => FilteredBody::pass(body),
                    (Some(learner), MediaType::Json) => {
                        // What is too long gets an error in its place.
                        parts.headers.remove(CONTENT_LENGTH);
                        FilteredBody::json(body, work(learner))
                    }
                    (Some(learner), MediaType::EventStream) => {
                        parts.headers.remove(CONTENT_LENGTH);
                        FilteredBody::events(body, work(learner))
                    }
                    _ => FilteredBody::pass(body),
                };
                Response::from_parts(parts, ResponseBody::service(body))
            }),
        }
    }
}

fn work(learner: Shown) -> Work {
    Work { messages: Box::new(learner), id: None, ours: Vec::new(), max_bytes: MAX_ANSWER_BYTES }
}
