//! Streams end with their tokens.

use std::sync::atomic::AtomicU64;
use std::task::Waker;
use std::time::Duration;

use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::channel::{Channel, Sender};
use http_body_util::combinators::UnsyncBoxBody;
use tokio::time::Instant;

use super::*;

type AnyBody = UnsyncBoxBody<Bytes, Infallible>;

/// Tokio's time, which stands still in these tests until everybody waits.
#[derive(Debug)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(NOW).plus(self.0.elapsed())
    }
}

/// A clock that is set by hand.
#[derive(Debug, Default)]
struct ManualClock(AtomicU64);

impl Clock for ManualClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(NOW + self.0.load(Ordering::SeqCst))
    }
}

/// Answers with one body, once.
#[derive(Clone)]
struct Answers(&'static str, Arc<Mutex<Option<AnyBody>>>);

impl Answers {
    fn new<B: Body<Data = Bytes, Error = Infallible> + Send + 'static>(kind: &'static str, body: B) -> Self {
        Self(kind, Arc::new(Mutex::new(Some(body.boxed_unsync()))))
    }
}

impl<B> Service<Request<B>> for Answers {
    type Response = Response<AnyBody>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let body = self.1.lock().unwrap().take().unwrap();
        std::future::ready(Ok(Response::builder().header(CONTENT_TYPE, self.0).body(body).unwrap()))
    }
}

const EVENTS: &str = "text/event-stream; charset=utf-8";

struct Case {
    clock: Arc<dyn Clock>,
    issuer: Issuer,
    claims: fn(&mut Value),
    change: fn(McpAuthBuilder) -> McpAuthBuilder,
    method: http::Method,
}

impl Case {
    fn new() -> Self {
        Self {
            clock: Arc::new(TokioClock(Instant::now())),
            issuer: Issuer::new(ISSUER).audience(RESOURCE),
            claims: |_| {},
            change: |b| b,
            method: http::Method::GET,
        }
    }

    /// The body of the answer to a good token that expires in 300 s unless the case says otherwise.
    async fn body(self, answers: Answers) -> impl Body<Data = Bytes, Error = Infallible> {
        let idp = Idp::new();
        let auth = McpAuth::builder(RESOURCE).unwrap().issuer_keys(self.issuer, idp.keys()).clock(self.clock);
        let auth = (self.change)(auth).build().unwrap();
        let mut request = post(&idp.token_with(self.claims), "");
        if self.method == http::Method::POST {
            request = post(&idp.token_with(self.claims), LIST);
        }
        *request.method_mut() = self.method;
        let response = auth.layer(answers).oneshot(request).await.unwrap();
        assert_eq!(response.status(), http::StatusCode::OK);
        response.into_body()
    }
}

