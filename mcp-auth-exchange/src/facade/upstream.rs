//! The provider behind the facade, and who we are there.

use http::Request;
use mcp_auth_discovery::provider::{Provider, Registration};
use mcp_auth_discovery::registration::{
    ClientMetadata, ClientRegistrationRequest, ClientRegistrationResponse, RedirectUriRules,
};
use mcp_auth_discovery::{AuthorizationServerMetadata, Scopes, Secret};
use serde::{Deserialize, Serialize};
use url::Url;

use super::state::expose_some;
use super::{Context, Facade, Refusal};
use crate::client_auth::AuthenticationContext;
use crate::{ClientAuthentication, ClientCredential, TokenEndpoint};

/// The provider that users log in at, and our client there.
#[derive(Clone, Debug)]
#[must_use]
pub struct Upstream {
    pub(super) provider: Provider,
    client: OurClient,
    pub(super) scope: Scopes,
    pub(super) parameters: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
enum OurClient {
    Shared(ClientCredential),
    Registered { initial_access_token: Option<Secret> },
}

impl Upstream {
    /// All clients of ours share one client at the provider.
    pub fn shared(provider: Provider, client: ClientCredential) -> Self {
        Self::of(provider, OurClient::Shared(client))
    }

    /// Each client of ours gets a client at the provider: we register it there (RFC 7591), with this token where the
    /// provider asks for one. The redirect URI is our callback.
    ///
    /// Whoever may register here is registered there: with an initial access token, consider to ask for
    /// [one of our own](super::RegistrationRules::initial_access_token), too.
    pub fn registered(provider: Provider, initial_access_token: Option<Secret>) -> Self {
        Self::of(provider, OurClient::Registered { initial_access_token })
    }

    fn of(provider: Provider, client: OurClient) -> Self {
        Self { provider, client, scope: Scopes::default(), parameters: Vec::new() }
    }

    /// Adds scopes to those that clients ask for, such as `offline_access` where the provider wants it for refresh
    /// tokens. They are sent as they are written here, whatever the provider's
    /// [prefixes](mcp_auth_discovery::provider::Quirks::scope_prefixes).
    pub fn scope(mut self, scope: &Scopes) -> Self {
        self.scope = scope.clone();
        self
    }

    /// Adds a parameter to every authorization request to the provider.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Whether several clients are one to the provider.
    pub fn is_shared(&self) -> bool {
        matches!(self.client, OurClient::Shared(_))
    }

    pub(super) fn shared_client(&self) -> Option<&ClientCredential> {
        match &self.client {
            OurClient::Shared(client) => Some(client),
            OurClient::Registered { .. } => None,
        }
    }

    /// How the provider's quirks say that clients become known there.
    pub(super) fn registers(&self) -> bool {
        !self.is_shared() && self.provider.quirks().registration != Registration::None
    }
}

/// Who we are at the provider for one client of ours.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum UpstreamClient {
    /// The configured one.
    #[serde(rename = "s")]
    Shared,
    /// One that was registered.
    #[serde(rename = "r")]
    Registered {
        #[serde(rename = "i")]
        id: String,
        #[serde(
            rename = "s",
            default,
            skip_serializing_if = "Option::is_none",
            serialize_with = "expose_some"
        )]
        secret: Option<Secret>,
        /// Whether the secret goes into the body.
        #[serde(rename = "p", default, skip_serializing_if = "std::ops::Not::not")]
        post: bool,
    },
}

impl UpstreamClient {
    pub(super) fn of_response(response: &ClientRegistrationResponse) -> Self {
        let method = response.metadata.token_endpoint_auth_method.as_deref();
        Self::Registered {
            id: response.client_id.clone(),
            secret: response.client_secret.clone().filter(|_| method != Some("none")),
            post: method == Some("client_secret_post"),
        }
    }
}

/// Where the flow goes.
pub(super) struct Endpoints {
    pub(super) authorization: Url,
    pub(super) token: TokenEndpoint,
    pub(super) requires_iss: bool,
}

