//! Invariant: whatever clients, browsers and the provider send, a run ends after few steps; a redirect goes to the
//! provider, with our callback, or to a registered redirect URI, with our `iss`; the provider's secret and its tokens
//! are in no page, no URL and no error, and a code is good for one answer.
//!
//! An input is a session, line by line: `A` an authorization request's query, `P` a form at the same place, `C` a
//! callback's query, `T` and `V` forms at the token and revocation endpoints, `R` a registration, `M` a method and a
//! query for its management, `U` what the provider answers next. `{state}`, `{ticket}`, `{code}`, `{refresh}` and
//! `{client}` stand for the last ones.
#![no_main]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use libfuzzer_sys::fuzz_target;
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::AwsLc;
use mcp_auth_core::seal::{SealKey, Sealer};
use mcp_auth_discovery::client_metadata::ClientMetadataDocument;
use mcp_auth_discovery::facade::{FacadeIssuer, FacadeMetadata};
use mcp_auth_discovery::provider::Provider;
use mcp_auth_discovery::registration::{ClientMetadata, RedirectUriRules, redirect_uri_matches};
use mcp_auth_discovery::{AuthorizationServerMetadata, ResourceIdentifier, Secret};
use mcp_auth_exchange::ClientCredential;
use mcp_auth_exchange::facade::{
    Answer, Context, Event, Facade, Input, MemoryStore, PreRegisteredClient, ProtectedResource, RANDOM_BYTES,
    RandomBytes, RegistrationRules, Step, Upstream,
};
use serde_json::Value;
use url::Url;

const ISSUER: &str = "https://mcp.example";
const PROVIDER: &str = "https://idp.example";
const CANARY: &str = "s3cret-canary";
/// More than a refresh that waits for another one takes.
const MAX_STEPS: usize = 250;
const MAX_LINES: usize = 24;

static UPSTREAM: LazyLock<AuthorizationServerMetadata> = LazyLock::new(|| {
    let document =
        br#"{"issuer":"https://idp.example","authorization_endpoint":"https://idp.example/authorize",
        "token_endpoint":"https://idp.example/token","registration_endpoint":"https://idp.example/register",
        "revocation_endpoint":"https://idp.example/revoke","response_types_supported":["code"],
        "code_challenge_methods_supported":["S256"],"authorization_response_iss_parameter_supported":true}"#;
    AuthorizationServerMetadata::parse(document, PROVIDER).unwrap()
});

static FACADES: LazyLock<[Arc<Facade>; 2]> = LazyLock::new(|| {
    let provider = Provider::oauth(PROVIDER).unwrap();
    let client = ClientCredential::client_secret_post("gateway", Secret::new(CANARY));
    let shared = Upstream::shared(provider.clone(), client);
    [facade(shared), facade(Upstream::registered(provider, Some(Secret::new(CANARY))))]
});

fn facade(upstream: Upstream) -> Arc<Facade> {
    let sealer = Sealer::new(&SealKey::from_bytes([7; 32]), Arc::new(AwsLc::new())).unwrap();
    let resource = ProtectedResource::new(ResourceIdentifier::parse("https://mcp.example/mcp").unwrap());
    let app = PreRegisteredClient::new(
        "app",
        ClientMetadata::new(["https://app.example/cb", "http://127.0.0.1/cb"]),
    );
    let rules = RegistrationRules::default().managed(Duration::from_secs(1_000_000));
    let metadata = FacadeMetadata::new(FacadeIssuer::parse(ISSUER).unwrap());
    let builder = Facade::builder(metadata, sealer, upstream, resource).client(app).registration(rules);
    Arc::new(builder.build().unwrap())
}

struct Session {
    facade: Arc<Facade>,
    store: MemoryStore,
    cookies: BTreeMap<String, String>,
    /// `{state}` and the others.
    last: BTreeMap<&'static str, String>,
    registered: Vec<String>,
    answers: VecDeque<Response<Bytes>>,
    redeemed: Vec<String>,
    steps: u64,
}

