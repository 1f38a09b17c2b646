//! The authorization server metadata document.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::document::{self, DocumentError};
use crate::transport;

/// Authorization server metadata (RFC 8414 §2), with those members of OpenID Connect Discovery §3 that an MCP
/// client or gateway needs. Absent members are absent in JSON, never `null`.
///
/// ```
/// use mcp_auth_discovery::AuthorizationServerMetadata;
///
/// let text = br#"{"issuer":"https://login.example.com","response_types_supported":["code"],
///     "token_endpoint":"https://login.example.com/token","code_challenge_methods_supported":["S256"]}"#;
/// let metadata = AuthorizationServerMetadata::parse(text, "https://login.example.com")?;
/// assert!(metadata.supports_pkce_s256());
/// assert!(AuthorizationServerMetadata::parse(text, "https://login.example.com/").is_err());
/// # Ok::<(), mcp_auth_discovery::server::AuthorizationServerMetadataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuthorizationServerMetadata {
    /// REQUIRED. The issuer identifier, compared byte for byte.
    pub issuer: String,
    /// Where a user is sent to authorize.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<Url>,
    /// Where grants are exchanged for tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<Url>,
    /// Where the keys are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<Url>,
    /// Where clients register (RFC 7591).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<Url>,
    /// Where tokens are introspected (RFC 7662).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint: Option<Url>,
    /// Where tokens are revoked (RFC 7009).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<Url>,
    /// Where claims about the user are (OpenID Connect).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_endpoint: Option<Url>,
    /// Where a session ends (OpenID Connect RP-Initiated Logout).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_session_endpoint: Option<Url>,
    /// Scopes that may be asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes_supported: Option<Vec<String>>,
    /// REQUIRED by RFC 8414; real servers leave it out, so that absent reads as empty.
    #[serde(default)]
    pub response_types_supported: Vec<String>,
    /// Response modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_modes_supported: Option<Vec<String>>,
    /// Grant types. Absent means `authorization_code` and `implicit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_types_supported: Option<Vec<String>>,
    /// Client authentication at the token endpoint. Absent means `client_secret_basic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// JWS algorithms of client assertions at the token endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// PKCE methods (RFC 7636). Absent means that PKCE is not supported, and an MCP client must refuse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Whether authorization responses carry `iss` (RFC 9207 §3). Absent means no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_response_iss_parameter_supported: Option<bool>,
    /// Whether a URL of a client metadata document is accepted as `client_id` (MCP, CIMD). Absent means no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id_metadata_document_supported: Option<bool>,
    /// JWS algorithms accepted in DPoP proofs (RFC 9449 §5.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
    /// Resources that this server issues tokens for (RFC 9728 §4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected_resources: Option<Vec<String>>,
    /// Subject types (OpenID Connect; required there).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_types_supported: Option<Vec<String>>,
    /// JWS algorithms of ID tokens (OpenID Connect; required there).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_signing_alg_values_supported: Option<Vec<String>>,
    /// A page for developers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_documentation: Option<String>,
    /// All other members, kept for whoever rewrites a document.
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
}

/// Why a document is not the metadata of the expected authorization server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizationServerMetadataError {
    /// Not a document of this kind.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// `issuer` is not identical to the expected identifier (RFC 8414 §3.3): the document must not be used.
    #[error("metadata is of another issuer")]
    IssuerMismatch,
    /// This endpoint is not `https` (or `http` to a loopback host).
    #[error("`{0}` is not https")]
    InsecureUrl(&'static str),
}

