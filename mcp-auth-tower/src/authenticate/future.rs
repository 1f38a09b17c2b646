use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

use super::dpop::After;
use crate::body::ResponseBody;

type Waiting<B, E> = Pin<Box<dyn Future<Output = Result<Response<ResponseBody<B>>, E>> + Send>>;

pin_project! {
    /// The future of [`Authenticate`](super::Authenticate): boxed only where keys have to be waited for.
    pub struct ResponseFuture<F, B, E> {
        #[pin]
        state: State<F, B, E>,
    }
}

pin_project! {
    #[project = Projected]
    enum State<F, B, E> {
        Own { response: Option<Response<ResponseBody<B>>> },
        Service { #[pin] future: F, after: Option<After> },
        Waiting { future: Waiting<B, E> },
    }
}

impl<F, B, E> ResponseFuture<F, B, E> {
    pub(super) fn own(response: Response<ResponseBody<B>>) -> Self {
        Self { state: State::Own { response: Some(response) } }
    }

    pub(super) fn service(future: F, after: Option<After>) -> Self {
        Self { state: State::Service { future, after } }
    }

    pub(super) fn waiting(future: Waiting<B, E>) -> Self {
        Self { state: State::Waiting { future } }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B, E>
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
            Projected::Service { future, after } => future.poll(cx).map_ok(|mut response| {
                if let Some(after) = after.take() {
                    after.apply(&mut response);
                }
                response.map(ResponseBody::service)
            }),
            Projected::Waiting { future } => future.as_mut().poll(cx),
        }
    }
}

impl<F, B, E> fmt::Debug for ResponseFuture<F, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
