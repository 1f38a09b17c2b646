//! What tests of several modules share.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response};
use mcp_auth_core::jwt::{Checks, Issuer, Validator};
use mcp_auth_core::{Principal, UnixTime};
use mcp_auth_discovery::{Scopes, Secret};
use serde_json::{Value, json};
use url::Url;

use crate::dpop::NonceMemory;
use crate::outcome::Outcome;
use crate::plan::{ActorToken, ExchangePlan, ExchangeRun, Progress, SendContext, Step, Subject};
use crate::provider::ExchangeProfile;
use crate::{ClientCredential, TokenEndpoint};

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
pub(crate) const ISSUER: &str = "https://idp.example";
/// The user's token as it came.
pub(crate) const INBOUND: &str = "inbound.canary.token";

pub(crate) fn secs(seconds: u64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs() + seconds)
}

pub(crate) fn endpoint(url: &str) -> TokenEndpoint {
    TokenEndpoint::new(&Url::parse(url).unwrap()).unwrap()
}

pub(crate) fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).unwrap()
}

/// Alice for an hour, with these claims besides.
pub(crate) fn alice(more: Value) -> Arc<Principal> {
    principal(INBOUND, more)
}

pub(crate) fn principal(token: &str, more: Value) -> Arc<Principal> {
    let mut claims = json!({"active": true, "iss": ISSUER, "sub": "alice", "aud": "mcp", "exp": 1_700_003_600,
        "oid": "0000-alice"});
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let issuer = claims["iss"].as_str().unwrap().to_owned();
    let validator = Validator::new([Issuer::new(issuer).audience("mcp")]).unwrap();
    let json = claims.to_string();
    Arc::new(validator.accept_introspected(0.into(), token, json.as_bytes(), &Checks::at(NOW)).unwrap())
}

pub(crate) fn subject() -> Subject {
    Subject::of(alice(json!({}))).unwrap()
}

/// A JWT whose signature nobody looks at.
pub(crate) fn jwt(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(&json!({"alg": "RS256", "typ": "at+jwt"})), part(claims))
}

/// What a good provider issues: for the tool, for Alice, for five minutes.
pub(crate) fn issued_claims() -> Value {
    json!({"iss": ISSUER, "sub": "alice", "aud": "tool", "exp": 1_700_000_300, "scope": "mcp:invoke"})
}

pub(crate) fn answer(claims: &Value) -> Value {
    json!({"access_token": jwt(claims), "token_type": "Bearer", "expires_in": 300,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "scope": "mcp:invoke"})
}

pub(crate) fn step() -> Step {
    let client = ClientCredential::client_secret_post("gateway", Secret::new("s3cret-canary"));
    Step::new(ExchangeProfile::rfc8693(), endpoint("https://idp.example/token"), client)
        .audience("tool")
        .scope(&scopes("mcp:invoke"))
}

pub(crate) fn plan() -> Arc<ExchangePlan> {
    Arc::new(ExchangePlan::new("tool", [step()]).unwrap())
}

pub(crate) fn json_response(status: u16, body: &Value) -> Response<Bytes> {
    response(status, "application/json", &body.to_string())
}

pub(crate) fn response(status: u16, media_type: &str, body: &str) -> Response<Bytes> {
    let builder = Response::builder().status(status).header("content-type", media_type);
    builder.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

/// A run with all that it needs.
pub(crate) struct Driver {
    pub(crate) run: ExchangeRun,
    pub(crate) nonces: NonceMemory,
    pub(crate) sent: Vec<Request<Bytes>>,
    pub(crate) workload_token: Option<Secret>,
}

impl Driver {
    pub(crate) fn new(plan: &Arc<ExchangePlan>, subject: Subject, actor: Option<ActorToken>) -> Self {
        let nonces = NonceMemory::default();
        Self { run: plan.begin(subject, actor), nonces, sent: Vec::new(), workload_token: None }
    }

    /// Sends the next request.
    pub(crate) fn send(&mut self) -> Result<String, Outcome> {
        let random = [u8::try_from(self.sent.len()).unwrap(); 32];
        let workload_token = self.workload_token.as_ref();
        let context = SendContext { random: &random, workload_token, nonces: &self.nonces, now: NOW };
        let request = self.run.next_request(&context)?;
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        self.sent.push(request);
        Ok(body)
    }

    pub(crate) fn receive(&mut self, response: &Response<Bytes>) -> Progress {
        self.run.handle_response(response, &self.nonces, NOW)
    }

    /// Sends and answers until the end; `None` is no answer.
    pub(crate) fn through(mut self, answers: &[Option<Response<Bytes>>]) -> (Outcome, Vec<Request<Bytes>>) {
        for answer in answers {
            if let Err(outcome) = self.send() {
                return (outcome, self.sent);
            }
            let progress = match answer {
                Some(answer) => self.receive(answer),
                None => self.run.handle_failure(),
            };
            if let Progress::Done(outcome) = progress {
                return (outcome, self.sent);
            }
        }
        panic!("not at an end after {} answers", answers.len());
    }
}

/// What comes of one answer to a plan.
pub(crate) fn exchange(plan: &Arc<ExchangePlan>, answer: Response<Bytes>) -> Outcome {
    let once = Arc::new((**plan).clone().attempts(1));
    Driver::new(&once, subject(), None).through(&[Some(answer)]).0
}

/// A form in readable lines: `name: value`.
pub(crate) fn lines(body: &[u8]) -> Vec<String> {
    url::form_urlencoded::parse(body).map(|(name, value)| format!("{name}: {value}")).collect()
}
