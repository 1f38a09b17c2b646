use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use mcp_auth_exchange::facade::remove_set_cookies;
use pin_project_lite::pin_project;

use super::Answering;
use crate::body::ResponseBody;

pin_project! {
    /// The future of [`Facade`](super::Facade): boxed only where we answer ourselves.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = Projected]
    #[derive(Debug)]
    enum State<F> {
        Own { answering: Answering },
        Service { #[pin] future: F, guarded: bool },
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn own(answering: Answering) -> Self {
        Self { state: State::Own { answering } }
    }

    /// `guarded`: what is behind must not set the cookies of a login.
    pub(super) fn service(future: F, guarded: bool) -> Self {
        Self { state: State::Service { future, guarded } }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Projected::Own { answering } => {
                Pin::new(answering).poll(cx).map(|response| Ok(response.map(ResponseBody::own)))
            }
            Projected::Service { future, guarded } => future.poll(cx).map_ok(|mut response| {
                if *guarded {
                    remove_set_cookies(response.headers_mut());
                }
                response.map(ResponseBody::service)
            }),
        }
    }
}

/// The future of [`FacadeService`](super::FacadeService).
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct FacadeServiceFuture(pub(super) Option<Answering>);

impl Future for FacadeServiceFuture {
    type Output = Result<Response<Full<Bytes>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Some(answering) => Pin::new(answering).poll(cx).map(|response| Ok(response.map(Full::new))),
            None => {
                let mut response = Response::new(Full::default());
                *response.status_mut() = http::StatusCode::NOT_FOUND;
                Poll::Ready(Ok(response))
            }
        }
    }
}
