//! Refreshing an access token (RFC 6749 §6).

use bytes::Bytes;
use http::Request;

use mcp_auth_discovery::{ResourceIdentifier, Scopes, Secret};

use crate::form::Form;
use crate::{ClientAuthentication, TokenEndpoint};

/// A refresh request.
///
/// ```
/// use mcp_auth_exchange::grant::refresh::RefreshRequest;
/// use mcp_auth_exchange::{ClientAuthentication, Secret, TokenEndpoint};
/// use url::Url;
///
/// let endpoint = TokenEndpoint::new(&Url::parse("https://login.example.com/token")?)?;
/// let request = RefreshRequest::new(Secret::new("r1"), ClientAuthentication::none("c")).into_http(&endpoint);
/// assert_eq!(request.body().as_ref(), b"grant_type=refresh_token&refresh_token=r1&client_id=c");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RefreshRequest {
    refresh_token: Secret,
    client: ClientAuthentication,
    scope: Scopes,
    resource: Option<ResourceIdentifier>,
}

impl RefreshRequest {
    /// Asks for a new access token with the scope of the original grant.
    pub fn new(refresh_token: Secret, client: ClientAuthentication) -> Self {
        Self { refresh_token, client, scope: Scopes::default(), resource: None }
    }

    /// Asks for a narrower scope. The empty set is not sent.
    pub fn scope(mut self, scopes: &Scopes) -> Self {
        self.scope = scopes.clone();
        self
    }

    /// Says for which resource the token is (RFC 8707 §2.2; MCP requires it of clients).
    pub fn resource(mut self, resource: &ResourceIdentifier) -> Self {
        self.resource = Some(resource.clone());
        self
    }

    /// The request. Its body holds the refresh token.
    pub fn into_http(self, endpoint: &TokenEndpoint) -> Request<Bytes> {
        let mut form = Form::new("refresh_token");
        form.push("refresh_token", self.refresh_token.expose());
        if !self.scope.is_empty() {
            form.push("scope", &self.scope.to_string());
        }
        if let Some(resource) = &self.resource {
            form.push("resource", resource.as_str());
        }
        form.into_http(endpoint, &self.client)
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn all_parameters_are_encoded() {
        let endpoint = TokenEndpoint::new(&Url::parse("https://as/token").unwrap()).unwrap();
        let request = RefreshRequest::new(Secret::new("r&x=y"), ClientAuthentication::none("c"))
            .scope(&Scopes::parse("a b").unwrap())
            .resource(&ResourceIdentifier::parse("https://h/mcp").unwrap());
        assert!(!format!("{request:?}").contains("r&x=y"));
        assert_eq!(
            request.into_http(&endpoint).body().as_ref(),
            b"grant_type=refresh_token&refresh_token=r%26x%3Dy&scope=a+b&resource=https%3A%2F%2Fh%2Fmcp&client_id=c"
        );
    }
}
