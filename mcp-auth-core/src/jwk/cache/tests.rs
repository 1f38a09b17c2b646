#![cfg(feature = "aws-lc-rs")]

use proptest::prelude::*;

use super::*;
use crate::crypto::{AwsLc, AwsLcSigner, Signer as _};
use crate::jwt::Algorithm;

/// Between two fetches a set is known by the name of its one key.
fn set(kid: &str) -> KeySet {
    let signer = AwsLcSigner::generate(Algorithm::EdDSA).unwrap();
    let json = format!("{{\"keys\":[{}]}}", signer.public_jwk(kid));
    KeySet::parse(json.as_bytes(), &AwsLc::new(), Algorithm::ALL).unwrap()
}

fn secs(n: u64) -> UnixTime {
    UnixTime::from_secs(1_000_000 + n)
}

fn begin(cache: &mut KeyCache, reason: FetchReason, now: UnixTime) -> Option<FetchTicket> {
    match cache.begin_fetch(reason, now) {
        FetchStart::Begin(ticket) => Some(ticket),
        FetchStart::UnderWay(_) | FetchStart::NotNow => None,
    }
}

fn filled(life: KeyLife) -> KeyCache {
    let mut cache = KeyCache::new(life);
    let ticket = begin(&mut cache, FetchReason::Due, secs(0)).unwrap();
    cache.fetched(ticket, set("k"), None, 0, secs(0));
    cache
}

#[test]
fn one_fetch_at_a_time_and_the_others_learn_which() {
    let mut cache = KeyCache::new(KeyLife::default());
    let ticket = begin(&mut cache, FetchReason::Due, secs(0)).unwrap();
    for reason in [FetchReason::Due, FetchReason::UnknownKey] {
        assert!(matches!(cache.begin_fetch(reason, secs(0)), FetchStart::UnderWay(1)));
    }
    assert!(cache.snapshot().newer_may_come(secs(0)));
    cache.failed(ticket, "down".into(), secs(0));
    assert!(!cache.snapshot().newer_may_come(secs(0)), "pauses");
    assert!(begin(&mut cache, FetchReason::Due, secs(0)).is_none());
    assert_eq!(begin(&mut cache, FetchReason::Due, secs(1)).unwrap().number(), 2);
}

#[test]
fn a_ticket_of_another_cache_ends_nothing() {
    let (mut one, mut other) = (KeyCache::new(KeyLife::default()), KeyCache::new(KeyLife::default()));
    let _first = begin(&mut one, FetchReason::Due, secs(0)).unwrap();
    let first = begin(&mut other, FetchReason::Due, secs(0)).unwrap();
    other.failed(first, "down".into(), secs(0));
    let second = begin(&mut other, FetchReason::Due, secs(1)).unwrap();
    one.failed(second, "down".into(), secs(1));
    assert!(matches!(one.begin_fetch(FetchReason::Due, secs(1)), FetchStart::UnderWay(1)));
    assert_eq!(one.status(secs(1)).failures, 0);
}

#[test]
fn the_states_and_what_a_request_does_in_each() {
    let cache = filled(KeyLife::default());
    let snapshot = cache.snapshot();
    let at = |n| (snapshot.state(secs(n)), snapshot.decide(secs(n)));
    assert!(matches!(at(0), (KeyState::Fresh, KeyUse::Use(_))));
    assert!(matches!(at(479), (KeyState::Fresh, KeyUse::Use(_))));
    assert!(matches!(at(480), (KeyState::Due, KeyUse::UseAndFetch(_))));
    assert!(matches!(at(599), (KeyState::Due, KeyUse::UseAndFetch(_))));
    assert!(matches!(at(600), (KeyState::Stale, KeyUse::Wait)), "nobody has tried yet");
    assert!(matches!(at(86_399), (KeyState::Stale, KeyUse::Wait)));
    assert!(matches!(at(86_400), (KeyState::Unavailable, KeyUse::Wait)));
    assert!(snapshot.usable(secs(86_399)).is_some() && snapshot.usable(secs(86_400)).is_none());
}

