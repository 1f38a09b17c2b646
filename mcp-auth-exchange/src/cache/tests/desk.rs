//! Who exchanges, who waits, and what is remembered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use super::{failure, token, token_of};
use crate::Outcome;
use crate::cache::{Ask, BreakerSettings, CacheKey, CircuitState, ExchangeDesk, FailureLife, Ticket};
use crate::plan::{ExchangePlan, Subject};
use crate::testing::{NOW, endpoint, plan, principal, secs, step};

type Desk = ExchangeDesk<Arc<str>>;

fn desk() -> Desk {
    ExchangeDesk::new(1 << 20, 0x5eed)
}

fn key_of(user: &str) -> CacheKey {
    let subject = Subject::of(principal(&format!("token-of-{user}"), json!({ "sub": user }))).unwrap();
    plan().cache_key("", &subject, None)
}

fn lead(desk: &Desk, key: CacheKey, at: u64) -> Ticket {
    match desk.ask(key, &plan(), secs(at), || "w".into()) {
        Ask::Lead(ticket, _) => ticket,
        other => panic!("{other:?}"),
    }
}

fn ask(desk: &Desk, key: CacheKey, at: u64) -> String {
    match desk.ask(key, &plan(), secs(at), || "w".into()) {
        Ask::Ready(_) => "ready".to_owned(),
        Ask::Renew(..) => "renew".to_owned(),
        Ask::Lead(..) => "lead".to_owned(),
        Ask::Follow(_) => "follow".to_owned(),
        Ask::Failed(outcome) => format!("{} {}", outcome.as_str(), outcome.diagnosis().unwrap().id()),
    }
}

#[test]
fn attack_108_1000_callers_of_one_key_make_one_request() {
    let (desk, key, plan) = (desk(), key_of("alice"), plan());
    let (led, waited) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let ticket = std::sync::Mutex::new(None);
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                for _ in 0..125 {
                    match desk.ask(key, &plan, NOW, || "channel".into()) {
                        Ask::Lead(mine, _) => {
                            led.fetch_add(1, Ordering::Relaxed);
                            *ticket.lock().unwrap() = Some(mine);
                        }
                        Ask::Follow(waiter) => {
                            assert_eq!(&*waiter, "channel");
                            waited.fetch_add(1, Ordering::Relaxed);
                        }
                        other => panic!("{other:?}"),
                    }
                }
            });
        }
    });
    assert_eq!((led.into_inner(), waited.into_inner(), desk.under_way()), (1, 999, 1));
    let ticket = ticket.into_inner().unwrap().unwrap();
    let waiter = desk.finish(ticket, &Outcome::Token(token()), NOW);
    assert_eq!(waiter.as_deref(), Some("channel"), "the driver tells its followers");
    assert_eq!((ask(&desk, key, 0), desk.under_way()), ("ready".to_owned(), 0));
}

#[test]
fn attack_108_one_user_s_failure_is_not_another_s() {
    let desk = desk();
    let (alice, bob) = (key_of("alice"), key_of("bob"));
    assert_ne!(alice, bob);
    desk.finish(lead(&desk, alice, 0), &failure(400, "invalid_grant"), NOW);
    assert_eq!(ask(&desk, alice, 1), "subject_refused subject_refused");
    let ticket = lead(&desk, bob, 1);
    desk.finish(ticket, &Outcome::Token(token()), secs(1));
    assert_eq!(ask(&desk, bob, 2), "ready");
    assert_eq!(ask(&desk, alice, 29), "subject_refused subject_refused");
    assert_eq!(ask(&desk, alice, 30), "lead");
}

#[test]
fn attack_108_a_leader_that_vanished_holds_nobody_up() {
    let (desk, key) = (desk(), key_of("alice"));
    let dropped = lead(&desk, key, 0);
    assert_eq!(ask(&desk, key, 1), "follow");
    // It says so when it can: its task's guard does.
    assert!(desk.abandon(dropped, secs(1)).is_some());
    let silent = lead(&desk, key, 1);
    assert_eq!(ask(&desk, key, 60), "follow");
    // It never said a word: the first to ask after the deadline leads.
    let second = lead(&desk, key, 61);
    assert_eq!(ask(&desk, key, 62), "follow");
    // What the lost one still brings ends its own flight and no other; a token is good all the same.
    assert!(desk.finish(silent, &failure(400, "consent_required"), secs(62)).is_none());
    assert_eq!(ask(&desk, key, 64), "follow");
    assert!(desk.finish(second, &Outcome::Token(token()), secs(64)).is_some());
    assert_eq!(ask(&desk, key, 65), "ready");
}

