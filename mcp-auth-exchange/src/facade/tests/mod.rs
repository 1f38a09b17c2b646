//! The facade as its clients, users and attackers meet it.

mod attacks;
mod consent;
mod errors;
mod flow;
mod refresh;
mod registration;
mod scope_names;
mod tokens;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Request, Response};
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::AwsLc;
use mcp_auth_core::seal::{SealKey, Sealer};
use mcp_auth_discovery::client_metadata::{ClientIdUrl, ClientMetadataDocument, ClientMetadataPolicy};
use mcp_auth_discovery::facade::{FacadeIssuer, FacadeMetadata};
use mcp_auth_discovery::provider::Provider;
use mcp_auth_discovery::registration::{ClientMetadata, RedirectUriRules};
use mcp_auth_discovery::{AuthorizationServerMetadata, ResourceIdentifier, Scopes, Secret};
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded;

use super::*;
use crate::ClientCredential;
use crate::testing::{json_response, lines, principal};

pub(super) const ISSUER: &str = "https://mcp.example";
pub(super) const PROVIDER: &str = "https://idp.example";
pub(super) const RESOURCE: &str = "https://mcp.example/mcp";
pub(super) const REDIRECT: &str = "https://app.example/cb?x=1";
/// RFC 7636 Appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(super) type Pairs<'p> = Vec<(&'p str, &'p str)>;

/// A facade, its store, its provider and a browser.
pub(super) struct World {
    pub(super) facade: Arc<Facade>,
    pub(super) upstream: Option<AuthorizationServerMetadata>,
    pub(super) store: MemoryStore,
    pub(super) store_works: bool,
    pub(super) now: u64,
    pub(super) cookies: BTreeMap<String, String>,
    /// What the provider answers, in order.
    pub(super) answers: VecDeque<Response<Bytes>>,
    /// What it was asked.
    pub(super) sent: Vec<Request<Bytes>>,
    pub(super) documents: BTreeMap<String, Value>,
    /// The audiences of the provider's tokens, when they are validated.
    pub(super) audiences: Vec<&'static str>,
    random: u64,
}

pub(super) fn app() -> PreRegisteredClient {
    let mut metadata = ClientMetadata::new([REDIRECT, "http://127.0.0.1/cb"]);
    metadata.client_name = Some("App".into());
    PreRegisteredClient::new("app", metadata)
}

pub(super) fn shared() -> Upstream {
    let provider = Provider::oauth(PROVIDER).unwrap();
    Upstream::shared(provider, ClientCredential::client_secret_basic("gateway", Secret::new("s3cret-canary")))
}

pub(super) fn metadata() -> FacadeMetadata {
    FacadeMetadata::new(FacadeIssuer::parse(ISSUER).unwrap())
        .scopes(&Scopes::parse("mcp:read mcp:write").unwrap())
}

pub(super) fn builder(upstream: Upstream) -> FacadeBuilder {
    let key = SealKey::from_bytes([7; 32]);
    let sealer = Sealer::new(&key, Arc::new(AwsLc::new())).unwrap();
    let resource = ProtectedResource::new(ResourceIdentifier::parse(RESOURCE).unwrap());
    Facade::builder(metadata(), sealer, upstream, resource).client(app())
}

