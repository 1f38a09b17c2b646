//! From the provider's tokens to those of the client.

use mcp_auth_core::UnixTime;
use mcp_auth_core::seal::Purpose;
use mcp_auth_discovery::{Scopes, Secret};

use super::super::run::{Context, Input, Step};
use super::super::state::{ClientDigest, Issued, RefreshContent, Session, UpstreamTokens, one_time_key};
use super::super::store::{StoreCommand, StoreEntry};
use super::super::{AccessTokens, Facade, Refusal};

/// Tokens on their way: with tokens of our own, the provider's is validated and kept under the name of ours.
pub(super) struct Issue {
    of: For,
    tokens: UpstreamTokens,
    refresh_token: Option<Secret>,
    /// Our own token, when it waits for the record.
    own: Option<(Secret, u64)>,
}

/// Whom tokens are for.
pub(super) struct For {
    pub(super) client_id: String,
    pub(super) session: Session,
    /// What a refresh asked for; empty for all that was granted.
    pub(super) asked: Scopes,
    /// The number of the refresh token that is issued with them.
    pub(super) generation: u64,
}

pub(super) enum Issuing {
    Step(Box<Issue>, Step),
    Issued(Box<Issued>),
}

impl Issue {
    /// `upstream` is the provider's refresh token, when the client gets one.
    pub(super) fn begin(
        facade: &Facade,
        of: For,
        tokens: UpstreamTokens,
        upstream: Option<Secret>,
        context: &mut Context<'_>,
    ) -> Result<Issuing, Refusal> {
        let refresh_token = match upstream {
            Some(upstream) => Some(facade.refresh_token(&of, upstream, context)?),
            None => None,
        };
        let issue = Self { of, tokens, refresh_token, own: None };
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
        // Ours is for this resource, and so has to be what it stands for: the provider may have its own idea.
        let resource = facade.resources.exactly(&self.of.session.resource).ok_or(Refusal::Target)?;
        let names = [resource.provider_audience(), resource.identifier().as_str()];
        if !principal.audiences().any(|audience| names.contains(&audience)) {
            return Err(Refusal::UpstreamAnswer);
        }
        let jti = one_time_key(&mut context.random)?;
        let upstream_end = self.tokens.expires_at;
        let scope = self.own_scope();
        let resource = &self.of.session.resource;
        let made = own.sign(
            facade.issuer(),
            &self.of.client_id,
            resource,
            &scope,
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

    /// What the provider's token is good for.
    fn scope(&self) -> &str {
        self.tokens.scope.as_deref().unwrap_or(&self.of.session.scope)
    }

    /// What ours is good for: of what the provider granted, what the user was asked about, and what was asked for now.
    fn own_scope(&self) -> String {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let agreed = words(&self.of.session.scope);
        let good = |scope: &&str| {
            agreed.iter().any(|known| known == scope)
                && (self.of.asked.is_empty() || self.of.asked.contains(scope))
        };
        self.scope().split(' ').filter(|scope| !scope.is_empty()).filter(good).collect::<Vec<_>>().join(" ")
    }

    fn issued(self) -> Issuing {
        let (access_token, expires_at, scope) = match self.own {
            Some((ref token, end)) => (token.clone(), Some(end), self.own_scope()),
            None => {
                let scope = self.scope().to_owned();
                (self.tokens.access_token, self.tokens.expires_at, scope)
            }
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
        of: &For,
        upstream: Secret,
        context: &mut Context<'_>,
    ) -> Result<Secret, Refusal> {
        let session = &of.session;
        let end = context.now.plus(self.lifetimes.refresh).min(UnixTime::from_secs(session.ends_at));
        let content = RefreshContent {
            key: one_time_key(&mut context.random)?,
            expires_at: end.as_secs(),
            upstream,
            session: session.clone(),
            generation: of.generation,
        };
        let bound = ClientDigest::of(&of.client_id);
        let random = &mut context.random;
        self.seal(Purpose::RefreshToken, bound.as_str(), &content, Some(end), random).map(Secret::new)
    }
}
