//! Inline keys, files and discovery.

use std::path::{Path, PathBuf};

use super::*;
use crate::client::chaos::{Answer, Chaos, json};
use crate::client::{AddressPolicy, HttpClient};

const ISSUER: &str = "https://idp.example";

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mcp-auth-keys-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, text: &str) -> PathBuf {
        let path = self.0.join("jwks.json");
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open_file(path: &Path, clock: &Arc<HandClock>) -> Result<Keys, KeysError> {
    Keys::new(&issuer(ISSUER), KeySource::file(path), &KeyOptions::new().clock(clock.clone()))
}

/// The keys after whatever look is due.
async fn look(keys: &Keys, clock: &HandClock) -> Option<Arc<KeySet>> {
    match keys.current(clock.now()) {
        Some(set) => Some(set),
        None => keys.newer(clock.now()).await,
    }
}

#[tokio::test]
async fn row_169_a_file_is_read_at_start_and_again_when_it_changes() {
    let (folder, clock) = (Folder::new("changes"), HandClock::new());
    let path = folder.write(&jwks(&["one"]));
    let keys = open_file(&path, &clock).unwrap();
    assert!(has(keys.current(clock.now()), "one"), "without waiting");
    folder.write(&jwks(&["two"]));
    assert!(has(keys.newer(clock.now()).await, "two"), "an unknown key looks at once");
    folder.write(&jwks(&["three"]));
    clock.advance(5);
    assert!(has(look(&keys, &clock).await, "three"), "and otherwise 5 seconds later");
    let status = keys.status(ISSUER);
    assert_eq!(status.source, format!("file {}", path.display()));
    assert_eq!(
        (status.issuer.as_str(), status.kids, status.last_error),
        (ISSUER, vec!["three".into()], None)
    );
}

#[tokio::test]
async fn row_169_a_broken_file_keeps_the_last_good_keys_and_shows_in_the_status() {
    let (folder, clock) = (Folder::new("broken"), HandClock::new());
    let good = jwks(&["one"]);
    let path = folder.write(&good);
    let keys = open_file(&path, &clock).unwrap();
    for (text, message) in [
        ("{\"keys\":[", "key set"),
        ("{\"keys\":[]}", "no usable key (it is empty)"),
        (r#"{"keys":[{"kty":"oct","k":"hunter2hunter2hunter2hunter2hunter2"}]}"#, "symmetric"),
        (&" ".repeat(513 * 1024), "key set"),
    ] {
        folder.write(text);
        for _ in 0..3 {
            clock.advance(5);
            assert!(has(keys.newer(clock.now()).await, "one"), "{message}");
        }
        assert!(has(keys.current(clock.now()), "one"), "{message}");
        let error = keys.status(ISSUER).last_error.expect(message);
        assert!(error.contains(message) && !error.contains("hunter2"), "{error}");
    }
    std::fs::remove_file(&path).unwrap();
    clock.advance(5);
    assert!(has(keys.newer(clock.now()).await, "one"));
    assert!(keys.status(ISSUER).last_error.unwrap().contains("cannot be read"));
    // The same good content again is good again; a year later it still is.
    folder.write(&good);
    clock.advance(366 * 86_400);
    assert!(has(look(&keys, &clock).await, "one"));
    assert_eq!(keys.status(ISSUER).last_error, None);
}

#[tokio::test]
async fn row_169_a_file_that_cannot_be_used_stops_the_start_with_its_name() {
    let (folder, clock) = (Folder::new("start"), HandClock::new());
    for (path, message) in [
        (folder.0.join("absent.json"), "cannot be read"),
        (folder.0.clone(), "is not a file"),
        (PathBuf::from("/dev/zero"), "is not a file"),
        (folder.write("<html>"), "key set"),
    ] {
        let error = open_file(&path, &clock).unwrap_err().to_string();
        assert!(error.contains(message) && error.contains(&path.display().to_string()), "{error}");
        assert!(error.contains(ISSUER), "{error}");
    }
}

#[tokio::test]
async fn attack_048_a_flood_reads_a_file_once_a_second() {
    let (folder, clock) = (Folder::new("flood"), HandClock::new());
    let keys = open_file(&folder.write(&jwks(&["one"])), &clock).unwrap();
    for _ in 0..10 {
        for _ in 0..20 {
            keys.newer(clock.now()).await;
        }
        clock.advance(1);
    }
    assert!(keys.status(ISSUER).fetches <= 2 + 10);
}

#[test]
fn row_179_inline_keys_are_fixed() {
    let options = KeyOptions::new();
    let keys = Keys::new(&issuer(ISSUER), KeySource::inline(jwks(&["a", "b"])), &options).unwrap();
    let status = keys.status(ISSUER);
    assert_eq!(
        (status.source.as_str(), status.kids, status.fetches),
        ("fixed", vec!["a".into(), "b".into()], 0)
    );
    for (text, message) in [("https://idp.example/jwks", "key set"), (r#"{"keys":[]}"#, "no usable key")] {
        let error = Keys::new(&issuer(ISSUER), KeySource::inline(text), &options).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    assert!(!format!("{:?}", KeySource::inline("hunter2")).contains("hunter2"));
    assert!(!format!("{:?}", KeySource::url("https://h/?a=hunter2").unwrap()).contains("hunter2"));
}

#[test]
fn row_035_plain_http_needs_its_option_and_says_so() {
    let new = |options: &KeyOptions| {
        Keys::new(&issuer(ISSUER), KeySource::url("http://keycloak:8080/certs?a=hunter2").unwrap(), options)
    };
    let error = new(&KeyOptions::new()).unwrap_err().to_string();
    assert!(
        error.contains("danger_allow_http") && error.contains(ISSUER) && !error.contains("hunter2"),
        "{error}"
    );
    assert!(new(&KeyOptions::new().danger_allow_http()).is_ok());
    let http = issuer("http://keycloak:8080/realms/x");
    let error = Keys::new(&http, KeySource::discovered(), &KeyOptions::new()).unwrap_err().to_string();
    assert!(error.contains("is not https"), "{error}");
    assert!(Keys::new(&http, KeySource::discovered(), &KeyOptions::new().danger_allow_http()).is_ok());
    let opaque = issuer("testing@secure.istio.io");
    let error = Keys::new(&opaque, KeySource::discovered(), &KeyOptions::new()).unwrap_err().to_string();
    assert!(error.contains("not an absolute URL"), "{error}");
}

#[tokio::test]
async fn row_203_each_issuer_has_a_source_of_its_own() {
    let folder = Folder::new("builder");
    let path = folder.write(&jwks(&["f"]));
    let builder = || crate::McpAuth::builder(RESOURCE).unwrap();
    let auth = builder()
        .issuer("https://a.example", "https://a.example/jwks?code=hunter2")
        .unwrap()
        .issuer_discovered("https://b.example")
        .issuer_keys_file("https://c.example", &path)
        .issuer_from(issuer("https://d.example"), KeySource::inline(jwks(&["i"])))
        .issuer_from(issuer("https://e.example"), KeySource::url("http://e.example/jwks").unwrap())
        .key_options(KeyOptions::new().danger_allow_http())
        .build()
        .unwrap();
    let sources: Vec<_> = auth.authenticate().keys().iter().map(|keys| keys.status("x").source).collect();
    let file = format!("file {}", path.display());
    let expected = ["https://a.example/jwks?…", "discovery", file.as_str(), "fixed", "http://e.example/jwks"];
    assert_eq!(sources, expected);

    for uri in
        ["https://u:hunter2@a.example/", "/jwks", "ftp://a.example/hunter2", "https://a.example/#hunter2"]
    {
        let error = builder().issuer("https://a.example", uri).unwrap_err().to_string();
        assert!(error.contains("https://a.example") && !error.contains("hunter2"), "{error}");
    }
    for refused in [
        builder().issuer("https://a.example", "http://a.example/jwks").unwrap(),
        builder().issuer_discovered("http://a.example"),
        builder().issuer_discovered("opaque"),
        builder().issuer_keys_file("https://a.example", "/nowhere/jwks.json"),
        builder().issuer_from(issuer("https://a.example"), KeySource::inline("{}")),
    ] {
        assert!(matches!(refused.build(), Err(crate::BuildError::Keys(_))));
    }
}

/// An issuer on a real socket, its name the server's own URL.
struct Discovery {
    idp: Chaos,
    clock: Arc<HandClock>,
    keys: Keys,
}

const OIDC: &str = "/realm/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server/realm";

impl Discovery {
    async fn new(client: Option<HttpClient>) -> Self {
        let (idp, clock) = (Chaos::start().await, HandClock::new());
        let mut options = KeyOptions::new().clock(clock.clone());
        if let Some(client) = client {
            options = options.client(Arc::new(client));
        }
        let keys = Keys::new(&issuer(&idp.url("/realm")), KeySource::discovered(), &options).unwrap();
        Self { idp, clock, keys }
    }

    fn document(&self, path: &str, issuer: &str, jwks_uri: &str) {
        let text = serde_json::json!({"issuer": issuer, "jwks_uri": jwks_uri}).to_string();
        self.idp.answer(path, json(text));
    }

    async fn fetch(&self) -> Option<Arc<KeySet>> {
        self.clock.advance(30);
        self.keys.newer(self.clock.now()).await
    }

    fn error(&self) -> String {
        self.keys.status("x").last_error.unwrap()
    }
}

#[tokio::test]
async fn row_168_keys_are_found_through_the_issuers_metadata_and_again_when_they_move() {
    let case = Discovery::new(None).await;
    let name = case.idp.url("/realm");
    case.document(OAUTH, &name, &case.idp.url("/certs?v=1"));
    case.idp.answer("/certs?v=1", json(jwks(&["one"])));
    assert!(has(case.fetch().await, "one"));
    let inserted = "/.well-known/openid-configuration/realm";
    assert_eq!(case.idp.paths(), [OIDC, inserted, OAUTH, "/certs?v=1"]);
    assert_eq!(case.keys.status("x").source, format!("discovery: {}?…", case.idp.url("/certs")));

    // The same address as long as it answers; the document again when it does not.
    assert!(has(case.fetch().await, "one"));
    case.idp.answer("/certs?v=1", Answer::Status(410));
    case.document(OAUTH, &name, &case.idp.url("/certs?v=2"));
    case.idp.answer("/certs?v=2", json(jwks(&["two"])));
    assert!(has(case.fetch().await, "two"));
    assert_eq!(case.idp.paths()[4..], ["/certs?v=1", "/certs?v=1", OAUTH, "/certs?v=2"]);
    let status = case.keys.status("x");
    assert_eq!((status.fetches, status.failures), (3, 0));
}

#[tokio::test]
async fn row_109_attack_055_a_document_that_names_another_issuer_is_not_used() {
    let case = Discovery::new(None).await;
    case.idp.answer("/certs", json(jwks(&["evil"])));
    for other in [case.idp.url("/realm/"), case.idp.url("/realm2"), "https://evil.example".into()] {
        for path in [OIDC, OAUTH] {
            case.document(path, &other, &case.idp.url("/certs"));
        }
        assert!(case.fetch().await.is_none(), "{other}");
        assert!(case.error().contains("expected exactly"), "{}", case.error());
    }
    assert!(!case.idp.paths().contains(&"/certs".to_owned()));
}

#[tokio::test]
async fn attack_050_a_jwks_uri_elsewhere_leads_to_public_addresses_only() {
    let case = Discovery::new(None).await;
    let name = case.idp.url("/realm");
    let inside = Chaos::start().await;
    inside.answer("/jwks", json(jwks(&["inside"])));
    let port = inside.address.port();
    for (uri, message) in [
        (inside.url("/jwks"), "a loopback address"),
        (format!("http://localhost:{port}/jwks"), "a loopback address"),
        ("https://169.254.169.254/jwks".into(), "a link-local address"),
        ("https://[::ffff:a9fe:a9fe]/jwks".into(), "a link-local address"),
        ("https://10.0.0.1/jwks".into(), "a private address"),
        ("http://idp.example/jwks".into(), "`jwks_uri` is not https"),
        ("file:///etc/passwd".into(), "`jwks_uri` is not https"),
    ] {
        case.document(OIDC, &name, &uri);
        assert!(case.fetch().await.is_none(), "{uri}");
        assert!(case.error().contains(message), "{uri}: {}", case.error());
    }
    assert_eq!(inside.connections(), 0);

    // Unless the operator says that it may.
    let policy = AddressPolicy::public_only().allow("127.0.0.0/8").unwrap();
    let client = HttpClient::builder().learned_addresses(policy).build().unwrap();
    let case = Discovery::new(Some(client)).await;
    case.document(OIDC, &case.idp.url("/realm"), &inside.url("/jwks"));
    assert!(has(case.fetch().await, "inside"));
}

#[tokio::test]
async fn row_168_an_address_that_hangs_is_looked_up_again_in_the_next_fetch() {
    let (idp, clock) = (Chaos::start().await, HandClock::new());
    let name = idp.url("/realm");
    let document = |at: &str| {
        let text = serde_json::json!({"issuer": name, "jwks_uri": idp.url(at)}).to_string();
        idp.answer(OIDC, json(text));
    };
    let options = KeyOptions::new().clock(clock.clone()).timeout(Duration::from_millis(500));
    let keys = Keys::new(&issuer(&name), KeySource::discovered(), &options).unwrap();
    let fetch = async || {
        clock.advance(30);
        keys.newer(clock.now()).await
    };
    document("/old");
    idp.answer("/old", json(jwks(&["one"])));
    // Half a second may be short on a busy machine, so the good answers may need a second try.
    while !has(fetch().await, "one") {}
    document("/new");
    idp.answer("/old", Answer::Silent);
    idp.answer("/new", json(jwks(&["two"])));
    let mut tries = 0;
    while !has(fetch().await, "two") {
        tries += 1;
        assert!(tries < 20, "{:?}", keys.status("x"));
    }
    assert!(idp.paths().ends_with(&[OIDC.to_owned(), "/new".to_owned()]));
}

#[tokio::test]
async fn attack_049_a_set_that_cannot_be_used_has_its_address_looked_up_again() {
    let case = Discovery::new(None).await;
    let name = case.idp.url("/realm");
    case.document(OIDC, &name, &case.idp.url("/old"));
    case.idp.answer("/old", json(jwks(&["one"])));
    assert!(has(case.fetch().await, "one"));
    case.idp.answer("/old", Answer::Html);
    assert!(has(case.fetch().await, "one"), "last good");
    assert!(case.error().contains("answered HTML"));
    case.document(OIDC, &name, &case.idp.url("/new"));
    case.idp.answer("/new", json(jwks(&["two"])));
    assert!(has(case.fetch().await, "two"));
}
