//! A registration as its own identifier.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_core::UnixTime;
use mcp_auth_core::seal::Purpose;
use mcp_auth_discovery::Secret;
use mcp_auth_discovery::facade::FacadeEndpoint;
use mcp_auth_discovery::registration::{
    ClientManagement, ClientMetadata, ClientRegistrationResponse, RegistrationError,
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::super::Facade;
use super::super::answer::{Answer, ClientLabel, Event};
use super::super::client::{MAX_CLIENT_ID_BYTES, SealedClient, digest};
use super::super::run::Context;
use super::super::state::{ClientDigest, expose, one_time_key};
use super::{Unregistered, Upstream, invalid};

/// Ways of client authentication that the token endpoint knows.
const METHODS: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];

/// What a registration access token holds: how the client at the provider is managed. It is not in the `client_id`,
/// which stands in URLs.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TokenContent {
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    upstream: Option<UpstreamManagement>,
}

#[derive(Debug, Serialize, Deserialize)]
struct UpstreamManagement {
    #[serde(rename = "u")]
    uri: Url,
    #[serde(rename = "t", serialize_with = "expose")]
    token: Secret,
}

impl TokenContent {
    pub(super) fn management(&self) -> Option<ClientManagement> {
        let upstream = self.upstream.as_ref()?;
        ClientManagement::new(upstream.uri.clone(), upstream.token.clone()).ok()
    }
}

impl Facade {
    /// What is registered of what a client asks for, with the defaults written out (RFC 7591 §3.2.1). What this server
    /// does not use is left out: the registration stands in a URL.
    pub(super) fn registered_metadata(
        &self,
        asked: ClientMetadata,
    ) -> Result<ClientMetadata, RegistrationError> {
        let asked = asked.with_defaults();
        let method = asked.token_endpoint_auth_method.filter(|method| METHODS.contains(&method.as_str()));
        let method = method.ok_or_else(|| {
            invalid("`token_endpoint_auth_method` is not none, client_secret_basic or client_secret_post")
        })?;
        let mut grants = asked.grant_types.unwrap_or_default();
        grants
            .retain(|grant| grant == "authorization_code" || grant == "refresh_token" && self.offers.refresh);
        if !grants.iter().any(|grant| grant == "authorization_code") {
            return Err(invalid("`grant_types` lacks `authorization_code`"));
        }
        let mut metadata = ClientMetadata::new(asked.redirect_uris);
        metadata.token_endpoint_auth_method = Some(method);
        metadata.grant_types = Some(grants);
        metadata.response_types = Some(vec!["code".to_owned()]);
        metadata.client_name = asked.client_name;
        metadata.client_uri = asked.client_uri;
        metadata.application_type = asked.application_type;
        Ok(metadata)
    }

    /// Makes the identifier, and the secret and the tokens that go with it.
    pub(super) fn register(
        &self,
        metadata: ClientMetadata,
        upstream: Option<Upstream>,
        context: &mut Context<'_>,
    ) -> Result<Answer, Unregistered> {
        let confidential = metadata.token_endpoint_auth_method.as_deref() != Some("none");
        let random = &mut context.random;
        let secret = match confidential {
            true => Some(Secret::new(URL_SAFE_NO_PAD.encode(random.take::<32>()?))),
            false => None,
        };
        let expires_at = self.registration.lifetime.map(|lifetime| context.now.plus(lifetime));
        let (client, management) = match upstream {
            Some(Upstream { client, management }) => (Some(client), management),
            None => (None, None),
        };
        let mut sealed = SealedClient::of(&metadata, secret.as_ref(), context.now, expires_at);
        sealed.key = one_time_key(random)?;
        sealed.upstream = client;
        let client_id = self.seal(Purpose::ClientId, "", &sealed, expires_at, random)?;
        context.client = Some(ClientLabel::new(&client_id, sealed.name.as_deref()));
        if client_id.len() > MAX_CLIENT_ID_BYTES {
            return Err(Unregistered::Fault(invalid(
                "the metadata is too long: fewer or shorter redirect URIs are needed",
            )));
        }
        let mut response = ClientRegistrationResponse::new(client_id.as_str(), metadata)
            .client_id_issued_at(context.now.as_secs());
        if let Some(secret) = secret {
            response = response.client_secret(secret, expires_at.map_or(0, UnixTime::as_secs));
        }
        if self.registration.is_managed() {
            let content = TokenContent { upstream: management.map(UpstreamManagement::from) };
            let bound = ClientDigest::of(&client_id);
            let token =
                self.seal(Purpose::RegistrationToken, bound.as_str(), &content, expires_at, random)?;
            response = response.management(self.management_url(&client_id), Secret::new(token));
        }
        Ok(Answer::unstored(response.to_http(), Event::Registered))
    }

    /// Where a registration is managed (RFC 7592 §3).
    pub(super) fn management_url(&self, client_id: &str) -> Url {
        let mut url = self.metadata.url(FacadeEndpoint::Register);
        url.query_pairs_mut().append_pair("client_id", client_id);
        url
    }

    /// How long the store has to remember what became of a registration.
    pub(super) fn registration_end(&self, sealed: &SealedClient, now: UnixTime) -> UnixTime {
        let most = now.plus(self.registration.lifetime.unwrap_or(Duration::ZERO));
        sealed.expires_at.map_or(most, UnixTime::from_secs)
    }
}

impl SealedClient {
    fn of(
        metadata: &ClientMetadata,
        secret: Option<&Secret>,
        now: UnixTime,
        expires_at: Option<UnixTime>,
    ) -> Self {
        let mut sealed = Self {
            redirect_uris: Vec::new(),
            name: None,
            uri: None,
            application_type: None,
            method: String::new(),
            secret: secret.map(|secret| URL_SAFE_NO_PAD.encode(digest(secret.expose()))),
            refresh: false,
            issued_at: now.as_secs(),
            expires_at: expires_at.map(UnixTime::as_secs),
            upstream: None,
            key: String::new(),
        };
        sealed.describe(metadata);
        sealed
    }

    /// Takes over what the client says about itself.
    pub(super) fn describe(&mut self, metadata: &ClientMetadata) {
        self.redirect_uris.clone_from(&metadata.redirect_uris);
        self.name.clone_from(&metadata.client_name);
        self.uri.clone_from(&metadata.client_uri);
        self.application_type.clone_from(&metadata.application_type);
        self.method = metadata.token_endpoint_auth_method.clone().unwrap_or_default();
        self.refresh = metadata.uses_grant_type("refresh_token");
    }

    /// What the client says about itself, as it was registered.
    pub(super) fn metadata(&self) -> ClientMetadata {
        let mut metadata = ClientMetadata::new(self.redirect_uris.iter().cloned());
        let refresh = self.refresh.then(|| "refresh_token".to_owned());
        metadata.token_endpoint_auth_method = Some(self.method.clone());
        metadata.grant_types = Some(["authorization_code".to_owned()].into_iter().chain(refresh).collect());
        metadata.response_types = Some(vec!["code".to_owned()]);
        metadata.client_name.clone_from(&self.name);
        metadata.client_uri.clone_from(&self.uri);
        metadata.application_type.clone_from(&self.application_type);
        metadata
    }
}

impl From<ClientManagement> for UpstreamManagement {
    fn from(management: ClientManagement) -> Self {
        let (uri, token) = management.into_parts();
        Self { uri, token }
    }
}
