//! The registration request.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use url::Url;

use super::{ClientMetadata, RedirectUriRules, RegistrationError};
use crate::document;
use crate::endpoint::{self, EndpointFault};
use crate::secret::Secret;

/// A client registration request (RFC 7591 §3.1). One that was [parsed](Self::parse) was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRegistrationRequest {
    metadata: ClientMetadata,
}

impl ClientRegistrationRequest {
    /// Reads and checks the body of a request, at most [`MAX_DOCUMENT_BYTES`](crate::MAX_DOCUMENT_BYTES).
    /// Unknown members are ignored (RFC 7591 §2).
    ///
    /// # Errors
    ///
    /// `invalid_redirect_uri` when one redirect URI breaks `rules` or none is given for the code grant,
    /// `invalid_client_metadata` for everything else.
    pub fn parse(bytes: &[u8], rules: &RedirectUriRules) -> Result<Self, RegistrationError> {
        let metadata: ClientMetadata = document::parse(bytes, &[])?;
        metadata.check(rules)?;
        Ok(Self { metadata })
    }

    /// A request of our own.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse): what a server would refuse is not sent.
    pub fn new(metadata: ClientMetadata, rules: &RedirectUriRules) -> Result<Self, RegistrationError> {
        metadata.check(rules)?;
        Ok(Self { metadata })
    }

    /// What the client says about itself.
    pub fn metadata(&self) -> &ClientMetadata {
        &self.metadata
    }

    /// What the client says about itself, for a response.
    pub fn into_metadata(self) -> ClientMetadata {
        self.metadata
    }

    /// The body of the request, `application/json`.
    pub fn to_json(&self) -> Bytes {
        document::to_json(&self.metadata)
    }

    /// The request to a server's `registration_endpoint`, with an initial access token where it asks for one (RFC 7591
    /// §3). [`ClientRegistrationResponse::from_http`](super::ClientRegistrationResponse::from_http) reads the answer.
    ///
    /// # Errors
    ///
    /// [`ClientRequestError`] when the endpoint is not https (or http to a loopback host), or the token not one.
    pub fn to_http(
        &self,
        registration_endpoint: &Url,
        initial_access_token: Option<&Secret>,
    ) -> Result<Request<Bytes>, ClientRequestError> {
        let mut request = json_request(Method::POST, registration_endpoint, initial_access_token)?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = self.to_json();
        Ok(request)
    }
}

/// Why a request to a registration endpoint cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientRequestError {
    /// The endpoint is not one to which secrets may be sent.
    #[error("registration endpoint {0}")]
    Endpoint(#[from] EndpointFault),
    /// The token has characters that do not belong into a header.
    #[error("access token of the registration endpoint does not fit into a header")]
    Token,
}

/// A request with an optional bearer token that asks for JSON.
pub(super) fn json_request(
    method: Method,
    url: &Url,
    token: Option<&Secret>,
) -> Result<Request<Bytes>, ClientRequestError> {
    endpoint::check(url)?;
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() =
        Uri::try_from(url.as_str()).map_err(|_| ClientRequestError::Endpoint(EndpointFault::NotAUrl))?;
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(token) = token {
        let value = format!("Bearer {}", token.expose());
        let mut value = HeaderValue::try_from(value).map_err(|_| ClientRequestError::Token)?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(request)
}
