//! Who exchanges, who waits, and what is remembered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use super::{failure, token, token_of};
use mcp_auth_core::UnixTime;

use crate::Outcome;
use crate::cache::{Ask, BreakerSettings, CacheKey, CircuitState, ExchangeDesk, FailureLife, Ticket};
use crate::plan::{ExchangePlan, Subject};
use crate::testing::{NOW, endpoint, plan, principal, secs, step};

type Desk = ExchangeDesk<Arc<str>>;

fn desk() -> Desk {
    ExchangeDesk::new(1 << 20, 0x5eed)
}

/// Somebody who asks.
#[derive(Clone, Debug)]
struct Caller {
    key: CacheKey,
    subject: Subject,
}

fn caller(user: &str) -> Caller {
    token_of_user(user, "one")
}

fn token_of_user(user: &str, token: &str) -> Caller {
    let subject = Subject::of(principal(&format!("{token}-of-{user}"), json!({ "sub": user }))).unwrap();
    Caller { key: plan().cache_key("", &subject, None), subject }
}

fn lead(desk: &Desk, caller: &Caller, at: u64) -> Ticket {
    match desk.ask(caller.key, &plan(), &caller.subject, secs(at), || "w".into()) {
        Ask::Lead(ticket, _) => ticket,
        other => panic!("{other:?}"),
    }
}

fn ask(desk: &Desk, caller: &Caller, at: u64) -> String {
    match desk.ask(caller.key, &plan(), &caller.subject, secs(at), || "w".into()) {
        Ask::Ready(_) => "ready".to_owned(),
        Ask::Renew(..) => "renew".to_owned(),
        Ask::Lead(..) => "lead".to_owned(),
        Ask::Follow(_) => "follow".to_owned(),
        Ask::Failed(outcome) => format!("{} {}", outcome.as_str(), outcome.diagnosis().unwrap().id()),
    }
}

