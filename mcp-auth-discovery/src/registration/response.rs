//! The registration response.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use http::{HeaderValue, Response, StatusCode};
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use super::{ClientMetadata, RegistrationFailure};
use crate::document::{self, DocumentError};
use crate::{Secret, endpoint};

/// A client registration response (RFC 7591 §3.2.1), answered with 201 and `Cache-Control: no-store`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ClientRegistrationResponse {
    /// REQUIRED. The identifier of the client.
    pub client_id: String,
    /// The secret of the client. Absent for public clients.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "expose")]
    pub client_secret: Option<Secret>,
    /// When the identifier was issued, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id_issued_at: Option<u64>,
    /// When the secret expires, in seconds since 1970; 0 means never. REQUIRED with a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret_expires_at: Option<u64>,
    /// The token for managing this registration (RFC 7592 §3).
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "expose")]
    pub registration_access_token: Option<Secret>,
    /// Where this registration is managed (RFC 7592 §3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_client_uri: Option<Url>,
    /// What was registered.
    #[serde(flatten)]
    pub metadata: ClientMetadata,
}

#[derive(Deserialize)]
struct Issued {
    client_id: String,
    #[serde(default)]
    client_secret: Option<Secret>,
    #[serde(default)]
    client_id_issued_at: Option<u64>,
    #[serde(default)]
    client_secret_expires_at: Option<u64>,
    #[serde(default)]
    registration_access_token: Option<Secret>,
    #[serde(default)]
    registration_client_uri: Option<Url>,
}

impl ClientRegistrationResponse {
    /// Answers a public client, with the defaults of RFC 7591 §2 written out.
    pub fn new(client_id: impl Into<String>, metadata: ClientMetadata) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret: None,
            client_id_issued_at: None,
            client_secret_expires_at: None,
            registration_access_token: None,
            registration_client_uri: None,
            metadata: metadata.with_defaults(),
        }
    }

    /// Adds a secret and when it expires, in seconds since 1970; 0 means never.
    #[must_use]
    pub fn client_secret(mut self, secret: Secret, expires_at: u64) -> Self {
        self.client_secret = Some(secret);
        self.client_secret_expires_at = Some(expires_at);
        self
    }

    /// Says when the identifier was issued, in seconds since 1970.
    #[must_use]
    pub fn client_id_issued_at(mut self, seconds: u64) -> Self {
        self.client_id_issued_at = Some(seconds);
        self
    }

    /// Adds where and with which token the client manages this registration (RFC 7592 §3).
    #[must_use]
    pub fn management(mut self, uri: Url, token: Secret) -> Self {
        self.registration_client_uri = Some(uri);
        self.registration_access_token = Some(token);
        self
    }

    /// Reads the response of a server, at most [`MAX_DOCUMENT_BYTES`](crate::MAX_DOCUMENT_BYTES).
    ///
    /// # Errors
    ///
    /// [`DocumentError`]; [`DocumentError::Member`] also for an empty `client_id` and for a
    /// `registration_client_uri` that is not `https`.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let issued: Issued = document::parse(bytes, &["client_id"])?;
        let metadata: ClientMetadata = document::parse(bytes, &[])?;
        if issued.client_id.is_empty() {
            return Err(DocumentError::Member("client_id".to_owned()));
        }
        if issued.registration_client_uri.as_ref().is_some_and(|uri| endpoint::check(uri).is_err()) {
            return Err(DocumentError::Member("registration_client_uri".to_owned()));
        }
        Ok(Self {
            client_id: issued.client_id,
            client_secret: issued.client_secret,
            client_id_issued_at: issued.client_id_issued_at,
            client_secret_expires_at: issued.client_secret_expires_at,
            registration_access_token: issued.registration_access_token,
            registration_client_uri: issued.registration_client_uri,
            metadata,
        })
    }

    /// Reads the whole answer of a server. 200 is taken for 201: real servers send it (`idp-exchange.md` §2.2).
    ///
    /// # Errors
    ///
    /// [`RegistrationFailure`].
    pub fn from_http(response: &Response<Bytes>) -> Result<Self, RegistrationFailure> {
        match response.status() {
            StatusCode::OK | StatusCode::CREATED => Ok(Self::parse(response.body())?),
            status => Err(RegistrationFailure::refused(status, response.body())),
        }
    }

    /// The body of the response, `application/json`. It holds the secret.
    pub fn to_json(&self) -> Bytes {
        document::to_json(self)
    }

    /// The whole response to a registration: 201, JSON, not to be stored.
    ///
    /// ```
    /// use mcp_auth_discovery::registration::{ClientMetadata, ClientRegistrationResponse};
    ///
    /// let response = ClientRegistrationResponse::new("c-1", ClientMetadata::new(["http://127.0.0.1/cb"])).to_http();
    /// assert_eq!(response.status(), 201);
    /// assert_eq!(response.headers()["cache-control"], "no-store");
    /// ```
    pub fn to_http(&self) -> Response<Bytes> {
        answer(StatusCode::CREATED, self.to_json())
    }

    /// The whole response to a request that reads or changes a registration (RFC 7592 §2.1, §2.2): 200, JSON, not to be
    /// stored.
    pub fn to_http_managed(&self) -> Response<Bytes> {
        answer(StatusCode::OK, self.to_json())
    }
}

/// A JSON answer that nobody stores.
pub(super) fn answer(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

fn expose<S: Serializer>(secret: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => serializer.serialize_str(secret.expose()),
        None => serializer.serialize_none(),
    }
}