#[test]
fn a_token_is_renewed_ahead_by_one_and_used_meanwhile() {
    let (desk, key) = (desk(), key_of("alice"));
    desk.finish(lead(&desk, key, 0), &Outcome::Token(token()), NOW);
    assert_eq!(ask(&desk, key, 227), "ready");
    let Ask::Renew(_, ticket) = desk.ask(key, &plan(), secs(228), || "w".into()) else { panic!() };
    assert_eq!(ask(&desk, key, 228), "ready", "others do not wait for it");
    desk.finish(ticket, &failure(400, "invalid_grant"), secs(229));
    assert_eq!(
        ask(&desk, key, 230),
        "ready",
        "the old one is good until its end, and nobody tries again at once"
    );
    assert_eq!(ask(&desk, key, 284), "renew");
    assert_eq!(ask(&desk, key, 285), "follow", "that renewal is still under way");
}

#[test]
fn failures_are_remembered_by_their_class() {
    let cases = [
        (failure(400, "invalid_grant"), 30),
        (failure(401, "invalid_client"), 10),
        (failure(503, "x"), 1),
        (failure(400, "consent_required"), 2),
        (failure(400, "insufficient_user_authentication"), 2),
    ];
    for (outcome, seconds) in cases {
        let (desk, key) = (desk(), key_of("alice"));
        desk.finish(lead(&desk, key, 0), &outcome, NOW);
        assert!(ask(&desk, key, seconds - 1).starts_with(outcome.as_str()), "{outcome:?}");
        assert_eq!(ask(&desk, key, seconds), "lead", "{outcome:?}");
    }
}

#[test]
fn attack_109_one_user_s_429_pauses_him_and_nobody_else() {
    let limited = |status: u16| {
        let mut answer = crate::testing::json_response(status, &json!({"error": "slow_down"}));
        answer.headers_mut().insert("retry-after", "30".parse().unwrap());
        crate::testing::exchange(&plan(), answer)
    };
    let desk = desk();
    let mallory = key_of("mallory");
    desk.finish(lead(&desk, mallory, 0), &limited(429), NOW);
    assert_eq!(ask(&desk, mallory, 29), "transient unavailable");
    assert_eq!(desk.circuits()[0].1, CircuitState::Closed);
    for user in 0..4 {
        desk.finish(lead(&desk, key_of(&user.to_string()), 0), &limited(429), NOW);
    }
    assert_eq!(desk.circuits()[0].1, CircuitState::Open { until: secs(5) }, "five in a row are the provider");
    // A 503 is about the provider: its pause is kept for all.
    let desk = self::desk();
    desk.finish(lead(&desk, mallory, 0), &limited(503), NOW);
    assert_eq!(desk.circuits()[0].1, CircuitState::Open { until: secs(30) });
}

#[test]
fn attack_109_an_open_circuit_answers_for_the_provider() {
    let desk = desk();
    for user in 0..5 {
        desk.finish(lead(&desk, key_of(&user.to_string()), 0), &failure(503, "x"), NOW);
    }
    let new = key_of("new");
    assert_eq!(ask(&desk, new, 4), "transient circuit_open");
    let Ask::Failed(Outcome::Transient { retry_after, .. }) = desk.ask(new, &plan(), secs(2), || "w".into())
    else {
        panic!()
    };
    assert_eq!(retry_after, Some(Duration::from_secs(3)));
    // One probe; it fails, and the pause doubles.
    let probe = lead(&desk, new, 5);
    assert_eq!(ask(&desk, key_of("other"), 5), "transient circuit_open");
    desk.finish(probe, &failure(503, "x"), secs(5));
    assert_eq!(ask(&desk, key_of("other"), 14), "transient circuit_open");
    // The next probe's task is dropped: another one may go at once.
    let probe = lead(&desk, key_of("other"), 15);
    desk.abandon(probe, secs(15));
    let probe = lead(&desk, key_of("third"), 15);
    // A refusal is an answer.
    desk.finish(probe, &failure(400, "invalid_grant"), secs(16));
    assert_eq!(ask(&desk, key_of("fourth"), 16), "lead");
    assert_eq!(desk.circuits(), [("https://idp.example/token".to_owned(), CircuitState::Closed)]);

    // Another provider is none of this.
    let other = crate::plan::Step::new(
        step().profile().clone(),
        endpoint("https://b.example/token"),
        step().client().clone(),
    );
    let other = ExchangePlan::new("b", [other]).unwrap();
    assert!(matches!(desk.ask(key_of("b"), &other, secs(16), || "w".into()), Ask::Lead(..)));
}

