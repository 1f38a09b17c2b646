//! Answers whose JSON-RPC messages are looked at while they pass.

use std::fmt::Debug;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HeaderMap};
use http_body::{Body, Frame, SizeHint};
use mcp_auth_core::mcp::{EventStreamFilter, EventTooLong, Filtered, ListError};
use pin_project_lite::pin_project;

use crate::rejection::rpc;

/// Longest answer or event that is held for filtering, unless it is said.
pub(crate) const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// What is done with each message of an answer.
pub(crate) trait Messages: Send + Sync + Debug {
    /// What becomes of it.
    fn filter(&mut self, message: &[u8]) -> Result<Filtered, ListError>;
}

/// An answer's work: what is done with its messages, and what is said besides.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) messages: Box<dyn Messages>,
    /// The id of the request, for an error in the answer's place.
    pub(crate) id: Option<Box<str>>,
    /// Messages of our own, JSON, that stand in front of the others: refusals of messages of a batch.
    pub(crate) ours: Vec<String>,
    /// Longest answer or event that is held.
    pub(crate) max_bytes: usize,
}

pin_project! {
    /// An answer whose messages are filtered while it passes. Its error is the service body's.
    #[derive(Debug)]
    pub struct FilteredBody<B> {
        #[pin]
        body: B,
        state: State,
    }
}

#[derive(Debug)]
enum State {
    Pass,
    Json { work: Work, held: BytesMut },
    Events { work: Work, events: EventStreamFilter },
    Done,
}

impl<B> FilteredBody<B> {
    pub(crate) fn pass(body: B) -> Self {
        Self { body, state: State::Pass }
    }

    /// The body of an answer of type `application/json`.
    pub(crate) fn json(body: B, work: Work) -> Self {
        Self { body, state: State::Json { work, held: BytesMut::new() } }
    }

    /// The body of an answer of type `text/event-stream`.
    pub(crate) fn events(body: B, work: Work) -> Self {
        let events = EventStreamFilter::new(work.max_bytes);
        Self { body, state: State::Events { work, events } }
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

/// The answer of one body with messages of our own in front.
fn joined(ours: Vec<String>, answer: Bytes) -> Bytes {
    if ours.is_empty() {
        return answer;
    }
    let theirs = answer.trim_ascii();
    let theirs = theirs.strip_prefix(b"[").and_then(|inner| inner.strip_suffix(b"]")).unwrap_or(theirs);
    let mut out = vec![b'['];
    out.extend_from_slice(ours.join(",").as_bytes());
    if !theirs.trim_ascii().is_empty() {
        out.push(b',');
        out.extend_from_slice(theirs);
    }
    out.push(b']');
    out.into()
}

fn unreadable(id: Option<&str>) -> String {
    tracing::warn!(target: "mcp_auth", "the service's answer cannot be filtered and is not passed on");
    rpc(id, -32603, "the server's answer could not be read")
}

impl<B: Body<Data = Bytes>> Body for FilteredBody<B> {
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
                State::Json { work, held } => {
                    let frame = ready!(this.body.as_mut().poll_frame(cx)).transpose()?;
                    match frame.map(Frame::into_data) {
                        Some(Ok(data)) if held.len() + data.len() <= work.max_bytes => {
                            held.extend_from_slice(&data)
                        }
                        // Trailers have nothing to add to a filtered answer.
                        Some(Err(_)) => {}
                        Some(Ok(_)) => {
                            let text = unreadable(work.id.as_deref());
                            *this.state = State::Done;
                            return Poll::Ready(Some(Ok(Frame::data(text.into()))));
                        }
                        None => {
                            let ours = std::mem::take(&mut work.ours);
                            // Nothing holds no list; many answers without a body have a type all the same.
                            let answer = if held.is_empty() {
                                Bytes::new()
                            } else {
                                match work.messages.filter(held) {
                                    Ok(Filtered::Unchanged) => held.split().freeze(),
                                    Ok(Filtered::Replaced(filtered)) => filtered.into(),
                                    Ok(Filtered::Dropped) => Bytes::new(),
                                    Err(_) => unreadable(work.id.as_deref()).into(),
                                }
                            };
                            *this.state = State::Done;
                            let answer = joined(ours, answer);
                            if answer.is_empty() {
                                return Poll::Ready(None);
                            }
                            return Poll::Ready(Some(Ok(Frame::data(answer))));
                        }
                    }
                }
                State::Events { work, events } => {
                    if !work.ours.is_empty() {
                        let ours = work.ours.drain(..).map(|message| format!("data: {message}\n\n"));
                        let ours: String = ours.collect();
                        return Poll::Ready(Some(Ok(Frame::data(ours.into()))));
                    }
                    let frame = ready!(this.body.as_mut().poll_frame(cx)).transpose()?;
                    let Some(frame) = frame else {
                        *this.state = State::Done;
                        continue;
                    };
                    let Ok(data) = frame.into_data() else { continue };
                    let mut out = Vec::with_capacity(data.len());
                    let Work { messages, id, .. } = work;
                    let pushed = events.push::<Cut>(&data, &mut out, &mut |message| {
                        messages.filter(message).map_err(Cut::from)
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

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    Json,
    EventStream,
    Other,
    /// Which one counts is for the client to say.
    Several,
}

pub(crate) fn media_type(headers: &HeaderMap) -> MediaType {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let Some(value) = values.next() else { return MediaType::Other };
    if values.next().is_some() {
        return MediaType::Several;
    }
    let essence = value.as_bytes().split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        MediaType::Json
    } else if essence.eq_ignore_ascii_case(b"text/event-stream") {
        MediaType::EventStream
    } else {
        MediaType::Other
    }
}