pub(super) fn provider_metadata(more: Value) -> AuthorizationServerMetadata {
    let mut document = json!({
        "issuer": PROVIDER,
        "authorization_endpoint": "https://idp.example/authorize",
        "token_endpoint": "https://idp.example/token",
        "registration_endpoint": "https://idp.example/register",
        "revocation_endpoint": "https://idp.example/revoke",
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    for (name, value) in more.as_object().unwrap() {
        document[name] = value.clone();
    }
    AuthorizationServerMetadata::parse(document.to_string().as_bytes(), PROVIDER).unwrap()
}

pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(super) fn get(path: &str, pairs: &[(&str, &str)]) -> Request<Bytes> {
    let uri = format!("{ISSUER}{path}?{}", query(pairs));
    Request::get(uri).body(Bytes::new()).unwrap()
}

pub(super) fn post(path: &str, pairs: &[(&str, &str)]) -> Request<Bytes> {
    Request::post(format!("{ISSUER}{path}"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Bytes::from(query(pairs)))
        .unwrap()
}

pub(super) fn authorization() -> Pairs<'static> {
    vec![
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", REDIRECT),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "client state"),
        ("scope", "mcp:read offline_access"),
        ("resource", RESOURCE),
    ]
}

/// The same with one parameter set, added or (empty) left out.
pub(super) fn with<'p>(mut pairs: Pairs<'p>, name: &'p str, value: &'p str) -> Pairs<'p> {
    pairs.retain(|(known, _)| *known != name);
    if !value.is_empty() {
        pairs.push((name, value));
    }
    pairs
}

pub(super) fn redemption(code: &str) -> Pairs<'_> {
    vec![
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ]
}

