use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use mcp_auth_core::UnixTime;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};

use crate::clock::Clock;

pin_project! {
    /// An answer that ends with its token, where it is a stream. Its error is the service body's.
    #[derive(Debug)]
    pub struct ExpiringBody<B> {
        #[pin]
        body: B,
        life: Life,
    }
}

#[derive(Debug)]
enum Life {
    Unlimited,
    Until(Deadline),
    Over,
}

#[derive(Debug)]
pub(super) struct Deadline {
    end: UnixTime,
    clock: Arc<dyn Clock>,
    /// Wakes a stream that waits.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<B> ExpiringBody<B> {
    pub(super) fn unlimited(body: B) -> Self {
        Self { body, life: Life::Unlimited }
    }

    pub(super) fn until(body: B, deadline: Deadline) -> Self {
        Self { body, life: Life::Until(deadline) }
    }
}

impl Deadline {
    pub(super) fn new(end: UnixTime, clock: Arc<dyn Clock>) -> Self {
        Self { end, clock, timer: None }
    }

    fn is_over(&self) -> bool {
        self.clock.now() >= self.end
    }

    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let left = || self.end.since(self.clock.now());
        self.timer.get_or_insert_with(|| Box::pin(sleep(left()))).as_mut().poll(cx)
    }
}

impl<B: Body<Data = Bytes>> Body for ExpiringBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.project();
        let deadline = match this.life {
            Life::Unlimited => return this.body.poll_frame(cx),
            Life::Over => return Poll::Ready(None),
            Life::Until(deadline) => deadline,
        };
        // A stream that always has a next event never waits for the timer.
        let mut over = deadline.is_over();
        if !over {
            let frame = this.body.poll_frame(cx);
            over = frame.is_pending() && deadline.poll_over(cx).is_ready();
            if !over {
                return frame;
            }
        }
        tracing::debug!(target: "mcp_auth", "an event stream is ended: its token has expired");
        *this.life = Life::Over;
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.life, Life::Over) || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.life {
            Life::Unlimited => self.body.size_hint(),
            Life::Until(_) => SizeHint::default(),
            Life::Over => SizeHint::with_exact(0),
        }
    }
}
