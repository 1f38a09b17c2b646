//! The client's two requests.

use bytes::Bytes;
use http::Request;
use mcp_auth_discovery::{Scopes, Secret};

use crate::grant::jwt_bearer::JwtBearerRequest;
use crate::grant::token_exchange::TokenExchangeRequest;
use crate::{
    AuthorizationDetails, ClientAuthentication, Resource, TokenEndpoint, TokenResponse, TokenType,
    TokenTypeUri,
};

/// Leg 1: asks the user's identity provider for an ID-JAG.
///
/// ```
/// use mcp_auth_exchange::grant::id_jag::IdJagRequest;
/// use mcp_auth_exchange::{ClientAuthentication, Resource, Secret, TokenEndpoint, TokenTypeUri};
/// use url::Url;
///
/// let idp = TokenEndpoint::new(&Url::parse("https://idp.example/token")?)?;
/// let client = ClientAuthentication::client_secret_post("agent", Secret::new("s"));
/// let request = IdJagRequest::new(
///     Secret::new("id.to.ken"),
///     TokenTypeUri::ID_TOKEN,
///     "https://as.chat.example/",
///     Resource::parse("https://mcp.chat.example/")?,
///     client,
/// )
/// .into_http(&idp);
/// assert!(std::str::from_utf8(request.body())?.contains("token-type%3Aid-jag&audience=https%3A%2F%2Fas.chat.example"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct IdJagRequest(TokenExchangeRequest);

/// What leg 1 brought.
#[derive(Clone, Debug)]
#[must_use]
pub struct IdJagGrant(Secret);

/// The answer to leg 1 is no ID-JAG.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `issued_token_type` `urn:ietf:params:oauth:token-type:id-jag` and `token_type` `N_A`")]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add")]
pub struct NotAnIdJag;

impl IdJagRequest {
    /// `subject_token` is an ID token, a SAML 2.0 assertion, or a refresh token where the provider takes it;
    /// `audience` is the issuer identifier of the resource's authorization server, and `resource` the MCP server.
    pub fn new(
        subject_token: Secret,
        subject_token_type: TokenTypeUri,
        audience: impl Into<String>,
        resource: Resource,
        client: ClientAuthentication,
    ) -> Self {
        Self(
            TokenExchangeRequest::new(subject_token, subject_token_type, client)
                .requested_token_type(TokenTypeUri::ID_JAG)
                .audience(audience)
                .resource(resource),
        )
    }

    /// Asks for this scope. The empty set is not sent.
    pub fn scope(self, scope: &Scopes) -> Self {
        Self(self.0.scope(scope))
    }

    /// Asks for these details (RFC 9396).
    pub fn authorization_details(self, details: AuthorizationDetails) -> Self {
        Self(self.0.authorization_details(details))
    }

    /// The request. Its body holds the token.
    pub fn into_http(self, endpoint: &TokenEndpoint) -> Request<Bytes> {
        self.0.into_http(endpoint)
    }
}

impl IdJagGrant {
    /// Takes the ID-JAG out of the answer to leg 1.
    ///
    /// # Errors
    ///
    /// [`NotAnIdJag`].
    pub fn from_response(response: &TokenResponse) -> Result<Self, NotAnIdJag> {
        let issued = response.issued_token_type() == Some(TokenTypeUri::ID_JAG.as_str());
        if issued && *response.token_type() == TokenType::NotApplicable {
            Ok(Self(response.access_token().clone()))
        } else {
            Err(NotAnIdJag)
        }
    }

    /// Leg 2: the request to the resource's authorization server. `client` is how that server knows this client, and
    /// its identifier is what the ID-JAG names.
    pub fn redeem(self, client: ClientAuthentication) -> JwtBearerRequest {
        JwtBearerRequest::new(self.0, client)
    }
}
