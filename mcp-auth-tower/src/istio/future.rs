use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

use crate::body::ResponseBody;

pin_project! {
    /// The future of [`RequestAuthenticated`](super::RequestAuthenticated).
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
        Own { response: Option<Response<ResponseBody<B>>> },
        Service { #[pin] future: F },
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn own(response: Response<ResponseBody<B>>) -> Self {
        Self { state: State::Own { response: Some(response) } }
    }

    pub(super) fn service(future: F) -> Self {
        Self { state: State::Service { future } }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Projected::Own { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                // Polled again after it was ready: nothing is left to give.
                None => Poll::Pending,
            },
            Projected::Service { future } => future.poll(cx).map_ok(|r| r.map(ResponseBody::service)),
        }
    }
}
