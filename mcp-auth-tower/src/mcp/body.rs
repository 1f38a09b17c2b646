use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use pin_project_lite::pin_project;

use super::batch::Forwarded;

pin_project! {
    /// A request body behind the mcp layer: the bytes that were judged, or a body that nobody touched.
    #[derive(Debug)]
    pub struct McpBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = Projected]
    #[derive(Debug)]
    enum Kind<B> {
        Collected { body: Full<Bytes> },
        Batch { batch: Forwarded, given: bool },
        Untouched { #[pin] body: B },
    }
}

impl<B> McpBody<B> {
    pub(super) fn collected(bytes: Bytes) -> Self {
        Self { kind: Kind::Collected { body: Full::new(bytes) } }
    }

    pub(super) fn batch(batch: Forwarded) -> Self {
        Self { kind: Kind::Batch { batch, given: false } }
    }

    /// A body as it came, for services behind that take one of these where no mcp layer is in front.
    pub fn untouched(body: B) -> Self {
        Self { kind: Kind::Untouched { body } }
    }
}

impl<B: Body<Data = Bytes>> McpBody<B> {
    /// The same body again, from its beginning; `None` for one that can be read once.
    pub(crate) fn replay(&self) -> Option<Self> {
        match &self.kind {
            Kind::Collected { body } => Some(Self { kind: Kind::Collected { body: body.clone() } }),
            Kind::Batch { batch, .. } => Some(Self::batch(batch.clone())),
            Kind::Untouched { body } => body.is_end_stream().then(|| Self::collected(Bytes::new())),
        }
    }
}

impl<B: Body<Data = Bytes>> Body for McpBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.project().kind.project() {
            Projected::Collected { body } => match Pin::new(body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame))),
                Poll::Ready(Some(Err(never))) => match never {},
                Poll::Ready(None) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            },
            Projected::Batch { given: true, .. } => Poll::Ready(None),
            Projected::Batch { batch, given } => {
                *given = true;
                Poll::Ready(Some(Ok(Frame::data(batch.get()))))
            }
            Projected::Untouched { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Collected { body } => body.is_end_stream(),
            Kind::Batch { given, .. } => *given,
            Kind::Untouched { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Collected { body } => body.size_hint(),
            Kind::Batch { given: true, .. } => SizeHint::with_exact(0),
            Kind::Batch { batch, .. } => SizeHint::with_exact(batch.get().len() as u64),
            Kind::Untouched { body } => body.size_hint(),
        }
    }
}
