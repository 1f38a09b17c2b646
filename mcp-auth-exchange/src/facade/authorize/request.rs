//! Reading an authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2.1).

use mcp_auth_discovery::Scopes;

use super::super::client::Client;
use super::super::parameters::Parameters;
use super::super::resources::Resources;
use super::super::state::{Before, ClientDigest, Pending};
use super::super::{Facade, ProtectedResource, Refusal};
use crate::grant::authorization_code::PkceChallenge;

/// The greatest length of a client's `state`, in bytes (2 KiB): it travels inside ours.
pub const MAX_CLIENT_STATE_BYTES: usize = 2048;

/// Parameters of OpenID Connect Core §3.1.2.1 that are the provider's to read.
const PASSED_ON: [&str; 5] = ["prompt", "login_hint", "max_age", "acr_values", "ui_locales"];

/// The most scopes that a client may ask for: the user has to read each of them.
const MAX_SCOPES: usize = 40;

/// The greatest length of what is passed on, in bytes.
const MAX_PASSED_ON_BYTES: usize = 512;

/// The client's `state`, when it is one (RFC 6749 Appendix A.5).
pub(super) fn state(parameters: &Parameters) -> Result<Option<&str>, Refusal> {
    let printable = |text: &str| text.bytes().all(|b| (0x20..=0x7e).contains(&b));
    match parameters.get("state") {
        Some(text) if text.len() > MAX_CLIENT_STATE_BYTES || !printable(text) => Err(Refusal::State),
        found => Ok(found),
    }
}

impl Facade {
    /// Everything in a request but client, redirect URI and state, which were checked before.
    pub(super) fn read_authorization_request(
        &self,
        parameters: &Parameters,
        client: &Client,
        redirect_uri: &str,
        state: Option<&str>,
    ) -> Result<Pending, Refusal> {
        if parameters.get("request").is_some() {
            return Err(Refusal::RequestObject);
        }
        if parameters.get("request_uri").is_some() {
            return Err(Refusal::RequestUri);
        }
        if parameters.get("response_type") != Some("code") {
            return Err(Refusal::ResponseType);
        }
        if parameters.get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(Refusal::ResponseMode);
        }
        let challenge = parameters.get("code_challenge").ok_or(Refusal::Pkce)?;
        let challenge = PkceChallenge::parse(challenge, parameters.get("code_challenge_method"));
        let challenge = challenge.map_err(|_| Refusal::Pkce)?;
        let resource = match self.resources.find(parameters.all(Resources::PARAMETER))? {
            Some(named) => named,
            None => self.resources.default()?,
        };
        let scope = self.granted_scope(parameters.get("scope").unwrap_or_default(), resource)?;
        let mut passed_on = Vec::new();
        for name in PASSED_ON {
            let value = parameters.get(name).filter(|value| value.len() <= MAX_PASSED_ON_BYTES);
            passed_on.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }
        Ok(Pending {
            client: ClientDigest::of(&client.id),
            label: client.label().id,
            redirect_uri: redirect_uri.to_owned(),
            state: state.map(str::to_owned),
            challenge: challenge.as_str().to_owned(),
            resource: resource.identifier().as_str().to_owned(),
            scope: scope.to_string(),
            refresh: client.refresh && self.offers.refresh,
            upstream: client.upstream.clone(),
            before: Some(Before { passed_on, client_name: client.name.clone(), consent: None }),
        })
    }

    /// What a client is granted of the scopes that it asks for: those that are offered. Some clients add `openid` and
    /// `profile` to everything, so that others are left out and not refused (RFC 6749 §3.3); the token response says
    /// what was granted. A client that names none gets the default of the provider or all that is offered: providers
    /// refuse requests without scope.
    fn granted_scope(&self, asked: &str, resource: &ProtectedResource) -> Result<Scopes, Refusal> {
        let asked = Scopes::parse(asked).map_err(|_| Refusal::Scope)?;
        if asked.iter().count() > MAX_SCOPES {
            return Err(Refusal::Scope);
        }
        let offered = |scope: &&str| self.scopes.is_empty() || self.scopes.contains(scope);
        let offline =
            asked.contains("offline_access").then_some("offline_access").filter(|_| self.offers.refresh);
        let named = asked.clone().without_offline_access();
        if named.is_empty() {
            let defaults = self.upstream.provider.quirks().default_scopes_for(resource.provider_audience());
            let all = self.scopes.clone().without_offline_access();
            let defaults: Vec<&str> = match defaults.is_empty() {
                true => all.iter().collect(),
                false => defaults.iter().map(String::as_str).collect(),
            };
            return Scopes::new(defaults.into_iter().chain(offline)).map_err(|_| Refusal::Scope);
        }
        let granted: Vec<&str> = named.iter().filter(offered).collect();
        if granted.is_empty() {
            return Err(Refusal::Scope);
        }
        Scopes::new(granted.into_iter().chain(offline)).map_err(|_| Refusal::Scope)
    }
}
