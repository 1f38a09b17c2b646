//! The callback: from the provider's answer to a code of our own (RFC 6749 §4.1.2, RFC 9207).
//!
//! ```text
//!  GET ──▶ state of this browser? ──▶ iss? ──▶ first time? ──▶ code? ──▶ exchange ──▶ tokens kept ──▶ 302 with our code
//!             │ no                     │ no      │ no           │ error    │ refused
//!             ▼                        ▼         ▼              ▼          ▼
//!            page                     page      page         redirect with `error` and `iss`
//! ```
//!
//! The provider's code is sent nowhere before state and issuer were checked and the use was recorded (attack rows 96,
//! 97).

use bytes::Bytes;
use http::{Method, Request};
use mcp_auth_core::seal::Purpose;
use mcp_auth_discovery::Secret;

use super::answer::Answer;
use super::browser::Browser;
use super::parameters::Parameters;
use super::run::{Context, Input, Step};
use super::state::{CodeContent, Session, StateContent, UpstreamTokens, one_time_key};
use super::store::{StoreCommand, StoreEntry};
use super::upstream::UpstreamClient;
use super::{AccessTokens, ClientLabel, Facade, Refusal};
use crate::grant::authorization_code::{
    AuthorizationCodeRequest, AuthorizationErrorCode, AuthorizationResponse,
    AuthorizationResponseErrorKind as Kind, PkceVerifier, State as UpstreamState,
};
use crate::{TokenErrorCode, TokenResponse, TokenResponseError, TokenType};

/// What is recorded of a value that was used.
pub(super) const USED: &str = "used";

type Early = Box<Answer>;

pub(super) struct Callback(State);

enum State {
    Start(Box<Request<Bytes>>),
    /// Waits for the record of the use.
    Recording(Box<StateContent>, Result<Secret, Refusal>),
    /// Waits for the provider's tokens.
    Exchanging(Box<StateContent>),
    /// Waits until they are kept.
    Keeping(Box<StateContent>, String),
    /// Waits until a client of ours at the provider is forgotten that is not known there.
    Forgetting(Box<StateContent>),
    Over,
}

impl Callback {
    pub(super) fn new(request: Request<Bytes>) -> Self {
        Self(State::Start(Box::new(request)))
    }

    pub(super) fn step(&mut self, facade: &Facade, input: Input, context: &mut Context<'_>) -> Step {
        let state = std::mem::replace(&mut self.0, State::Over);
        let next = match state {
            State::Start(request) => self.read(facade, &request, context),
            State::Recording(content, code) => self.recorded(facade, content, code, input, context),
            State::Exchanging(content) => self.exchanged(facade, content, input, context),
            State::Keeping(content, code) => match input.kept() {
                Ok(()) => Ok(Step::done(content.pending.back(false).code(facade, &code))),
                Err(refusal) => Err(refused(facade, &content, refusal)),
            },
            State::Forgetting(content) => Err(refused(facade, &content, Refusal::UpstreamClient)),
            State::Over => Err(Box::new(facade.error_page(Refusal::Internal))),
        };
        next.unwrap_or_else(Step::Done)
    }

    fn read(
        &mut self,
        facade: &Facade,
        request: &Request<Bytes>,
        context: &mut Context<'_>,
    ) -> Result<Step, Early> {
        let page = |refusal| Box::new(facade.error_page(refusal));
        if *request.method() != Method::GET {
            return Err(Box::new(Answer::method("GET")));
        }
        let parameters = Parameters::of_query(request).map_err(page)?;
        let state = parameters.get("state").ok_or_else(|| page(Refusal::CallbackState))?;
        let browser = Browser::known(facade, request).ok_or_else(|| page(Refusal::CallbackState))?;
        let content: Option<StateContent> = facade.open(Purpose::State, &browser.id, state, context.now);
        let content = Box::new(content.ok_or_else(|| page(Refusal::CallbackState))?);
        context.client = Some(ClientLabel::new(&content.pending.label, None));

        let expected = UpstreamState::parse(state).map_err(|_| page(Refusal::CallbackState))?;
        let issuer = facade.upstream.provider.metadata_issuer();
        // The issuer may have been configured anew since, and then the answer is from the old one.
        let same = content.issuer == issuer;
        let required = content.requires_iss;
        let query = request.uri().query().unwrap_or_default();
        let code = match AuthorizationResponse::parse(query, &expected, same.then_some(issuer), required) {
            Ok(_) if !same => return Err(page(Refusal::CallbackIssuer)),
            Ok(response) => Ok(response.into_code()),
            Err(error) => match error.kind() {
                Kind::Refused(code) => Err(refusal_of(*code)),
                Kind::IssuerMissing | Kind::IssuerMismatch => return Err(page(Refusal::CallbackIssuer)),
                Kind::TooLarge => return Err(page(Refusal::TooLarge)),
                Kind::DuplicateParameter => return Err(page(Refusal::Repeated)),
                Kind::StateMissing | Kind::StateMismatch => return Err(page(Refusal::CallbackState)),
                Kind::Malformed => return Err(page(Refusal::Callback)),
            },
        };
        let entry = StoreEntry {
            name: facade.store_name("state", &content.key),
            value: USED.to_owned(),
            expires_at: context.now.plus(facade.lifetimes.login),
        };
        self.0 = State::Recording(content, code);
        Ok(Step::Store(StoreCommand::PutIfAbsent(entry)))
    }

