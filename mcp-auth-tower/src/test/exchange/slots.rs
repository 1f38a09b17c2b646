//! Slots of providers: who has one, who waits, who is refused, and who gives one back.

use std::time::Duration;

use mcp_auth_exchange::cache::CircuitState;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::flight::waiting;
use super::plans::{Two, plan_at};
use super::*;

const WAIT: Duration = Duration::from_secs(2);

fn bounded(concurrent: usize, waiting: usize) -> Arc<Route> {
    let limits = |b: ExchangerBuilder| {
        b.concurrent_exchanges(concurrent).waiting_exchanges(waiting).wait_for_slot(WAIT)
    };
    Arc::new(Route::with(plan().attempts(1), limits, |s| s, |b| b))
}

/// One request that waits.
async fn one(route: &Arc<Route>, user: &str) -> JoinHandle<StatusCode> {
    waiting(route, 1, &route.token(user)).await.remove(0)
}

fn assert_overloaded(parts: &http::response::Parts) {
    assert_eq!((parts.status, code(parts)), (StatusCode::SERVICE_UNAVAILABLE, "exchange_overloaded"));
    assert_eq!(parts.headers["retry-after"], "5");
}

/// Routes with plans of their own and one exchanger.
fn routes<const N: usize>(two: &Two, plans: [ExchangePlan; N]) -> [Arc<Route>; N] {
    plans.map(|plan| {
        let settings = |s: ExchangeSettings| s.exchanger(two.exchanger.clone());
        Arc::new(Route::with(plan, |b| b, settings, |b| b.clock(two.clock.clone())))
    })
}

/// For what was asked, another one each time.
fn as_asked(clock: &Arc<HandClock>) -> Handler {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let clock = clock.clone();
    Arc::new(move |request| {
        let audience = form(request, "audience").unwrap();
        let n = COUNT.fetch_add(1, Ordering::SeqCst);
        reply(200, &issued(&claims(&subject_of(request), &audience, clock.secs() + LIFE, n)))
    })
}

fn chain(first: &str, second: &str) -> ExchangePlan {
    let at = |host: &str, audience: &str| step(&format!("https://{host}/token"), audience);
    ExchangePlan::new(format!("{first} {second}"), [at(first, "between"), at(second, "tool")]).unwrap()
}

#[tokio::test(start_paused = true)]
async fn attack_109_a_slow_provider_takes_no_slot_of_another() {
    let two = Two::with(|b| b.concurrent_exchanges(2).waiting_exchanges(3));
    let [slow, quick] = routes(&two, [plan_at("one.example"), plan_at("two.example")]);
    two.first.close();
    let mut callers = Vec::new();
    for user in 0..20 {
        callers.push(one(&slow, &format!("user-{user}")).await);
    }
    assert_eq!((two.asked(), two.exchanger.under_way()), ((2, 0), 5), "two ask, three wait");
    for user in 0..20 {
        assert_eq!(quick.status(&quick.token(&format!("user-{user}"))).await, StatusCode::OK);
    }
    assert_eq!(two.asked(), (2, 20));
    two.first.gate.add_permits(100);
    let mut answers = Vec::new();
    for caller in callers {
        answers.push(caller.await.unwrap().as_u16());
    }
    assert_eq!(answers, [vec![200; 5], vec![503; 15]].concat(), "in the order of coming");
}

/// Another port is another provider; another path is not.
#[tokio::test(start_paused = true)]
async fn a_provider_is_a_host_and_a_port() {
    let two = Two::with(|b| b.concurrent_exchanges(1).waiting_exchanges(0));
    let at = |url: &str| ExchangePlan::new(url, [step(url, "tool")]).unwrap();
    let plans = [
        "https://one.example/a",
        "https://one.example:443/b",
        "https://one.example:8443/a",
        "https://two.example/a",
    ];
    let [first, same, port, other] = routes(&two, plans.map(at));
    two.first.close();
    two.second.close();
    let mut tasks = vec![one(&first, "bob").await];
    assert_overloaded(&same.call(&same.token("bob")).await.0);
    tasks.push(one(&port, "bob").await);
    tasks.push(one(&other, "bob").await);
    assert_eq!(two.asked(), (2, 1));
    two.first.gate.add_permits(2);
    two.second.gate.add_permits(1);
    for task in tasks {
        assert_eq!(task.await.unwrap(), StatusCode::OK);
    }
}

