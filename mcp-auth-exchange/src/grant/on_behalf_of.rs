//! Microsoft Entra's on-behalf-of flow: a JWT bearer grant with parameters of its own.
//!
//! The target is in `scope` (`api://<app>/.default`), never in `resource` or `audience`: Entra refuses those
//! (AADSTS901002). The `assertion` has to be an access token for the client itself, of a user: tokens of an
//! application cannot be exchanged.

use bytes::Bytes;
use http::Request;
use mcp_auth_discovery::{Scopes, Secret};

use super::{Parameters, jwt_bearer};
use crate::form::Form;
use crate::{ClientAuthentication, TokenEndpoint, TokenTypeUri};

/// An on-behalf-of request ("Microsoft identity platform and OAuth 2.0 On-Behalf-Of flow").
///
/// ```
/// use mcp_auth_exchange::grant::on_behalf_of::OnBehalfOfRequest;
/// use mcp_auth_exchange::{ClientAuthentication, Secret, TokenEndpoint};
/// use mcp_auth_discovery::Scopes;
/// use url::Url;
///
/// let endpoint = TokenEndpoint::new(&Url::parse("https://login.microsoftonline.com/t/oauth2/v2.0/token")?)?;
/// let client = ClientAuthentication::client_secret_post("app", Secret::new("hunter2"));
/// let scope = Scopes::parse("https://graph.microsoft.com/.default")?;
/// let request = OnBehalfOfRequest::new(Secret::new("a.b.c"), &scope, client).into_http(&endpoint);
/// assert!(std::str::from_utf8(request.body())?.contains("&requested_token_use=on_behalf_of&"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct OnBehalfOfRequest {
    assertion: Secret,
    scope: Scopes,
    requested_token_type: Option<TokenTypeUri>,
    parameters: Parameters,
    client: ClientAuthentication,
}

impl OnBehalfOfRequest {
    /// Asks for a token for the user of `assertion`. All of `scope` is of one resource.
    pub fn new(assertion: Secret, scope: &Scopes, client: ClientAuthentication) -> Self {
        Self {
            assertion,
            scope: scope.clone(),
            requested_token_type: None,
            parameters: Parameters::default(),
            client,
        }
    }

    /// Asks for a SAML assertion ([`TokenTypeUri::SAML1`], [`TokenTypeUri::SAML2`]) instead of an access token.
    pub fn requested_token_type(mut self, token_type: TokenTypeUri) -> Self {
        self.requested_token_type = Some(token_type);
        self
    }

    /// Adds parameters, such as `claims` with what the client can handle (`xms_cc`).
    pub fn parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// The request. Its body holds the assertion.
    pub fn into_http(self, endpoint: &TokenEndpoint) -> Request<Bytes> {
        let mut form = Form::new(jwt_bearer::GRANT_TYPE);
        form.push("assertion", self.assertion.expose());
        form.push_scope(&self.scope);
        form.push("requested_token_use", "on_behalf_of");
        form.push_some("requested_token_type", self.requested_token_type.as_ref().map(TokenTypeUri::as_str));
        self.parameters.push(&mut form);
        form.into_http(endpoint, &self.client)
    }
}