    fn recorded(
        &mut self,
        facade: &Facade,
        content: Box<StateContent>,
        code: Result<Secret, Refusal>,
        input: Input,
        context: &mut Context<'_>,
    ) -> Result<Step, Early> {
        let page = |refusal| Box::new(facade.error_page(refusal));
        if input.value().map_err(page)?.is_some() {
            return Err(page(Refusal::CallbackReplayed));
        }
        let code = code.map_err(|refusal| refused(facade, &content, refusal))?;
        let request = facade.exchange_request(&content, code, context);
        let request = request.map_err(|refusal| refused(facade, &content, refusal))?;
        self.0 = State::Exchanging(content);
        Ok(Step::send(request))
    }

    fn exchanged(
        &mut self,
        facade: &Facade,
        content: Box<StateContent>,
        input: Input,
        context: &mut Context<'_>,
    ) -> Result<Step, Early> {
        match facade.keep_tokens(&content, input, context) {
            Ok((entry, code)) => {
                self.0 = State::Keeping(content, code);
                Ok(Step::Store(StoreCommand::Put(entry)))
            }
            Err(Refusal::UpstreamClient)
                if matches!(content.pending.upstream, Some(UpstreamClient::Registered { .. })) =>
            {
                let name = facade.upstream_record_name(&content.pending.client);
                self.0 = State::Forgetting(content);
                Ok(Step::Store(StoreCommand::Take { name }))
            }
            // `invalid_grant` is no error of this endpoint.
            Err(Refusal::UpstreamGrant) => Err(refused(facade, &content, Refusal::UpstreamRefused)),
            Err(refusal) => Err(refused(facade, &content, refusal)),
        }
    }
}

fn refused(facade: &Facade, content: &StateContent, refusal: Refusal) -> Early {
    Box::new(content.pending.back(false).refused(facade, refusal))
}

impl Facade {
    fn exchange_request(
        &self,
        content: &StateContent,
        code: Secret,
        context: &mut Context<'_>,
    ) -> Result<Request<Bytes>, Refusal> {
        let endpoints = self.endpoints(context.metadata)?;
        let client = content.pending.upstream.as_ref().ok_or(Refusal::Internal)?;
        let client = self.authenticate_upstream(client, &endpoints.token, context)?;
        let verifier = PkceVerifier::parse(content.verifier.expose()).map_err(|_| Refusal::Internal)?;
        let resource = self.resources.exactly(&content.pending.resource).ok_or(Refusal::Target)?;
        let mut request = AuthorizationCodeRequest::new(code, self.callback.as_str(), verifier, client);
        if self.sends_resource(resource) {
            request = request.resource(resource.identifier());
        }
        Ok(request.into_http(&endpoints.token))
    }