/// Sends an event now and then every 20 s, until nobody listens.
fn pings(times: usize) -> (Channel<Bytes, Infallible>, tokio::task::JoinHandle<()>) {
    let (mut sender, body): (Sender<Bytes, Infallible>, _) = Channel::new(1);
    let task = tokio::spawn(async move {
        for _ in 0..times {
            if sender.send_data(Bytes::from_static(b": ping\n\n")).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
    });
    (body, task)
}

/// When the stream ended, in seconds, and how many events came before.
async fn end_of(body: impl Body<Data = Bytes, Error = Infallible>) -> (u64, usize) {
    let start = Instant::now();
    let mut body = std::pin::pin!(body);
    let mut events = 0;
    while let Some(frame) = body.frame().await {
        events += usize::from(frame.unwrap().is_data());
    }
    (start.elapsed().as_secs(), events)
}

#[tokio::test(start_paused = true)]
async fn attack_094_a_stream_ends_with_its_token() {
    for method in [http::Method::GET, http::Method::POST] {
        let case = Case { method, ..Case::new() };
        let (pings, sender) = pings(1000);
        let body = case.body(Answers::new(EVENTS, pings)).await;
        // exp 300, leeway 30: events at 0, 20, …, 320.
        assert_eq!(end_of(body).await, (330, 17));
        sender.await.unwrap();
    }
    // A stream that says nothing ends, too, once and for all.
    let (mut sender, silent) = Channel::<Bytes, Infallible>::new(1);
    let mut body = std::pin::pin!(Case::new().body(Answers::new(EVENTS, silent)).await);
    assert_eq!(end_of(body.as_mut()).await, (330, 0));
    sender.try_send(http_body::Frame::data(Bytes::from_static(b": late\n\n"))).unwrap();
    assert!(body.is_end_stream() && body.frame().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn attack_094_the_leeway_is_that_of_the_issuer() {
    let issuer = Issuer::new(ISSUER).audience(RESOURCE).leeway(Duration::ZERO);
    let case = Case { issuer, claims: |c| c["exp"] = json!(NOW + 90), ..Case::new() };
    assert_eq!(end_of(case.body(Answers::new(EVENTS, pings(1000).0)).await).await, (90, 5));
}

/// With an MCP set the lists in a stream are filtered, below this layer.
#[tokio::test(start_paused = true)]
async fn attack_094_a_filtered_stream_ends_too() {
    let case = Case { change: |b| b.require("true").unwrap(), ..Case::new() };
    assert_eq!(end_of(case.body(Answers::new(EVENTS, pings(1000).0)).await).await, (330, 17));
}

#[tokio::test(start_paused = true)]
async fn streams_that_end_by_themselves_or_may_go_on() {
    let (by_itself, _) = pings(3);
    assert_eq!(end_of(Case::new().body(Answers::new(EVENTS, by_itself)).await).await, (60, 3));

    let long = Case { change: McpAuthBuilder::danger_streams_outlive_tokens, ..Case::new() };
    assert_eq!(end_of(long.body(Answers::new(EVENTS, pings(100).0)).await).await, (2000, 100));

    let issuer = Issuer::new(ISSUER).audience(RESOURCE).danger_accept_without_expiry();
    let case = Case { issuer, claims: |c| drop(c.as_object_mut().unwrap().remove("exp")), ..Case::new() };
    assert_eq!(end_of(case.body(Answers::new(EVENTS, pings(100).0)).await).await, (2000, 100));

    let issuer = Issuer::new(ISSUER).audience(RESOURCE).danger_unlimited_lifetime();
    let far = Case { issuer, claims: |c| c["exp"] = json!(253_402_300_799_u64), ..Case::new() };
    assert_eq!(end_of(far.body(Answers::new(EVENTS, pings(100).0)).await).await, (2000, 100));

    // One message of a call that was allowed, however slow.
    let (slow, _) = pings(100);
    assert_eq!(end_of(Case::new().body(Answers::new("application/json", slow)).await).await, (2000, 100));
}

/// A stream that always has a next event never waits, so no timer could end it.
#[tokio::test]
async fn attack_094_a_stream_that_never_waits_ends() {
    struct Endless(Arc<ManualClock>);
    impl Body for Endless {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
            self.0.0.fetch_add(1, Ordering::SeqCst);
            Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b": ping\n\n")))))
        }
    }
    let clock = Arc::new(ManualClock::default());
    let case = Case { clock: clock.clone(), ..Case::new() };
    assert_eq!(end_of(case.body(Answers::new(EVENTS, Endless(clock))).await).await.1, 330);
}

/// Outside of a runtime a timer cannot be made: this would panic.
#[test]
fn answers_that_are_no_waiting_streams_have_no_timer() {
    let mut cx = Context::from_waker(Waker::noop());
    let body_of = |kind, body: AnyBody| {
        let case = Case { clock: Arc::new(FixedClock), ..Case::new() };
        let future = std::pin::pin!(case.body(Answers::new(kind, body)));
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(body) => body,
            Poll::Pending => panic!("nothing to wait for"),
        }
    };
    let ready = Full::new(Bytes::from_static(b": ping\n\n"));
    let mut stream = std::pin::pin!(body_of(EVENTS, ready.boxed_unsync()));
    assert!(stream.as_mut().poll_frame(&mut cx).is_ready());
    assert!(matches!(stream.as_mut().poll_frame(&mut cx), Poll::Ready(None)));
    let (_sender, waiting) = Channel::<Bytes, Infallible>::new(1);
    let mut message = std::pin::pin!(body_of("application/json", waiting.boxed_unsync()));
    assert!(message.as_mut().poll_frame(&mut cx).is_pending());
}
