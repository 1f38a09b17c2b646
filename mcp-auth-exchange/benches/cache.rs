//! Issued tokens from 1 to 1,000,000 entries, alone and under contention, against a map behind a lock; and what a key
//! costs against the digest that is in it.
//!
//! `cargo bench -p mcp-auth-exchange --bench cache`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark may fail, starts threads and prints"
)]

#[path = "../../mcp-auth-core/benches/support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, RwLock};

use mcp_auth_core::jwt::{Checks, Issuer, Validator};
use mcp_auth_core::{Principal, UnixTime};
use mcp_auth_discovery::Scopes;
use mcp_auth_exchange::cache::{Ask, CacheKey, ExchangeDesk, SharedEntry};
use mcp_auth_exchange::plan::{ExchangePlan, IssuedToken, Step, Subject};
use mcp_auth_exchange::provider::ExchangeProfile;
use mcp_auth_exchange::{ClientCredential, TokenEndpoint};
use sha2::{Digest as _, Sha256};
use url::Url;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const THREADS: usize = 4;
/// How often each thread looks in one iteration; one look in 128 is a write.
const LOOKS: usize = 4_096;

fn plan() -> ExchangePlan {
    let endpoint = TokenEndpoint::new(&Url::parse("https://idp.example/token").unwrap()).unwrap();
    let step = Step::new(ExchangeProfile::rfc8693(), endpoint, ClientCredential::none("gateway"))
        .audience("tool")
        .scope(&Scopes::parse("mcp:invoke").unwrap());
    ExchangePlan::new("tool", [step]).unwrap()
}

fn subject(token: &str) -> Subject {
    let validator = Validator::new([Issuer::new("https://idp.example").audience("mcp")]).unwrap();
    let claims = br#"{"iss":"https://idp.example","sub":"alice","aud":"mcp","exp":1700003600}"#;
    let principal: Principal =
        validator.accept_introspected(0.into(), token, claims, &Checks::at(NOW)).unwrap();
    Subject::of(Arc::new(principal)).unwrap()
}

fn keys(plan: &ExchangePlan, count: usize) -> Vec<CacheKey> {
    let alice = subject("one.token.of.alice");
    (0..count).map(|i| plan.cache_key(&i.to_string(), &alice, None)).collect()
}

/// One token for all entries: what is measured is finding it.
fn token() -> Arc<IssuedToken> {
    let stored = format!(
        r#"{{"v":1,"token":"{}","missing":[],"beyond":[],"issued_at":1700000000,"usable_until":1700003000,"refresh_at":1700002000}}"#,
        "t".repeat(1_000)
    );
    Arc::new(SharedEntry::read(stored.as_bytes()).unwrap())
}

/// Runs `look` on several threads, each over keys of its own order.
fn contend(keys: &[CacheKey], look: impl Fn(&CacheKey, bool) + Sync) {
    std::thread::scope(|threads| {
        for thread in 0..THREADS {
            let look = &look;
            threads.spawn(move || {
                let mut at = thread.wrapping_mul(0x9e37_79b9) % keys.len();
                for i in 0..LOOKS {
                    look(&keys[at], i % 128 == 0);
                    at = (at + 7_919) % keys.len();
                }
            });
        }
    });
}

fn main() -> ExitCode {
    let mut bench = support::Bench::new();
    let (plan, token) = (plan(), token());

    let long = subject(&format!("header.{}.signature", "c".repeat(1_000)));
    let digest = Sha256::digest(b"plan");
    let text = format!("{}{}", "c".repeat(1_000), "x".repeat(200));
    bench
        .race("key of a request, token of 1 KB", 0)
        .case("key", || plan.cache_key("", black_box(&long), None))
        .case("sha256", || Sha256::new().chain_update(digest).chain_update(black_box(&text)).finalize())
        .at_most("key", 1.6, &["sha256"])
        .run();

    for count in [1_usize, 100, 10_000, 1_000_000] {
        let keys = keys(&plan, count);
        // Room for all: an entry is weighed with its token.
        let desk: ExchangeDesk<()> = ExchangeDesk::new((count + 1_000) * 4_096, 0x5eed);
        let mut map = HashMap::new();
        for key in &keys {
            desk.tokens().insert(*key, token.clone(), NOW);
            map.insert(*key, token.clone());
        }
        assert!(desk.tokens().len() >= count - count / 20, "{} of {count}", desk.tokens().len());
        let alice = subject("one.token.of.alice");
        let (mutex, rw_lock) = (Mutex::new(map.clone()), RwLock::new(map));
        let ask = |key: &CacheKey| match desk.ask(*key, &plan, &alice, NOW, || ()) {
            Ask::Ready(token) => token,
            // An entry that the cache threw out: bounded caches may.
            Ask::Lead(ticket, ()) => {
                desk.abandon(ticket);
                token.clone()
            }
            other => panic!("{other:?}"),
        };
        let mut at = 0;
        let mut next = || {
            at = (at + 7_919) % keys.len();
            keys[at]
        };
        let mut again = 0;
        let mut next_too = || {
            again = (again + 7_919) % keys.len();
            keys[again]
        };
        bench
            .race(&format!("{count} entries, one thread"), 0)
            .case("desk", || ask(&next()))
            .case("map behind a mutex", || mutex.lock().unwrap().get(&next_too()).cloned())
            .at_most("desk", 4.0, &["map behind a mutex"])
            .run();
        bench
            .race(&format!("{count} entries, {THREADS} threads x {LOOKS} looks, 1 in 128 writes"), 0)
            .case("desk", || {
                contend(&keys, |key, write| {
                    black_box(ask(key));
                    if write {
                        desk.tokens().insert(*key, token.clone(), NOW);
                    }
                });
            })
            .case("map behind a mutex", || {
                contend(&keys, |key, write| {
                    black_box(mutex.lock().unwrap().get(key).cloned());
                    if write {
                        mutex.lock().unwrap().insert(*key, token.clone());
                    }
                });
            })
            .case("map behind a read-write lock", || {
                contend(&keys, |key, write| {
                    black_box(rw_lock.read().unwrap().get(key).cloned());
                    if write {
                        rw_lock.write().unwrap().insert(*key, token.clone());
                    }
                });
            })
            // With few entries everybody wants the same one, whatever holds it.
            .at_most("desk", if count < 1_000_000 { 1.25 } else { 0.9 }, &["map behind a mutex"])
            .run();
    }
    bench.finish()
}
