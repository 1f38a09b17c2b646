//! What replicas share, by the seam for it.

use std::time::Duration;

use mcp_auth_exchange::cache::{CacheKey, CircuitState, SharedEntry};
use mcp_auth_exchange::plan::IssuedToken;

use super::*;
use crate::Authenticated;
use crate::exchange::{ExchangeLayer, SharedFuture, SharedTokens};
use crate::mcp::McpBody;

/// A store that two replicas share.
#[derive(Debug, Default)]
struct Store {
    entries: Mutex<std::collections::HashMap<CacheKey, Vec<u8>>>,
    hangs: std::sync::atomic::AtomicBool,
}

impl Store {
    async fn is_up(&self) {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

impl SharedTokens for Store {
    fn get(&self, key: CacheKey) -> SharedFuture<'_, Option<IssuedToken>> {
        Box::pin(async move {
            self.is_up().await;
            SharedEntry::read(self.entries.lock().unwrap().get(&key)?).ok()
        })
    }

    fn put<'s>(&'s self, key: CacheKey, token: &'s IssuedToken) -> SharedFuture<'s, ()> {
        Box::pin(async move {
            self.is_up().await;
            let entry = SharedEntry::of(&key, token);
            self.entries.lock().unwrap().insert(key, entry.plaintext.to_vec());
        })
    }

    fn remove<'s>(&'s self, key: CacheKey, token: &'s IssuedToken) -> SharedFuture<'s, ()> {
        Box::pin(async move {
            self.is_up().await;
            let mut entries = self.entries.lock().unwrap();
            let stored = entries.get(&key).map(|stored| SharedEntry::read(stored).unwrap());
            if stored.is_some_and(|stored| stored.is_same(token)) {
                entries.remove(&key);
            }
        })
    }
}

/// A replica with the store, in front of the same server.
fn replica(route: &Route, store: &Arc<Store>) -> McpAuthService<Tool> {
    let builder = Exchanger::builder().client(route.provider.clone()).clock(route.clock.clone());
    let exchanger = builder.shared_tokens(store.clone()).build().unwrap();
    let auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), route.idp.keys())
        .clock(route.clock.clone())
        .exchange_with(ExchangeSettings::new(plan()).exchanger(exchanger))
        .build()
        .unwrap();
    auth.layer(Tool { state: route.tool.clone(), ready: false })
}

fn refuse_what_was_used(route: &Route) {
    route.clock.advance(10);
    let old = route.tool.credentials()[0].clone();
    route.tool.answers(
        move |head| {
            if head.headers[AUTHORIZATION] == old { unauthorized() } else { json_answer("{}") }
        },
    );
}

#[tokio::test(start_paused = true)]
async fn one_revocation_costs_one_exchange_at_all_replicas() {
    let store = Arc::new(Store::default());
    let shared = store.clone();
    let first = Route::with(plan(), |b| b.shared_tokens(shared), |s| s, |b| b);
    let token = first.token("bob");
    let replicas: Vec<_> = (0..5).map(|_| replica(&first, &store)).collect();
    for round in 1..3 {
        for service in &replicas {
            let response = service.clone().oneshot(post(&token, &call("read"))).await.unwrap();
            settle().await;
            assert_eq!((response.status(), first.provider.asked()), (StatusCode::OK, round));
        }
        if round == 1 {
            refuse_what_was_used(&first);
        }
    }
}

/// Alone, in front of bodies that can be read once.
#[tokio::test(start_paused = true)]
async fn a_refused_token_leaves_the_store_also_where_nothing_is_sent_again() {
    let store = Arc::new(Store::default());
    let route = Route::new();
    let builder = Exchanger::builder().client(route.provider.clone()).clock(route.clock.clone());
    let exchanger = builder.shared_tokens(store.clone()).build().unwrap();
    let layer = ExchangeLayer::new(ExchangeSettings::new(plan()).exchanger(exchanger)).unwrap();
    let token = route.token("bob");
    let validator = mcp_auth_core::jwt::Validator::new([Issuer::new(ISSUER).audience(RESOURCE)]).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let checks = mcp_auth_core::jwt::Checks::at(UnixTime::from_secs(NOW));
    let principal = Arc::new(validator.accept_introspected(0.into(), &token, &claims, &checks).unwrap());
    let ask = async || {
        let service = layer.layer(Tool { state: route.tool.clone(), ready: false });
        let mut request = post(&token, &call("read")).map(McpBody::untouched);
        request.extensions_mut().insert(Authenticated::new(Some(principal.clone())));
        let status = service.oneshot(request).await.unwrap().status();
        settle().await;
        status
    };
    assert_eq!((ask().await, store.entries.lock().unwrap().len()), (StatusCode::OK, 1));
    refuse_what_was_used(&route);
    let refused = ask().await;
    assert!(refused != StatusCode::OK && store.entries.lock().unwrap().is_empty(), "{refused}");
    assert_eq!((ask().await, route.provider.asked()), (StatusCode::OK, 2));
}