/// Who waits at the second provider has left the first.
#[tokio::test(start_paused = true)]
async fn attack_109_a_slow_second_step_takes_no_slot_of_the_first() {
    let two = Two::with(|b| b.concurrent_exchanges(2).waiting_exchanges(2).wait_for_slot(WAIT));
    *two.first.handler.lock().unwrap() = as_asked(&two.clock);
    let [both, first] = routes(&two, [chain("one.example", "two.example"), plan_at("one.example")]);
    two.second.close();
    let mut callers = Vec::new();
    for user in 0..10 {
        callers.push(one(&both, &format!("user-{user}")).await);
    }
    assert_eq!(two.asked(), (10, 2));
    for user in 0..10 {
        assert_eq!(first.status(&first.token(&format!("user-{user}"))).await, StatusCode::OK);
    }
    two.second.gate.add_permits(100);
    let mut answers = Vec::new();
    for caller in callers {
        answers.push(caller.await.unwrap().as_u16());
    }
    assert_eq!(answers, [vec![200; 4], vec![503; 6]].concat());
    let closed = two.exchanger.circuits().iter().all(|(_, state)| *state == CircuitState::Closed);
    assert!(closed, "who was not asked did not fail");
}

#[tokio::test(start_paused = true)]
async fn attack_109_plans_that_cross_do_not_wait_for_each_other() {
    let two = Two::with(|b| b.concurrent_exchanges(1).waiting_exchanges(1000));
    *two.first.handler.lock().unwrap() = as_asked(&two.clock);
    *two.second.handler.lock().unwrap() = as_asked(&two.clock);
    two.first.close();
    two.second.close();
    let there_and_back = routes(
        &two,
        [
            chain("one.example", "two.example"),
            chain("two.example", "one.example"),
            chain("one.example", "one.example"),
        ],
    );
    let mut callers = Vec::new();
    for user in 0..30 {
        for route in &there_and_back {
            callers.push(one(route, &format!("user-{user}")).await);
        }
    }
    assert_eq!((two.asked(), two.exchanger.under_way()), ((1, 1), 90));
    two.first.gate.add_permits(1000);
    two.second.gate.add_permits(1000);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), StatusCode::OK);
    }
    assert_eq!((two.asked(), two.exchanger.under_way()), ((120, 60), 0));
}

#[tokio::test(start_paused = true)]
async fn who_waits_gets_the_slot_that_somebody_gives_back() {
    let route = bounded(1, 10);
    route.provider.close();
    let (first, second) = (one(&route, "a").await, one(&route, "b").await);
    assert_eq!(route.provider.asked(), 1);
    route.provider.gate.add_permits(1);
    assert_eq!(first.await.unwrap(), StatusCode::OK);
    settle().await;
    assert_eq!(route.provider.asked(), 2);
    route.provider.gate.add_permits(1);
    assert_eq!(second.await.unwrap(), StatusCode::OK);
}