#[test]
fn a_good_token_is_used_while_the_circuit_is_open() {
    let (desk, key) = (desk(), key_of("alice"));
    desk.finish(lead(&desk, key, 0), &Outcome::Token(token()), NOW);
    for user in 0..5 {
        desk.finish(lead(&desk, key_of(&user.to_string()), 229), &failure(503, "x"), secs(229));
    }
    assert_eq!(ask(&desk, key, 230), "ready");
}

#[test]
fn a_downstream_s_401_forgets_the_token_once() {
    let (desk, key) = (desk(), key_of("alice"));
    let old = token();
    desk.finish(lead(&desk, key, 0), &Outcome::Token(old.clone()), NOW);
    assert!(!desk.refused_downstream(&key, &old, secs(4)), "the next would not be better");
    assert_eq!(ask(&desk, key, 4), "ready");
    assert!(desk.refused_downstream(&key, &old, secs(5)));
    desk.finish(lead(&desk, key, 5), &Outcome::Token(token()), secs(5));
    // Who still holds the old one does not throw the new one away.
    assert!(desk.refused_downstream(&key, &old, secs(6)));
    assert_eq!(ask(&desk, key, 6), "ready");
}

#[test]
fn the_store_is_bounded_in_bytes() {
    let desk: Desk = ExchangeDesk::with(256 * 1024, 1, FailureLife::default(), BreakerSettings::default());
    let long = token_of(8 * 1024);
    for user in 0..200 {
        desk.tokens().insert(key_of(&user.to_string()), long.clone());
    }
    assert!(desk.tokens().len() <= 32, "{}", desk.tokens().len());
    assert!(!desk.tokens().is_empty());
    assert!(desk.tokens().get(&key_of("199"), secs(285)).is_none(), "ended");
}

#[test]
fn a_request_that_could_not_be_made_says_nothing_about_the_provider() {
    let desk = desk();
    for user in 0..5 {
        desk.finish(lead(&desk, key_of(&user.to_string()), 0), &failure(503, "x"), NOW);
    }
    let probe = lead(&desk, key_of("probe"), 5);
    let old = Subject::of(principal("old", json!({"exp": 1_700_000_001}))).unwrap();
    let mut run = plan().begin(old, None);
    let nonces = crate::dpop::NonceMemory::default();
    let context =
        crate::plan::SendContext { random: &[0; 32], workload_token: None, nonces: &nonces, now: secs(5) };
    let unsent = run.next_request(&context).unwrap_err();
    desk.finish(probe, &unsent, secs(5));
    assert_eq!(desk.circuits()[0].1, CircuitState::Open { until: secs(5) });
}

#[test]
fn the_second_step_s_failures_open_the_circuit_of_an_endpoint_that_answers_the_first() {
    let plan = Arc::new(ExchangePlan::new("p", [step(), step()]).unwrap());
    let desk = desk();
    let mut between = crate::testing::answer(&crate::testing::issued_claims());
    between["access_token"] = json!("between");
    for user in 0..5 {
        let key = key_of(&user.to_string());
        let Ask::Lead(ticket, _) = desk.ask(key, &plan, NOW, || "w".into()) else { panic!() };
        let once = Arc::new((*plan).clone().attempts(1));
        let answers = [Some(crate::testing::json_response(200, &between)), None];
        let (outcome, _) =
            crate::testing::Driver::new(&once, crate::testing::subject(), None).through(&answers);
        assert_eq!(outcome.diagnosis().unwrap().step(), 2);
        desk.finish(ticket, &outcome, NOW);
    }
    assert_eq!(desk.circuits()[0].1, CircuitState::Open { until: secs(5) });
}

/// A renewal could not live longer than the user's own token either.
#[test]
fn a_token_that_ends_with_the_user_s_is_asked_for_once() {
    let (desk, key) = (desk(), key_of("alice"));
    let nonces = crate::dpop::NonceMemory::default();
    let mut asked = Vec::new();
    for second in 0..300 {
        let now = secs(second);
        let ticket = match desk.ask(key, &plan(), now, || "w".into()) {
            Ask::Lead(ticket, _) | Ask::Renew(_, ticket) => ticket,
            Ask::Ready(_) => continue,
            other => panic!("{other:?}"),
        };
        asked.push(second);
        let alice = Subject::of(principal("t", json!({"exp": 1_700_000_300}))).unwrap();
        let mut run = plan().begin(alice, None);
        let context =
            crate::plan::SendContext { random: &[0; 32], workload_token: None, nonces: &nonces, now };
        run.next_request(&context).unwrap();
        let mut claims = crate::testing::issued_claims();
        claims["exp"] = json!(now.as_secs() + 3600);
        let mut body = crate::testing::answer(&claims);
        body["expires_in"] = json!(3600);
        let answer = crate::testing::json_response(200, &body);
        let crate::plan::Progress::Done(outcome) = run.handle_response(&answer, &nonces, now) else {
            panic!()
        };
        desk.finish(ticket, &outcome, now);
    }
    assert_eq!(asked, [0]);
}

