//! A request body that is read on, a while, after nobody wants it any more.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::EXPECT;
use http::{Request, Version};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// What is read on at most. Twice what the MCP layer takes by default: who sends more is not surprised to be cut off.
const MOST: usize = 8 * 1024 * 1024;

/// For how long.
const WHILE: Duration = Duration::from_secs(5);

/// The body of a request.
///
/// A client that is refused while it still sends (401, 413) has to get to read why: were the connection closed with bytes
/// unread, the system would answer these with a reset, which throws the answer away. So with HTTP/1 the rest is read and
/// thrown away, within bounds (RFC 9112 §9.6).
#[derive(Debug)]
pub(crate) struct RequestBody {
    /// `None` once it is at its end, or nothing is lost by dropping it.
    lingers: Option<Incoming>,
    plain: Option<Incoming>,
}

impl RequestBody {
    /// The request with its body.
    pub(super) fn of(request: Request<Incoming>) -> Request<Self> {
        // Another version of HTTP resets the one stream; and who waits for `100 Continue` sends nothing.
        let lingers = request.version() <= Version::HTTP_11 && !request.headers().contains_key(EXPECT);
        request.map(|body| {
            let (lingers, plain) = if lingers { (Some(body), None) } else { (None, Some(body)) };
            Self { lingers, plain }
        })
    }

    fn body(&self) -> Option<&Incoming> {
        self.lingers.as_ref().or(self.plain.as_ref())
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let Some(body) = this.lingers.as_mut().or(this.plain.as_mut()) else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(cx);
        if let Poll::Ready(None | Some(Err(_))) = frame {
            (this.lingers, this.plain) = (None, None);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(body) = self.lingers.take().filter(|body| !body.is_end_stream()) else { return };
        // What says how long it is and is too long: the rest is not worth reading.
        if body.size_hint().lower() <= MOST as u64
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(timeout(WHILE, read_on(body)));
        }
    }
}

async fn read_on(mut body: Incoming) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MOST {
            return;
        }
    }
}
