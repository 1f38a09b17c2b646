//! Single flight, with a client that answers when it is told to and time that stands still.

use std::collections::VecDeque;
use std::sync::Mutex;

use mcp_auth_core::jwk::FetchReason;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::*;
use crate::client::{Fetch, FetchError, FetchFuture, FetchRequest};

type Reply = Result<String, FetchError>;

/// Holds each request until somebody answers it.
#[derive(Debug, Default)]
struct Desk(Mutex<VecDeque<oneshot::Sender<Reply>>>);

impl Fetch for Desk {
    fn fetch(&self, _: FetchRequest) -> FetchFuture<'_> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap().push_back(sender);
        Box::pin(async move {
            let reply = receiver.await.unwrap_or(Err(FetchError::Connect("hung up".to_owned())));
            reply.map(|body| http::Response::new(body.into()))
        })
    }
}

impl Desk {
    fn waiting(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn reply(&self, reply: Reply) {
        self.0.lock().unwrap().pop_front().unwrap().send(reply).unwrap();
    }
}

fn keys(desk: &Arc<Desk>) -> (RemoteKeys, Arc<TokioClock>) {
    let clock = TokioClock::new();
    let options = KeyOptions::new().client(desk.clone()).clock(clock.clone());
    let source = KeySource::url("https://idp.example/jwks").unwrap();
    let keys = Keys::new(&issuer("https://idp.example"), source, &options).unwrap();
    (remote(&keys).clone(), clock)
}

type Waiter = tokio::task::JoinHandle<Option<Arc<KeySet>>>;

async fn wait(keys: &RemoteKeys, clock: &Arc<TokioClock>) -> Waiter {
    let (keys, now) = (keys.clone(), clock.now());
    let waiter = tokio::spawn(async move { keys.newer(now).await });
    settle().await;
    waiter
}

#[tokio::test(start_paused = true)]
async fn row_204_many_requests_make_one_fetch() {
    let desk = Arc::new(Desk::default());
    let (keys, clock) = keys(&desk);
    let mut waiters = Vec::new();
    for _ in 0..100 {
        waiters.push(wait(&keys, &clock).await);
    }
    assert_eq!(desk.waiting(), 1);
    desk.reply(Ok(jwks(&["k"])));
    for waiter in waiters {
        assert!(has(waiter.await.unwrap(), "k"));
    }
    assert_eq!((keys.status().fetches, desk.waiting()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn attack_052_the_end_of_one_fetch_does_not_end_the_next() {
    let desk = Arc::new(Desk::default());
    let (keys, clock) = keys(&desk);
    let first = wait(&keys, &clock).await;
    desk.reply(Ok(jwks(&["old"])));
    // The next fetch begins while the waiter of the first has not yet run.
    while keys.status().kids.is_empty() {
        tokio::task::yield_now().await;
    }
    let second = wait(&keys, &clock).await;
    assert!(has(first.await.unwrap(), "old"));
    settle().await;
    let status = keys.status();
    assert_eq!((status.fetches, status.failures, status.last_error), (2, 0, None));
    let joined = wait(&keys, &clock).await;
    assert_eq!(desk.waiting(), 1, "the third joined the second fetch");
    assert!(!second.is_finished() && !joined.is_finished());
    desk.reply(Ok(jwks(&["new"])));
    for waiter in [second, joined] {
        assert!(has(waiter.await.unwrap(), "new"), "whoever joined a fetch sees what it brought");
    }
    assert_eq!(keys.status().failures, 0);
}

#[tokio::test(start_paused = true)]
async fn attack_052_a_waiter_misses_no_end_and_takes_no_other_for_its_own() {
    let desk = Arc::new(Desk::default());
    let (keys, clock) = keys(&desk);
    let number = keys.begin(FetchReason::Due, clock.now()).unwrap();
    settle().await;
    let other = keys.clone();
    let next = tokio::spawn(async move { other.end_of(number + 1).await });
    settle().await;
    desk.reply(Ok(jwks(&["k"])));
    settle().await;
    let start = Instant::now();
    keys.end_of(number).await;
    assert_eq!(start.elapsed(), Duration::ZERO, "it had ended before anybody waited");
    assert!(!next.is_finished(), "the end of another fetch");
    assert_eq!(keys.begin(FetchReason::UnknownKey, clock.now()), Some(number + 1));
    settle().await;
    desk.reply(Ok(jwks(&["k"])));
    next.await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn attack_049_a_request_waits_five_seconds_and_no_longer() {
    let desk = Arc::new(Desk::default());
    let (keys, clock) = keys(&desk);
    let start = Instant::now();
    assert!(keys.newer(clock.now()).await.is_none());
    assert_eq!((start.elapsed(), desk.waiting()), (5 * SECOND, 1));
    settle().await;
    assert!(!keys.newer_may_come(clock.now()));
    assert!(keys.status().last_error.unwrap().contains("no complete answer within 5s"));
    assert!(keys.newer(clock.now()).await.is_none());
    assert_eq!(start.elapsed(), 5 * SECOND, "the pause after a failure is not waited for");
}

#[tokio::test(start_paused = true)]
async fn attack_051_a_request_that_goes_away_does_not_cancel_the_fetch() {
    let desk = Arc::new(Desk::default());
    let (keys, clock) = keys(&desk);
    let first = wait(&keys, &clock).await;
    let second = wait(&keys, &clock).await;
    first.abort();
    settle().await;
    desk.reply(Ok(jwks(&["k"])));
    assert!(has(second.await.unwrap(), "k"));
    assert_eq!(keys.status().fetches, 1);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_panics_or_is_dropped_counts_as_failed() {
    #[derive(Debug)]
    struct Panics;
    impl Fetch for Panics {
        fn fetch(&self, _: FetchRequest) -> FetchFuture<'_> {
            Box::pin(async { panic!("a client of somebody else") })
        }
    }
    let clock = TokioClock::new();
    let options = KeyOptions::new().client(Arc::new(Panics)).clock(clock.clone());
    let source = KeySource::url("https://idp.example/jwks").unwrap();
    let keys = Keys::new(&issuer("https://idp.example"), source, &options).unwrap();
    assert!(keys.newer(clock.now()).await.is_none());
    let status = keys.status("https://idp.example");
    assert_eq!((status.failures, status.last_error.as_deref()), (1, Some("fetch was abandoned")));
    tokio::time::advance(SECOND).await;
    assert!(keys.newer(clock.now()).await.is_none());
    assert_eq!(keys.status("https://idp.example").fetches, 2, "and the next one begins");
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let desk = Arc::new(Desk::default());
    let keys = runtime.block_on(async {
        let (keys, clock) = keys(&desk);
        let waiter = wait(&keys, &clock).await;
        desk.reply(Ok(jwks(&["k"])));
        waiter.await.unwrap();
        keys
    });
    drop(runtime);
    assert!(has(keys.current(UnixTime::from_secs(NOW + 590)), "k"));
    assert!(keys.status().last_error.unwrap().contains("no tokio runtime"));
}
