//! A form POST to a token endpoint (RFC 6749 Appendix B).

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use mcp_auth_discovery::Scopes;

use crate::{ClientAuthentication, TokenEndpoint};

/// Collects parameters; what is dropped before it became a request is overwritten.
pub(crate) struct Form {
    body: Zeroizing<String>,
}

impl Form {
    /// A form without parameters.
    pub(crate) fn empty() -> Self {
        Self { body: Zeroizing::new(String::with_capacity(1024)) }
    }

    /// The form of a token request.
    pub(crate) fn new(grant_type: &str) -> Self {
        let mut form = Self::empty();
        form.push("grant_type", grant_type);
        form
    }

    pub(crate) fn push(&mut self, name: &str, value: &str) {
        if !self.body.is_empty() {
            self.body.push('&');
        }
        self.body.push_str(name);
        self.body.push('=');
        self.body.extend(byte_serialize(value.as_bytes()));
    }

    /// Pushes a parameter that is not sent when there is nothing to say.
    pub(crate) fn push_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }

    /// Pushes `scope`; the empty set is not sent.
    pub(crate) fn push_scope(&mut self, scope: &Scopes) {
        if !scope.is_empty() {
            self.push("scope", &scope.to_string());
        }
    }

    pub(crate) fn into_http(
        mut self,
        endpoint: &TokenEndpoint,
        client: &ClientAuthentication,
    ) -> Request<Bytes> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let certificate = client.apply(&mut self, &mut headers);
        let mut request = Request::new(Bytes::copy_from_slice(self.body.as_bytes()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = endpoint.uri().clone();
        *request.headers_mut() = headers;
        if let Some(certificate) = certificate {
            request.extensions_mut().insert(certificate);
        }
        request
    }
}
