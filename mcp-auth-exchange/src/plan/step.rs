//! One request of a plan.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use mcp_auth_core::dpop::TargetUri;
use mcp_auth_discovery::{Scopes, Secret};

use super::ActorToken;
use crate::dpop::DpopKey;
use crate::grant::jwt_bearer::JwtBearerRequest;
use crate::grant::on_behalf_of::OnBehalfOfRequest;
use crate::grant::token_exchange::TokenExchangeRequest;
use crate::grant::token_vault::TokenVaultRequest;
use crate::grant::{ParameterError, Parameters};
use crate::outcome::Facts;
use crate::provider::{ExchangeGrant, ExchangeProfile, Need};
use crate::{
    AuthorizationDetails, ClientAuthentication, ClientCredential, Resource, TokenEndpoint, TokenTypeUri,
};

/// One request of a plan: where, as whom, and for what.
#[derive(Clone)]
#[must_use]
pub struct Step {
    pub(crate) profile: ExchangeProfile,
    pub(crate) endpoint: TokenEndpoint,
    pub(crate) client: ClientCredential,
    pub(crate) audiences: Vec<String>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) wanted_scope: Scopes,
    pub(crate) authorization_details: Option<AuthorizationDetails>,
    pub(crate) connection: Option<String>,
    pub(crate) login_hint: Option<String>,
    pub(crate) parameters: Parameters,
    pub(crate) dpop: Option<Arc<DpopKey>>,
}

impl Step {
    /// A request to this endpoint, by this client, as the profile says.
    pub fn new(profile: ExchangeProfile, endpoint: TokenEndpoint, client: ClientCredential) -> Self {
        Self {
            profile,
            endpoint,
            client,
            audiences: Vec::new(),
            resources: Vec::new(),
            wanted_scope: Scopes::default(),
            authorization_details: None,
            connection: None,
            login_hint: None,
            parameters: Parameters::default(),
            dpop: None,
        }
    }

    /// Replaces the client.
    pub fn with_client(mut self, client: ClientCredential) -> Self {
        self.client = client;
        self
    }

