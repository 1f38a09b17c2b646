//! A form POST to a token endpoint (RFC 6749 Appendix B).

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

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

    pub(crate) fn into_http(
        mut self,
        endpoint: &TokenEndpoint,
        client: &ClientAuthentication,
    ) -> Request<Bytes> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        client.apply(&mut self, &mut headers);
        let mut request = Request::new(Bytes::copy_from_slice(self.body.as_bytes()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = endpoint.uri().clone();
        *request.headers_mut() = headers;
        request
    }
}
