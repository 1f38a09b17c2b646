//! Managing a registration (RFC 7592).

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::request::{ClientRequestError, json_request};
use super::{
    ClientMetadata, ClientRegistrationResponse, RedirectUriRules, RegistrationError, RegistrationErrorCode,
};
use crate::{EndpointFault, Secret, document};

/// What the server alone says about a client: it does not stand in a request (RFC 7592 §2.2).
const SERVERS_OWN: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

/// A request that replaces what is registered (RFC 7592 §2.2): what it leaves out is dropped.
///
/// ```
/// use mcp_auth_discovery::registration::{ClientUpdateRequest, RedirectUriRules};
///
/// let body = br#"{"client_id":"c-1","redirect_uris":["https://app.example.com/cb"],"client_name":"App"}"#;
/// let update = ClientUpdateRequest::parse(body, &RedirectUriRules::default(), "c-1", None)?;
/// assert_eq!(update.metadata().client_name.as_deref(), Some("App"));
/// assert!(ClientUpdateRequest::parse(body, &RedirectUriRules::default(), "c-2", None).is_err());
/// # Ok::<(), mcp_auth_discovery::registration::RegistrationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClientUpdateRequest {
    client_id: String,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

#[derive(Deserialize)]
struct Named {
    client_id: String,
    #[serde(default)]
    client_secret: Option<Secret>,
}

impl ClientUpdateRequest {
    /// Reads and checks the body of a request about the client `client_id` with this secret, if it has one. Who asks
    /// was established before, by the registration access token.
    ///
    /// # Errors
    ///
    /// As [`ClientRegistrationRequest::parse`](super::ClientRegistrationRequest::parse), and `invalid_client_metadata`
    /// for another `client_id`, another secret, and members that only the server sets.
    pub fn parse(
        bytes: &[u8],
        rules: &RedirectUriRules,
        client_id: &str,
        client_secret: Option<&Secret>,
    ) -> Result<Self, RegistrationError> {
        let invalid = |text| Err(RegistrationError::new(RegistrationErrorCode::InvalidClientMetadata, text));
        let members: serde_json::Map<String, serde_json::Value> = document::parse(bytes, &["client_id"])?;
        if SERVERS_OWN.iter().any(|name| members.contains_key(*name)) {
            return invalid("the request has a member that only the server sets (RFC 7592 section 2.2)");
        }
        let named: Named = document::parse(bytes, &[])?;
        if named.client_id != client_id {
            return invalid("`client_id` is not that of this registration");
        }
        let secret_fits = match (&named.client_secret, client_secret) {
            (None, _) => true,
            (Some(given), Some(held)) => {
                bool::from(given.expose().as_bytes().ct_eq(held.expose().as_bytes()))
            }
            (Some(_), None) => false,
        };
        if !secret_fits {
            return invalid("`client_secret` is not that of this registration");
        }
        let metadata: ClientMetadata = document::parse(bytes, &[])?;
        metadata.check(rules)?;
        Ok(Self { client_id: named.client_id, metadata })
    }

    /// A request of our own.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse): what a server would refuse is not sent.
    pub fn new(
        client_id: impl Into<String>,
        metadata: ClientMetadata,
        rules: &RedirectUriRules,
    ) -> Result<Self, RegistrationError> {
        metadata.check(rules)?;
        Ok(Self { client_id: client_id.into(), metadata })
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
        document::to_json(self)
    }
}

/// The way to a registration of ours at a server: its URI and token, as the registration response gave them.
#[derive(Clone, Debug)]
pub struct ClientManagement {
    uri: Url,
    token: Secret,
}

impl ClientManagement {
    /// From values that were kept.
    ///
    /// # Errors
    ///
    /// [`EndpointFault`] when the URI is not https (or http to a loopback host).
    pub fn new(uri: Url, token: Secret) -> Result<Self, EndpointFault> {
        crate::endpoint::check(&uri)?;
        Ok(Self { uri, token })
    }

    /// From a response; `None` when the server does not offer management.
    pub fn of(response: &ClientRegistrationResponse) -> Option<Self> {
        let (uri, token) = (&response.registration_client_uri, &response.registration_access_token);
        Self::new(uri.clone()?, token.clone()?).ok()
    }

    /// URI and token, to be kept.
    pub fn into_parts(self) -> (Url, Secret) {
        (self.uri, self.token)
    }

    /// Asks for what is registered (RFC 7592 §2.1).
    ///
    /// # Errors
    ///
    /// [`ClientRequestError`] when the URI or the token do not fit into a request.
    pub fn read(&self) -> Result<Request<Bytes>, ClientRequestError> {
        json_request(Method::GET, &self.uri, Some(&self.token))
    }

    /// Replaces what is registered (RFC 7592 §2.2). The answer may bring another token and secret.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn update(&self, update: &ClientUpdateRequest) -> Result<Request<Bytes>, ClientRequestError> {
        let mut request = json_request(Method::PUT, &self.uri, Some(&self.token))?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = update.to_json();
        Ok(request)
    }

    /// Ends the registration (RFC 7592 §2.3), answered with 204.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn delete(&self) -> Result<Request<Bytes>, ClientRequestError> {
        json_request(Method::DELETE, &self.uri, Some(&self.token))
    }
}
