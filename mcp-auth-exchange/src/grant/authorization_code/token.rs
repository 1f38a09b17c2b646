//! Exchanging the code (RFC 6749 §4.1.3).

use bytes::Bytes;
use http::Request;

use mcp_auth_discovery::{ResourceIdentifier, Secret};

use super::PkceVerifier;
use crate::form::Form;
use crate::{ClientAuthentication, TokenEndpoint};

/// The token request of the authorization code grant. It consumes code and verifier: neither is good for a
/// second request.
#[derive(Debug)]
#[must_use]
pub struct AuthorizationCodeRequest {
    code: Secret,
    redirect_uri: String,
    verifier: PkceVerifier,
    client: ClientAuthentication,
    resource: Option<ResourceIdentifier>,
}

impl AuthorizationCodeRequest {
    /// Starts a request. `redirect_uri` is that of the authorization request, byte for byte.
    pub fn new(
        code: Secret,
        redirect_uri: impl Into<String>,
        verifier: PkceVerifier,
        client: ClientAuthentication,
    ) -> Self {
        Self { code, redirect_uri: redirect_uri.into(), verifier, client, resource: None }
    }

    /// Says for which resource the token is (RFC 8707 §2.2; MCP requires it of clients).
    pub fn resource(mut self, resource: &ResourceIdentifier) -> Self {
        self.resource = Some(resource.clone());
        self
    }

    /// The request. Its body holds code and verifier.
    pub fn into_http(self, endpoint: &TokenEndpoint) -> Request<Bytes> {
        let mut form = Form::new("authorization_code");
        form.push("code", self.code.expose());
        form.push("redirect_uri", &self.redirect_uri);
        form.push("code_verifier", self.verifier.expose());
        if let Some(resource) = &self.resource {
            form.push("resource", resource.as_str());
        }
        form.into_http(endpoint, &self.client)
    }
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
    use url::Url;

    use super::*;

    #[test]
    fn row_157_the_code_is_exchanged() {
        let endpoint = TokenEndpoint::new(&Url::parse("https://as/token").unwrap()).unwrap();
        let verifier = PkceVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        let client = ClientAuthentication::client_secret_basic("c", Secret::new("s"));
        let request =
            AuthorizationCodeRequest::new(Secret::new("c&1"), "http://localhost:1/cb", verifier, client)
                .resource(&ResourceIdentifier::parse("https://h/mcp").unwrap());
        let debug = format!("{request:?}");
        assert!(!debug.contains("c&1") && !debug.contains("dBjft"), "{debug}");
        let request = request.into_http(&endpoint);
        assert_eq!(
            (request.method().as_str(), request.uri().to_string()),
            ("POST", "https://as/token".into())
        );
        assert_eq!(request.headers()[CONTENT_TYPE], "application/x-www-form-urlencoded");
        assert_eq!(request.headers()[ACCEPT], "application/json");
        assert!(request.headers()[AUTHORIZATION].is_sensitive());
        assert_eq!(
            request.body().as_ref(),
            b"grant_type=authorization_code&code=c%261&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fcb\
              &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&resource=https%3A%2F%2Fh%2Fmcp"
        );
    }
}
