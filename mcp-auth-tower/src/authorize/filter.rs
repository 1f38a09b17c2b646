use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use mcp_auth_core::Principal;
use mcp_auth_core::mcp::{EventStreamFilter, EventTooLong, Filtered, ListError, filter_message};
use mcp_auth_core::policy::PolicyLevels;
use pin_project_lite::pin_project;

use super::http::KeptRequest;
use crate::rejection::rpc;

/// Longest answer or event that is held for filtering.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// Decides which items of a list are shown.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    pub(super) policy: Arc<PolicyLevels>,
    pub(super) principal: Option<Arc<Principal>>,
    /// The request that asked for the list.
    pub(super) request: KeptRequest,
}

impl Judge {
    fn filter(&self, message: &[u8]) -> Result<Filtered, ListError> {
        let context = self.request.context(self.principal.as_deref());
        let mut listing = self.policy.listing(&context);
        filter_message(message, &mut |item| listing.shows(item))
    }
}

pin_project! {
    /// An answer whose lists are filtered while it passes. Its error is the service body's.
    #[derive(Debug)]
    pub struct ListFilter<B> {
        #[pin]
        body: B,
        state: State,
    }
}

#[derive(Debug)]
enum State {
    Pass,
    Json { judge: Judge, id: Option<Box<str>>, held: BytesMut },
    Events { judge: Judge, id: Option<Box<str>>, events: EventStreamFilter },
    Done,
}

impl<B> ListFilter<B> {
    pub(super) fn pass(body: B) -> Self {
        Self { body, state: State::Pass }
    }

    pub(super) fn json(body: B, judge: Judge, id: Option<Box<str>>) -> Self {
        Self { body, state: State::Json { judge, id, held: BytesMut::new() } }
    }

    pub(super) fn events(body: B, judge: Judge, id: Option<Box<str>>) -> Self {
        Self { body, state: State::Events { judge, id, events: EventStreamFilter::new(MAX_ANSWER_BYTES) } }
    }
}

/// Why a stream is cut.
struct Cut;

impl From<EventTooLong> for Cut {
    fn from(_: EventTooLong) -> Self {
        Self
    }
}

impl From<ListError> for Cut {
    fn from(_: ListError) -> Self {
        Self
    }
}

fn unreadable(id: Option<&str>) -> String {
    tracing::warn!(target: "mcp_auth", "the service's answer cannot be filtered and is not passed on");
    rpc(id, -32603, "the server's answer could not be read")
}

impl<B: Body<Data = Bytes>> Body for ListFilter<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let mut this = self.project();
        loop {
            match this.state {
                State::Pass => return this.body.poll_frame(cx),
                State::Done => return Poll::Ready(None),
                State::Json { judge, id, held } => {
                    let frame = ready!(this.body.as_mut().poll_frame(cx)).transpose()?;
                    match frame.map(Frame::into_data) {
                        Some(Ok(data)) if held.len() + data.len() <= MAX_ANSWER_BYTES => {
                            held.extend_from_slice(&data)
                        }
                        // Trailers have nothing to add to a filtered answer.
                        Some(Err(_)) => {}
                        Some(Ok(_)) => {
                            let text = unreadable(id.as_deref());
                            *this.state = State::Done;
                            return Poll::Ready(Some(Ok(Frame::data(text.into()))));
                        }
                        // Nothing holds no list; many answers without a body have a type all the same.
                        None if held.is_empty() => {
                            *this.state = State::Done;
                            return Poll::Ready(None);
                        }
                        None => {
                            let out = match judge.filter(held) {
                                Ok(Filtered::Unchanged) => held.split().freeze(),
                                Ok(Filtered::Replaced(filtered)) => filtered.into(),
                                // A notification in the answer's place is none.
                                Ok(Filtered::Dropped) | Err(_) => unreadable(id.as_deref()).into(),
                            };
                            *this.state = State::Done;
                            return Poll::Ready(Some(Ok(Frame::data(out))));
                        }
                    }
                }
                State::Events { judge, id, events } => {
                    let frame = ready!(this.body.as_mut().poll_frame(cx)).transpose()?;
                    let Some(frame) = frame else {
                        *this.state = State::Done;
                        continue;
                    };
                    let Ok(data) = frame.into_data() else { continue };
                    let mut out = Vec::with_capacity(data.len());
                    let pushed = events.push::<Cut>(&data, &mut out, &mut |message| {
                        judge.filter(message).map_err(Cut::from)
                    });
                    if pushed.is_err() {
                        out.extend_from_slice(format!("data: {}\n\n", unreadable(id.as_deref())).as_bytes());
                        *this.state = State::Done;
                    }
                    if !out.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(out.into()))));
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.state {
            State::Pass => self.body.is_end_stream(),
            State::Done => true,
            State::Json { .. } | State::Events { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.state {
            State::Pass => self.body.size_hint(),
            _ => SizeHint::default(),
        }
    }
}