impl Session {
    fn fill(&self, line: &str) -> String {
        self.last.iter().fold(line.to_owned(), |line, (name, value)| line.replace(name, value))
    }

    fn call(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        body: String,
        media_type: &str,
    ) -> Option<Answer> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let token = self.last.get("{manage}").map(String::as_str).unwrap_or_default();
        let request = Request::builder().method(method).uri(format!("{ISSUER}{path}?{query}"));
        let request = request.header("content-type", media_type).header("cookie", cookies.join("; "));
        let request = match path {
            "/register" => request.header("authorization", format!("Bearer {token}")),
            _ => request,
        };
        let request = request.body(Bytes::from(body)).ok()?;
        let mut run = self.facade.begin(request).expect("a path that is ours");
        let mut input = Input::Start;
        for _ in 0..MAX_STEPS {
            self.steps += 1;
            let mut random = [0; RANDOM_BYTES];
            for (chunk, i) in random.chunks_mut(8).zip(0u64..) {
                let word = (self.steps << 32 | i).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                chunk.copy_from_slice(&word.to_be_bytes());
            }
            let now = UnixTime::from_secs(1_700_000_000 + self.steps / 8);
            let context = Context::new(now, RandomBytes::new(random)).metadata(&UPSTREAM);
            input = match run.step(input, context) {
                Step::Done(answer) => return Some(*answer),
                Step::Store(command) => self.store.execute(command, now).map_or(Input::Failed, Input::Stored),
                Step::Send(request) => {
                    assert_eq!(request.uri().host(), Some("idp.example"));
                    self.answers.pop_front().map_or(Input::Failed, Input::Answered)
                }
                Step::Document(id) => {
                    let text = format!(
                        r#"{{"client_id":{},"client_name":"D","redirect_uris":["https://app.example/cb"]}}"#,
                        Value::from(id.as_str())
                    );
                    let document = ClientMetadataDocument::parse(
                        text.as_bytes(),
                        &id,
                        &RedirectUriRules::default(),
                        5000,
                    );
                    document.map_or(Input::Failed, |document| Input::Document(Box::new(document)))
                }
                Step::Validate(_) => Input::Failed,
                Step::Wait(_) => Input::Waited,
            };
        }
        panic!("no end");
    }

    fn check(&mut self, answer: &Answer) {
        let (parts, body) = (answer.response.headers(), answer.response.body());
        let text = String::from_utf8_lossy(body);
        assert!(!text.contains(CANARY), "our secret at the provider");
        let tokens = matches!(answer.event, Event::TokensIssued | Event::Refreshed | Event::RefreshShared);
        assert!(tokens || !text.contains("upstream-token"), "a token in {:?}", answer.event);
        for cookie in parts.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("a cookie of text");
            let (name, rest) = cookie.split_once('=').unwrap();
            assert!(name.starts_with("__Host-") && cookie.contains("; Secure; HttpOnly; SameSite=Lax;"));
            self.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
        }
        if let Some(location) = parts.get("location") {
            self.check_location(location.to_str().expect("a location of text"), answer.event);
        } else {
            assert!(!answer.response.status().is_redirection());
        }
        if parts.get("content-type").is_some_and(|value| value == "text/html; charset=utf-8") {
            assert!(!text.contains("<script") && parts["x-frame-options"] == "DENY");
            if let Some((_, rest)) = text.split_once("name=\"ticket\" value=\"") {
                self.last.insert("{ticket}", rest.split('"').next().unwrap().to_owned());
            }
        } else if !body.is_empty() {
            self.check_json(&text, answer);
        }
    }

    fn check_location(&mut self, location: &str, event: Event) {
        let url = Url::parse(location).expect("a location that is no URL");
        let get =
            |name: &str| url.query_pairs().filter(|(n, _)| n == name).map(|(_, v)| v.into_owned()).last();
        if event == Event::SentToProvider {
            assert!(location.starts_with("https://idp.example/authorize?"), "{location}");
            assert_eq!(get("redirect_uri").as_deref(), Some("https://mcp.example/callback"));
            assert_eq!(get("code_challenge_method").as_deref(), Some("S256"));
            self.last.insert("{state}", get("state").unwrap());
            return;
        }
        assert_eq!(get("iss").as_deref(), Some(ISSUER), "{location}");
        // All that stands before what was added is a registered URI.
        let ends = location.match_indices(['?', '&']).map(|(at, _)| at).flat_map(|at| [at, at + 1]);
        let known = |end: usize| {
            let target = &location[..end];
            self.registered.iter().any(|uri| redirect_uri_matches(uri, target))
        };
        assert!(ends.into_iter().any(known), "{location} is nobody's");
        if event == Event::CodeIssued {
            self.last.insert("{code}", get("code").unwrap());
        }
    }

    fn check_json(&mut self, text: &str, answer: &Answer) {
        let json: Value = serde_json::from_str(text).expect("an answer that is not JSON");
        if answer.response.status().is_success() {
            let mut take = |name: &str, to: &'static str| {
                if let Some(value) = json[name].as_str() {
                    self.last.insert(to, value.to_owned());
                }
            };
            take("refresh_token", "{refresh}");
            take("client_id", "{client}");
            take("registration_access_token", "{manage}");
            if matches!(answer.event, Event::Registered | Event::RegistrationChanged) {
                let uris = json["redirect_uris"].as_array().unwrap();
                self.registered.extend(uris.iter().map(|uri| uri.as_str().unwrap().to_owned()));
            }
            if answer.event == Event::TokensIssued {
                let code = self.last["{code}"].clone();
                assert!(!self.redeemed.contains(&code), "a code was used twice");
                self.redeemed.push(code);
            }
        } else {
            let error = json["error"].as_str().expect("an error without a code");
            assert!(error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert_eq!(
                error == "invalid_client",
                answer
                    .response
                    .headers()
                    .get("www-authenticate")
                    .is_some_and(|v| v.as_bytes().starts_with(b"Basic"))
            );
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let facade = &FACADES[data.len() % 2];
    let mut session = Session {
        facade: Arc::clone(facade),
        store: MemoryStore::new(200, 1 << 20),
        cookies: BTreeMap::new(),
        last: BTreeMap::new(),
        registered: vec!["https://app.example/cb".to_owned(), "http://127.0.0.1/cb".to_owned()],
        answers: VecDeque::new(),
        redeemed: Vec::new(),
        steps: 0,
    };
    for line in text.split('\n').take(MAX_LINES) {
        let Some((op, rest)) = line.split_at_checked(1) else { continue };
        let rest = session.fill(rest);
        let form = "application/x-www-form-urlencoded";
        let answer = match op {
            "A" => session.call("GET", "/authorize", &rest, String::new(), form),
            "P" => session.call("POST", "/authorize", "", rest, form),
            "C" => session.call("GET", "/callback", &rest, String::new(), form),
            "T" => session.call("POST", "/token", "", rest, form),
            "V" => session.call("POST", "/revoke", "", rest, form),
            "R" => session.call("POST", "/register", "", rest, "application/json"),
            "M" => {
                let method = if rest.is_empty() {
                    "GET"
                } else if rest == "-" {
                    "DELETE"
                } else {
                    "PUT"
                };
                let client = session.last.get("{client}").cloned().unwrap_or_default();
                session.call(method, "/register", &format!("client_id={client}"), rest, "application/json")
            }
            "U" => {
                let (status, body) = rest.split_once(' ').unwrap_or(("200", &rest));
                let status = status.parse().unwrap_or(200u16);
                let response = Response::builder().status(status).header("content-type", "application/json");
                session.answers.extend(response.body(Bytes::from(body.to_owned())).ok());
                None
            }
            _ => None,
        };
        if let Some(answer) = answer {
            session.check(&answer);
        }
    }
});
