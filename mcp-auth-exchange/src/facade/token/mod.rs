//! The token endpoint: codes and refresh tokens (RFC 6749 §4.1.3, §6).
//!
//! ```text
//!  POST ──▶ client proven? ──▶ authorization_code ──▶ bound to client, URI, verifier, resource? ──▶ taken once ──┐
//!               │ no       └─▶ refresh_token ──▶ session alive? ──▶ claimed? ──▶ provider ──▶ kept for others ──┤
//!               ▼                                                     │ by another: wait, same answer          ▼
//!         401 invalid_client                                          ▼ long ago: the session ends           tokens
//! ```

mod caller;
mod code;
mod issue;
mod own;
mod refresh;

use bytes::Bytes;
use http::{Request, StatusCode};
use mcp_auth_core::UnixTime;
use serde::Serialize;

pub(super) use caller::{Called, Caller};

use self::code::CodeGrant;
use self::refresh::RefreshGrant;
use super::answer::{Answer, Event};
use super::run::{Context, Input, Step};
use super::state::{Issued, Session};
use super::store::{StoreCommand, StoreEntry};
use super::{Facade, Refusal};

pub(super) struct Token(State);

enum State {
    Caller(Caller),
    Code(Box<CodeGrant>),
    Refresh(Box<RefreshGrant>),
    /// Records what follows from a refusal, then refuses.
    Closing(Closing),
    Over,
}

/// What is to be recorded before a request is refused, last one first.
pub(super) struct Closing {
    commands: Vec<StoreCommand>,
    refusal: Refusal,
}

/// How a grant goes on.
pub(super) enum Next {
    Step(Step),
    Issued(Box<Issued>, Event),
    Close(Closing),
}

impl Token {
    pub(super) fn new(request: Request<Bytes>) -> Self {
        Self(State::Caller(Caller::new(request)))
    }

    pub(super) fn step(&mut self, facade: &Facade, input: Input, context: &mut Context<'_>) -> Step {
        match self.advance(facade, input, context) {
            Ok(Next::Step(step)) => step,
            Ok(Next::Issued(issued, event)) => Step::done(issued.answer(event, context.now)),
            Ok(Next::Close(mut closing)) => match closing.commands.pop() {
                Some(command) => {
                    self.0 = State::Closing(closing);
                    Step::Store(command)
                }
                None => Step::refused(closing.refusal),
            },
            Err(Refusal::Method) => Step::done(Answer::method("POST")),
            Err(refusal) => Step::refused(refusal),
        }
    }

    fn advance(&mut self, facade: &Facade, input: Input, context: &mut Context<'_>) -> Result<Next, Refusal> {
        match &mut self.0 {
            State::Caller(caller) => match caller.step(facade, input, context)? {
                Called::Step(step) => Ok(Next::Step(step)),
                Called::By(form, client) => match form.get("grant_type") {
                    Some("authorization_code") => {
                        let (grant, step) = CodeGrant::begin(facade, &form, &client, context)?;
                        self.0 = State::Code(Box::new(grant));
                        Ok(Next::Step(step))
                    }
                    Some("refresh_token") => {
                        let (grant, step) = RefreshGrant::begin(facade, &form, &client, context)?;
                        self.0 = State::Refresh(Box::new(grant));
                        Ok(Next::Step(step))
                    }
                    Some(_) => Err(Refusal::GrantType),
                    None => Err(Refusal::Missing),
                },
            },
            State::Code(grant) => grant.step(facade, input, context),
            State::Refresh(grant) => grant.step(facade, input, context),
            // Whether it was recorded or not: it is refused.
            State::Closing(_) => match std::mem::replace(&mut self.0, State::Over) {
                State::Closing(closing) => Ok(Next::Close(closing)),
                _ => Err(Refusal::Internal),
            },
            State::Over => Err(Refusal::Internal),
        }
    }
}

impl Closing {
    pub(super) fn then(commands: Vec<StoreCommand>, refusal: Refusal) -> Next {
        Next::Close(Self { commands, refusal })
    }
}

impl Facade {
    pub(super) fn session_name(&self, session: &Session) -> String {
        self.store_name("session", &session.key)
    }

    /// Ends a session: its refresh tokens are refused from now on.
    pub(super) fn end_session(&self, session: &Session) -> StoreCommand {
        StoreCommand::Put(StoreEntry {
            name: self.session_name(session),
            value: "ended".to_owned(),
            expires_at: UnixTime::from_secs(session.ends_at),
        })
    }
}

impl Issued {
    /// The token response (RFC 6749 §5.1).
    fn answer(&self, event: Event, now: UnixTime) -> Answer {
        #[derive(Serialize)]
        struct Body<'b> {
            access_token: &'b str,
            token_type: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            expires_in: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            refresh_token: Option<&'b str>,
            #[serde(skip_serializing_if = "str::is_empty")]
            scope: &'b str,
        }
        let body = Body {
            access_token: self.access_token.expose(),
            token_type: "Bearer",
            expires_in: self.expires_at.map(|end| end.saturating_sub(now.as_secs())),
            refresh_token: self.refresh_token.as_ref().map(|token| token.expose()),
            scope: &self.scope,
        };
        Answer::json(StatusCode::OK, &body, event)
    }
}