    /// Adds a target by its name. Where the provider refuses `audience`, the plan is refused.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Adds a target by its URI (RFC 8707).
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resources.push(resource);
        self
    }

    /// Asks for this scope, less what the profile [drops](ExchangeProfile::drops_scopes).
    pub fn scope(mut self, scope: &Scopes) -> Self {
        self.wanted_scope = scope.clone();
        self
    }

    /// Asks for these details (RFC 9396).
    pub fn authorization_details(mut self, details: AuthorizationDetails) -> Self {
        self.authorization_details = Some(details);
        self
    }

    /// The connection of Auth0's Token Vault.
    pub fn connection(mut self, connection: impl Into<String>) -> Self {
        self.connection = Some(connection.into());
        self
    }

    /// Which of several accounts of the connection.
    pub fn login_hint(mut self, login_hint: impl Into<String>) -> Self {
        self.login_hint = Some(login_hint.into());
        self
    }

    /// Adds a parameter of the provider's own.
    ///
    /// # Errors
    ///
    /// [`ParameterError`] for one that the request says itself.
    pub fn parameter(mut self, name: &str, value: &str) -> Result<Self, ParameterError> {
        self.parameters = self.parameters.with(name, value)?;
        Ok(self)
    }

    /// Asks for a token that is bound to this key (RFC 9449); an answer with any other is refused.
    pub fn dpop(mut self, key: Arc<DpopKey>) -> Self {
        self.dpop = Some(key);
        self
    }

    /// What the provider accepts, and how it fails.
    pub fn profile(&self) -> &ExchangeProfile {
        &self.profile
    }

    /// Where the request goes.
    pub fn endpoint(&self) -> &TokenEndpoint {
        &self.endpoint
    }

    /// As whom.
    pub fn client(&self) -> &ClientCredential {
        &self.client
    }

    /// The key that the token is bound to.
    pub fn dpop_key(&self) -> Option<&Arc<DpopKey>> {
        self.dpop.as_ref()
    }

    /// The scope that is sent.
    pub fn sent_scope(&self) -> Scopes {
        let dropped = &self.profile.dropped_scopes;
        let kept = self.wanted_scope.iter().filter(|scope| !dropped.contains(scope));
        // INVARIANT: a part of a set of scopes is one.
        Scopes::new(kept).unwrap_or_default()
    }

    /// The scheme and host of the endpoint, by which nonces are remembered.
    pub(super) fn origin(&self) -> String {
        let uri = self.endpoint.uri();
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        format!("{}://{authority}", uri.scheme_str().unwrap_or_default())
    }

    /// The URI for `htu`; `None` for an endpoint that no proof can name.
    pub(super) fn target(&self) -> Option<TargetUri> {
        TargetUri::parse(&self.endpoint.uri().to_string()).ok()
    }

    /// What this step wants to get; a token is no access token unless it says so.
    pub(super) fn requested(&self) -> Option<&TokenTypeUri> {
        self.profile.requested_token_type.as_ref()
    }

    /// The request for the token `subject` of the type `token_type`, with parameters besides the step's.
    pub(super) fn request(
        &self,
        subject: Secret,
        token_type: TokenTypeUri,
        actor: Option<&ActorToken>,
        more: &Parameters,
        client: ClientAuthentication,
    ) -> Result<Request<Bytes>, ParameterError> {
        let scope = self.sent_scope();
        let parameters = self.parameters.clone().and(more)?;
        Ok(match self.profile.grant {
            ExchangeGrant::TokenExchange => {
                let mut request = TokenExchangeRequest::new(subject, token_type, client)
                    .scope(&scope)
                    .parameters(parameters);
                if let Some(actor) = actor.filter(|_| self.takes_actor()) {
                    request = request.actor(actor.token.clone(), actor.token_type.clone());
                }
                if let Some(wanted) = self.requested() {
                    request = request.requested_token_type(wanted.clone());
                }
                for audience in &self.audiences {
                    request = request.audience(audience);
                }
                for resource in &self.resources {
                    request = request.resource(resource.clone());
                }
                if let Some(details) = &self.authorization_details {
                    request = request.authorization_details(details.clone());
                }
                request.into_http(&self.endpoint)
            }
            ExchangeGrant::OnBehalfOf => {
                let mut request = OnBehalfOfRequest::new(subject, &scope, client).parameters(parameters);
                if let Some(wanted) = self.requested() {
                    request = request.requested_token_type(wanted.clone());
                }
                request.into_http(&self.endpoint)
            }
            ExchangeGrant::JwtBearer => {
                let mut request = JwtBearerRequest::new(subject, client).scope(&scope).parameters(parameters);
                for resource in &self.resources {
                    request = request.resource(resource.clone());
                }
                if let Some(details) = &self.authorization_details {
                    request = request.authorization_details(details.clone());
                }
                request.into_http(&self.endpoint)
            }
            ExchangeGrant::TokenVault => {
                if let Some(name) = self.parameter_twice(&parameters) {
                    return Err(ParameterError::Twice(name.to_owned()));
                }
                let connection = self.connection.as_deref().unwrap_or_default();
                TokenVaultRequest::new(subject, token_type, connection, client)
                    .login_hint(self.login_hint.as_deref())
                    .scope(&scope)
                    .parameters(parameters)
                    .into_http(&self.endpoint)
            }
        })
    }

    /// A parameter beside the setting of its own that this step has. Which of two would count, nobody can tell.
    pub(super) fn parameter_twice(&self, parameters: &Parameters) -> Option<&'static str> {
        let settings = [("connection", &self.connection), ("login_hint", &self.login_hint)];
        let mut set = settings.into_iter().filter(|(_, setting)| setting.is_some()).map(|(name, _)| name);
        set.find(|name| parameters.iter().any(|(parameter, _)| parameter == *name))
    }

    /// Whether an actor's token is sent in this step.
    pub(crate) fn takes_actor(&self) -> bool {
        let looks = !matches!(self.profile.actor, Need::Refused | Need::Ignored);
        self.profile.grant == ExchangeGrant::TokenExchange && looks
    }

    pub(super) fn facts(&self, step: usize, token_type: &TokenTypeUri) -> Facts {
        let resources: Vec<&str> = self.resources.iter().map(Resource::as_str).collect();
        Facts {
            provider: self.profile.name().to_owned(),
            step: step + 1,
            client: self.client.client_id().unwrap_or_default().to_owned(),
            grant: self.profile.grant.grant_type(),
            token_type: token_type.to_string(),
            audience: self.audiences.join(" "),
            resource: resources.join(" "),
            scope: self.sent_scope().to_string(),
            subject_audience: String::new(),
            subject_claim: String::new(),
        }
    }
}

/// Without what may name a user or an account.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("profile", &self.profile.name())
            .field("endpoint", &self.endpoint)
            .field("client", &self.client)
            .field("audiences", &self.audiences)
            .field("resources", &self.resources)
            .field("wanted_scope", &self.wanted_scope)
            .field("parameters", &self.parameters)
            .field("dpop", &self.dpop)
            .finish_non_exhaustive()
    }
}