#[test]
fn attack_108_1000_callers_of_one_key_make_one_request() {
    let (desk, alice, plan) = (desk(), caller("alice"), plan());
    let (led, waited) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let ticket = std::sync::Mutex::new(None);
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                for _ in 0..125 {
                    match desk.ask(alice.key, &plan, &alice.subject, NOW, || "channel".into()) {
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
    assert_eq!((ask(&desk, &alice, 0), desk.under_way()), ("ready".to_owned(), 0));
}

#[test]
fn attack_108_one_user_s_failure_is_not_another_s() {
    let desk = desk();
    let (alice, bob) = (caller("alice"), caller("bob"));
    assert_ne!(alice.key, bob.key);
    desk.finish(lead(&desk, &alice, 0), &failure(400, "invalid_grant"), NOW);
    assert_eq!(ask(&desk, &alice, 1), "subject_refused subject_refused");
    let ticket = lead(&desk, &bob, 1);
    desk.finish(ticket, &Outcome::Token(token()), secs(1));
    assert_eq!(ask(&desk, &bob, 2), "ready");
    assert_eq!(ask(&desk, &alice, 29), "subject_refused subject_refused");
    assert_eq!(ask(&desk, &alice, 30), "lead");
}

#[test]
fn attack_108_a_leader_that_vanished_holds_nobody_up() {
    let (desk, key) = (desk(), caller("alice"));
    let dropped = lead(&desk, &key, 0);
    assert_eq!(ask(&desk, &key, 1), "follow");
    // It says so when it can: its task's guard does.
    assert!(desk.abandon(dropped).is_some());
    let silent = lead(&desk, &key, 1);
    assert_eq!(ask(&desk, &key, 60), "follow");
    // It never said a word: the first to ask after the deadline leads.
    let second = lead(&desk, &key, 61);
    assert_eq!(ask(&desk, &key, 62), "follow");
    // What the lost one still brings ends its own flight and no other; a token is good all the same.
    assert!(desk.finish(silent, &failure(400, "consent_required"), secs(62)).is_none());
    assert_eq!(ask(&desk, &key, 64), "follow");
    assert!(desk.finish(second, &Outcome::Token(token()), secs(64)).is_some());
    assert_eq!(ask(&desk, &key, 65), "ready");
}

#[test]
fn a_token_is_renewed_ahead_by_one_and_used_meanwhile() {
    let (desk, key) = (desk(), caller("alice"));
    desk.finish(lead(&desk, &key, 0), &Outcome::Token(token()), NOW);
    assert_eq!(ask(&desk, &key, 227), "ready");
    let Ask::Renew(_, ticket) = desk.ask(key.key, &plan(), &key.subject, secs(228), || "w".into()) else {
        panic!()
    };
    assert_eq!(ask(&desk, &key, 228), "ready", "others do not wait for it");
    desk.finish(ticket, &failure(400, "invalid_grant"), secs(229));
    assert_eq!(
        ask(&desk, &key, 230),
        "ready",
        "the old one is good until its end, and nobody tries again at once"
    );
    assert_eq!(ask(&desk, &key, 284), "renew");
    assert_eq!(ask(&desk, &key, 285), "follow", "that renewal is still under way");
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
        let (desk, key) = (desk(), caller("alice"));
        desk.finish(lead(&desk, &key, 0), &outcome, NOW);
        assert!(ask(&desk, &key, seconds - 1).starts_with(outcome.as_str()), "{outcome:?}");
        assert_eq!(ask(&desk, &key, seconds), "lead", "{outcome:?}");
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
    let mallory = caller("mallory");
    desk.finish(lead(&desk, &mallory, 0), &limited(429), NOW);
    assert_eq!(ask(&desk, &mallory, 29), "transient unavailable");
    // Neither with other tokens of his, nor with answers that speak of the provider.
    for (n, status) in [429, 503, 500, 429, 503, 500, 503, 503].into_iter().enumerate() {
        let other = token_of_user("mallory", &n.to_string());
        desk.finish(lead(&desk, &other, 0), &limited(status), NOW);
    }
    assert_eq!(desk.circuits()[0].1, CircuitState::Closed);
    let others = ["one", "two"].map(caller);
    for other in &others {
        desk.finish(lead(&desk, other, 0), &limited(429), NOW);
    }
    assert_eq!(
        desk.circuits()[0].1,
        CircuitState::Open { until: secs(5) },
        "limits of three are the provider's"
    );
    // A 503 is about the provider: its pause is kept for all, once several were told.
    let desk = self::desk();
    for user in ["one", "two", "three"] {
        assert!(desk.circuits().iter().all(|(_, state)| *state == CircuitState::Closed));
        desk.finish(lead(&desk, &caller(user), 0), &limited(503), NOW);
    }
    assert_eq!(desk.circuits()[0].1, CircuitState::Open { until: secs(30) });
}

/// Five failures of five users, at this time.
fn fail_for_all(desk: &Desk, at: u64) {
    for user in 0..5 {
        desk.finish(lead(desk, &caller(&user.to_string()), at), &failure(503, "x"), secs(at));
    }
}

#[test]
fn attack_109_an_open_circuit_answers_for_the_provider() {
    let desk = desk();
    fail_for_all(&desk, 0);
    let new = caller("new");
    assert_eq!(ask(&desk, &new, 4), "transient circuit_open");
    let Ask::Failed(Outcome::Transient { retry_after, .. }) =
        desk.ask(new.key, &plan(), &new.subject, secs(2), || "w".into())
    else {
        panic!()
    };
    assert_eq!(retry_after, Some(Duration::from_secs(3)));
    // Three probes; they fail, and the pause doubles.
    let probes = ["new", "b", "c"].map(|user| lead(&desk, &caller(user), 5));
    assert_eq!(ask(&desk, &caller("other"), 5), "transient circuit_open");
    for probe in probes {
        desk.finish(probe, &failure(503, "x"), secs(5));
    }
    assert_eq!(ask(&desk, &caller("other"), 14), "transient circuit_open");
    // The next probe's task is dropped: another one may go at once.
    let probes = ["d", "e", "f"].map(|user| lead(&desk, &caller(user), 15));
    assert_eq!(ask(&desk, &caller("third"), 15), "transient circuit_open");
    for probe in probes {
        desk.abandon(probe);
    }
    let probe = lead(&desk, &caller("third"), 15);
    // A refusal is an answer.
    desk.finish(probe, &failure(400, "invalid_grant"), secs(16));
    assert_eq!(ask(&desk, &caller("fourth"), 16), "lead");
    assert_eq!(desk.circuits(), [("https://idp.example/token".to_owned(), CircuitState::Closed)]);

    // Another provider is none of this.
    let other = crate::plan::Step::new(
        step().profile().clone(),
        endpoint("https://b.example/token"),
        step().client().clone(),
    );
    let other = ExchangePlan::new("b", [other]).unwrap();
    let b = caller("b");
    assert!(matches!(desk.ask(b.key, &other, &b.subject, secs(16), || "w".into()), Ask::Lead(..)));
}

#[test]
fn attack_109_who_fails_alone_waits_longer_and_longer() {
    let (desk, alice) = (desk(), caller("alice"));
    let mut asked = Vec::new();
    for second in 0..200 {
        if let Ask::Lead(ticket, _) =
            desk.ask(alice.key, &plan(), &alice.subject, secs(second), || "w".into())
        {
            asked.push(second);
            desk.finish(ticket, &failure(503, "x"), secs(second));
        }
    }
    assert_eq!(asked, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
}

#[test]
fn a_good_token_is_used_while_the_circuit_is_open() {
    let (desk, key) = (desk(), caller("alice"));
    desk.finish(lead(&desk, &key, 0), &Outcome::Token(token()), NOW);
    fail_for_all(&desk, 229);
    assert_eq!(ask(&desk, &key, 230), "ready");
}

#[test]
fn a_downstream_s_401_forgets_the_token_once() {
    let (desk, key) = (desk(), caller("alice"));
    let old = token();
    desk.finish(lead(&desk, &key, 0), &Outcome::Token(old.clone()), NOW);
    assert!(!desk.is_worth_replacing(&old, secs(4)), "the next would not be better");
    assert!(!desk.refused_downstream(&key.key, &old, secs(4)));
    assert_eq!(ask(&desk, &key, 4), "ready");
    assert!(desk.is_worth_replacing(&old, secs(5)));
    assert_eq!(ask(&desk, &key, 5), "ready", "asking forgets nothing");
    assert!(desk.refused_downstream(&key.key, &old, secs(5)));
    desk.finish(lead(&desk, &key, 5), &Outcome::Token(token()), secs(5));
    // Who still holds the old one does not throw the new one away.
    assert!(desk.refused_downstream(&key.key, &old, secs(6)));
    assert_eq!(ask(&desk, &key, 6), "ready");
}

#[test]
fn the_store_is_bounded_in_bytes() {
    let desk: Desk = ExchangeDesk::with(256 * 1024, 1, FailureLife::default(), BreakerSettings::default());
    let long = token_of(8 * 1024);
    for user in 0..200 {
        desk.tokens().insert(caller(&user.to_string()).key, long.clone(), NOW);
    }
    assert!(desk.tokens().len() <= 32, "{}", desk.tokens().len());
    assert!(!desk.tokens().is_empty());
    assert!(desk.tokens().get(&caller("199").key, secs(285)).is_none(), "ended");
}

#[test]
fn a_request_that_could_not_be_made_says_nothing_about_the_provider() {
    let desk = desk();
    fail_for_all(&desk, 0);
    let probe = lead(&desk, &caller("probe"), 5);
    let old = Subject::of(principal("old", json!({"exp": 1_700_000_001}))).unwrap();
    let mut run = plan().begin(old, None);
    let nonces = crate::dpop::NonceMemory::default();
    let context =
        crate::plan::SendContext { random: &[0; 32], workload_token: None, nonces: &nonces, now: secs(5) };
    let unsent = run.next_request(&context).unwrap_err();
    desk.finish(probe, &unsent, secs(5));
    // No answer and no failure: its place is free for another.
    for user in ["a", "b", "c"] {
        assert_eq!(ask(&desk, &caller(user), 5), "lead");
    }
    assert_eq!(ask(&desk, &caller("d"), 5), "transient circuit_open");
}

#[test]
fn the_second_step_s_failures_open_the_circuit_of_an_endpoint_that_answers_the_first() {
    let plan = Arc::new(ExchangePlan::new("p", [step(), step()]).unwrap());
    let desk = desk();
    let mut between = crate::testing::answer(&crate::testing::issued_claims());
    between["access_token"] = json!("between");
    for user in 0..5 {
        let key = caller(&user.to_string());
        let Ask::Lead(ticket, _) = desk.ask(key.key, &plan, &key.subject, NOW, || "w".into()) else {
            panic!()
        };
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
    let (desk, key) = (desk(), caller("alice"));
    let nonces = crate::dpop::NonceMemory::default();
    let mut asked = Vec::new();
    for second in 0..300 {
        let now = secs(second);
        let ticket = match desk.ask(key.key, &plan(), &key.subject, now, || "w".into()) {
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
        desk.finish(lead(&desk, &caller(user), at), &failure(503, "x"), secs(at));
    };
    for user in 0..4 {
        fail(&user.to_string(), 0);
    }
    let key = caller("shared");
    let ticket = lead(&desk, &key, 0);
    assert_eq!(desk.finish_unasked(ticket, token(), NOW).as_deref(), Some("w"));
    assert_eq!((ask(&desk, &key, 0), desk.under_way()), ("ready".to_owned(), 0));
    fail("fifth", 0);
    assert_eq!(desk.circuits()[0].1, CircuitState::Open { until: secs(5) });
    // The probe: it was not made, so another one may.
    let probe = lead(&desk, &caller("probe"), 5);
    desk.finish_unasked(probe, token(), secs(5));
    assert_eq!(desk.circuits()[0].1, CircuitState::Probing);
    for user in ["a", "b", "c"] {
        assert_eq!(ask(&desk, &caller(user), 5), "lead");
    }
    assert_eq!(ask(&desk, &caller("d"), 5), "transient circuit_open");
}

/// Keys of tokens never come back once they ended: without a sweep a full store keeps the dead, and what comes is thrown
/// out again.
#[test]
fn a_store_that_is_full_of_ended_tokens_keeps_the_new_ones() {
    let desk: Desk = ExchangeDesk::with(1 << 20, 1, FailureLife::default(), BreakerSettings::default());
    let old = token();
    for user in 0..2_000 {
        let key = caller(&format!("old {user}")).key;
        desk.tokens().insert(key, old.clone(), NOW);
        assert!(desk.tokens().get(&key, NOW).is_some());
    }
    let nonces = crate::dpop::NonceMemory::default();
    let new = |now| {
        let mut run = plan().begin(Subject::of(principal("t", json!({"exp": 1_700_009_000}))).unwrap(), None);
        let context =
            crate::plan::SendContext { random: &[0; 32], workload_token: None, nonces: &nonces, now };
        run.next_request(&context).unwrap();
        let mut claims = crate::testing::issued_claims();
        claims["exp"] = json!(now.as_secs() + 300);
        let answer = crate::testing::json_response(200, &crate::testing::answer(&claims));
        match run.handle_response(&answer, &nonces, now) {
            crate::plan::Progress::Done(Outcome::Token(token)) => token,
            other => panic!("{other:?}"),
        }
    };
    let token = new(secs(400));
    let callers: Vec<CacheKey> = (0..300).map(|user| caller(&format!("new {user}")).key).collect();
    let mut misses = 0;
    for round in 0..4 {
        for key in &callers {
            if desk.tokens().get(key, secs(400 + round)).is_none() {
                misses += 1;
                desk.tokens().insert(*key, token.clone(), secs(400 + round));
            }
        }
    }
    assert!(misses <= 600, "{misses} of 1200: in each round most were gone");
    assert!(desk.tokens().len() <= 700, "{}: ended tokens do not stay in memory", desk.tokens().len());
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_last_longer() {
    let (desk, alice, bob) = (desk(), caller("alice"), caller("bob"));
    let day = 86_400;
    let far = UnixTime::from_secs(NOW.as_secs() + day);
    let kept = token();
    desk.finish(lead(&desk, &alice, 0), &Outcome::Token(kept.clone()), NOW);
    desk.finish(lead(&desk, &bob, day), &failure(400, "invalid_grant"), far);
    assert_eq!(ask(&desk, &bob, 0), "lead", "a failure that is remembered for 30 s");
    let before = UnixTime::from_secs(NOW.as_secs() - day);
    assert!(desk.tokens().get(&alice.key, before).is_none(), "nobody knows how long it is good");
    assert!(desk.refused_downstream(&alice.key, &kept, before), "it is not young");
    // Who leads an exchange that never ends holds nobody up until then.
    let carol = caller("carol");
    let _lost = lead(&desk, &carol, day);
    assert_eq!(ask(&desk, &carol, day), "follow");
    assert_eq!(ask(&desk, &carol, 0), "lead");
}

#[test]
fn attack_109_a_request_that_was_never_sent_changes_no_circuit() {
    let desk = desk();
    let uri = step().endpoint().uri().clone();
    // Who passed while the circuit was closed, and waits since then.
    let waiting = lead(&desk, &caller("waiting"), 0);
    assert!(desk.opened_meanwhile(&plan(), &uri, NOW).is_none());
    fail_for_all(&desk, 0);
    let Some(Outcome::Transient { retry_after, diagnosis }) = desk.opened_meanwhile(&plan(), &uri, secs(2))
    else {
        panic!()
    };
    assert_eq!((retry_after, diagnosis.id()), (Some(Duration::from_secs(3)), "circuit_open"));
    // The probe is under way: it is another's, and its circuit waits for it.
    let probes = ["probe", "a", "b"].map(|user| lead(&desk, &caller(user), 5));
    assert!(desk.opened_meanwhile(&plan(), &uri, secs(5)).is_none(), "the probe itself is sent");
    assert_eq!(desk.abandon_before(waiting, &uri).as_deref(), Some("w"));
    assert_eq!(desk.circuits()[0].1, CircuitState::Probing);
    assert_eq!(ask(&desk, &caller("other"), 5), "transient circuit_open", "no fourth probe");
    // The probes were not sent either: others may go, and nothing is remembered.
    for probe in probes {
        let _ = desk.abandon_before(probe, &uri);
    }
    assert_eq!((ask(&desk, &caller("probe"), 6), desk.under_way()), ("lead".to_owned(), 1));
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
        desk.finish(lead(&desk, &caller(&user.to_string()), 0), &failure(503, "x"), NOW);
    }
    let two = caller("two");
    let Ask::Lead(ticket, _) = desk.ask(two.key, &plan, &two.subject, NOW, || "w".into()) else { panic!() };
    let _ = desk.abandon_before(ticket, &uri);
    // The first step's endpoint answered in between: four failures and one more are not five in a row.
    desk.finish(lead(&desk, &caller("fifth"), 0), &failure(503, "x"), NOW);
    assert!(desk.circuits().iter().all(|(_, state)| *state == CircuitState::Closed), "{:?}", desk.circuits());
}
