use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use mcp_auth_core::mcp::{McpCall, peek};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::McpBody;
use super::collect::Collect;
use super::service::refuse;
use crate::body::ResponseBody;
use crate::event_stream::pass_events_at_once;
use crate::extension::CallArguments;
use crate::rejection::RejectionReason;

pin_project! {
    /// The future of [`Mcp`](super::Mcp).
    pub struct ResponseFuture<S, B, ResBody>
    where
        S: Service<Request<McpBody<B>>>,
    {
        #[pin]
        state: State<S, B, S::Future, ResBody>,
    }
}

pin_project! {
    #[project = Projected]
    enum State<S, B, F, ResBody> {
        Own { response: Option<Response<ResponseBody<ResBody>>> },
        Collecting { #[pin] collect: Collect<B>, call: Option<(Parts, S)> },
        Calling { #[pin] future: F },
    }
}

impl<S, B, ResBody> ResponseFuture<S, B, ResBody>
where
    S: Service<Request<McpBody<B>>>,
{
    pub(super) fn own(response: Response<ResponseBody<ResBody>>) -> Self {
        Self { state: State::Own { response: Some(response) } }
    }

    pub(super) fn collecting(collect: Collect<B>, parts: Parts, service: S) -> Self {
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
                    let message = outcome.and_then(judge);
                    match (message, call.take()) {
                        (Ok((bytes, message)), Some((mut parts, mut service))) => {
                            // The same bytes, seen twice: nothing is copied.
                            let arguments =
                                message.arguments.clone().filter(|range| range.end <= bytes.len());
                            if let Some(arguments) = arguments {
                                parts.extensions.insert(CallArguments::new(bytes.slice(arguments)));
                            }
                            parts.extensions.insert(message);
                            let request = Request::from_parts(parts, McpBody::collected(bytes));
                            state.set(State::Calling { future: service.call(request) });
                        }
                        (Err(reason), Some((parts, _))) => {
                            return Poll::Ready(Ok(refuse(reason, &parts.extensions)));
                        }
                        // Polled again after it was ready.
                        (_, None) => return Poll::Pending,
                    }
                }
                Projected::Calling { future } => {
                    return future.poll(cx).map_ok(|mut response| {
                        pass_events_at_once(response.headers_mut());
                        response.map(ResponseBody::service)
                    });
                }
            }
        }
    }
}

fn judge(bytes: Bytes) -> Result<(Bytes, McpCall), RejectionReason> {
    let message = peek(&bytes).map_err(RejectionReason::Message)?;
    Ok((bytes, message))
}

impl<S, B, ResBody> fmt::Debug for ResponseFuture<S, B, ResBody>
where
    S: Service<Request<McpBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
