use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::jwk::Thumbprint;

const KEY: Thumbprint = Thumbprint::from_bytes([9; 32]);

fn proof(jti: &str) -> OneTimeUse<'_> {
    OneTimeUse::Proof { key: KEY, jti, target: URI }
}

fn record(store: &ReplayStore, what: &OneTimeUse<'_>, until: u64, now: u64) -> Result<(), ReplayError> {
    store.record(what, at(until), at(now), &AwsLc::new())
}

fn store(bytes: usize) -> ReplayStore {
    ReplayStore::new(bytes, [3; 32])
}

#[test]
fn attack_039_the_same_thing_twice_is_refused_until_it_ends_by_itself() {
    let store = store(1 << 20);
    assert_eq!(record(&store, &proof("a"), NOW + 60, NOW), Ok(()));
    for now in [NOW, NOW + 1, NOW + 59] {
        assert_eq!(record(&store, &proof("a"), NOW + 60, now), Err(ReplayError::Replayed));
        assert_eq!(
            record(&store, &proof("a"), NOW + 600, now),
            Err(ReplayError::Replayed),
            "whatever its end"
        );
    }
    assert_eq!(record(&store, &proof("a"), NOW + 60, NOW + 60), Err(ReplayError::Replayed), "over");
    assert_eq!(record(&store, &proof("a"), NOW + 200, NOW + 60), Ok(()), "a new one of the old name");
}

#[test]
fn different_things_do_not_meet() {
    let store = store(1 << 20);
    let other = Thumbprint::from_bytes([8; 32]);
    let all = [
        proof("a"),
        proof("b"),
        proof(""),
        OneTimeUse::Proof { key: other, jti: "a", target: URI },
        OneTimeUse::Proof { key: KEY, jti: "a", target: "https://mcp.example/other" },
        // Parts that would run into each other without their lengths.
        OneTimeUse::Token { issuer: "https://idp", jti: ".example/4711" },
        OneTimeUse::Token { issuer: "https://idp.example", jti: "/4711" },
        OneTimeUse::Token { issuer: "https://idp.example/", jti: "4711" },
        OneTimeUse::Token { issuer: "", jti: "https://idp.example/4711" },
    ];
    for what in &all {
        assert_eq!(record(&store, what, NOW + 60, NOW), Ok(()), "{what:?}");
    }
    for what in &all {
        assert_eq!(record(&store, what, NOW + 60, NOW), Err(ReplayError::Replayed), "{what:?}");
    }
}

/// Fills a store with distinct entries until the first finds no place.
fn fill(store: &ReplayStore, until: u64, now: u64) -> usize {
    (0..).take_while(|i| record(store, &proof(&format!("{until}-{i}")), until, now).is_ok()).count()
}

#[test]
fn a_full_store_refuses_what_is_new_and_forgets_nothing() {
    for bytes in [4 << 10, 64 << 10, 1 << 20] {
        let store = store(bytes);
        assert!(
            store.memory_bytes() <= bytes && store.memory_bytes() > bytes / 2,
            "{}",
            store.memory_bytes()
        );
        let held = fill(&store, NOW + 60, NOW);
        println!("first full at {held} of {} entries, {bytes} bytes", store.capacity());
        assert!(held * 100 >= store.capacity() * 75, "{held} of {}", store.capacity());
        assert_eq!(
            record(&store, &proof(&format!("{}-{held}", NOW + 60)), NOW + 60, NOW),
            Err(ReplayError::Full)
        );
        for i in 0..held {
            let again = record(&store, &proof(&format!("{}-{i}", NOW + 60)), NOW + 60, NOW + 59);
            assert_eq!(again, Err(ReplayError::Replayed), "entry {i} was forgotten");
        }
        let refilled = fill(&store, NOW + 120, NOW + 60);
        assert!(refilled * 100 >= store.capacity() * 75, "what has expired makes room: {refilled}");
        assert!(store.memory_bytes() <= bytes);
    }
}

#[test]
fn a_store_without_room_is_full_and_says_so() {
    for bytes in [0, 1, 500, 800] {
        let store = store(bytes);
        assert_eq!(
            (store.capacity(), record(&store, &proof("a"), NOW + 60, NOW)),
            (0, Err(ReplayError::Full))
        );
    }
    assert!(store(2048).capacity() > 0);
}

#[test]
fn attack_040_a_clock_that_jumps_opens_nothing() {
    let store = store(4 << 10);
    // Forward an hour: the entries expire and are overwritten.
    let held = fill(&store, NOW + 60, NOW);
    let later = fill(&store, NOW + 3600 + 60, NOW + 3600);
    assert!(later > 0);
    // And back: whatever may have been forgotten is refused.
    for i in 0..held {
        let again = record(&store, &proof(&format!("{}-{i}", NOW + 60)), NOW + 60, NOW + 1);
        assert_eq!(again, Err(ReplayError::Replayed), "entry {i}");
    }
    // 1970, and the end of time.
    for now in [0, u64::MAX] {
        let outcome = record(&store, &proof(&format!("{}-0", NOW + 3660)), NOW + 3660, now);
        assert_eq!(outcome, Err(ReplayError::Replayed), "at {now}");
    }
    assert_eq!(
        record(&store, &proof("x"), u64::MAX, u64::MAX),
        Err(ReplayError::Replayed),
        "ends as it begins"
    );
}

#[test]
fn of_many_threads_with_one_proof_one_wins() {
    let store = store(64 << 10);
    let won = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for i in 0..500 {
                    if record(&store, &proof(&i.to_string()), NOW + 60, NOW).is_ok() {
                        won.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(won.load(Ordering::Relaxed), 500);
}

#[test]
fn another_secret_is_another_order() {
    // Which entry first finds no place cannot be foretold without the secret.
    let first_full = |secret| fill(&ReplayStore::new(4 << 10, secret), NOW + 60, NOW);
    let all: std::collections::HashSet<_> = (0..10).map(|i| first_full([i; 32])).collect();
    assert!(all.len() > 1);
}