impl Facade {
    /// The provider's endpoints, where its metadata allows this flow: PKCE above all.
    pub(super) fn endpoints(
        &self,
        metadata: Option<&AuthorizationServerMetadata>,
    ) -> Result<Endpoints, Refusal> {
        let provider = &self.upstream.provider;
        let metadata = metadata.ok_or(Refusal::UpstreamUnavailable)?;
        if metadata.issuer != provider.metadata_issuer() {
            return Err(Refusal::UpstreamUnusable);
        }
        let flow = metadata.code_flow(provider.quirks().pkce).map_err(|_| Refusal::UpstreamUnusable)?;
        let url = |own: Option<&str>, found: &Url| match own {
            Some(own) => Url::parse(own).map_err(|_| Refusal::UpstreamUnusable),
            None => Ok(found.clone()),
        };
        let token = url(provider.token_endpoint(), flow.token_endpoint)?;
        Ok(Endpoints {
            authorization: url(provider.authorization_endpoint(), flow.authorization_endpoint)?,
            token: TokenEndpoint::new(&token).map_err(|_| Refusal::UpstreamUnusable)?,
            requires_iss: provider.quirks().response_iss.unwrap_or(flow.requires_response_iss),
        })
    }

    /// The identifier of our client at the provider.
    pub(super) fn upstream_client_id(&self, client: &UpstreamClient) -> Result<String, Refusal> {
        match (client, &self.upstream.client) {
            (UpstreamClient::Registered { id, .. }, _) => Ok(id.clone()),
            (UpstreamClient::Shared, OurClient::Shared(credential)) => {
                credential.client_id().map(str::to_owned).ok_or(Refusal::UpstreamClient)
            }
            // The configuration changed since.
            (UpstreamClient::Shared, OurClient::Registered { .. }) => Err(Refusal::UpstreamClient),
        }
    }

    /// What a request to the provider carries to say who we are.
    pub(super) fn authenticate_upstream(
        &self,
        client: &UpstreamClient,
        endpoint: &TokenEndpoint,
        context: &mut Context<'_>,
    ) -> Result<ClientAuthentication, Refusal> {
        match (client, &self.upstream.client) {
            (UpstreamClient::Registered { id, secret: None, .. }, _) => {
                Ok(ClientAuthentication::none(id.clone()))
            }
            (UpstreamClient::Registered { id, secret: Some(secret), post }, _) => Ok(if *post {
                ClientAuthentication::client_secret_post(id.clone(), secret.clone())
            } else {
                ClientAuthentication::client_secret_basic(id.clone(), secret.clone())
            }),
            (UpstreamClient::Shared, OurClient::Shared(credential)) => {
                let jti = super::state::one_time_key(&mut context.random)?;
                let context = AuthenticationContext {
                    endpoint,
                    jti: &jti,
                    workload_token: context.workload_token,
                    now: context.now,
                };
                credential.authenticate(&context).map_err(|_| Refusal::UpstreamClient)
            }
            (UpstreamClient::Shared, OurClient::Registered { .. }) => Err(Refusal::UpstreamClient),
        }
    }

    /// The registration of a client of ours at the provider. `scope` is not in it unless the quirks say so: clients
    /// register with the scopes of the first challenge, and would be held to them (C13).
    pub(super) fn upstream_registration(
        &self,
        name: Option<&str>,
        scope: Option<&str>,
        metadata: Option<&AuthorizationServerMetadata>,
    ) -> Result<Request<bytes::Bytes>, Refusal> {
        let OurClient::Registered { initial_access_token } = &self.upstream.client else {
            return Err(Refusal::UpstreamClient);
        };
        let upstream = metadata.ok_or(Refusal::UpstreamUnavailable)?;
        let endpoint = upstream.registration_endpoint.as_ref().filter(|_| self.upstream.registers());
        let endpoint = endpoint.ok_or(Refusal::UpstreamUnusable)?;
        let methods = ["client_secret_basic", "client_secret_post", "none"];
        let method = methods.into_iter().find(|method| upstream.supports_client_authentication(method));
        let refresh =
            upstream.grant_types_supported.is_none() || upstream.supports_grant_type("refresh_token");
        let mut grants = vec!["authorization_code".to_owned()];
        grants.extend(refresh.then(|| "refresh_token".to_owned()));

        let mut client = ClientMetadata::new([self.callback.as_str()]);
        client.client_name = name.map(str::to_owned);
        client.token_endpoint_auth_method = method.map(str::to_owned);
        client.grant_types = Some(grants);
        client.response_types = Some(vec!["code".to_owned()]);
        if !self.upstream.provider.quirks().drop_registration_scope {
            client.scope = scope.map(str::to_owned);
        }
        ClientRegistrationRequest::new(client, &RedirectUriRules::default())
            .map_err(|_| Refusal::Internal)?
            .to_http(endpoint, initial_access_token.as_ref())
            .map_err(|_| Refusal::UpstreamUnusable)
    }
}