impl AuthorizationServerMetadata {
    /// Starts a document of our own with its issuer, `response_types_supported` `code` and PKCE `S256`. The other
    /// members are set on the value.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            authorization_endpoint: None,
            token_endpoint: None,
            jwks_uri: None,
            registration_endpoint: None,
            introspection_endpoint: None,
            revocation_endpoint: None,
            userinfo_endpoint: None,
            end_session_endpoint: None,
            scopes_supported: None,
            response_types_supported: vec!["code".to_owned()],
            response_modes_supported: None,
            grant_types_supported: None,
            token_endpoint_auth_methods_supported: None,
            token_endpoint_auth_signing_alg_values_supported: None,
            code_challenge_methods_supported: Some(vec!["S256".to_owned()]),
            authorization_response_iss_parameter_supported: None,
            client_id_metadata_document_supported: None,
            dpop_signing_alg_values_supported: None,
            protected_resources: None,
            subject_types_supported: None,
            id_token_signing_alg_values_supported: None,
            service_documentation: None,
            other: serde_json::Map::new(),
        }
    }

    /// Reads a document that was fetched for the issuer identifier `expected`. At most
    /// [`MAX_DOCUMENT_BYTES`](crate::MAX_DOCUMENT_BYTES). Every endpoint is `https`, or `http` to a loopback host.
    ///
    /// # Errors
    ///
    /// [`AuthorizationServerMetadataError`]: malformed, of another issuer, or with an endpoint that would send
    /// codes, tokens or users elsewhere than over TLS.
    pub fn parse(bytes: &[u8], expected: &str) -> Result<Self, AuthorizationServerMetadataError> {
        Self::read(bytes, expected, transport::is_secure)
    }

    /// As [`parse`](Self::parse), and accepts `http` endpoints of any host: secrets can be read by everyone on
    /// the way. For closed test networks.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse); other schemes than `http` and `https` are refused here too.
    pub fn parse_insecure_http(
        bytes: &[u8],
        expected: &str,
    ) -> Result<Self, AuthorizationServerMetadataError> {
        Self::read(bytes, expected, |url| matches!(url.scheme(), "http" | "https"))
    }

    /// Compares `issuer` with the identifier from which the URL of the document was made (RFC 8414 §3.3):
    /// byte for byte, without normalization.
    ///
    /// # Errors
    ///
    /// [`AuthorizationServerMetadataError::IssuerMismatch`].
    pub fn validate_issuer(&self, expected: &str) -> Result<(), AuthorizationServerMetadataError> {
        if self.issuer == expected { Ok(()) } else { Err(AuthorizationServerMetadataError::IssuerMismatch) }
    }

    /// The document as JSON, to be served as `application/json`.
    pub fn to_json(&self) -> Bytes {
        document::to_json(self)
    }

    /// Whether PKCE with `S256` is advertised. When not, an MCP client must not proceed.
    pub fn supports_pkce_s256(&self) -> bool {
        self.code_challenge_methods_supported.iter().flatten().any(|method| method == "S256")
    }

    /// Whether authorization responses must carry `iss` (RFC 9207 §2.4).
    pub fn requires_response_iss(&self) -> bool {
        self.authorization_response_iss_parameter_supported == Some(true)
    }

    fn read(
        bytes: &[u8],
        expected: &str,
        acceptable: impl Fn(&Url) -> bool,
    ) -> Result<Self, AuthorizationServerMetadataError> {
        let metadata: Self = document::parse(bytes)?;
        metadata.validate_issuer(expected)?;
        for (name, url) in metadata.endpoints() {
            if url.is_some_and(|url| !acceptable(url) || transport::has_userinfo(url)) {
                return Err(AuthorizationServerMetadataError::InsecureUrl(name));
            }
        }
        Ok(metadata)
    }

    fn endpoints(&self) -> [(&'static str, Option<&Url>); 8] {
        [
            ("authorization_endpoint", self.authorization_endpoint.as_ref()),
            ("token_endpoint", self.token_endpoint.as_ref()),
            ("jwks_uri", self.jwks_uri.as_ref()),
            ("registration_endpoint", self.registration_endpoint.as_ref()),
            ("introspection_endpoint", self.introspection_endpoint.as_ref()),
            ("revocation_endpoint", self.revocation_endpoint.as_ref()),
            ("userinfo_endpoint", self.userinfo_endpoint.as_ref()),
            ("end_session_endpoint", self.end_session_endpoint.as_ref()),
        ]
    }
}
