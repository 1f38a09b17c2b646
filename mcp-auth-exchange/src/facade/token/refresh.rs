//! A refresh token of ours for a new one (RFC 6749 §6, RFC 9700 §4.14.2).
//!
//! Each refresh token is good for one refresh. Clients that send several requests at once refresh several times with
//! the same token; one of them asks the provider, the others get its answer:
//!
//! ```text
//!  Get session ──ended──▶ invalid_grant
//!      │
//!  Get last ──this one or a later one was used──▶ Get grace:K
//!      │
//!  PutIfAbsent used:K = "pending", for a lease
//!      │ nothing was there         │ "pending"                  │ "used"
//!      ▼                           ▼                            ▼
//!  ask the provider            wait, try again             Get grace:K
//!      │ tokens       │ later      (at most 10 s)            │ there       │ gone
//!      ▼              ▼                                      ▼             ▼
//!  Put grace:K    Take used:K                          the same answer   Put session = ended,
//!  Put last = G   503                                                    invalid_grant
//!  Put used:K
//!      ▼
//!    answer
//! ```
//!
//! `grace:K` is there for [`Lifetimes::grace`](super::super::Lifetimes::grace), `used:K` for the minute in which parallel
//! requests may look at it, and `last`, the number of the last token of the session that was used, for as long as the
//! session: one small record, however often its client refreshes. The answer waits sealed. If the store fails after the
//! provider has answered, the answer is lost: a token whose use was not recorded could be used again.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use mcp_auth_core::UnixTime;
use mcp_auth_core::seal::Purpose;
use mcp_auth_discovery::Scopes;

use super::super::callback::{USED, refusal_of_token};
use super::super::client::Client;
use super::super::parameters::Parameters;
use super::super::run::{Context, Input, LEASE, Step};
use super::super::state::{ClientDigest, Issued, RefreshContent, UpstreamTokens};
use super::super::store::{StoreCommand, StoreEntry};
use super::super::upstream::UpstreamClient;
use super::super::{Event, Facade, Refusal};
use super::issue::{For, Issue, Issuing};
use super::{Closing, Next};
use crate::TokenResponse;
use crate::grant::refresh::RefreshRequest;

const PENDING: &str = "pending";

/// Between two looks at a token that another request holds, and how many there are: 10 seconds in all.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
const MAX_LOOKS: u32 = 50;

/// How long a request may look at a token after it has asked which one was used last: longer than any request takes.
const STILL_LOOKED_AT: Duration = Duration::from_secs(120);

/// How far the clocks of replicas and store may be apart.
const RELEASE_MARGIN: Duration = Duration::from_secs(5);

pub(super) struct RefreshGrant {
    token: RefreshContent,
    client_id: String,
    /// Empty for what was granted.
    scope: Scopes,
    looks: u32,
    /// Until when the claim on the token holds by itself.
    claimed_until: UnixTime,
    state: State,
}

enum State {
    Session,
    /// Waits for the number of the last token that was used.
    Last,
    Claiming,
    Waiting,
    /// Waits for the answer to another request.
    Shared,
    Refreshing,
    Issuing(Box<Issue>),
    /// Waits until the answer is kept, then until the use is recorded, in two places.
    Keeping(Box<Issued>),
    Counting(Box<Issued>),
    Recording(Box<Issued>),
    Over,
}

impl RefreshGrant {
    pub(super) fn begin(
        facade: &Facade,
        form: &Parameters,
        client: &Client,
        context: &Context<'_>,
    ) -> Result<(Self, Step), Refusal> {
        if !client.refresh || !facade.offers.refresh {
            return Err(Refusal::ClientGrant);
        }
        let bound = ClientDigest::of(&client.id);
        let text = form.required("refresh_token")?;
        let token: Option<RefreshContent> =
            facade.open(Purpose::RefreshToken, bound.as_str(), text, context.now);
        let token = token.ok_or(Refusal::RefreshToken)?;
        facade.check_session(&token.session, form)?;
        let scope = narrowed(&token.session.scope, form.get("scope"))?;
        let name = facade.session_name(&token.session);
        let client_id = client.id.clone();
        let grant =
            Self { token, client_id, scope, looks: 0, claimed_until: context.now, state: State::Session };
        Ok((grant, Step::Store(StoreCommand::Get { name })))
    }