#[tokio::test(start_paused = true)]
async fn replicas_share_tokens_through_the_seam() {
    let store = Arc::new(Store::default());
    let shared = store.clone();
    let first = Route::with(plan(), |b| b.shared_tokens(shared), |s| s, |b| b);
    let token = first.token("bob");
    assert_eq!(first.status(&token).await, StatusCode::OK);
    // Another replica has nothing in common with the first but the store.
    let second = replica(&first, &store);
    let response = second.clone().oneshot(post(&token, &call("read"))).await.unwrap();
    assert_eq!((response.status(), first.provider.asked()), (StatusCode::OK, 1));
    // What the service refuses is taken out of the store, too.
    refuse_what_was_used(&first);
    let response = second.oneshot(post(&token, &call("read"))).await.unwrap();
    assert_eq!((response.status(), first.provider.asked()), (StatusCode::OK, 2));
    // A store that hangs costs an exchange and a moment.
    store.hangs.store(true, Ordering::SeqCst);
    let started = tokio::time::Instant::now();
    let response = replica(&first, &store).oneshot(post(&first.token("carol"), &call("read"))).await.unwrap();
    assert_eq!((response.status(), first.provider.asked()), (StatusCode::OK, 3));
    assert!(started.elapsed() <= Duration::from_secs(3));
}

/// Four failures, a token of another replica, and one failure more: five in a row, since nobody was asked between.
#[tokio::test(start_paused = true)]
async fn attack_109_a_token_of_another_replica_is_no_answer_of_the_provider() {
    let store = Arc::new(Store::default());
    let theirs = store.clone();
    let there = Route::with(plan(), |b| b.shared_tokens(theirs), |s| s, |b| b);
    let token = there.token("bob");
    assert_eq!(there.status(&token).await, StatusCode::OK);
    settle().await;

    let mut here = Route::new();
    let builder = Exchanger::builder().client(here.provider.clone()).clock(here.clock.clone());
    let exchanger = builder.shared_tokens(store.clone()).build().unwrap();
    here.auth = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), there.idp.keys())
        .clock(here.clock.clone())
        .exchange_with(ExchangeSettings::new(plan().attempts(1)).exchanger(exchanger.clone()))
        .build()
        .unwrap();
    here.service = here.auth.layer(Tool { state: here.tool.clone(), ready: false });
    here.provider.answers(|_| Err(FetchError::Connect("refused".into())));
    let fails = async |user: &str| {
        assert_eq!(here.status(&there.token(user)).await, StatusCode::SERVICE_UNAVAILABLE, "{user}");
    };
    for user in ["a", "b", "c", "d"] {
        fails(user).await;
    }
    assert_eq!(here.status(&token).await, StatusCode::OK);
    assert_eq!((here.provider.asked(), exchanger.circuits()[0].1), (4, CircuitState::Closed));
    fails("e").await;
    assert!(matches!(exchanger.circuits()[0].1, CircuitState::Open { .. }), "{:?}", exchanger.circuits());

    // It does not close a circuit either, nor is it the probe that the provider is waited for with.
    here.clock.advance(5);
    let dora = there.token("dora");
    assert_eq!(there.status(&dora).await, StatusCode::OK);
    settle().await;
    assert_eq!(here.status(&dora).await, StatusCode::OK);
    assert_eq!(exchanger.circuits()[0].1, CircuitState::Probing);
    *here.provider.handler.lock().unwrap() = issues(&here.clock, "tool");
    assert_eq!(here.status(&there.token("f")).await, StatusCode::OK, "the probe, which was still to be made");
    assert_eq!(exchanger.circuits()[0].1, CircuitState::Closed);
}
