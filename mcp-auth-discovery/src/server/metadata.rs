//! The authorization server metadata document.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use super::AuthorizationServerMetadataError;
use crate::document;
use crate::endpoint::{self, EndpointFault};

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
    /// Where authorization requests are pushed (RFC 9126 §5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// Where a device asks for authorization (RFC 8628 §4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_authorization_endpoint: Option<Url>,
    /// The same endpoints for clients with a certificate (RFC 8705 §5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtls_endpoint_aliases: Option<BTreeMap<String, Url>>,
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
    /// Client authentication at the introspection endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Client authentication at the revocation endpoint. Absent means `client_secret_basic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint_auth_methods_supported: Option<Vec<String>>,
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
    /// Whether tokens may be bound to a client certificate (RFC 8705 §3.3). Absent means no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_certificate_bound_access_tokens: Option<bool>,
    /// Whether authorization requests have to be pushed (RFC 9126 §5). Absent means no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_pushed_authorization_requests: Option<bool>,
    /// Types of `authorization_details` (RFC 9396 §10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details_types_supported: Option<Vec<String>>,
    /// Profiles of authorization grants, such as that of ID-JAG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_grant_profiles_supported: Option<Vec<String>>,
    /// Token types that a client may ask for to go on to another domain (ID-JAG).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_chaining_requested_token_types_supported: Option<Vec<String>>,
    /// Resources that this server issues tokens for (RFC 9728 §4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected_resources: Option<Vec<String>>,
    /// Subject types (OpenID Connect; required there).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_types_supported: Option<Vec<String>>,
    /// JWS algorithms of ID tokens (OpenID Connect; required there).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_signing_alg_values_supported: Option<Vec<String>>,
    /// A page for developers. Not checked: whoever shows it checks its scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_documentation: Option<String>,
    /// All other members. Those that end in `_endpoint` were checked like the known ones.
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
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
            pushed_authorization_request_endpoint: None,
            device_authorization_endpoint: None,
            mtls_endpoint_aliases: None,
            scopes_supported: None,
            response_types_supported: vec!["code".to_owned()],
            response_modes_supported: None,
            grant_types_supported: None,
            token_endpoint_auth_methods_supported: None,
            token_endpoint_auth_signing_alg_values_supported: None,
            introspection_endpoint_auth_methods_supported: None,
            revocation_endpoint_auth_methods_supported: None,
            code_challenge_methods_supported: Some(vec!["S256".to_owned()]),
            authorization_response_iss_parameter_supported: None,
            client_id_metadata_document_supported: None,
            dpop_signing_alg_values_supported: None,
            tls_client_certificate_bound_access_tokens: None,
            require_pushed_authorization_requests: None,
            authorization_details_types_supported: None,
            authorization_grant_profiles_supported: None,
            identity_chaining_requested_token_types_supported: None,
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
    /// codes, tokens or users elsewhere than over TLS. It names the member.
    pub fn parse(bytes: &[u8], expected: &str) -> Result<Self, AuthorizationServerMetadataError> {
        Self::read(bytes, expected, endpoint::check)
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
        Self::read(bytes, expected, endpoint::check_insecure_http)
    }

    /// Compares `issuer` with the identifier from which the URL of the document was made (RFC 8414 §3.3):
    /// byte for byte, without normalization.
    ///
    /// # Errors
    ///
    /// [`AuthorizationServerMetadataError::IssuerMismatch`].
    pub fn validate_issuer(&self, expected: &str) -> Result<(), AuthorizationServerMetadataError> {
        if self.issuer == expected {
            Ok(())
        } else {
            Err(AuthorizationServerMetadataError::issuer_mismatch(&self.issuer, expected))
        }
    }

    /// The document as JSON, to be served as `application/json`.
    pub fn to_json(&self) -> Bytes {
        document::to_json(self)
    }

    fn read(
        bytes: &[u8],
        expected: &str,
        check: impl Fn(&Url) -> Result<(), EndpointFault>,
    ) -> Result<Self, AuthorizationServerMetadataError> {
        let metadata: Self = document::parse(bytes, &["issuer"])?;
        metadata.validate_issuer(expected)?;
        let fault = |member: &str, fault| AuthorizationServerMetadataError::endpoint(member, fault);
        for (member, url) in metadata.endpoints() {
            check(url).map_err(|error| fault(member, error))?;
        }
        for (member, url) in metadata.mtls_endpoint_aliases.iter().flatten() {
            check(url).map_err(|error| fault(&format!("mtls_endpoint_aliases.{member}"), error))?;
        }
        for (member, value) in metadata.other.iter().filter(|(member, _)| member.ends_with("_endpoint")) {
            // Nobody here calls these; whoever reads them from `other` finds the same as in the known ones.
            let url = value.as_str().and_then(|text| Url::parse(text).ok());
            url.map_or(Err(EndpointFault::NotAUrl), |url| check(&url))
                .map_err(|error| fault(member, error))?;
        }
        Ok(metadata)
    }

    fn endpoints(&self) -> impl Iterator<Item = (&'static str, &Url)> {
        [
            ("authorization_endpoint", &self.authorization_endpoint),
            ("token_endpoint", &self.token_endpoint),
            ("jwks_uri", &self.jwks_uri),
            ("registration_endpoint", &self.registration_endpoint),
            ("introspection_endpoint", &self.introspection_endpoint),
            ("revocation_endpoint", &self.revocation_endpoint),
            ("userinfo_endpoint", &self.userinfo_endpoint),
            ("end_session_endpoint", &self.end_session_endpoint),
            ("pushed_authorization_request_endpoint", &self.pushed_authorization_request_endpoint),
            ("device_authorization_endpoint", &self.device_authorization_endpoint),
        ]
        .into_iter()
        .filter_map(|(member, url)| Some((member, url.as_ref()?)))
    }
}