#[test]
fn attack_052_a_withdrawn_key_is_not_used_after_an_idle_day_unless_the_issuer_is_down() {
    let mut cache = filled(KeyLife::default());
    let idle = 20 * 3600;
    assert!(matches!(cache.snapshot().decide(secs(idle)), KeyUse::Wait));
    let ticket = begin(&mut cache, FetchReason::Due, secs(idle)).unwrap();
    assert!(matches!(cache.snapshot().decide(secs(idle)), KeyUse::Wait), "joins the fetch");
    cache.failed(ticket, "down".into(), secs(idle + 5));
    assert!(matches!(cache.snapshot().decide(secs(idle + 5)), KeyUse::Use(_)), "last good");
    assert!(matches!(cache.snapshot().decide(secs(idle + 6)), KeyUse::UseAndFetch(_)));
    assert!(matches!(cache.snapshot().decide(secs(idle + 65)), KeyUse::Wait), "a minute later: try again");
}

#[test]
fn attack_047_an_empty_set_keeps_the_last_good_one() {
    let mut cache = filled(KeyLife::default());
    let ticket = begin(&mut cache, FetchReason::UnknownKey, secs(10)).unwrap();
    cache.fetched(ticket, KeySet::default(), None, 0, secs(10));
    let status = cache.status(secs(10));
    assert_eq!((status.kids, status.state), (vec!["k".to_owned()], KeyState::Fresh));
    assert!(status.last_error.unwrap().contains("no usable key"));
    assert_eq!((status.fetches, status.failures, status.fetched_at), (2, 1, Some(secs(0))));
}

#[test]
fn attack_048_a_flood_of_unknown_kids_makes_two_fetches_and_one_per_30_seconds() {
    let mut cache = filled(KeyLife::default());
    for now in 0..300 {
        for _ in 0..100 {
            if let Some(ticket) = begin(&mut cache, FetchReason::UnknownKey, secs(now)) {
                cache.fetched(ticket, set("k"), None, 0, secs(now));
            }
        }
    }
    assert_eq!(cache.status(secs(300)).fetches, 2 + 299 / 30, "and a rotation is still seen");
}

#[test]
fn row_175_an_outage_of_a_day_makes_two_fetches_and_one_per_30_seconds_whoever_asks() {
    for keys in [false, true] {
        let mut cache = if keys { filled(KeyLife::default()) } else { KeyCache::new(KeyLife::default()) };
        let day = 24 * 3600;
        for now in 0..day {
            let snapshot = cache.snapshot();
            let decided = snapshot.decide(secs(now));
            assert_eq!(
                matches!(decided, KeyUse::Wait),
                !keys,
                "no request lost while keys are usable: {now}"
            );
            if matches!(decided, KeyUse::Use(_)) && now > 600 {
                assert!(begin(&mut cache, FetchReason::Due, secs(now)).is_none(), "no lock for nothing");
            }
            for reason in [FetchReason::Due, FetchReason::UnknownKey] {
                if let Some(ticket) = begin(&mut cache, reason, secs(now)) {
                    cache.failed(ticket, "503".into(), secs(now));
                }
            }
        }
        assert!(cache.status(secs(day)).fetches <= 2 + day / 30);
        assert!(matches!(cache.snapshot().decide(secs(day)), KeyUse::Wait));
        assert_eq!(cache.status(secs(day)).state, KeyState::Unavailable);
    }
}

