//! Real sockets, the real client, and a server that misbehaves.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::client::chaos::{Answer, Chaos, json};
use crate::client::{Fetch, FetchFuture, FetchRequest, HttpClient};

/// The real client, which has less patience while a test says so: nothing here waits for 5 seconds.
#[derive(Debug)]
struct Impatient {
    client: HttpClient,
    hurry: AtomicBool,
}

impl Fetch for Impatient {
    fn fetch(&self, mut request: FetchRequest) -> FetchFuture<'_> {
        if self.hurry.load(Ordering::SeqCst) {
            request.timeout = Duration::from_millis(300);
        }
        self.client.fetch(request)
    }
}

struct Setup {
    server: Chaos,
    clock: Arc<HandClock>,
    client: Arc<Impatient>,
    keys: RemoteKeys,
}

impl Setup {
    async fn new() -> Self {
        let server = Chaos::start().await;
        let clock = HandClock::new();
        let client = Arc::new(Impatient { client: HttpClient::new().unwrap(), hurry: false.into() });
        let options = KeyOptions::new().client(client.clone()).clock(clock.clone());
        let source = KeySource::url(&server.url("/jwks?code=hunter2")).unwrap();
        let keys = Keys::new(&issuer("https://idp.example"), source, &options).unwrap();
        Self { server, clock, client, keys: remote(&keys).clone() }
    }

    fn answer(&self, answer: Answer) {
        self.server.answer("/jwks?code=hunter2", answer);
    }

    /// Fetches once, as a token with an unknown key would have it.
    async fn fetch(&self) -> Option<Arc<KeySet>> {
        self.clock.advance(30);
        self.keys.newer(self.clock.now()).await
    }
}

#[tokio::test]
async fn attack_047_049_050_no_fault_of_the_server_takes_the_last_good_keys_away() {
    let canary = Chaos::start().await;
    let faults = [
        (Answer::Drip, true, "no complete answer within"),
        (Answer::Silent, true, "no complete answer within"),
        (Answer::Huge(10 << 20), false, "longer than 524288 bytes"),
        (json(" ".repeat(513 * 1024)), false, "longer than 524288 bytes"),
        (Answer::Status(500), false, "answered 500"),
        (Answer::Status(404), false, "answered 404"),
        (Answer::Status(204), false, "answered 204"),
        (Answer::Html, false, "answered HTML"),
        (Answer::Redirect("http://169.254.169.254/latest/".into()), false, "answered 302"),
        (Answer::Redirect(canary.url("/jwks")), false, "redirects are not followed"),
        (json(r#"{"keys":[]}"#), false, "no usable key"),
        (json("{}"), false, "not a key set"),
        (json(""), false, "key set"),
        (Answer::Gzip, false, "Content-Encoding"),
        (Answer::HalfClose, false, "broke off"),
        (Answer::Reset, false, "cannot be reached"),
        (Answer::Noise, false, "cannot be reached"),
    ];
    let setup = Setup::new().await;
    setup.answer(json(jwks(&["good"])));
    assert!(has(setup.fetch().await, "good"));
    for (fault, slow, message) in faults {
        let name = format!("{fault:?}").chars().take(40).collect::<String>();
        let before = setup.keys.status();
        if matches!(fault, Answer::Reset) {
            setup.server.answer("*", fault);
        } else {
            setup.answer(fault);
        }
        setup.client.hurry.store(slow, Ordering::SeqCst);
        assert!(has(setup.fetch().await, "good"), "{name}");
        let status = setup.keys.status();
        let error = status.last_error.unwrap();
        assert!(error.contains(message), "{name}: {error}");
        assert_eq!((status.fetches, status.failures), (before.fetches + 1, before.failures + 1), "{name}");
        assert!(!error.contains("hunter2") && !status.source.contains("hunter2"), "{name}");
        assert!(has(setup.keys.current(setup.clock.now()), "good"), "{name}: nobody waits");
    }
    assert_eq!(canary.connections(), 0, "where the redirect leads nobody goes");
    setup.server.answer("*", json(jwks(&["next"])));
    setup.client.hurry.store(false, Ordering::SeqCst);
    assert!(has(setup.fetch().await, "next"), "and it mends itself");
    assert_eq!(setup.keys.status().last_error, None);
}

#[tokio::test]
async fn attack_053_max_age_of_a_real_answer_counts_within_bounds() {
    for (header, minutes) in [
        (&["Cache-Control: public, max-age=0"][..], 1),
        (&["Cache-Control: no-transform, Max-Age=\"1800\""], 30),
        (&["Cache-Control: max-age=99999999999999999999"], 10),
        (&["Cache-Control: max-age=315360000"], 60),
        (&[], 10),
    ] {
        let setup = Setup::new().await;
        setup.answer(Answer::Json(jwks(&["k"]), header));
        assert!(has(setup.fetch().await, "k"));
        let refresh = setup.keys.status().refresh_at.unwrap().since(setup.clock.now()).as_secs();
        assert!((minutes * 36..=minutes * 48).contains(&refresh), "{header:?}: {refresh}");
    }
}

#[tokio::test]
async fn what_is_sent_is_a_plain_get_for_json() {
    let setup = Setup::new().await;
    setup.answer(json(jwks(&["k"])));
    setup.fetch().await;
    let requests = setup.server.requests();
    let head = requests[0].to_ascii_lowercase();
    assert!(head.starts_with("get /jwks?code=hunter2 http/1.1\r\n"), "the query is sent: {head}");
    assert!(head.contains("accept-encoding: identity\r\n") && head.contains("application/jwk-set+json"));
    assert!(!head.contains("authorization") && !head.contains("cookie"));
}
