//! Asking the issuer about a token (RFC 7662): for opaque tokens, which nobody else can read.
//!
//! The answer's claims become a principal by
//! [`Validator::accept_introspected`](mcp_auth_core::jwt::Validator::accept_introspected), which asks of them what
//! it asks of a JWT's. What was learned is kept for a short time in an [`IntrospectionCache`].

mod cache;
mod response;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::Request;

use mcp_auth_core::credential::AccessToken;

use crate::form::Form;
use crate::{ClientAuthentication, TokenEndpoint};

pub use cache::{IntrospectionCache, IntrospectionLife, Known};
pub use response::{IntrospectionError, IntrospectionErrorKind, IntrospectionResponse};

/// An introspection request, RFC 7662 §2.1.
///
/// ```
/// use mcp_auth_core::credential::AccessToken;
/// use mcp_auth_exchange::introspection::IntrospectionRequest;
/// use mcp_auth_exchange::{ClientAuthentication, Secret, TokenEndpoint};
/// use url::Url;
///
/// let endpoint = TokenEndpoint::new(&Url::parse("https://login.example.com/introspect")?)?;
/// let client = ClientAuthentication::client_secret_basic("gateway", Secret::new("hunter2"));
/// let request = IntrospectionRequest::new(AccessToken::new("2YotnFZFEjr1zCsicMWpAA"), client).into_http(&endpoint);
/// assert_eq!(request.body().as_ref(), b"token=2YotnFZFEjr1zCsicMWpAA&token_type_hint=access_token");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct IntrospectionRequest {
    token: AccessToken,
    client: ClientAuthentication,
}

impl IntrospectionRequest {
    /// Asks about `token`. The endpoint must know the client (RFC 7662 §2.1), so that nobody can try tokens out.
    pub fn new(token: AccessToken, client: ClientAuthentication) -> Self {
        Self { token, client }
    }

    /// The request. Its body holds the token.
    pub fn into_http(self, endpoint: &TokenEndpoint) -> Request<Bytes> {
        let mut form = Form::empty();
        form.push("token", self.token.expose());
        form.push("token_type_hint", "access_token");
        form.into_http(endpoint, &self.client)
    }
}
