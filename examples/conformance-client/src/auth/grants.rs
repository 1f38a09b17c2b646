//! From a client to a token: which grant, and the request to the token endpoint.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use mcp_auth_discovery::{AuthorizationServerMetadata, Scopes, Secret};
use mcp_auth_exchange::client_auth::AuthenticationContext;
use mcp_auth_exchange::dpop::NonceRetry;
use mcp_auth_exchange::grant::client_credentials::ClientCredentialsRequest;
use mcp_auth_exchange::grant::id_jag::{IdJagGrant, IdJagRequest};
use mcp_auth_exchange::grant::jwt_bearer::{self, JwtBearerRequest};
use mcp_auth_exchange::grant::refresh::RefreshRequest;
use mcp_auth_exchange::{
    ClientAuthentication, ClientCredential, Resource, TokenEndpoint, TokenErrorCode, TokenResponse,
    TokenResponseError, TokenType, TokenTypeUri,
};
use mcp_auth_tower::clock::{Clock as _, SystemClock};
use url::Url;

use super::Authorizer;
use super::discovery::Discovered;
use super::held::HeldToken;
use super::login::random_text;
use crate::credentials::Way;
use crate::error::ClientError;

impl Authorizer {
    /// Gets a token, by the way that the credentials and the server's metadata leave. No other way is tried after a
    /// refusal (SEP-1933); a registration that the server has forgotten is made again, once.
    pub(super) async fn grant(
        &mut self,
        discovered: &Discovered,
        scopes: &Scopes,
        dpop: bool,
    ) -> Result<(TokenResponse, ClientCredential), ClientError> {
        let server = &discovered.metadata;
        let settings = Arc::clone(&self.settings);
        match settings.credentials.way() {
            Way::Workload { token, client_id } => {
                needs_grant(server, jwt_bearer::GRANT_TYPE)?;
                let client = ClientCredential::none(client_id);
                let response = self.redeem_workload_token(discovered, token, &client, scopes, dpop).await?;
                return Ok((response, client));
            }
            Way::Enterprise { id_token, client_id, token_endpoint } => {
                needs_grant(server, jwt_bearer::GRANT_TYPE)?;
                let client = self.client(server).await?;
                let jag = self.id_jag(discovered, id_token, client_id, token_endpoint, scopes).await?;
                let endpoint = token_endpoint_of(server)?;
                let request = jag.redeem(self.authenticate(&client, &endpoint)?).scope(scopes);
                return Ok((self.token(request.into_http(&endpoint), dpop).await?, client));
            }
            Way::UserOrClient => {}
        }
        let client = self.client(server).await?;
        if !server.supports_grant_type("authorization_code") {
            needs_grant(server, "client_credentials")?;
            let response = self.client_credentials(discovered, &client, scopes, dpop).await?;
            return Ok((response, client));
        }
        match self.log_in(discovered, &client, scopes, dpop).await {
            Err(ClientError::Token(error))
                if is_unknown_client(&error) && self.forget_client(&server.issuer) =>
            {
                let client = self.client(server).await?;
                Ok((self.log_in(discovered, &client, scopes, dpop).await?, client))
            }
            answer => Ok((answer?, client)),
        }
    }

