//! An hour of each fault in simulated time, under a flood of tokens with unknown keys.

use std::sync::Mutex;

use tokio::time::Instant;

use super::*;
use crate::client::{AddressPolicy, Fetch, FetchError, FetchFuture, FetchRequest};

/// What the identity provider does.
#[derive(Clone, Debug)]
enum Idp {
    Answers(u16, &'static [(&'static str, &'static str)], String),
    Hangs,
    Fails(FetchError),
}

fn good(kid: &str) -> Idp {
    Idp::Answers(200, &[], jwks(&[kid]))
}

#[derive(Debug)]
struct Network {
    idp: Mutex<Idp>,
    begun: Mutex<Vec<u64>>,
    under_way: Mutex<(usize, usize)>,
    start: Instant,
}

impl Network {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            idp: Mutex::new(good("old")),
            begun: Mutex::default(),
            under_way: Mutex::default(),
            start: Instant::now(),
        })
    }

    fn becomes(&self, idp: Idp) {
        *self.idp.lock().unwrap() = idp;
    }

    fn fetches(&self) -> usize {
        self.begun.lock().unwrap().len()
    }
}

/// Counts out even when its fetch is given up.
struct UnderWay<'n>(&'n Network);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.lock().unwrap().0 -= 1;
    }
}

impl Fetch for Network {
    fn fetch(&self, _: FetchRequest) -> FetchFuture<'_> {
        Box::pin(async {
            self.begun.lock().unwrap().push(self.start.elapsed().as_secs());
            let counted = {
                let mut under_way = self.under_way.lock().unwrap();
                *under_way = (under_way.0 + 1, under_way.1.max(under_way.0 + 1));
                UnderWay(self)
            };
            let idp = self.idp.lock().unwrap().clone();
            tokio::time::sleep(Duration::from_millis(200)).await;
            let answer = match idp {
                Idp::Answers(status, headers, body) => {
                    let mut answer = http::Response::builder().status(status);
                    for (name, value) in headers {
                        answer = answer.header(*name, *value);
                    }
                    Ok(answer.body(body.into()).unwrap())
                }
                Idp::Hangs => std::future::pending().await,
                Idp::Fails(error) => Err(error),
            };
            drop(counted);
            answer
        })
    }
}

/// What a request does: with the keys that are there, or after waiting once.
async fn request(keys: &RemoteKeys, clock: &dyn Clock, kid: &str) -> bool {
    let now = keys.current(clock.now());
    has(now, kid) || has(keys.newer(clock.now()).await, kid)
}