#[test]
fn attack_109_a_token_of_another_replica_says_nothing_about_the_provider() {
    let desk = desk();
    let fail = |user: &str, at: u64| {
        desk.finish(lead(&desk, key_of(user), at), &failure(503, "x"), secs(at));
    };
    for user in 0..4 {
        fail(&user.to_string(), 0);
    }
    let key = key_of("shared");
    let ticket = lead(&desk, key, 0);
    assert_eq!(desk.finish_unasked(ticket, token(), NOW).as_deref(), Some("w"));
    assert_eq!((ask(&desk, key, 0), desk.under_way()), ("ready".to_owned(), 0));
    fail("fifth", 0);
    assert_eq!(desk.circuits()[0].1, CircuitState::Open { until: secs(5) });
    // The probe: it was not made, so another one may.
    let probe = lead(&desk, key_of("probe"), 5);
    desk.finish_unasked(probe, token(), secs(5));
    assert_eq!(desk.circuits()[0].1, CircuitState::Open { until: secs(5) });
    assert_eq!(ask(&desk, key_of("another"), 5), "lead");
}

#[test]
fn attack_109_a_request_that_was_never_sent_changes_no_circuit() {
    let desk = desk();
    let uri = step().endpoint().uri().clone();
    // Who passed while the circuit was closed, and waits since then.
    let waiting = lead(&desk, key_of("waiting"), 0);
    assert!(desk.opened_meanwhile(&plan(), &uri, NOW).is_none());
    for user in 0..5 {
        desk.finish(lead(&desk, key_of(&user.to_string()), 0), &failure(503, "x"), NOW);
    }
    let Some(Outcome::Transient { retry_after, diagnosis }) = desk.opened_meanwhile(&plan(), &uri, secs(2))
    else {
        panic!()
    };
    assert_eq!((retry_after, diagnosis.id()), (Some(Duration::from_secs(3)), "circuit_open"));
    // The probe is under way: it is another's, and its circuit waits for it.
    let probe = lead(&desk, key_of("probe"), 5);
    assert!(desk.opened_meanwhile(&plan(), &uri, secs(5)).is_none(), "the probe itself is sent");
    assert_eq!(desk.abandon_before(waiting, &uri, secs(5)).as_deref(), Some("w"));
    assert_eq!(desk.circuits()[0].1, CircuitState::Probing);
    assert_eq!(ask(&desk, key_of("other"), 5), "transient circuit_open", "no second probe");
    // The probe was not sent either: another one may go, and nothing is remembered.
    let _ = desk.abandon_before(probe, &uri, secs(6));
    assert_eq!(desk.circuits()[0].1, CircuitState::Open { until: secs(6) });
    assert_eq!((ask(&desk, key_of("probe"), 6), desk.under_way()), ("lead".to_owned(), 1));
}

#[test]
fn attack_109_what_was_asked_before_the_request_that_was_never_sent_answered() {
    let second = crate::plan::Step::new(
        step().profile().clone(),
        endpoint("https://b.example/token"),
        step().client().clone(),
    );
    let plan = ExchangePlan::new("p", [step(), second]).unwrap();
    let uri = plan.steps()[1].endpoint().uri().clone();
    let desk = desk();
    for user in 0..4 {
        desk.finish(lead(&desk, key_of(&user.to_string()), 0), &failure(503, "x"), NOW);
    }
    let Ask::Lead(ticket, _) = desk.ask(key_of("two"), &plan, NOW, || "w".into()) else { panic!() };
    let _ = desk.abandon_before(ticket, &uri, NOW);
    // The first step's endpoint answered in between: four failures and one more are not five in a row.
    desk.finish(lead(&desk, key_of("fifth"), 0), &failure(503, "x"), NOW);
    assert!(desk.circuits().iter().all(|(_, state)| *state == CircuitState::Closed), "{:?}", desk.circuits());
}
