use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, HeaderValue, Response};
use mcp_auth_core::session::{MCP_SESSION_ID, SessionIdError, SessionIds, answered_session};
use pin_project_lite::pin_project;

use crate::body::ResponseBody;
use crate::extension::Authenticated;
use crate::rejection::{Rejection, RejectionReason};

pin_project! {
    /// The future of [`Session`](super::Session).
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
        Service { #[pin] future: F, answer: Answer },
    }
}

/// What becomes of the session id in the answer.
#[derive(Debug)]
pub(super) enum Answer {
    /// It passes as it is.
    Pass,
    /// It is removed: the version of the request has none.
    Remove,
    /// It is sealed.
    Seal(Entry),
}

/// Who asks, in which session.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) ids: Arc<SessionIds>,
    pub(super) caller: Authenticated,
    /// The server's id, and what the client has for it.
    pub(super) entered: Option<(HeaderValue, HeaderValue)>,
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn own(response: Response<ResponseBody<B>>) -> Self {
        Self { state: State::Own { response: Some(response) } }
    }

    pub(super) fn service(future: F, answer: Answer) -> Self {
        Self { state: State::Service { future, answer } }
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
            Projected::Service { future, answer } => {
                let response = ready!(future.poll(cx))?;
                Poll::Ready(Ok(answer.apply(response)))
            }
        }
    }
}

impl Answer {
    fn apply<B>(&self, mut response: Response<B>) -> Response<ResponseBody<B>> {
        match self {
            Self::Pass => {}
            Self::Remove => {
                response.headers_mut().remove(MCP_SESSION_ID);
            }
            Self::Seal(entry) => {
                if let Err(error) = entry.seal(response.headers_mut()) {
                    tracing::warn!(target: "mcp_auth", %error, "the server's session id cannot be used");
                    let rejection = Rejection::new(RejectionReason::SessionAnswer(error));
                    return rejection.by(entry.caller.shared(), None).into_response(None, None);
                }
            }
        }
        response.map(ResponseBody::service)
    }
}

impl Entry {
    fn seal(&self, headers: &mut HeaderMap) -> Result<(), SessionIdError> {
        let Some(own) = answered_session(headers)? else { return Ok(()) };
        let given = match &self.entered {
            Some((entered, given)) if entered == own => given.clone(),
            _ => self.ids.seal(own, self.caller.principal())?,
        };
        headers.insert(MCP_SESSION_ID, given);
        Ok(())
    }
}