    /// Uses the refresh token of `old`. When there is none, or the server refuses it, no token is held afterwards; when
    /// there is no answer, the old one.
    pub(super) async fn refresh_or_forget(&mut self, old: HeldToken) -> Result<(), ClientError> {
        match self.refresh(&old).await {
            Ok(token) => self.token = token,
            Err(ClientError::Token(error)) if error.refusal().is_some() && !error.is_transient() => {}
            Err(error) => {
                self.token = Some(old);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn refresh(&self, old: &HeldToken) -> Result<Option<HeldToken>, ClientError> {
        let Some(refresh_token) = old.refresh_token().cloned() else { return Ok(None) };
        let endpoint = token_endpoint_of(&old.discovered.metadata)?;
        let client = self.authenticate(&old.client, &endpoint)?;
        let request = RefreshRequest::new(refresh_token.clone(), client)
            .resource(&old.discovered.resource)
            .into_http(&endpoint);
        let response = self.token(request, old.is_bound()).await?;
        self.check_type(&response, old.is_bound())?;
        tracing::info!("refreshed");
        let (client, scopes) = (old.client.clone(), old.scopes().clone());
        let token = HeldToken::new(&response, &old.discovered, client, scopes, SystemClock.now());
        Ok(Some(token.or_refresh_token(Some(refresh_token))))
    }

    async fn client_credentials(
        &self,
        discovered: &Discovered,
        client: &ClientCredential,
        scopes: &Scopes,
        dpop: bool,
    ) -> Result<TokenResponse, ClientError> {
        let endpoint = token_endpoint_of(&discovered.metadata)?;
        let request = ClientCredentialsRequest::new(self.authenticate(client, &endpoint)?)
            .resource(Resource::from(&discovered.resource))
            .scope(scopes)
            .into_http(&endpoint);
        self.token(request, dpop).await
    }

    async fn redeem_workload_token(
        &self,
        discovered: &Discovered,
        token: &Secret,
        client: &ClientCredential,
        scopes: &Scopes,
        dpop: bool,
    ) -> Result<TokenResponse, ClientError> {
        let endpoint = token_endpoint_of(&discovered.metadata)?;
        let client = self.authenticate(client, &endpoint)?;
        let request = JwtBearerRequest::new(token.clone(), client)
            .resource(Resource::from(&discovered.resource))
            .scope(scopes)
            .into_http(&endpoint);
        self.token(request, dpop).await
    }

    /// Leg 1: the identity provider says that this client may go to that server for the user.
    async fn id_jag(
        &self,
        discovered: &Discovered,
        id_token: &Secret,
        client_id: &str,
        token_endpoint: &Url,
        scopes: &Scopes,
    ) -> Result<IdJagGrant, ClientError> {
        let endpoint = TokenEndpoint::new(token_endpoint)?;
        let client = self.authenticate(&ClientCredential::none(client_id), &endpoint)?;
        let audience = discovered.metadata.issuer.as_str();
        let resource = Resource::from(&discovered.resource);
        let request = IdJagRequest::new(id_token.clone(), TokenTypeUri::ID_TOKEN, audience, resource, client)
            .scope(scopes)
            .into_http(&endpoint);
        Ok(IdJagGrant::from_response(&self.token(request, false).await?)?)
    }

    /// Sends a token request, with a proof where the token is to be bound to our key.
    pub(super) async fn token(
        &self,
        request: Request<Bytes>,
        dpop: bool,
    ) -> Result<TokenResponse, ClientError> {
        let mut retry = NonceRetry::default();
        loop {
            let mut attempt = request.clone();
            if dpop {
                self.prover.add_proof(&mut attempt, None)?;
            }
            let answer = self.http.post(attempt).await?;
            if dpop {
                self.prover.keep_for(request.uri(), answer.headers());
            }
            match TokenResponse::from_http(&answer) {
                Err(error)
                    if dpop && wants_nonce(&error) && retry.after(answer.headers(), None).is_some() => {}
                response => return Ok(response?),
            }
        }
    }

    /// A token is used as what was asked for (RFC 6749 §7.1, RFC 9449 §5).
    pub(super) fn check_type(&self, response: &TokenResponse, dpop: bool) -> Result<(), ClientError> {
        let (name, expected) = if dpop { ("DPoP", TokenType::DPoP) } else { ("Bearer", TokenType::Bearer) };
        let got = response.token_type();
        if *got == expected {
            Ok(())
        } else {
            Err(ClientError::TokenType { got: got.to_string(), expected: name })
        }
    }

    pub(super) fn authenticate(
        &self,
        client: &ClientCredential,
        endpoint: &TokenEndpoint,
    ) -> Result<ClientAuthentication, ClientError> {
        let jti = random_text()?;
        let context =
            AuthenticationContext { endpoint, jti: &jti, workload_token: None, now: SystemClock.now() };
        Ok(client.authenticate(&context)?)
    }
}

fn token_endpoint_of(server: &AuthorizationServerMetadata) -> Result<TokenEndpoint, ClientError> {
    let missing = || ClientError::ServerMetadata("`token_endpoint` is missing".to_owned());
    Ok(TokenEndpoint::new(server.token_endpoint.as_ref().ok_or_else(missing)?)?)
}

fn needs_grant(server: &AuthorizationServerMetadata, grant: &'static str) -> Result<(), ClientError> {
    // Metadata that does not name grants means those of browsers only (RFC 8414 §2).
    if server.supports_grant_type(grant) { Ok(()) } else { Err(ClientError::Grant(grant)) }
}

fn is_unknown_client(error: &TokenResponseError) -> bool {
    error.refusal().is_some_and(|refusal| *refusal.code() == TokenErrorCode::InvalidClient)
}

fn wants_nonce(error: &TokenResponseError) -> bool {
    error.refusal().is_some_and(|refusal| *refusal.code() == TokenErrorCode::UseDpopNonce)
}