pub(super) fn refreshing(token: &str) -> Pairs<'_> {
    vec![("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token)]
}

/// The provider's tokens, numbered.
pub(super) fn upstream_tokens(number: u32) -> Response<Bytes> {
    json_response(
        200,
        &json!({"access_token": format!("access-{number}"), "refresh_token": format!("refresh-{number}"),
            "token_type": "Bearer", "expires_in": 300, "scope": "mcp:read"}),
    )
}

impl World {
    pub(super) fn new(facade: Facade) -> Self {
        Self {
            facade: Arc::new(facade),
            upstream: Some(provider_metadata(json!({}))),
            store: MemoryStore::new(1000, 1 << 20),
            store_works: true,
            now: 1_700_000_000,
            cookies: BTreeMap::new(),
            answers: VecDeque::new(),
            sent: Vec::new(),
            documents: BTreeMap::new(),
            audiences: vec!["mcp", RESOURCE],
            random: 0,
        }
    }

    pub(super) fn shared() -> Self {
        Self::new(builder(shared()).build().unwrap())
    }

    pub(super) fn begin(&self, mut request: Request<Bytes>) -> Run {
        if !self.cookies.is_empty() {
            let cookies: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.headers_mut().insert(COOKIE, cookies.join("; ").parse().unwrap());
        }
        self.facade.begin(request).unwrap()
    }

    /// One step of a run, with bytes that no other step had.
    pub(super) fn step(&mut self, run: &mut Run, input: Input) -> Step {
        self.random += 1;
        let mut bytes = [0; RANDOM_BYTES];
        for (chunk, i) in bytes.chunks_mut(8).zip(0u64..) {
            chunk
                .copy_from_slice(&(self.random * 1000 + i).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        }
        let context = Context::new(UnixTime::from_secs(self.now), RandomBytes::new(bytes));
        match &self.upstream {
            Some(metadata) => run.step(input, context.metadata(metadata)),
            None => run.step(input, context),
        }
    }

    /// Does what a step asks for.
    pub(super) fn perform(&mut self, step: Step) -> Result<Input, Box<Answer>> {
        Ok(match step {
            Step::Done(answer) => return Err(answer),
            Step::Store(command) if self.store_works => {
                let done = self.store.execute(command, UnixTime::from_secs(self.now));
                done.map_or(Input::Failed, Input::Stored)
            }
            Step::Store(_) => Input::Failed,
            Step::Send(request) => {
                self.sent.push(*request);
                self.answers.pop_front().map_or(Input::Failed, Input::Answered)
            }
            Step::Document(id) => self.document(&id).map_or(Input::Failed, |d| Input::Document(Box::new(d))),
            Step::Validate(token) => match token.expose().strip_prefix("access-") {
                Some(_) => {
                    let claims = json!({"groups": ["staff"], "aud": self.audiences});
                    Input::Validated(principal(token.expose(), claims))
                }
                None => Input::Failed,
            },
            Step::Wait(duration) => {
                self.now += duration.as_secs();
                Input::Waited
            }
        })
    }

    pub(super) fn call(&mut self, request: Request<Bytes>) -> Answer {
        let mut run = self.begin(request);
        let mut input = Input::Start;
        loop {
            let step = self.step(&mut run, input);
            match self.perform(step) {
                Ok(next) => input = next,
                Err(answer) => {
                    self.remember(&answer.response);
                    return *answer;
                }
            }
        }
    }

    fn remember(&mut self, response: &Response<Bytes>) {
        for cookie in response.headers().get_all(SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            assert_eq!(attributes, " Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=7776000");
            let (name, value) = pair.split_once('=').unwrap();
            assert!(name.starts_with("__Host-") && pair.len() + attributes.len() < 4096, "{name}");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    fn document(&self, id: &ClientIdUrl) -> Option<ClientMetadataDocument> {
        let document = self.documents.get(id.as_str())?.to_string();
        ClientMetadataDocument::parse(document.as_bytes(), id, &RedirectUriRules::default(), 5000).ok()
    }

    /// Answers the page that asks with the button `decision`.
    pub(super) fn decide(&mut self, page: &Answer, decision: &str) -> Answer {
        assert_eq!(page.event, Event::ConsentAsked);
        let ticket = ticket(page);
        self.call(post("/authorize", &[("ticket", &ticket), ("decision", decision)]))
    }

    /// From the client's request to the provider, with consent.
    pub(super) fn go(&mut self, pairs: &[(&str, &str)]) -> Url {
        let mut answer = self.call(get("/authorize", pairs));
        if answer.event == Event::ConsentAsked {
            answer = self.decide(&answer, "allow");
        }
        assert_eq!(answer.event, Event::SentToProvider, "{:?}", answer.response);
        location(&answer)
    }

    /// The provider's answer to that, with its `iss`.
    pub(super) fn back(&mut self, at_provider: &Url) -> Answer {
        let state = parameter(at_provider, "state").unwrap();
        self.call(get("/callback", &[("code", "upstream-code"), ("state", &state), ("iss", PROVIDER)]))
    }

    /// A code of ours.
    pub(super) fn code(&mut self, pairs: &[(&str, &str)], number: u32) -> String {
        let at_provider = self.go(pairs);
        self.answers.push_back(upstream_tokens(number));
        let answer = self.back(&at_provider);
        assert_eq!(answer.event, Event::CodeIssued, "{:?}", answer.response);
        parameter(&location(&answer), "code").unwrap()
    }

    /// A refresh token of ours.
    pub(super) fn login(&mut self) -> String {
        let code = self.code(&authorization(), 1);
        let answer = self.call(post("/token", &redemption(&code)));
        assert_eq!(answer.event, Event::TokensIssued, "{:?}", answer.response);
        body(&answer)["refresh_token"].as_str().unwrap().to_owned()
    }

    /// The last request to the provider, in readable lines.
    pub(super) fn asked(&self) -> Vec<String> {
        lines(self.sent.last().unwrap().body())
    }
}

pub(super) fn ticket(page: &Answer) -> String {
    let html = std::str::from_utf8(page.response.body()).unwrap();
    let (_, rest) = html.split_once("name=\"ticket\" value=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

pub(super) fn location(answer: &Answer) -> Url {
    Url::parse(answer.response.headers()[LOCATION].to_str().unwrap()).unwrap()
}

pub(super) fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut found = url.query_pairs().filter(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    let first = found.next();
    assert_eq!(found.next(), None, "{name} twice");
    first
}

pub(super) fn body(answer: &Answer) -> Value {
    serde_json::from_slice(answer.response.body()).unwrap()
}

/// What a client reads from an error redirect: error and state, always with our `iss` and at its own URI.
pub(super) fn error(answer: &Answer) -> (String, Option<String>) {
    let url = location(answer);
    assert!(url.as_str().starts_with("https://app.example/cb?x=1&"), "{url}");
    assert_eq!(parameter(&url, "iss").as_deref(), Some(ISSUER));
    (parameter(&url, "error").unwrap(), parameter(&url, "state"))
}
