//! One request from its first byte to its answer, as steps.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, PRAGMA};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use mcp_auth_core::{Principal, UnixTime};
use mcp_auth_discovery::client_metadata::{ClientIdUrl, ClientMetadataDocument};
use mcp_auth_discovery::facade::FacadeEndpoint;
use mcp_auth_discovery::{AuthorizationServerMetadata, Secret};

use super::answer::{Answer, Event};
use super::authorize::Authorize;
use super::callback::Callback;
use super::register::Register;
use super::revoke::Revoke;
use super::store::{StoreCommand, StoreReply};
use super::token::Token;
use super::{AccessTokens, ClientLabel, Facade, RandomBytes, Refusal};

/// What has to be done before the run can go on, or its end.
#[expect(clippy::exhaustive_enums, reason = "whoever drives a run does each of them")]
pub enum Step {
    /// Ask the store; go on with [`Input::Stored`].
    Store(StoreCommand),
    /// Send this request to the provider, without following redirects, within less than [`LEASE`]; go on with
    /// [`Input::Answered`].
    Send(Box<Request<Bytes>>),
    /// Get this client's metadata document, from a cache or by a
    /// [policy](mcp_auth_discovery::client_metadata::ClientMetadataPolicy); go on with [`Input::Document`].
    Document(Box<ClientIdUrl>),
    /// Validate this access token of the provider, as for a request that carries it; go on with [`Input::Validated`].
    Validate(Secret),
    /// Wait this long; go on with [`Input::Waited`].
    Wait(Duration),
    /// Answer this. The run is over.
    Done(Box<Answer>),
}

/// What came of a [`Step`].
#[expect(clippy::exhaustive_enums, reason = "the counterpart of `Step`")]
pub enum Input {
    /// The first one.
    Start,
    /// What the store answered.
    Stored(StoreReply),
    /// What the provider answered, at most 64 KiB.
    Answered(Response<Bytes>),
    /// The document.
    Document(Box<ClientMetadataDocument>),
    /// Whose token it is.
    Validated(Arc<Principal>),
    /// Time has passed.
    Waited,
    /// It could not be done: no answer, no room, not valid. Nothing goes ahead that depends on it.
    Failed,
}

/// For how long a request may hold a refresh token before another one may try it.
pub const LEASE: Duration = Duration::from_secs(30);

/// What a step depends on besides the request.
#[derive(Debug)]
pub struct Context<'a> {
    pub(super) now: UnixTime,
    pub(super) random: RandomBytes,
    pub(super) metadata: Option<&'a AuthorizationServerMetadata>,
    pub(super) workload_token: Option<&'a Secret>,
    /// Set by the step that finds it.
    pub(super) client: Option<ClientLabel>,
}

impl<'a> Context<'a> {
    /// The time, and random bytes for this step alone.
    pub fn new(now: UnixTime, random: RandomBytes) -> Self {
        Self { now, random, metadata: None, workload_token: None, client: None }
    }

    /// Adds the provider's metadata, where it is known.
    #[must_use]
    pub fn metadata(mut self, metadata: &'a AuthorizationServerMetadata) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Adds the workload's own token, for a client that has no other secret.
    #[must_use]
    pub fn workload_token(mut self, token: &'a Secret) -> Self {
        self.workload_token = Some(token);
        self
    }
}

/// One request on its way to an answer: [`step`](Self::step) until [`Step::Done`].
pub struct Run {
    facade: Arc<Facade>,
    machine: Machine,
    client: Option<ClientLabel>,
}

enum Machine {
    Authorize(Box<Authorize>),
    Callback(Box<Callback>),
    Token(Box<Token>),
    Revoke(Box<Revoke>),
    Register(Box<Register>),
    Keys(Method),
    Over,
}

impl Facade {
    /// Begins with a request whose body was collected, at most 64 KiB; `None` when its path is not that of an endpoint.
    pub fn begin(self: &Arc<Self>, request: Request<Bytes>) -> Option<Run> {
        let machine = match self.metadata.endpoint_at(request.uri().path())? {
            FacadeEndpoint::Authorize => Machine::Authorize(Box::new(Authorize::new(request))),
            FacadeEndpoint::Callback => Machine::Callback(Box::new(Callback::new(request))),
            FacadeEndpoint::Token => Machine::Token(Box::new(Token::new(request))),
            FacadeEndpoint::Revoke => Machine::Revoke(Box::new(Revoke::new(request))),
            FacadeEndpoint::Register if self.offers.registration => {
                Machine::Register(Box::new(Register::new(request)))
            }
            FacadeEndpoint::Keys => Machine::Keys(request.method().clone()),
            _ => return None,
        };
        Some(Run { facade: Arc::clone(self), machine, client: None })
    }
}

impl Run {
    /// Goes on with what came of the last step; at first with [`Input::Start`]. An input that does not belong to the last
    /// step ends the run with a refusal, and so does everything after the end.
    pub fn step(&mut self, input: Input, mut context: Context<'_>) -> Step {
        let facade = &self.facade;
        let mut step = match &mut self.machine {
            Machine::Authorize(machine) => machine.step(facade, input, &mut context),
            Machine::Callback(machine) => machine.step(facade, input, &mut context),
            Machine::Token(machine) => machine.step(facade, input, &mut context),
            Machine::Revoke(machine) => machine.step(facade, input, &mut context),
            Machine::Register(machine) => machine.step(facade, input, &mut context),
            Machine::Keys(method) => facade.keys(method),
            Machine::Over => Step::refused(Refusal::Internal),
        };
        self.client = context.client.take().or(self.client.take());
        if let Step::Done(answer) = &mut step {
            self.machine = Machine::Over;
            answer.client = self.client.take();
        }
        step
    }
}

impl Step {
    pub(super) fn done(answer: Answer) -> Self {
        Self::Done(Box::new(answer))
    }

