//! The authorization code flow: the user goes to the authorization server and comes back with a code.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::LOCATION;
use mcp_auth_discovery::Scopes;
use mcp_auth_discovery::provider::PkceMetadata;
use mcp_auth_exchange::grant::authorization_code::{
    AuthorizationCodeRequest, AuthorizationRequest, AuthorizationResponse, PkceVerifier, State,
};
use mcp_auth_exchange::{ClientCredential, TokenEndpoint, TokenResponse};
use url::Url;

use super::Authorizer;
use super::discovery::Discovered;
use crate::error::ClientError;

/// How many pages a login may have.
const MAX_REDIRECTS: usize = 10;

impl Authorizer {
    pub(super) async fn log_in(
        &self,
        discovered: &Discovered,
        client: &ClientCredential,
        scopes: &Scopes,
        dpop: bool,
    ) -> Result<TokenResponse, ClientError> {
        let server = &discovered.metadata;
        let flow = server.code_flow(PkceMetadata::Required)?;
        let endpoint = TokenEndpoint::new(flow.token_endpoint)?;
        let redirect_uri = &self.settings.redirect_uri;
        let (verifier, state) = (PkceVerifier::from_random(random()?), State::from_random(random()?));
        let client_id = client.client_id().unwrap_or_default();

        let authorization_endpoint = flow.authorization_endpoint;
        let challenge = verifier.challenge();
        let request =
            AuthorizationRequest::new(authorization_endpoint, client_id, redirect_uri, &state, &challenge)?
                .scope(scopes)
                .resource(&discovered.resource);
        let query = self.send_user_to(request.url()).await?;
        let issuer = Some(server.issuer.as_str());
        let answer = AuthorizationResponse::parse(&query, &state, issuer, flow.requires_response_iss)?;

        let client = self.authenticate(client, &endpoint)?;
        let request = AuthorizationCodeRequest::new(answer.into_code(), redirect_uri, verifier, client)
            .resource(&discovered.resource)
            .into_http(&endpoint);
        self.token(request, dpop).await
    }

    /// Stands in for the browser and for the loopback listener: follows redirects until one leads back to the client,
    /// and takes its query. A page that wants a human ends here.
    async fn send_user_to(&self, mut url: Url) -> Result<String, ClientError> {
        let mut status = 0;
        for _ in 0..MAX_REDIRECTS {
            let answer = self.http.get(&url).await?;
            status = answer.status().as_u16();
            let location = answer.headers().get(LOCATION).filter(|_| answer.status().is_redirection());
            let next = location.and_then(|value| url.join(value.to_str().ok()?).ok());
            let Some(next) = next else { break };
            let without_query = next.as_str().split(['?', '#']).next().unwrap_or_default();
            if without_query == self.settings.redirect_uri {
                return Ok(next.query().unwrap_or_default().to_owned());
            }
            url = next;
        }
        Err(ClientError::NotSentBack(status))
    }
}

/// Bytes that nobody can guess.
pub(super) fn random() -> Result<[u8; 32], ClientError> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| ClientError::Randomness)?;
    Ok(bytes)
}

/// An identifier that is never used twice.
pub(super) fn random_text() -> Result<String, ClientError> {
    Ok(URL_SAFE_NO_PAD.encode(random()?))
}
