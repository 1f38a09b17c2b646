//! The revocation endpoint (RFC 7009).
//!
//! A refresh token of ours ends its session, here and at the provider. An access token is the provider's to revoke. What
//! is neither is answered with 200, too: the client can do nothing about it (RFC 7009 §2.2).

use bytes::Bytes;
use http::{Request, StatusCode};
use mcp_auth_core::seal::Purpose;
use mcp_auth_discovery::Secret;

use super::answer::{Answer, Event};
use super::client::Client;
use super::parameters::Parameters;
use super::run::{Context, Input, Step};
use super::state::{ClientDigest, RefreshContent};
use super::token::{Called, Caller};
use super::upstream::UpstreamClient;
use super::{AccessTokens, Facade, Refusal};
use crate::TokenEndpoint;
use crate::revocation::{RevocationRequest, TokenTypeHint, read_response};

pub(super) struct Revoke(State);

enum State {
    Caller(Caller),
    /// Waits until the session is recorded as ended.
    Ending(Box<RefreshContent>),
    /// Waits for the provider.
    Revoking,
    Over,
}

impl Revoke {
    pub(super) fn new(request: Request<Bytes>) -> Self {
        Self(State::Caller(Caller::new(request)))
    }

    pub(super) fn step(&mut self, facade: &Facade, input: Input, context: &mut Context<'_>) -> Step {
        match self.advance(facade, input, context) {
            Ok(step) => step,
            Err(Refusal::Method) => Step::done(Answer::method("POST")),
            Err(refusal) => Step::refused(refusal),
        }
    }

    fn advance(&mut self, facade: &Facade, input: Input, context: &mut Context<'_>) -> Result<Step, Refusal> {
        match &mut self.0 {
            State::Caller(caller) => match caller.step(facade, input, context)? {
                Called::Step(step) => Ok(step),
                Called::By(form, client) => self.revoke(facade, &form, &client, context),
            },
            State::Ending(_) => {
                let State::Ending(token) = std::mem::replace(&mut self.0, State::Over) else {
                    return Err(Refusal::Internal);
                };
                input.kept()?;
                let hint = TokenTypeHint::RefreshToken;
                self.revoke_upstream(facade, &token.session.upstream, token.upstream, hint, context)
            }
            State::Revoking => match input {
                Input::Answered(answer) => {
                    let (parts, body) = answer.into_parts();
                    match read_response(parts.status, &parts.headers, &body) {
                        Err(error) if error.is_transient() => Err(Refusal::UpstreamUnavailable),
                        _ => Ok(done()),
                    }
                }
                _ => Err(Refusal::UpstreamUnavailable),
            },
            State::Over => Err(Refusal::Internal),
        }
    }

    fn revoke(
        &mut self,
        facade: &Facade,
        form: &Parameters,
        client: &Client,
        context: &mut Context<'_>,
    ) -> Result<Step, Refusal> {
        let text = form.required("token")?;
        let bound = ClientDigest::of(&client.id);
        if let Some(token) =
            facade.open::<RefreshContent>(Purpose::RefreshToken, bound.as_str(), text, context.now)
        {
            let command = facade.end_session(&token.session);
            self.0 = State::Ending(Box::new(token));
            return Ok(Step::Store(command));
        }
        // A refresh token of another client or of yesterday, or an access token of ours, which ends soon.
        let foreign = text.starts_with("s1.") || matches!(facade.tokens, AccessTokens::Own(_));
        match &client.upstream {
            Some(upstream) if !foreign => {
                let hint = TokenTypeHint::AccessToken;
                self.revoke_upstream(facade, upstream, Secret::new(text), hint, context)
            }
            _ => Ok(done()),
        }
    }

    fn revoke_upstream(
        &mut self,
        facade: &Facade,
        upstream: &UpstreamClient,
        token: Secret,
        hint: TokenTypeHint,
        context: &mut Context<'_>,
    ) -> Result<Step, Refusal> {
        let metadata = context.metadata.ok_or(Refusal::UpstreamUnavailable)?;
        let endpoint = metadata.revocation_endpoint.as_ref();
        let Some(endpoint) = endpoint.and_then(|url| TokenEndpoint::new(url).ok()) else { return Ok(done()) };
        let client = facade.authenticate_upstream(upstream, &endpoint, context)?;
        self.0 = State::Revoking;
        Ok(Step::send(RevocationRequest::new(token, client).hint(hint).into_http(&endpoint)))
    }
}

fn done() -> Step {
    Step::done(Answer::empty(StatusCode::OK, Event::Revoked))
}
