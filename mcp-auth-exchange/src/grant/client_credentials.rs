//! Client credentials (RFC 6749 §4.4): a token for the client itself.
//!
//! Not a way to serve a user: such a token says nothing about him, so that no exchange plan has this grant.

use bytes::Bytes;
use http::Request;
use mcp_auth_discovery::Scopes;

use super::Parameters;
use crate::form::Form;
use crate::{AuthorizationDetails, ClientAuthentication, Resource, TokenEndpoint};

/// A client credentials request.
///
/// ```
/// use mcp_auth_exchange::grant::client_credentials::ClientCredentialsRequest;
/// use mcp_auth_exchange::{ClientAuthentication, Resource, Secret, TokenEndpoint};
/// use url::Url;
///
/// let endpoint = TokenEndpoint::new(&Url::parse("https://as.example.com/token")?)?;
/// let client = ClientAuthentication::client_secret_post("agent", Secret::new("s"));
/// let request = ClientCredentialsRequest::new(client)
///     .resource(Resource::parse("https://mcp.example.com/")?)
///     .into_http(&endpoint);
/// assert_eq!(
///     request.body().as_ref(),
///     b"grant_type=client_credentials&resource=https%3A%2F%2Fmcp.example.com%2F&client_id=agent&client_secret=s",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientCredentialsRequest {
    audience: Option<String>,
    resources: Vec<Resource>,
    scope: Scopes,
    authorization_details: Option<AuthorizationDetails>,
    parameters: Parameters,
    client: ClientAuthentication,
}

impl ClientCredentialsRequest {
    /// Asks for a token for this client.
    pub fn new(client: ClientAuthentication) -> Self {
        Self {
            audience: None,
            resources: Vec::new(),
            scope: Scopes::default(),
            authorization_details: None,
            parameters: Parameters::default(),
            client,
        }
    }

    /// Says for whom the token is, by name: Auth0 and others ask for it. Not part of RFC 6749.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Adds a target (RFC 8707).
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resources.push(resource);
        self
    }

    /// Asks for this scope. The empty set is not sent.
    pub fn scope(mut self, scope: &Scopes) -> Self {
        self.scope = scope.clone();
        self
    }

    /// Asks for these details (RFC 9396 §6).
    pub fn authorization_details(mut self, details: AuthorizationDetails) -> Self {
        self.authorization_details = Some(details);
        self
    }

    /// Adds parameters of the provider's own.
    pub fn parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// The request.
    pub fn into_http(self, endpoint: &TokenEndpoint) -> Request<Bytes> {
        let mut form = Form::new("client_credentials");
        form.push_some("audience", self.audience.as_deref());
        for resource in &self.resources {
            form.push("resource", resource.as_str());
        }
        form.push_scope(&self.scope);
        let details = self.authorization_details.as_ref();
        form.push_some("authorization_details", details.map(AuthorizationDetails::as_str));
        self.parameters.push(&mut form);
        form.into_http(endpoint, &self.client)
    }
}