#[test]
fn a_key_that_stays_is_the_same_key_so_that_verified_tokens_stay_verified() {
    let signers = [0, 1, 2].map(|_| AwsLcSigner::generate(Algorithm::EdDSA).unwrap());
    let of = |range: std::ops::Range<usize>| {
        let keys: Vec<_> = range.map(|i| signers[i].public_jwk(&format!("k{i}"))).collect();
        let json = format!("{{\"keys\":[{}]}}", keys.join(","));
        KeySet::parse(json.as_bytes(), &AwsLc::new(), Algorithm::ALL).unwrap()
    };
    let mut cache = KeyCache::new(KeyLife::default());
    for (now, keys) in [(0, of(0..2)), (10, of(1..3))] {
        let before = cache.snapshot();
        let ticket = begin(&mut cache, FetchReason::UnknownKey, secs(now)).unwrap();
        cache.fetched(ticket, keys, None, 0, secs(now));
        let (after, now) = (cache.snapshot(), secs(now));
        let after = after.usable(now).unwrap();
        if let Some(before) = before.usable(now) {
            let held: Vec<_> = before.keys().iter().map(|key| after.holds(key)).collect();
            assert_eq!(held, [false, true]);
        }
    }
}

#[test]
fn attack_053_max_age_is_clamped_and_an_interval_of_ones_own_is_firm() {
    let due = |life: KeyLife, max_age| {
        let mut cache = KeyCache::new(life);
        let ticket = begin(&mut cache, FetchReason::Due, secs(0)).unwrap();
        cache.fetched(ticket, set("k"), Some(Duration::from_secs(max_age)), 0, secs(0));
        (0..4000).find(|n| cache.snapshot().state(secs(*n)) == KeyState::Stale).unwrap()
    };
    for (max_age, seconds) in [(0, 60), (120, 120), (10 * 365 * 86_400, 3600)] {
        assert_eq!(due(KeyLife::default(), max_age), seconds);
    }
    let twenty = || KeyLife::default().refresh_after(Duration::from_secs(1200));
    assert_eq!((due(twenty(), 0), due(twenty(), u64::MAX)), (1200, 1200), "row_201_202");
}

#[test]
fn the_background_fetch_is_spread_over_a_fifth_of_the_time() {
    let refresh = |entropy| {
        let deadlines = KeyLife::default().deadlines(None, entropy, secs(0));
        deadlines.refresh_at.since(secs(0)).as_secs()
    };
    assert!((0..1000).all(|entropy| (360..=480).contains(&refresh(entropy))));
    assert_eq!((refresh(0), refresh(120), refresh(u64::MAX) <= 480), (480, 360, true));
}

#[test]
fn attack_040_a_clock_that_jumps_does_not_panic_open_or_stop_the_fetches() {
    let mut cache = filled(KeyLife::default());
    let ticket = begin(&mut cache, FetchReason::UnknownKey, UnixTime::from_secs(u64::MAX)).unwrap();
    cache.failed(ticket, "x".into(), UnixTime::from_secs(u64::MAX));
    assert!(matches!(cache.snapshot().decide(UnixTime::from_secs(u64::MAX)), KeyUse::Wait));
    // Back by a day: the keys are in use, and a fetch makes their time right again.
    for ahead in [false, true] {
        let mut cache = filled(KeyLife::default());
        if ahead {
            let ticket = begin(&mut cache, FetchReason::UnknownKey, secs(0)).unwrap();
            cache.failed(ticket, "x".into(), secs(0));
        }
        let back = UnixTime::from_secs(1_000_000 - 86_400);
        assert!(matches!(cache.snapshot().decide(back), KeyUse::UseAndFetch(_)));
        let mut later = back;
        let ticket = loop {
            if let Some(ticket) = begin(&mut cache, FetchReason::Due, later) {
                break ticket;
            }
            later = later.plus(Duration::from_secs(1));
            assert!(later.since(back) <= PAUSE + Duration::from_secs(30));
        };
        cache.fetched(ticket, set("k"), None, 0, later);
        assert_eq!(cache.snapshot().state(later), KeyState::Fresh);
    }
}

