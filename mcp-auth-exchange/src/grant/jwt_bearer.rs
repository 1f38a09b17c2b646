//! The JWT bearer grant (RFC 7523 §2.1): a JWT of somebody else for an access token.
//!
//! For ID-JAGs ([`id_jag`](super::id_jag)), workload identity (MCP SEP-1933), Keycloak's JWT authorization grant.

use bytes::Bytes;
use http::Request;
use mcp_auth_discovery::{Scopes, Secret};

use super::Parameters;
use crate::form::Form;
use crate::{AuthorizationDetails, ClientAuthentication, Resource, TokenEndpoint};

/// The value of `grant_type`, RFC 7523 §2.1.
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A request with the JWT bearer grant. A rejected assertion is not sent a second time, and no other grant is tried
/// instead (MCP SEP-1933).
///
/// ```
/// use mcp_auth_exchange::grant::jwt_bearer::JwtBearerRequest;
/// use mcp_auth_exchange::{ClientAuthentication, Secret, TokenEndpoint};
/// use url::Url;
///
/// let endpoint = TokenEndpoint::new(&Url::parse("https://as.example.com/token")?)?;
/// let request = JwtBearerRequest::new(Secret::new("a.b.c"), ClientAuthentication::none("agent")).into_http(&endpoint);
/// assert_eq!(
///     request.body().as_ref(),
///     b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c&client_id=agent",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct JwtBearerRequest {
    assertion: Secret,
    resources: Vec<Resource>,
    scope: Scopes,
    authorization_details: Option<AuthorizationDetails>,
    parameters: Parameters,
    client: ClientAuthentication,
}

impl JwtBearerRequest {
    /// Asks for an access token for the subject of `assertion`.
    pub fn new(assertion: Secret, client: ClientAuthentication) -> Self {
        Self {
            assertion,
            resources: Vec::new(),
            scope: Scopes::default(),
            authorization_details: None,
            parameters: Parameters::default(),
            client,
        }
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

    /// The request. Its body holds the assertion.
    pub fn into_http(self, endpoint: &TokenEndpoint) -> Request<Bytes> {
        let mut form = Form::new(GRANT_TYPE);
        form.push("assertion", self.assertion.expose());
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
