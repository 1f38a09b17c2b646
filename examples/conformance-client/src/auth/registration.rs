//! Who the client is at an authorization server (MCP authorization 2026-07-28, "Client Registration Approaches"): a
//! client that was registered before, a metadata document, dynamic registration, in this order.

use mcp_auth_discovery::AuthorizationServerMetadata;
use mcp_auth_discovery::registration::{
    ClientMetadata, ClientRegistrationRequest, ClientRegistrationResponse, RedirectUriRules,
};
use mcp_auth_discovery::transport;
use mcp_auth_exchange::ClientCredential;
use url::Url;

use super::Authorizer;
use crate::error::ClientError;

/// Best first for a program on a user's machine, which keeps no secrets.
const METHODS: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];

impl Authorizer {
    pub(super) async fn client(
        &mut self,
        server: &AuthorizationServerMetadata,
    ) -> Result<ClientCredential, ClientError> {
        if let Some(client) = self.settings.credentials.pre_registered(server)? {
            return Ok(client);
        }
        if let Some(url) = &self.settings.client_metadata_url
            && server.supports_client_metadata_documents()
        {
            return Ok(ClientCredential::none(url));
        }
        if let Some(client) = self.clients.get(&server.issuer) {
            return Ok(client.clone());
        }
        let client = self.register(server).await?;
        self.clients.insert(server.issuer.clone(), client.clone());
        Ok(client)
    }

    /// Forgets the registration at a server that does not know it any more.
    pub(super) fn forget_client(&mut self, issuer: &str) -> bool {
        self.clients.remove(issuer).is_some()
    }

    async fn register(&self, server: &AuthorizationServerMetadata) -> Result<ClientCredential, ClientError> {
        let endpoint = server.registration_endpoint.as_ref().ok_or(ClientError::NoRegistration)?;
        let redirect_uri = &self.settings.redirect_uri;
        let native = Url::parse(redirect_uri).is_ok_and(|url| transport::is_loopback(&url));
        let method = METHODS.into_iter().find(|method| server.supports_client_authentication(method));

        let mut client = ClientMetadata::new([redirect_uri]);
        client.client_name = Some("mcp-auth conformance client".to_owned());
        client.application_type = Some(if native { "native" } else { "web" }.to_owned());
        client.token_endpoint_auth_method = method.map(str::to_owned);
        client.grant_types = Some(vec!["authorization_code".to_owned(), "refresh_token".to_owned()]);
        client.response_types = Some(vec!["code".to_owned()]);
        // No scope: a server that pins the client to it refuses every later step-up.
        let request = ClientRegistrationRequest::new(client, &RedirectUriRules::default())?;
        let answer = self.http.post(request.to_http(endpoint, None)?).await?;
        let registered = ClientRegistrationResponse::from_http(&answer)?;
        let method = registered.metadata.token_endpoint_auth_method.as_deref();
        let secret = registered.client_secret;
        Ok(ClientCredential::for_server(registered.client_id, secret, method, server)?)
    }
}
