//! From the provider's tokens to those of the client.

use mcp_auth_core::UnixTime;
use mcp_auth_core::seal::Purpose;
use mcp_auth_discovery::Secret;

use super::super::run::{Context, Input, Step};
use super::super::state::{ClientDigest, Issued, RefreshContent, Session, UpstreamTokens, one_time_key};
use super::super::store::{StoreCommand, StoreEntry};
use super::super::{AccessTokens, Facade, Refusal};

/// Tokens on their way: with tokens of our own, the provider's is validated and kept under the name of ours.
pub(super) struct Issue {
    client_id: String,
    session: Session,
    tokens: UpstreamTokens,
    refresh_token: Option<Secret>,
    /// Our own token, when it waits for the record.
    own: Option<(Secret, u64)>,
}

pub(super) enum Issuing {
    Step(Box<Issue>, Step),
    Issued(Box<Issued>),
}

impl Issue {
    /// `upstream` is the provider's refresh token, when the client gets one.
    pub(super) fn begin(
        facade: &Facade,
        client_id: String,
        session: Session,
        tokens: UpstreamTokens,
        upstream: Option<Secret>,
        context: &mut Context<'_>,
    ) -> Result<Issuing, Refusal> {
        let refresh_token = match upstream {
            Some(upstream) => Some(facade.refresh_token(&client_id, &session, upstream, context)?),
            None => None,
        };
        let issue = Self { client_id, session, tokens, refresh_token, own: None };
        match &facade.tokens {
            AccessTokens::PassThrough => Ok(issue.issued()),
            AccessTokens::Own(_) => {
                let step = Step::Validate(issue.tokens.access_token.clone());
                Ok(Issuing::Step(Box::new(issue), step))
            }
        }
    }

    pub(super) fn step(
        mut self,
        facade: &Facade,
        input: Input,
        context: &mut Context<'_>,
    ) -> Result<Issuing, Refusal> {
        let AccessTokens::Own(own) = &facade.tokens else { return Err(Refusal::Internal) };
        if self.own.is_some() {
            input.kept()?;
            return Ok(self.issued());
        }
        let Input::Validated(principal) = input else { return Err(Refusal::UpstreamAnswer) };
        let jti = one_time_key(&mut context.random)?;
        let upstream_end = self.tokens.expires_at;
        let scope = self.scope();
        let resource = &self.session.resource;
        let made = own.sign(
            facade.issuer(),
            &self.client_id,
            resource,
            scope,
            &principal,
            &jti,
            upstream_end,
            context.now,
        )?;
        let expires_at = UnixTime::from_secs(made.1);
        self.own = Some(made);
        let name = facade.upstream_token_name(&jti);
        let token = self.tokens.access_token.expose().as_bytes();
        let value =
            facade.seal_bytes(Purpose::StoreEntry, &name, token, Some(expires_at), &mut context.random)?;
        let command = StoreCommand::Put(StoreEntry { name, value, expires_at });
        Ok(Issuing::Step(Box::new(self), Step::Store(command)))
    }

    fn scope(&self) -> &str {
        self.tokens.scope.as_deref().unwrap_or(&self.session.scope)
    }

    fn issued(self) -> Issuing {
        let scope = self.scope().to_owned();
        let (access_token, expires_at) = match self.own {
            Some((token, end)) => (token, Some(end)),
            None => (self.tokens.access_token, self.tokens.expires_at),
        };
        Issuing::Issued(Box::new(Issued {
            access_token,
            expires_at,
            refresh_token: self.refresh_token,
            scope,
        }))
    }
}

impl Facade {
    /// The name in the store under which the provider's token waits for ours with this `jti`.
    pub fn upstream_token_name(&self, jti: &str) -> String {
        self.store_name("token", jti)
    }

    /// The provider's token behind ours with this `jti`, from the value that the store has under
    /// [`upstream_token_name`](Self::upstream_token_name): what an exchange for the downstream starts from.
    pub fn open_upstream_token(&self, jti: &str, value: &str, now: UnixTime) -> Option<Secret> {
        let bytes = self.open_bytes(Purpose::StoreEntry, &self.upstream_token_name(jti), value, now)?;
        std::str::from_utf8(&bytes).ok().map(Secret::new)
    }

    fn refresh_token(
        &self,
        client_id: &str,
        session: &Session,
        upstream: Secret,
        context: &mut Context<'_>,
    ) -> Result<Secret, Refusal> {
        let end = context.now.plus(self.lifetimes.refresh).min(UnixTime::from_secs(session.ends_at));
        let content = RefreshContent {
            key: one_time_key(&mut context.random)?,
            expires_at: end.as_secs(),
            upstream,
            session: session.clone(),
        };
        let bound = ClientDigest::of(client_id);
        let random = &mut context.random;
        self.seal(Purpose::RefreshToken, bound.as_str(), &content, Some(end), random).map(Secret::new)
    }
}
