//! Documents over real sockets: where they may not come from, and what they may not be.

use std::sync::Arc;
use std::time::Duration;

use mcp_auth_core::UnixTime;
use mcp_auth_discovery::client_metadata::{ClientIdUrl, ClientMetadataPolicy};
use serde_json::json;

use super::documents::ClientDocuments;
use crate::client::chaos::{Answer, Chaos, json as json_answer};
use crate::client::{AddressPolicy, HttpClient};
use crate::clock::SystemClock;

/// Time enough for an answer that comes, whatever else the machine does.
const LONG: Duration = Duration::from_secs(30);

fn documents(addresses: AddressPolicy, timeout: Duration) -> ClientDocuments {
    let client = HttpClient::builder().learned_addresses(addresses).build().unwrap();
    let policy = ClientMetadataPolicy::default();
    ClientDocuments::new(policy, Arc::new(client), timeout, Arc::new(SystemClock))
}

fn loopback() -> AddressPolicy {
    AddressPolicy::public_only().allow("127.0.0.1").unwrap()
}

/// The identifiers of clients are https; here they are http, which is for networks of tests.
fn id(text: &str) -> ClientIdUrl {
    ClientIdUrl::insecure_http(text).unwrap()
}

fn good(id: &str) -> Answer {
    json_answer(
        json!({"client_id": id, "client_name": "C", "redirect_uris": ["https://c.example/cb"]}).to_string(),
    )
}

#[tokio::test]
async fn attack_050_a_document_at_an_address_of_the_inside_is_not_asked_for() {
    let server = Chaos::start().await;
    let port = server.address.port();
    let guarded = documents(AddressPolicy::public_only(), LONG);
    // Names and addresses of this machine, of private networks, of cloud metadata, in all spellings that a URL keeps.
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "0.0.0.0",
        "[::]",
        "168.63.129.16",
    ] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/client.json");
            server.answer("/client.json", good(&url));
            assert_eq!(guarded.get(&id(&url)).await, None, "{url}");
        }
    }
    assert_eq!(server.connections(), 0, "nobody was even dialled");

    let url = server.url("/client.json");
    server.answer("/client.json", good(&url));
    let allowed = documents(loopback(), LONG);
    assert!(allowed.get(&id(&url)).await.is_some(), "where it is allowed by name");
    assert_eq!((server.connections(), allowed.len()), (1, 1));
}

#[tokio::test]
async fn attack_050_no_redirect_is_followed_to_a_document() {
    let server = Chaos::start().await;
    let target = server.url("/real.json");
    server.answer("/real.json", good(&target));
    for to in [target.as_str(), "http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "/real.json"]
    {
        server.answer("/client.json", Answer::Redirect(to.to_owned()));
        let documents = documents(loopback(), LONG);
        assert_eq!(documents.get(&id(&server.url("/client.json"))).await, None, "{to}");
    }
    assert!(server.paths().iter().all(|path| path == "/client.json"), "{:?}", server.paths());
}

#[tokio::test]
async fn attack_050_a_document_that_is_huge_slow_or_none_is_refused_and_not_kept() {
    let server = Chaos::start().await;
    let url = server.url("/client.json");
    let other = good("http://127.0.0.1:1/other.json");
    let long =
        json!({"client_id": url, "client_name": "x".repeat(6000), "redirect_uris": ["https://c.example/cb"]});
    let script = json!({"client_id": url, "redirect_uris": ["javascript:alert(1)"]});
    let secret = json!({"client_id": url, "client_secret": "s", "redirect_uris": ["https://c.example/cb"]});
    for (what, answer) in [
        ("huge", Answer::Huge(1 << 20)),
        ("too long", json_answer(long.to_string())),
        ("slow", Answer::Drip),
        ("silent", Answer::Silent),
        ("reset", Answer::Reset),
        ("half", Answer::HalfClose),
        ("noise", Answer::Noise),
        ("html", Answer::Html),
        ("gzip", Answer::Gzip),
        ("404", Answer::Status(404)),
        ("another's", other),
        ("script", json_answer(script.to_string())),
        ("secret", json_answer(secret.to_string())),
    ] {
        server.answer("/client.json", answer);
        let never = matches!(what, "slow" | "silent");
        let documents = documents(loopback(), if never { Duration::from_millis(200) } else { LONG });
        assert_eq!(documents.get(&id(&url)).await, None, "{what}");
        assert_eq!(documents.len(), 0, "{what}");
    }
}

#[derive(Debug)]
struct Stopped;

impl crate::clock::Clock for Stopped {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(1_700_000_000)
    }
}

#[tokio::test]
async fn many_who_want_one_document_make_one_request_and_memory_is_bounded() {
    let server = Chaos::start().await;
    let url = server.url("/client.json");
    server.answer("/client.json", Answer::Held(Box::new(good(&url))));
    let client = HttpClient::builder().learned_addresses(loopback()).build().unwrap();
    let (policy, client) = (ClientMetadataPolicy::default(), Arc::new(client));
    let documents = ClientDocuments::new(policy, client, LONG, Arc::new(Stopped));
    let wanted = id(&url);
    let all = futures_util::future::join_all((0..50).map(|_| documents.get(&wanted)));
    let release = async {
        while server.paths().is_empty() {
            tokio::task::yield_now().await;
        }
        server.release();
    };
    let (brought, ()) = futures_util::future::join(all, release).await;
    assert!(brought.iter().all(Option::is_some));
    assert_eq!(server.connections(), 1);

    // A document that does not come keeps a bounded number waiting; the others are told at once.
    let url = server.url("/silent.json");
    server.answer("/silent.json", Answer::Silent);
    let client = HttpClient::builder().learned_addresses(loopback()).build().unwrap();
    let (policy, client) = (ClientMetadataPolicy::default(), Arc::new(client));
    let patient = ClientDocuments::new(policy, client, LONG, Arc::new(Stopped));
    let wanted = id(&url);
    let mut waiting = futures_util::stream::FuturesUnordered::new();
    waiting.extend((0..200).map(|_| patient.get(&wanted)));
    let mut told = 0;
    while let Some(Some(answer)) =
        futures_util::FutureExt::now_or_never(futures_util::StreamExt::next(&mut waiting))
    {
        assert!(answer.is_none());
        told += 1;
    }
    assert_eq!((told, waiting.len()), (72, 128));

    for number in 0..1500 {
        let path = format!("/{number}.json");
        server.answer(&path, good(&server.url(&path)));
        assert!(documents.get(&id(&server.url(&path))).await.is_some());
    }
    assert_eq!(documents.len(), 1024);
}
