//! Reading a body whole, within a size and a time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use super::layer::Limits;
use crate::rejection::RejectionReason;

pin_project! {
    pub(crate) struct Collect<B> {
        #[pin]
        body: B,
        #[pin]
        deadline: Sleep,
        first: Option<Bytes>,
        more: BytesMut,
        limit: usize,
    }
}

impl<B> Collect<B> {
    /// Starts the clock. Call it inside a tokio runtime.
    pub(crate) fn new(body: B, limits: Limits) -> Self {
        let deadline = tokio::time::sleep(limits.time);
        Self { body, deadline, first: None, more: BytesMut::new(), limit: limits.bytes }
    }
}

impl<B: Body<Data = Bytes>> Future for Collect<B> {
    type Output = Result<Bytes, RejectionReason>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.body.as_mut().poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers carry nothing of a message.
                    let Ok(data) = frame.into_data() else { continue };
                    let held = this.first.as_ref().map_or(0, Bytes::len) + this.more.len();
                    if data.len() > this.limit.saturating_sub(held) {
                        return Poll::Ready(Err(RejectionReason::BodyTooLarge));
                    }
                    // A body of one frame, the common case, is not copied.
                    match this.first {
                        None => *this.first = Some(data),
                        Some(first) => {
                            if this.more.is_empty() {
                                this.more.extend_from_slice(first);
                                *first = Bytes::new();
                            }
                            this.more.extend_from_slice(&data);
                        }
                    }
                }
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(RejectionReason::BodyRead)),
                Poll::Ready(None) => {
                    let first = this.first.take().unwrap_or_default();
                    let whole = if this.more.is_empty() { first } else { this.more.split().freeze() };
                    return Poll::Ready(Ok(whole));
                }
                Poll::Pending => {
                    return this.deadline.poll(cx).map(|()| Err(RejectionReason::BodyTimeout));
                }
            }
        }
    }
}
