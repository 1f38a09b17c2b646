//! Sending the user to the provider, with a state and a verifier of our own.

use mcp_auth_core::UnixTime;
use mcp_auth_core::seal::Purpose;
use mcp_auth_discovery::registration::ClientRegistrationResponse;
use mcp_auth_discovery::{Scopes, Secret};
use url::Url;

use super::super::answer::{Answer, Event};
use super::super::run::{Context, Step};
use super::super::state::{ClientDigest, Pending, StateContent, one_time_key};
use super::super::store::StoreEntry;
use super::super::upstream::UpstreamClient;
use super::super::{Facade, Refusal};
use super::{Early, Going};
use crate::grant::authorization_code::{AuthorizationRequest, PkceVerifier, State};

/// For how long a client at the provider is used that is found by the digest of ours, at most.
const UPSTREAM_CLIENT_DAYS: u64 = 30;

impl Facade {
    pub(super) fn send_to_provider(&self, going: Going, context: &mut Context<'_>) -> Result<Step, Early> {
        match self.provider_url(&going.pending, &going.browser.id, context) {
            Ok(url) => {
                let answer = Answer::redirect(url.as_str(), going.after_form, Event::SentToProvider);
                Ok(Step::done(answer.remembering(self, &going.browser)))
            }
            Err(refusal) => Err(going.refused(self, refusal)),
        }
    }

    /// The request to the provider. `state` is made here and nowhere else: after consent, for this browser.
    fn provider_url(
        &self,
        pending: &Pending,
        browser: &str,
        context: &mut Context<'_>,
    ) -> Result<Url, Refusal> {
        let endpoints = self.endpoints(context.metadata)?;
        let client = pending.upstream.as_ref().ok_or(Refusal::Internal)?;
        let client_id = self.upstream_client_id(client)?;
        let resource = self.resources.exactly(&pending.resource).ok_or(Refusal::Target)?;
        let quirks = self.upstream.provider.quirks();
        let translated = quirks.resource.translate(resource.identifier(), resource.provider_audience());
        let verifier = PkceVerifier::from_random(context.random.take()?);

        let content = StateContent {
            key: one_time_key(&mut context.random)?,
            issuer: self.upstream.provider.metadata_issuer().to_owned(),
            requires_iss: endpoints.requires_iss,
            verifier: Secret::new(verifier.expose()),
            pending: Pending { before: None, ..pending.clone() },
        };
        let end = context.now.plus(self.lifetimes.login);
        let state = self.seal(Purpose::State, browser, &content, Some(end), &mut context.random);
        // It is sealed up to a length, and a state up to another.
        let state =
            state.ok().and_then(|state| State::parse(&state).ok()).ok_or(Refusal::TooLongForProvider)?;

        let asked = Scopes::parse(&pending.scope).map_err(|_| Refusal::Scope)?;
        let asked = self.scopes_at_provider(&asked, resource)?;
        let scope = asked.iter().chain(translated.scope.as_deref()).chain(self.upstream.scope.iter());
        let scope = Scopes::new(scope).map_err(|_| Refusal::Scope)?;
        let callback = self.callback.as_str();
        let challenge = verifier.challenge();
        let unusable = |_| Refusal::UpstreamUnusable;
        let request =
            AuthorizationRequest::new(&endpoints.authorization, &client_id, callback, &state, &challenge);
        let mut request = request.map_err(unusable)?.scope(&scope);
        if translated.resource.is_some() {
            request = request.resource(resource.identifier());
        }
        if let Some(audience) = &translated.audience {
            request = request.parameter("audience", audience).map_err(unusable)?;
        }
        let own = &self.upstream.parameters;
        for (name, value) in own {
            request = request.parameter(name, value).map_err(unusable)?;
        }
        let passed_on = pending.before.iter().flat_map(|before| &before.passed_on);
        for (name, value) in passed_on.filter(|(name, _)| !own.iter().any(|(known, _)| known == name)) {
            // The endpoint's own query may have it.
            request = request.clone().parameter(name, value).unwrap_or(request);
        }
        Ok(request.url())
    }

    pub(in super::super) fn upstream_record_name(&self, client: &ClientDigest) -> String {
        self.store_name("upstream", client.as_str())
    }

    /// A client at the provider as the store keeps it.
    pub(super) fn upstream_record(
        &self,
        client: &ClientDigest,
        upstream: &UpstreamClient,
        response: &ClientRegistrationResponse,
        context: &mut Context<'_>,
    ) -> Result<StoreEntry, Refusal> {
        let most = context.now.plus(std::time::Duration::from_secs(UPSTREAM_CLIENT_DAYS * 24 * 3600));
        let said = response.client_secret_expires_at.filter(|end| *end != 0).map(UnixTime::from_secs);
        let expires_at = said.map_or(most, |said| said.min(most));
        let name = self.upstream_record_name(client);
        let value = self.seal(Purpose::StoreEntry, &name, upstream, Some(expires_at), &mut context.random)?;
        Ok(StoreEntry { name, value, expires_at })
    }
}
