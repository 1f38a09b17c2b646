use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::sent::Sent;
use crate::body::ResponseBody;
use crate::mcp::McpBody;

type Waiting<B, E> = Pin<Box<dyn Future<Output = Result<Response<ResponseBody<B>>, E>> + Send>>;

pin_project! {
    /// The future of [`Exchange`](super::Exchange): boxed only where a token has to be waited for.
    pub struct ResponseFuture<S, B, ResBody>
    where
        S: Service<Request<McpBody<B>>>,
    {
        #[pin]
        state: State<S, B, S::Future, S::Error, ResBody>,
    }
}

pin_project! {
    #[project = Projected]
    enum State<S, B, F, E, ResBody> {
        Own { response: Option<Response<ResponseBody<ResBody>>> },
        Passing { #[pin] future: F },
        Calling { #[pin] future: F, sent: Option<Box<Sent<S, B>>> },
        Waiting { future: Waiting<ResBody, E> },
    }
}

impl<S, B, ResBody> ResponseFuture<S, B, ResBody>
where
    S: Service<Request<McpBody<B>>>,
{
    pub(super) fn own(response: Response<ResponseBody<ResBody>>) -> Self {
        Self { state: State::Own { response: Some(response) } }
    }

    pub(super) fn passing(future: S::Future) -> Self {
        Self { state: State::Passing { future } }
    }

    pub(super) fn calling(future: S::Future, sent: Box<Sent<S, B>>) -> Self {
        Self { state: State::Calling { future, sent: Some(sent) } }
    }

    pub(super) fn waiting(future: Waiting<ResBody, S::Error>) -> Self {
        Self { state: State::Waiting { future } }
    }
}

impl<S, B, ResBody> Future for ResponseFuture<S, B, ResBody>
where
    S: Service<Request<McpBody<B>>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    ResBody: 'static,
{
    type Output = Result<Response<ResponseBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                Projected::Own { response } => {
                    return match response.take() {
                        Some(response) => Poll::Ready(Ok(response)),
                        // Polled again after it was ready: nothing is left to give.
                        None => Poll::Pending,
                    };
                }
                Projected::Passing { future } => {
                    return future.poll(cx).map_ok(|response| response.map(ResponseBody::service));
                }
                Projected::Calling { future, sent } => {
                    let response = ready!(future.poll(cx))?;
                    // Polled again after it was ready.
                    let Some(mut sent) = sent.take() else { return Poll::Pending };
                    match sent.judge(&response) {
                        None => return Poll::Ready(Ok(sent.finish(response))),
                        Some(why) => {
                            drop(response);
                            state.set(State::Waiting { future: Box::pin(sent.again(why)) });
                        }
                    }
                }
                Projected::Waiting { future } => return future.as_mut().poll(cx),
            }
        }
    }
}

impl<S, B, ResBody> fmt::Debug for ResponseFuture<S, B, ResBody>
where
    S: Service<Request<McpBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
