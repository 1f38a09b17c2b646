use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Extensions, Request, Response};
use http_body::Body;
use mcp_auth_core::mcp::{Body as Read, id_of, read_body};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::collect::Collect;
use super::{CallBatch, McpBody};
use crate::body::ResponseBody;
use crate::event_stream::pass_events_at_once;
use crate::extension::CallArguments;
use crate::rejection::{Rejection, RejectionReason};

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
                    let message = outcome.map_err(|reason| (reason, None)).and_then(judge);
                    match (message, call.take()) {
                        (Ok((bytes, read)), Some((mut parts, mut service))) => {
                            let body = announce(bytes, read, &mut parts.extensions);
                            let request = Request::from_parts(parts, body);
                            state.set(State::Calling { future: service.call(request) });
                        }
                        (Err((reason, id)), Some((parts, _))) => {
                            let rejection = Rejection::new(reason).of(&parts.extensions);
                            return Poll::Ready(Ok(rejection.into_response(None, id.as_deref())));
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

/// Why a body is refused, and the id of its message where there is one.
type Refused = (RejectionReason, Option<Box<str>>);

fn judge(bytes: Bytes) -> Result<(Bytes, Read), Refused> {
    match read_body(&bytes) {
        Ok(read) => Ok((bytes, read)),
        Err(error) => Err((RejectionReason::Message(error), id_of(&bytes))),
    }
}

/// Tells the layers behind what was read. They get the same bytes, seen twice: nothing is copied.
fn announce<B>(bytes: Bytes, read: Read, extensions: &mut Extensions) -> McpBody<B> {
    match read {
        Read::One(message) => {
            let arguments = message.arguments.clone().filter(|range| range.end <= bytes.len());
            if let Some(arguments) = arguments {
                extensions.insert(CallArguments::new(bytes.slice(arguments)));
            }
            extensions.insert(message);
            McpBody::collected(bytes)
        }
        Read::Batch(elements) => {
            let batch = CallBatch::new(elements, bytes);
            let body = McpBody::batch(batch.forwarded());
            extensions.insert(batch);
            body
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