    /// The provider's tokens for the store, and the code that they wait for.
    fn keep_tokens(
        &self,
        content: &StateContent,
        input: Input,
        context: &mut Context<'_>,
    ) -> Result<(StoreEntry, String), Refusal> {
        let response =
            TokenResponse::from_http(&input.response()?).map_err(|error| refusal_of_token(&error))?;
        let pending = &content.pending;
        let tokens = UpstreamTokens::of(&response, context)?;
        let tokens = self.with_names_of_client(tokens, &pending.resource, &pending.scope)?;
        let resource = self.resources.exactly(&pending.resource).ok_or(Refusal::Target)?;
        let key = one_time_key(&mut context.random)?;
        let session = Session {
            key: one_time_key(&mut context.random)?,
            resource: pending.resource.clone(),
            scope: match &self.tokens {
                AccessTokens::PassThrough => tokens.scope.clone().unwrap_or_else(|| pending.scope.clone()),
                // Ours say no more than the user was asked about.
                AccessTokens::Own(_) => self.agreed(&pending.scope, &tokens, resource),
            },
            upstream: pending.upstream.clone().ok_or(Refusal::Internal)?,
            issuer: content.issuer.clone(),
            ends_at: context.now.plus(self.lifetimes.session).as_secs(),
        };
        let code = CodeContent {
            key,
            redirect_uri: pending.redirect_uri.clone(),
            challenge: pending.challenge.clone(),
            refresh: pending.refresh,
            session,
        };
        let expires_at = context.now.plus(self.lifetimes.code);
        let name = self.store_name("grant", &code.key);
        let random = &mut context.random;
        let value = self.seal(Purpose::StoreEntry, &name, &tokens, Some(expires_at), random)?;
        let code = self.seal(Purpose::Code, pending.client.as_str(), &code, Some(expires_at), random)?;
        Ok((StoreEntry { name, value, expires_at }, code))
    }

    /// Whether the provider takes `resource` in token requests, too.
    pub(super) fn sends_resource(&self, resource: &super::ProtectedResource) -> bool {
        let quirks = self.upstream.provider.quirks();
        quirks.resource.translate(resource.identifier(), resource.provider_audience()).resource.is_some()
    }
}

impl UpstreamTokens {
    /// What a client can be given: a bearer token. Others would be bound to a key of ours.
    pub(super) fn of(response: &TokenResponse, context: &Context<'_>) -> Result<Self, Refusal> {
        if response.token_type() != &TokenType::Bearer {
            return Err(Refusal::UpstreamAnswer);
        }
        Ok(Self {
            access_token: response.access_token().clone(),
            expires_at: response
                .expires_in_seconds()
                .map(|seconds| context.now.as_secs().saturating_add(seconds)),
            refresh_token: response.refresh_token().cloned(),
            scope: response.scope().map(str::to_owned),
        })
    }
}

/// What an error of the provider means for the client: what is our own fault is not told as the client's.
fn refusal_of(code: AuthorizationErrorCode) -> Refusal {
    use AuthorizationErrorCode as Code;
    match code {
        Code::AccessDenied => Refusal::Denied,
        Code::InvalidScope => Refusal::UpstreamScope,
        Code::InvalidTarget => Refusal::UpstreamTarget,
        Code::TemporarilyUnavailable => Refusal::UpstreamUnavailable,
        Code::InteractionRequired | Code::LoginRequired | Code::ConsentRequired => {
            Refusal::UpstreamInteraction
        }
        Code::UnauthorizedClient => Refusal::UpstreamClient,
        Code::InvalidRequest | Code::UnsupportedResponseType | Code::ServerError | Code::Other => {
            Refusal::UpstreamRefused
        }
    }
}

/// The same for the token endpoint.
pub(super) fn refusal_of_token(error: &TokenResponseError) -> Refusal {
    if error.is_transient() {
        return Refusal::UpstreamUnavailable;
    }
    match error.refusal().map(|refusal| refusal.code()) {
        Some(TokenErrorCode::InvalidClient | TokenErrorCode::UnauthorizedClient) => Refusal::UpstreamClient,
        Some(TokenErrorCode::InvalidGrant) => Refusal::UpstreamGrant,
        Some(TokenErrorCode::InvalidScope) => Refusal::UpstreamScope,
        Some(TokenErrorCode::InvalidTarget) => Refusal::UpstreamTarget,
        Some(
            TokenErrorCode::InteractionRequired
            | TokenErrorCode::ConsentRequired
            | TokenErrorCode::LoginRequired
            | TokenErrorCode::InsufficientUserAuthentication
            | TokenErrorCode::AccessDenied,
        ) => Refusal::UpstreamGrant,
        _ => Refusal::UpstreamAnswer,
    }
}
