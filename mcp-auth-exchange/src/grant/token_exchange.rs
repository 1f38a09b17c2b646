//! Token exchange (RFC 8693).

use bytes::Bytes;
use http::Request;
use mcp_auth_discovery::{Scopes, Secret};

use super::Parameters;
use crate::form::Form;
use crate::{AuthorizationDetails, ClientAuthentication, Resource, TokenEndpoint, TokenTypeUri};

/// The value of `grant_type`, RFC 8693 §2.1.
pub const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// A token exchange request, RFC 8693 §2.1.
///
/// Every parameter of the standard has a setter; what is not set is not sent. `resource` and `audience` may be
/// repeated, `actor_token` never stands without its type.
///
/// ```
/// use mcp_auth_exchange::grant::token_exchange::TokenExchangeRequest;
/// use mcp_auth_exchange::{ClientAuthentication, Secret, TokenEndpoint, TokenTypeUri};
/// use url::Url;
///
/// let endpoint = TokenEndpoint::new(&Url::parse("https://as.example.com/token")?)?;
/// let client = ClientAuthentication::none("gateway");
/// let request = TokenExchangeRequest::new(Secret::new("s"), TokenTypeUri::ACCESS_TOKEN, client)
///     .audience("tool")
///     .into_http(&endpoint);
/// let body = std::str::from_utf8(request.body())?;
/// assert!(body.ends_with("&audience=tool&client_id=gateway"), "{body}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TokenExchangeRequest {
    subject_token: Secret,
    subject_token_type: TokenTypeUri,
    actor: Option<(Secret, TokenTypeUri)>,
    requested_token_type: Option<TokenTypeUri>,
    audiences: Vec<String>,
    resources: Vec<Resource>,
    scope: Scopes,
    authorization_details: Option<AuthorizationDetails>,
    parameters: Parameters,
    client: ClientAuthentication,
}

impl TokenExchangeRequest {
    /// Asks for a token for the subject of `subject_token`.
    pub fn new(
        subject_token: Secret,
        subject_token_type: TokenTypeUri,
        client: ClientAuthentication,
    ) -> Self {
        Self {
            subject_token,
            subject_token_type,
            actor: None,
            requested_token_type: None,
            audiences: Vec::new(),
            resources: Vec::new(),
            scope: Scopes::default(),
            authorization_details: None,
            parameters: Parameters::default(),
            client,
        }
    }

    /// Says who acts for the subject (`actor_token`, `actor_token_type`).
    pub fn actor(mut self, token: Secret, token_type: TokenTypeUri) -> Self {
        self.actor = Some((token, token_type));
        self
    }

    /// Says what is wanted (`requested_token_type`). Not said, the server decides.
    pub fn requested_token_type(mut self, token_type: TokenTypeUri) -> Self {
        self.requested_token_type = Some(token_type);
        self
    }

    /// Adds a target by its name (`audience`).
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Adds a target by its URI (`resource`, RFC 8707).
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

    /// The request. Its body holds the tokens.
    pub fn into_http(self, endpoint: &TokenEndpoint) -> Request<Bytes> {
        let mut form = Form::new(GRANT_TYPE);
        form.push("subject_token", self.subject_token.expose());
        form.push("subject_token_type", self.subject_token_type.as_str());
        if let Some((token, token_type)) = &self.actor {
            form.push("actor_token", token.expose());
            form.push("actor_token_type", token_type.as_str());
        }
        form.push_some("requested_token_type", self.requested_token_type.as_ref().map(TokenTypeUri::as_str));
        for audience in &self.audiences {
            form.push("audience", audience);
        }
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