#[test]
fn unchanged_begins_the_time_anew_and_needs_keys() {
    let mut cache = filled(KeyLife::local());
    assert!(matches!(cache.snapshot().decide(secs(5)), KeyUse::Wait));
    let ticket = begin(&mut cache, FetchReason::Due, secs(8)).unwrap();
    cache.unchanged(ticket, None, 0, secs(8));
    assert_eq!(cache.snapshot().state(secs(8)), KeyState::Fresh);
    let mut empty = KeyCache::new(KeyLife::local());
    let ticket = begin(&mut empty, FetchReason::Due, secs(8)).unwrap();
    empty.unchanged(ticket, None, 0, secs(8));
    assert_eq!((empty.status(secs(8)).failures, empty.status(secs(8)).state), (1, KeyState::Unavailable));
}

#[test]
fn a_long_error_is_cut_between_characters() {
    let mut cache = KeyCache::new(KeyLife::default());
    let ticket = begin(&mut cache, FetchReason::Due, secs(0)).unwrap();
    cache.failed(ticket, "ü".repeat(400), secs(0));
    assert_eq!(cache.status(secs(0)).last_error.unwrap(), "ü".repeat(256));
}

/// What happens in one second of a simulated life.
#[derive(Clone, Copy, Debug)]
enum Event {
    Request,
    UnknownKey,
    Good,
    Empty,
    Unchanged,
    Fails,
    Idle(u16),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => Just(Event::Request),
        8 => Just(Event::UnknownKey),
        3 => Just(Event::Good),
        1 => Just(Event::Empty),
        1 => Just(Event::Unchanged),
        3 => Just(Event::Fails),
        2 => any::<u16>().prop_map(Event::Idle),
        6 => (0u16..40).prop_map(Event::Idle),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever happens in whatever order: the rate holds in every window, one fetch is under way, keys are
    /// never used after their end, and the snapshot of the last change answers as the cache would.
    #[test]
    fn attack_048_049_any_life_keeps_the_bounds(events in prop::collection::vec(event(), 0..400), entropy: u64) {
        let good = set("k");
        let mut cache = KeyCache::new(KeyLife::default());
        let (mut now, mut ticket, mut began, mut fetched) = (0u64, None, Vec::new(), None::<u64>);
        for event in events {
            let reason = match event {
                Event::Request => Some(FetchReason::Due),
                Event::UnknownKey => Some(FetchReason::UnknownKey),
                _ => None,
            };
            if let Some(reason) = reason {
                let snapshot = cache.snapshot();
                match cache.begin_fetch(reason, secs(now)) {
                    FetchStart::Begin(new) => {
                        prop_assert!(ticket.is_none(), "one at a time");
                        prop_assert!(snapshot.newer_may_come(secs(now)), "the snapshot foresaw it");
                        began.push(now);
                        ticket = Some(new);
                    }
                    FetchStart::UnderWay(n) => {
                        prop_assert_eq!(Some(n), ticket.as_ref().map(FetchTicket::number));
                    }
                    FetchStart::NotNow => prop_assert!(ticket.is_none()),
                }
            }
            match (event, ticket.take()) {
                (Event::Good, Some(t)) => {
                    cache.fetched(t, good.clone(), None, entropy, secs(now));
                    fetched = Some(now);
                }
                (Event::Unchanged, Some(t)) => {
                    cache.unchanged(t, None, entropy, secs(now));
                    fetched = fetched.map(|_| now);
                }
                (Event::Empty, Some(t)) => cache.fetched(t, KeySet::default(), None, entropy, secs(now)),
                (Event::Fails, Some(t)) => cache.failed(t, "down".into(), secs(now)),
                (Event::Idle(n), t) => {
                    ticket = t;
                    now += u64::from(n);
                }
                (_, t) => ticket = t,
            }
            let usable = fetched.is_some_and(|at| now < at + 24 * 3600);
            prop_assert_eq!(cache.snapshot().usable(secs(now)).is_some(), usable);
            if !usable {
                prop_assert!(matches!(cache.snapshot().decide(secs(now)), KeyUse::Wait));
            }
        }
        for (i, first) in began.iter().enumerate() {
            for (j, last) in began.iter().enumerate().skip(i) {
                prop_assert!((j - i + 1) as u64 <= 2 + (last - first) / 30, "{:?}", &began[i..=j]);
            }
        }
    }
}