fn faults() -> Vec<(&'static str, Idp, &'static str)> {
    let json: &[_] = &[("content-type", "application/json")];
    let metadata = AddressPolicy::public_only().check("169.254.169.254".parse().unwrap()).unwrap_err();
    vec![
        ("slow", Idp::Hangs, "no complete answer"),
        ("10 MB", Idp::Answers(200, json, " ".repeat(10 << 20)), "longer than 524288 bytes"),
        ("500", Idp::Answers(500, json, jwks(&["evil"])), "answered 500"),
        ("HTML", Idp::Answers(200, &[("content-type", "text/html")], "<html>".into()), "login"),
        ("image", Idp::Answers(200, &[("content-type", "image/png")], jwks(&["evil"])), "not JSON"),
        ("redirect", Idp::Answers(302, &[("location", "http://169.254.169.254/")], String::new()), "302"),
        ("empty set", Idp::Answers(200, json, r#"{"keys":[]}"#.into()), "no usable key"),
        ("another document", Idp::Answers(200, json, "{}".into()), "not a key set"),
        ("101 keys", Idp::Answers(200, json, format!("{{\"keys\":[{}0]}}", "0,".repeat(100))), "100 keys"),
        (
            "100,000 keys",
            Idp::Answers(200, json, format!("{{\"keys\":[{}0]}}", "0,".repeat(100_000))),
            "too many values",
        ),
        (
            "gzip bomb",
            Idp::Answers(200, &[("content-encoding", "gzip")], jwks(&["evil"])),
            "Content-Encoding",
        ),
        ("internal address", Idp::Fails(FetchError::Address(metadata)), "link-local"),
        ("refused", Idp::Fails(FetchError::Connect("connection refused".into())), "connection refused"),
    ]
}

/// Rows 47 to 49 of the attack table and measures 9 to 13 of the scorecard, fault by fault.
#[tokio::test(start_paused = true)]
async fn attack_047_048_049_052_row_175_an_hour_of_each_fault_loses_no_good_request() {
    for (fault, idp, message) in faults() {
        let (network, clock) = (Network::new(), TokioClock::new());
        let options = KeyOptions::new().client(network.clone()).clock(clock.clone());
        let source = KeySource::url("https://idp.example/jwks").unwrap();
        let keys = Keys::new(&issuer("https://idp.example"), source, &options).unwrap();
        let keys = remote(&keys).clone();
        assert!(request(&keys, &*clock, "old").await, "{fault}");
        network.becomes(idp);

        let mut known = Vec::new();
        for _ in 0..3600 {
            for _ in 0..3 {
                for kid in ["old", "unknown"] {
                    let (keys, clock) = (keys.clone(), clock.clone());
                    let one = tokio::spawn(async move {
                        let began = Instant::now();
                        (request(&keys, &*clock, kid).await, began.elapsed())
                    });
                    known.push((kid, one));
                }
            }
            tokio::time::sleep(SECOND).await;
        }
        for (kid, one) in known {
            let (served, waited) = one.await.unwrap();
            assert_eq!(served, kid == "old", "{fault}: {kid}");
            assert!(waited <= 5 * SECOND, "{fault}: {waited:?}");
        }
        let status = keys.status();
        assert!(status.last_error.as_ref().unwrap().contains(message), "{fault}: {status:?}");
        assert_eq!(status.kids, ["old"], "{fault}: the last good set stays");
        assert!(network.fetches() <= 2 + 3605 / 30, "{fault}: {}", network.fetches());
        assert!(network.fetches() >= 3600 / 36, "{fault}: it goes on trying: {}", network.fetches());

        // Rotation after the outage: the new key works after the next fetch, the old one is gone with it.
        network.becomes(good("new"));
        let began = Instant::now();
        while !request(&keys, &*clock, "new").await {
            tokio::time::sleep(SECOND).await;
        }
        assert!(began.elapsed() <= 31 * SECOND, "{fault}: {:?}", began.elapsed());
        assert!(!has(keys.current(clock.now()), "old"), "{fault}");
        assert_eq!(keys.status().last_error, None, "{fault}");

        assert_eq!(network.under_way.lock().unwrap().1, 1, "{fault}: one fetch at a time");
        let begun = network.begun.lock().unwrap().clone();
        for (i, first) in begun.iter().enumerate() {
            for (j, last) in begun.iter().enumerate().skip(i) {
                let within = (last - first) / 30;
                assert!((j - i + 1) as u64 <= 2 + within, "{fault}: {:?}", &begun[i..=j]);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn row_204_201_traffic_of_an_hour_makes_one_fetch_per_interval() {
    for (minutes, expected) in [(None, 7..=10), (Some(20), 3..=5)] {
        let (network, clock) = (Network::new(), TokioClock::new());
        let mut options = KeyOptions::new().client(network.clone()).clock(clock.clone());
        if let Some(minutes) = minutes {
            options = options.life(KeyLife::default().refresh_after(minutes * 60 * SECOND));
        }
        let source = KeySource::url("https://idp.example/jwks").unwrap();
        let keys = Keys::new(&issuer("https://idp.example"), source, &options).unwrap();
        let mut waited = 0;
        for second in 0..3600 {
            if keys.current(clock.now()).is_none() {
                waited += 1;
                assert!(has(keys.newer(clock.now()).await, "old"), "{second}");
            }
            tokio::time::sleep(SECOND).await;
        }
        assert_eq!(waited, 1, "after the first nobody waits: the background is ahead");
        assert!(expected.contains(&network.fetches()), "{minutes:?}: {}", network.fetches());
    }
}

#[tokio::test(start_paused = true)]
async fn attack_052_a_withdrawn_key_is_dead_after_the_interval_even_when_nobody_called() {
    let (network, clock) = (Network::new(), TokioClock::new());
    let options = KeyOptions::new().client(network.clone()).clock(clock.clone());
    let source = KeySource::url("https://idp.example/jwks").unwrap();
    let keys = Keys::new(&issuer("https://idp.example"), source, &options).unwrap();
    let keys = remote(&keys);
    assert!(request(keys, &*clock, "old").await);
    network.becomes(good("new"));
    tokio::time::sleep(600 * SECOND).await;
    assert!(!request(keys, &*clock, "old").await, "the first request after an idle time waits for the fetch");
    assert!(request(keys, &*clock, "new").await);
}

#[tokio::test(start_paused = true)]
async fn attack_047_after_a_day_without_a_fetch_the_keys_are_given_up_and_come_back() {
    let (network, clock) = (Network::new(), TokioClock::new());
    let options = KeyOptions::new().client(network.clone()).clock(clock.clone());
    let source = KeySource::url("https://idp.example/jwks").unwrap();
    let keys = Keys::new(&issuer("https://idp.example"), source, &options).unwrap();
    let keys = remote(&keys);
    assert!(request(keys, &*clock, "old").await);
    network.becomes(Idp::Answers(503, &[], String::new()));
    tokio::time::sleep(24 * 3600 * SECOND - 10 * SECOND).await;
    assert!(request(keys, &*clock, "old").await);
    tokio::time::sleep(10 * SECOND).await;
    assert!(keys.current(clock.now()).is_none() && keys.newer(clock.now()).await.is_none());
    network.becomes(good("new"));
    tokio::time::sleep(31 * SECOND).await;
    assert!(request(keys, &*clock, "new").await);
}
