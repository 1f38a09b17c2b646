//! A code of ours for tokens (RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 8707 §2.2).

use mcp_auth_core::seal::Purpose;
use mcp_auth_discovery::Scopes;

use super::super::client::Client;
use super::super::parameters::Parameters;
use super::super::resources::Resources;
use super::super::run::{Context, Input, Step};
use super::super::state::{ClientDigest, CodeContent, Session, UpstreamTokens};
use super::super::store::StoreCommand;
use super::super::{Event, Facade, Refusal};
use super::issue::{For, Issue, Issuing};
use super::{Closing, Next};
use crate::grant::authorization_code::{PkceChallenge, PkceVerifier};

pub(super) struct CodeGrant(State);

enum State {
    /// Waits for the tokens, which one request gets.
    Taking {
        name: String,
        client_id: String,
        refresh: bool,
        session: Box<Session>,
    },
    Issuing(Box<Issue>),
    Over,
}

impl CodeGrant {
    /// All that the code is bound to is compared before it is taken: who stole it cannot use it up.
    pub(super) fn begin(
        facade: &Facade,
        form: &Parameters,
        client: &Client,
        context: &Context<'_>,
    ) -> Result<(Self, Step), Refusal> {
        let code = form.required("code")?;
        let bound = ClientDigest::of(&client.id);
        let content: Option<CodeContent> = facade.open(Purpose::Code, bound.as_str(), code, context.now);
        let content = content.ok_or(Refusal::Code)?;
        if form.required("redirect_uri")? != content.redirect_uri {
            return Err(Refusal::CodeRedirectUri);
        }
        let verifier = form.get("code_verifier").ok_or(Refusal::CodeVerifier)?;
        let verifier = PkceVerifier::parse(verifier).map_err(|_| Refusal::CodeVerifier)?;
        let challenge = PkceChallenge::parse(&content.challenge, Some(PkceChallenge::METHOD));
        if !challenge.map_err(|_| Refusal::Internal)?.matches(&verifier) {
            return Err(Refusal::CodeVerifier);
        }
        facade.check_session(&content.session, form)?;
        let name = facade.store_name("grant", &content.key);
        let state = State::Taking {
            name: name.clone(),
            client_id: client.id.clone(),
            refresh: content.refresh,
            session: Box::new(content.session),
        };
        Ok((Self(state), Step::Store(StoreCommand::Take { name })))
    }

    pub(super) fn step(
        &mut self,
        facade: &Facade,
        input: Input,
        context: &mut Context<'_>,
    ) -> Result<Next, Refusal> {
        let issuing = match std::mem::replace(&mut self.0, State::Over) {
            State::Taking { name, client_id, refresh, session } => {
                let Some(kept) = input.value()? else {
                    // It was good and is gone: somebody has used it (RFC 6749 §4.1.2, §10.5).
                    return Ok(Closing::then(vec![facade.end_session(&session)], Refusal::CodeReplayed));
                };
                let tokens: Option<UpstreamTokens> =
                    facade.open(Purpose::StoreEntry, &name, &kept, context.now);
                let tokens = tokens.ok_or(Refusal::Code)?;
                let upstream = tokens.refresh_token.clone().filter(|_| refresh);
                {
                    let issue = For { client_id, session: *session, asked: Scopes::default(), generation: 1 };
                    Issue::begin(facade, issue, tokens, upstream, context)?
                }
            }
            State::Issuing(issue) => issue.step(facade, input, context)?,
            State::Over => return Err(Refusal::Internal),
        };
        Ok(match issuing {
            Issuing::Step(issue, step) => {
                self.0 = State::Issuing(issue);
                Next::Step(step)
            }
            Issuing::Issued(issued) => Next::Issued(issued, Event::TokensIssued),
        })
    }
}

impl Facade {
    /// Whether a session is of the provider that is configured, and for the resource that a request names, if any.
    pub(super) fn check_session(&self, session: &Session, form: &Parameters) -> Result<(), Refusal> {
        if session.issuer != self.upstream.provider.metadata_issuer() {
            return Err(Refusal::SessionEnded);
        }
        match self.resources.find(form.all(Resources::PARAMETER))? {
            Some(named) if named.identifier().as_str() != session.resource => Err(Refusal::Target),
            _ => Ok(()),
        }
    }
}
