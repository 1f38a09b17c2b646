use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use http_body_util::combinators::Collect;
use http_body_util::{Collected, LengthLimitError, Limited};
use mcp_auth_core::mcp::peek;
use pin_project_lite::pin_project;
use tokio::time::Timeout;
use tower_service::Service;

use super::McpBody;
use super::service::refuse;
use crate::body::ResponseBody;
use crate::rejection::RejectionReason;

type Collecting<B> = Timeout<Collect<Limited<B>>>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

pin_project! {
    /// The future of [`Mcp`](super::Mcp).
    pub struct ResponseFuture<S, B, ResBody>
    where
        S: Service<Request<McpBody<B>>>,
        B: Body,
    {
        #[pin]
        state: State<S, B, S::Future, ResBody>,
    }
}

pin_project! {
    #[project = Projected]
    enum State<S, B, F, ResBody>
    where
        B: Body,
    {
        Own { response: Option<Response<ResponseBody<ResBody>>> },
        Collecting { #[pin] collect: Collecting<B>, call: Option<(Parts, S)> },
        Calling { #[pin] future: F },
    }
}

impl<S, B, ResBody> ResponseFuture<S, B, ResBody>
where
    S: Service<Request<McpBody<B>>>,
    B: Body,
{
    pub(super) fn own(response: Response<ResponseBody<ResBody>>) -> Self {
        Self { state: State::Own { response: Some(response) } }
    }

    pub(super) fn collecting(collect: Collecting<B>, parts: Parts, service: S) -> Self {
        Self { state: State::Collecting { collect, call: Some((parts, service)) } }
    }

    pub(super) fn calling(future: S::Future) -> Self {
        Self { state: State::Calling { future } }
    }
}

impl<S, B, ResBody> Future for ResponseFuture<S, B, ResBody>
where
    S: Service<Request<McpBody<B>>, Response = Response<ResBody>>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
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
                Projected::Collecting { collect, call } => {
                    let Poll::Ready(outcome) = collect.poll(cx) else { return Poll::Pending };
                    let message = match outcome {
                        Ok(Ok(collected)) => judge(collected),
                        Ok(Err(e)) if e.is::<LengthLimitError>() => Err(RejectionReason::BodyTooLarge),
                        Ok(Err(_)) => Err(RejectionReason::BodyRead),
                        Err(_) => Err(RejectionReason::BodyTimeout),
                    };
                    match (message, call.take()) {
                        (Ok((bytes, message)), Some((mut parts, mut service))) => {
                            parts.extensions.insert(message);
                            let request = Request::from_parts(parts, McpBody::collected(bytes));
                            state.set(State::Calling { future: service.call(request) });
                        }
                        (Err(reason), _) => return Poll::Ready(Ok(refuse(reason))),
                        (Ok(_), None) => return Poll::Pending,
                    }
                }
                Projected::Calling { future } => return future.poll(cx).map_ok(|r| r.map(ResponseBody::service)),
            }
        }
    }
}

fn judge(collected: Collected<Bytes>) -> Result<(Bytes, mcp_auth_core::mcp::McpCall), RejectionReason> {
    let bytes = collected.to_bytes();
    let message = peek(&bytes).map_err(RejectionReason::Message)?;
    Ok((bytes, message))
}

impl<S, B, ResBody> fmt::Debug for ResponseFuture<S, B, ResBody>
where
    S: Service<Request<McpBody<B>>>,
    B: Body,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