/// The followers of one who waits wait with him, and hear the same.
#[tokio::test(start_paused = true)]
async fn a_wait_ends_for_all_who_wait_together() {
    let logs = Arc::new(Written::default());
    let _guard = Logs::of(&logs);
    let route = bounded(1, 10);
    route.provider.close();
    let first = one(&route, "a").await;
    let token = route.token("b");
    let followers = waiting(&route, 100, &token).await;
    assert_eq!(route.auth.exchange().exchanger().unwrap().under_way(), 2);
    // Tokio's time, which goes when everybody waits.
    let started = Instant::now();
    for follower in followers {
        assert_eq!(follower.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    }
    let waited = started.elapsed();
    assert!(waited >= WAIT && waited < WAIT * 2, "once, and not again for each: {waited:?}");
    assert_eq!(route.provider.asked(), 1, "nobody asked for it");
    assert_eq!(logs.text().matches("exchanges are refused").count(), 1, "one refusal for all");

    route.provider.gate.add_permits(2);
    assert_eq!(first.await.unwrap(), StatusCode::OK);
    assert_eq!(route.status(&token).await, StatusCode::OK, "nothing was remembered of it");
    let circuits = route.auth.exchange().exchanger().unwrap().circuits();
    assert_eq!(circuits, [(ENDPOINT.to_owned(), CircuitState::Closed)]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_not_longer_than_the_exchange_may_take() {
    let limits = |b: ExchangerBuilder| {
        let b = b.concurrent_exchanges(1).wait_for_slot(Duration::from_secs(40));
        b.timeout(Duration::from_secs(30)).deadline(Duration::from_secs(3))
    };
    let route = Arc::new(Route::with(plan(), limits, |s| s, |b| b));
    route.provider.close();
    let started = Instant::now();
    let tasks = [one(&route, "a").await, one(&route, "b").await];
    for task in tasks {
        assert_eq!(task.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    }
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert_eq!(route.provider.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_finds_the_queue_full_is_refused_at_once_and_the_log_says_it_once() {
    let logs = Arc::new(Written::default());
    let _guard = Logs::of(&logs);
    let lines = || {
        let text = logs.text();
        text.lines().filter(|l| l.contains("exchanges are refused")).map(str::to_owned).collect::<Vec<_>>()
    };
    let route = bounded(1, 1);
    route.provider.close();
    let tasks = [one(&route, "a").await, one(&route, "b").await];
    let started = Instant::now();
    for user in 0..500 {
        let answer = route.call(&route.token(&format!("late-{user}"))).await;
        assert_overloaded(&answer.0);
        assert!(answer.1.contains("try again later") && !answer.1.contains("sts"), "{}", answer.1);
    }
    assert_eq!((started.elapsed(), route.provider.asked()), (Duration::ZERO, 1));
    let said = lines();
    assert!(said.len() == 1 && said[0].starts_with("WARN"), "{said:?}");
    for field in [r#"endpoint="sts.example:443""#, "refused=1 ", "concurrent=1 ", "waiting=1 "] {
        assert!(said[0].contains(field), "{field}: {said:?}");
    }
    route.clock.advance(10);
    assert_overloaded(&route.call(&route.token("later")).await.0);
    assert!(lines().len() == 2 && lines()[1].contains("refused=500 "), "{:?}", lines());
    // Refusals are no failures: they open no circuit.
    let circuits = route.auth.exchange().exchanger().unwrap().circuits();
    assert_eq!(circuits, [(ENDPOINT.to_owned(), CircuitState::Closed)]);
    route.provider.gate.add_permits(2);
    for task in tasks {
        assert_eq!(task.await.unwrap(), StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_cancelled_while_it_waits_gives_its_place_back() {
    let route = bounded(1, 1);
    route.provider.close();
    let (first, second) = (one(&route, "a").await, one(&route, "b").await);
    assert_overloaded(&route.call(&route.token("c")).await.0);
    second.abort();
    settle().await;
    assert_eq!(route.auth.exchange().exchanger().unwrap().under_way(), 1);
    let third = one(&route, "c").await;
    route.provider.gate.add_permits(2);
    for task in [first, third] {
        assert_eq!(task.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(route.provider.asked(), 2, "nobody asked for who had gone");
}

#[tokio::test(start_paused = true)]
async fn a_place_is_kept_while_one_of_several_waits_for_it() {
    let route = bounded(1, 1);
    route.provider.close();
    let first = one(&route, "a").await;
    let mut together = waiting(&route, 5, &route.token("b")).await;
    let last = together.pop().unwrap();
    together.iter().for_each(JoinHandle::abort);
    settle().await;
    assert_overloaded(&route.call(&route.token("c")).await.0);
    route.provider.gate.add_permits(2);
    for task in [first, last] {
        assert_eq!(task.await.unwrap(), StatusCode::OK);
    }
}

/// Nobody waits for a renewal, and it waits all the same.
#[tokio::test(start_paused = true)]
async fn a_renewal_waits_for_a_slot_though_nobody_waits_for_it() {
    let route = bounded(1, 1);
    let token = route.token("bob");
    assert_eq!(route.status(&token).await, StatusCode::OK);
    route.clock.advance(LIFE - 20);
    route.provider.close();
    let first = one(&route, "a").await;
    assert_eq!(route.status(&token).await, StatusCode::OK, "with the old one");
    settle().await;
    assert_eq!(route.provider.asked(), 2);
    route.provider.gate.add_permits(2);
    assert_eq!(first.await.unwrap(), StatusCode::OK);
    settle().await;
    assert_eq!(route.provider.asked(), 3);
    route.clock.advance(25);
    assert_eq!((route.status(&token).await, route.provider.asked()), (StatusCode::OK, 3), "with the new one");
}

#[tokio::test]
async fn attack_108_1000_callers_of_one_key_take_one_slot() {
    let route = bounded(1, 0);
    route.provider.close();
    let callers = waiting(&route, 1000, &route.token("bob")).await;
    route.provider.gate.add_permits(1);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), StatusCode::OK);
    }
    assert_eq!((route.provider.asked(), route.tool.calls()), (1, 1000));
}

#[tokio::test]
async fn a_slot_is_given_back_by_an_exchange_that_panics() {
    let route = bounded(1, 0);
    route.provider.answers(|_| panic!("as told"));
    for user in ["a", "b", "c"] {
        let (parts, _) = route.call(&route.token(user)).await;
        assert_eq!(code(&parts), "exchange_no_answer", "not for want of a slot");
    }
    *route.provider.handler.lock().unwrap() = issues(&route.clock, "tool");
    assert_eq!(route.status(&route.token("d")).await, StatusCode::OK);
}

#[test]
fn a_slot_is_given_back_by_an_exchange_whose_runtime_ended() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let route = bounded(1, 0);
    route.provider.close();
    let first = runtime();
    first.block_on(async {
        drop(one(&route, "a").await);
        assert_overloaded(&route.call(&route.token("b")).await.0);
    });
    drop(first);
    route.provider.gate.add_permits(1);
    assert_eq!(runtime().block_on(route.status(&route.token("b"))), StatusCode::OK);
    assert_eq!(route.auth.exchange().exchanger().unwrap().under_way(), 0);
}

/// What those before them found is told to those who waited.
#[tokio::test(start_paused = true)]
async fn attack_109_who_waited_does_not_ask_a_provider_whose_circuit_opened_meanwhile() {
    let route = bounded(5, 100);
    route.provider.close();
    route.provider.answers(|_| Err(FetchError::Connect("refused".into())));
    let mut tasks = Vec::new();
    for user in 0..5 {
        tasks.push(one(&route, &format!("first-{user}")).await);
    }
    let token = route.token("waits");
    let later = {
        let (route, token) = (route.clone(), token.clone());
        tokio::spawn(async move { route.call(&token).await.0 })
    };
    for user in 0..50 {
        tasks.push(one(&route, &format!("later-{user}")).await);
    }
    route.provider.gate.add_permits(5);
    for task in tasks {
        assert_eq!(task.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    }
    let parts = later.await.unwrap();
    assert_eq!((code(&parts), Route::diagnosis(&parts)), ("exchange_transient", "circuit_open"));
    // One slot after the other came free, and the fifth failure opened the circuit.
    assert!(route.provider.asked() < 10, "{}", route.provider.asked());
    route.clock.advance(5);
    *route.provider.handler.lock().unwrap() = issues(&route.clock, "tool");
    route.provider.gate.add_permits(1);
    assert_eq!(route.status(&token).await, StatusCode::OK, "the probe");
}
