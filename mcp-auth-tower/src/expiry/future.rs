use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use http::header::CONTENT_LENGTH;
use pin_project_lite::pin_project;

use super::body::{Deadline, ExpiringBody};
use crate::event_stream::is_event_stream;

pin_project! {
    /// The future of [`Expiry`](super::Expiry).
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        pub(super) future: F,
        pub(super) deadline: Option<Deadline>,
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ExpiringBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.future.poll(cx).map_ok(|response| match this.deadline.take() {
            Some(deadline) if is_event_stream(response.headers()) => {
                let (mut parts, body) = response.into_parts();
                // It may become shorter.
                parts.headers.remove(CONTENT_LENGTH);
                Response::from_parts(parts, ExpiringBody::until(body, deadline))
            }
            _ => response.map(ExpiringBody::unlimited),
        })
    }
}
