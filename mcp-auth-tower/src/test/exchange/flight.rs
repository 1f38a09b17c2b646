//! Many callers, one exchange.

use mcp_auth_exchange::cache::CacheKey;
use mcp_auth_exchange::plan::IssuedToken;

use super::*;
use crate::exchange::{SharedFuture, SharedTokens};

/// Requests with one token that all wait.
pub(super) async fn waiting(
    route: &Arc<Route>,
    callers: usize,
    token: &str,
) -> Vec<tokio::task::JoinHandle<StatusCode>> {
    let tasks = (0..callers)
        .map(|_| {
            let (route, token) = (route.clone(), token.to_owned());
            tokio::spawn(async move { route.status(&token).await })
        })
        .collect();
    settle().await;
    tasks
}

#[tokio::test]
async fn attack_108_1000_concurrent_callers_make_one_request() {
    let route = Arc::new(Route::new());
    route.provider.close();
    let callers = waiting(&route, 1000, &route.token("bob")).await;
    assert_eq!(route.auth.exchange().exchanger().unwrap().under_way(), 1);
    route.provider.gate.add_permits(1000);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), StatusCode::OK);
    }
    assert_eq!((route.provider.asked(), route.tool.calls()), (1, 1000));
    let first = route.tool.credentials()[0].clone();
    assert!(route.tool.credentials().iter().all(|credential| *credential == first));
}

#[tokio::test]
async fn attack_108_a_leader_who_goes_away_takes_nothing_from_the_others() {
    let route = Arc::new(Route::new());
    route.provider.close();
    let token = route.token("bob");
    let leader = waiting(&route, 1, &token).await;
    let followers = waiting(&route, 20, &token).await;
    for task in leader {
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    route.provider.gate.add_permits(1);
    for follower in followers {
        assert_eq!(follower.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(route.provider.asked(), 1);

    // All of them go away: what they asked for is there for the next one.
    let token = route.token("alice");
    for task in waiting(&route, 3, &token).await {
        task.abort();
    }
    route.provider.gate.add_permits(1);
    settle().await;
    assert_eq!(route.status(&token).await, StatusCode::OK);
    assert_eq!(route.provider.asked(), 2);
}

/// One's failure is told to all who waited with the same token, and to nobody else.
#[tokio::test]
async fn attack_108_followers_share_a_failure_of_their_own_token() {
    let route = Arc::new(Route::new());
    route.provider.close();
    route.provider.answers(|request| match subject_of(request).as_str() {
        "bob" => reply(400, &json!({"error": "invalid_grant"})),
        user => reply(200, &issued(&claims(user, "tool", NOW + 300, 0))),
    });
    let bobs = waiting(&route, 10, &route.token("bob")).await;
    let alices = waiting(&route, 10, &route.token("alice")).await;
    route.provider.gate.add_permits(2);
    for bob in bobs {
        assert_eq!(bob.await.unwrap(), StatusCode::UNAUTHORIZED);
    }
    for alice in alices {
        assert_eq!(alice.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(route.provider.asked(), 2);
}

/// A client of an embedder's own that panics ends its exchange and no more.
#[tokio::test]
async fn an_exchange_that_ends_without_a_word_hangs_nobody() {
    let route = Arc::new(Route::new());
    route.provider.close();
    let panics = Arc::new(AtomicUsize::new(2));
    let (left, clock) = (panics.clone(), route.clock.clone());
    route.provider.answers(move |request| {
        if left.fetch_sub(1, Ordering::SeqCst) > 0 {
            panic!("as told");
        }
        reply(200, &issued(&claims(&subject_of(request), "tool", clock.secs() + 300, 0)))
    });
    let callers = waiting(&route, 20, &route.token("bob")).await;
    route.provider.gate.add_permits(3);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), StatusCode::OK, "the third try of the same requests");
    }
    assert_eq!(route.provider.asked(), 3);
    assert_eq!(route.auth.exchange().exchanger().unwrap().under_way(), 0);

    // One that always does is a 503.
    route.provider.answers(|_| panic!("as told"));
    route.provider.gate.add_permits(3);
    let (parts, _) = route.call(&route.token("alice")).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::SERVICE_UNAVAILABLE, "exchange_no_answer"));
    assert_eq!(route.provider.asked(), 6);
}

/// On threads of their own, so that they really meet.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_108_callers_on_many_threads_make_one_request() {
    let route = Arc::new(Route::new());
    let token = route.token("bob");
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let (route, token) = (route.clone(), token.clone());
            tokio::spawn(async move { route.status(&token).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), StatusCode::OK);
    }
    assert_eq!((route.provider.asked(), route.tool.calls()), (1, 200));
}

/// A store that forgets when it is let.
#[derive(Debug)]
struct SlowToForget {
    kept: Mutex<Option<IssuedToken>>,
    gate: Semaphore,
}

impl SharedTokens for SlowToForget {
    fn get(&self, _: CacheKey) -> SharedFuture<'_, Option<IssuedToken>> {
        Box::pin(async { self.kept.lock().unwrap().clone() })
    }

    fn put<'s>(&'s self, _: CacheKey, token: &'s IssuedToken) -> SharedFuture<'s, ()> {
        Box::pin(async { *self.kept.lock().unwrap() = Some(token.clone()) })
    }

    fn remove<'s>(&'s self, _: CacheKey, token: &'s IssuedToken) -> SharedFuture<'s, ()> {
        Box::pin(async {
            self.gate.acquire().await.unwrap().forget();
            self.kept.lock().unwrap().take_if(|kept| kept.is_same(token));
        })
    }
}

#[tokio::test]
async fn a_refused_token_is_not_brought_back_from_the_store() {
    let store = Arc::new(SlowToForget { kept: Mutex::default(), gate: Semaphore::new(0) });
    let shared = store.clone();
    let route = Arc::new(Route::with(plan(), |b| b.shared_tokens(shared), |s| s, |b| b));
    let token = route.token("bob");
    assert_eq!(route.status(&token).await, StatusCode::OK);
    settle().await;
    route.clock.advance(10);
    let old = route.tool.credentials().remove(0);
    // Refused for calls, and still taken for streams.
    route.tool.answers(move |head| {
        let refused = head.method == "POST" && head.headers[AUTHORIZATION] == old;
        if refused { unauthorized() } else { json_answer("{}") }
    });
    let callers = waiting(&route, 1, &token).await;
    // While the first waits for the store, others come: what they find is of no use to it.
    let stream = || Request::get("/files/mcp").header(AUTHORIZATION, format!("Bearer {token}"));
    assert_eq!(route.send(stream().body(Full::default()).unwrap()).await.0.status, StatusCode::OK);
    settle().await;
    store.gate.add_permits(1);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), StatusCode::OK);
    }
    assert_eq!((route.provider.asked(), route.tool.calls()), (2, 4));
    settle().await;
    assert!(store.kept.lock().unwrap().as_ref().is_some_and(|kept| {
        route.tool.credentials().last() == Some(&format!("Bearer {}", kept.expose()))
    }));
}