    pub(super) fn refused(refusal: Refusal) -> Self {
        Self::done(Answer::refused(refusal))
    }

    pub(super) fn send(request: Request<Bytes>) -> Self {
        Self::Send(Box::new(request))
    }
}

impl Input {
    /// What the store found.
    pub(super) fn value(self) -> Result<Option<String>, Refusal> {
        match self {
            Self::Stored(StoreReply::Value(value)) => Ok(value),
            _ => Err(Refusal::Store),
        }
    }

    /// That the store has kept something.
    pub(super) fn kept(self) -> Result<(), Refusal> {
        match self {
            Self::Stored(StoreReply::Done) => Ok(()),
            _ => Err(Refusal::Store),
        }
    }

    pub(super) fn response(self) -> Result<Response<Bytes>, Refusal> {
        match self {
            Self::Answered(response) => Ok(response),
            _ => Err(Refusal::UpstreamUnavailable),
        }
    }
}

impl Facade {
    /// Our key set; empty where tokens are the provider's.
    fn keys(&self, method: &Method) -> Step {
        if *method != Method::GET {
            return Step::done(Answer::method("GET"));
        }
        let key = match &self.tokens {
            AccessTokens::PassThrough => None,
            AccessTokens::Own(own) => serde_json::from_str(&own.signer.public_jwk(&own.kid)).ok(),
        };
        let keys: Vec<serde_json::Value> = key.into_iter().collect();
        let mut answer = Answer::json(StatusCode::OK, &serde_json::json!({ "keys": keys }), Event::KeysRead);
        // They are no secret, and are read often.
        let headers = answer.response.headers_mut();
        headers.remove(PRAGMA);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
        Step::done(answer)
    }
}

/// The kind: requests hold secrets.
impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(command) => f.debug_tuple("Store").field(command).finish(),
            Self::Send(request) => f.debug_tuple("Send").field(&request.uri().path()).finish(),
            Self::Document(url) => f.debug_tuple("Document").field(url).finish(),
            Self::Validate(_) => f.write_str("Validate"),
            Self::Wait(duration) => f.debug_tuple("Wait").field(duration).finish(),
            Self::Done(answer) => f.debug_tuple("Done").field(answer).finish(),
        }
    }
}

/// The kind: answers hold tokens.
impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start => f.write_str("Start"),
            Self::Stored(reply) => f.debug_tuple("Stored").field(reply).finish(),
            Self::Answered(response) => f.debug_tuple("Answered").field(&response.status()).finish(),
            Self::Document(document) => f.debug_tuple("Document").field(document.id()).finish(),
            Self::Validated(_) => f.write_str("Validated"),
            Self::Waited => f.write_str("Waited"),
            Self::Failed => f.write_str("Failed"),
        }
    }
}

/// Which endpoint.
impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.machine {
            Machine::Authorize(_) => "Run(authorize)",
            Machine::Callback(_) => "Run(callback)",
            Machine::Token(_) => "Run(token)",
            Machine::Revoke(_) => "Run(revoke)",
            Machine::Register(_) => "Run(register)",
            Machine::Keys(_) => "Run(keys)",
            Machine::Over => "Run(over)",
        })
    }
}