    pub(super) fn step(
        &mut self,
        facade: &Facade,
        input: Input,
        context: &mut Context<'_>,
    ) -> Result<Next, Refusal> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Session => match input.value()? {
                None => {
                    self.state = State::Last;
                    let name = self.last_name(facade);
                    Ok(Next::Step(Step::Store(StoreCommand::Get { name })))
                }
                Some(_) => Err(Refusal::SessionEnded),
            },
            State::Last => match input.value()?.map(|text| text.parse::<u64>()) {
                None => Ok(self.claim(facade, context)),
                Some(Ok(last)) if last < self.token.generation => Ok(self.claim(facade, context)),
                // What cannot be read was not written here.
                Some(Err(_)) => Err(Refusal::Store),
                Some(Ok(_)) => Ok(self.share(facade)),
            },
            State::Waiting => Ok(self.claim(facade, context)),
            State::Claiming => match input.value()?.as_deref() {
                None => match self.request(facade, context) {
                    Ok(request) => {
                        self.state = State::Refreshing;
                        Ok(Next::Step(Step::send(request)))
                    }
                    Err(refusal) => Ok(self.release(facade, refusal, context)),
                },
                Some(PENDING) if self.looks >= MAX_LOOKS => Err(Refusal::Busy),
                Some(PENDING) => {
                    self.looks += 1;
                    self.state = State::Waiting;
                    Ok(Next::Step(Step::Wait(LOOK_AGAIN)))
                }
                Some(_) => Ok(self.share(facade)),
            },
            State::Shared => {
                let name = self.grace_name(facade);
                let kept = input.value()?;
                let issued =
                    kept.and_then(|kept| facade.open(Purpose::StoreEntry, &name, &kept, context.now));
                Ok(match issued {
                    Some(issued) => Next::Issued(Box::new(issued), Event::RefreshShared),
                    None => {
                        Closing::then(vec![facade.end_session(&self.token.session)], Refusal::RefreshReused)
                    }
                })
            }
            State::Refreshing => self.refreshed(facade, input, context),
            State::Issuing(issue) => {
                let issuing = issue.step(facade, input, context);
                self.issue(facade, issuing, context)
            }
            State::Keeping(issued) => {
                input.kept()?;
                self.state = State::Counting(issued);
                Ok(Next::Step(Step::Store(StoreCommand::Put(StoreEntry {
                    name: self.last_name(facade),
                    value: self.token.generation.to_string(),
                    expires_at: UnixTime::from_secs(self.token.session.ends_at),
                }))))
            }
            State::Counting(issued) => {
                input.kept()?;
                self.state = State::Recording(issued);
                Ok(Next::Step(Step::Store(self.used(facade, context))))
            }
            State::Recording(issued) => {
                input.kept()?;
                Ok(Next::Issued(issued, Event::Refreshed))
            }
            State::Over => Err(Refusal::Internal),
        }
    }

    /// Looks for the answer that another request with this token was given.
    fn share(&mut self, facade: &Facade) -> Next {
        self.state = State::Shared;
        let name = self.grace_name(facade);
        Next::Step(Step::Store(StoreCommand::Get { name }))
    }

    fn claim(&mut self, facade: &Facade, context: &Context<'_>) -> Next {
        self.state = State::Claiming;
        self.claimed_until = context.now.plus(LEASE);
        Next::Step(Step::Store(StoreCommand::PutIfAbsent(StoreEntry {
            name: self.used_name(facade),
            value: PENDING.to_owned(),
            expires_at: self.claimed_until,
        })))
    }

    fn request(&self, facade: &Facade, context: &mut Context<'_>) -> Result<Request<Bytes>, Refusal> {
        let endpoints = facade.endpoints(context.metadata)?;
        let session = &self.token.session;
        let client = facade.authenticate_upstream(&session.upstream, &endpoints.token, context)?;
        let resource = facade.resources.exactly(&session.resource).ok_or(Refusal::Target)?;
        let scope = facade.scopes_at_provider(&self.scope, resource)?;
        let mut request = RefreshRequest::new(self.token.upstream.clone(), client).scope(&scope);
        if facade.sends_resource(resource) {
            request = request.resource(resource.identifier());
        }
        Ok(request.into_http(&endpoints.token))
    }

    fn refreshed(
        &mut self,
        facade: &Facade,
        input: Input,
        context: &mut Context<'_>,
    ) -> Result<Next, Refusal> {
        let answered = input.response().and_then(|response| {
            let response = TokenResponse::from_http(&response).map_err(|error| refusal_of_token(&error))?;
            let session = &self.token.session;
            let tokens = UpstreamTokens::of(&response, context)?;
            facade.with_names_of_client(tokens, &session.resource, &session.scope)
        });
        match answered {
            Ok(tokens) => {
                // Without a new one the old one stays good (RFC 6749 §6).
                let upstream = tokens.refresh_token.clone().unwrap_or_else(|| self.token.upstream.clone());
                let issue = For {
                    client_id: self.client_id.clone(),
                    session: self.token.session.clone(),
                    asked: self.scope.clone(),
                    generation: self.token.generation.saturating_add(1),
                };
                let issuing = Issue::begin(facade, issue, tokens, Some(upstream), context);
                self.issue(facade, issuing, context)
            }
            Err(Refusal::UpstreamGrant) => {
                let commands = vec![self.used(facade, context), facade.end_session(&self.token.session)];
                Ok(Closing::then(commands, Refusal::UpstreamGrant))
            }
            // Its client at the provider is gone for good: it has to register again, and gets another one.
            Err(Refusal::UpstreamClient)
                if matches!(self.token.session.upstream, UpstreamClient::Registered { .. }) =>
            {
                Ok(self.release(facade, Refusal::ClientForgotten, context))
            }
            Err(refusal) => Ok(self.release(facade, refusal, context)),
        }
    }

    fn issue(
        &mut self,
        facade: &Facade,
        issuing: Result<Issuing, Refusal>,
        context: &mut Context<'_>,
    ) -> Result<Next, Refusal> {
        match issuing {
            Ok(Issuing::Step(issue, step)) => {
                self.state = State::Issuing(issue);
                Ok(Next::Step(step))
            }
            Ok(Issuing::Issued(issued)) => {
                let name = self.grace_name(facade);
                let expires_at = context.now.plus(facade.lifetimes.grace);
                let random = &mut context.random;
                let value = facade.seal(Purpose::StoreEntry, &name, &*issued, Some(expires_at), random)?;
                self.state = State::Keeping(issued);
                let entry = StoreEntry { name, value, expires_at };
                Ok(Next::Step(Step::Store(StoreCommand::Put(entry))))
            }
            Err(refusal) => Ok(self.release(facade, refusal, context)),
        }
    }

    /// Lets the next request try the token: the provider may not have used it. A claim that has ended, or is about to, is
    /// left alone: what stands there by then may be another request's record.
    fn release(&self, facade: &Facade, refusal: Refusal, context: &Context<'_>) -> Next {
        let own = context.now.plus(RELEASE_MARGIN) < self.claimed_until;
        let take = own.then(|| StoreCommand::Take { name: self.used_name(facade) });
        Closing::then(take.into_iter().collect(), refusal)
    }

    fn used(&self, facade: &Facade, context: &Context<'_>) -> StoreCommand {
        StoreCommand::Put(StoreEntry {
            name: self.used_name(facade),
            value: USED.to_owned(),
            expires_at: context.now.plus(facade.lifetimes.grace.max(STILL_LOOKED_AT)),
        })
    }

    fn last_name(&self, facade: &Facade) -> String {
        facade.store_name("last", &self.token.session.key)
    }

    fn used_name(&self, facade: &Facade) -> String {
        facade.store_name("used", &self.token.key)
    }

    fn grace_name(&self, facade: &Facade) -> String {
        facade.store_name("grace", &self.token.key)
    }
}

/// The scope to ask for: empty for all that was granted. What was not granted is left out as in an authorization
/// request; if nothing is left, that is an error.
fn narrowed(granted: &str, asked: Option<&str>) -> Result<Scopes, Refusal> {
    let Some(asked) = asked else { return Ok(Scopes::default()) };
    let asked = Scopes::parse(asked).map_err(|_| Refusal::Scope)?;
    let granted: Vec<&str> = granted.split(' ').filter(|scope| !scope.is_empty()).collect();
    let kept: Vec<&str> = asked.iter().filter(|scope| granted.contains(scope)).collect();
    if kept.len() == granted.len() {
        return Ok(Scopes::default());
    }
    if kept.is_empty() {
        return Err(Refusal::Scope);
    }
    Scopes::new(kept).map_err(|_| Refusal::Scope)
}
