//! The protected resource metadata document.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::lint::{MetadataLint, lint, lint_url};
use super::localized::LocalizedTexts;
use super::{ProtectedResourceMetadataBuilder, ResourceErrorKind, ResourceIdentifier};
use crate::document::{self, DocumentError};
use crate::endpoint::{self, EndpointFault};
use crate::transport;

/// Protected resource metadata (RFC 9728 §2). Absent members are absent in JSON, never `null`.
///
/// A server makes one with [`builder`](Self::builder), a client reads one with [`parse`](Self::parse), which
/// compares `resource`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProtectedResourceMetadata {
    /// REQUIRED. The identifier of the protected resource.
    #[serde(deserialize_with = "any_resource")]
    pub resource: ResourceIdentifier,
    /// Issuer identifiers of the authorization servers, byte for byte as they publish them (RFC 8414 §3.3).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_servers: Vec<String>,
    /// Where the resource publishes its own keys. Not the keys of the authorization server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<Url>,
    /// Scopes that a client may ask for; the minimum, not a catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes_supported: Option<Vec<String>>,
    /// How a token may be presented (RFC 6750 §2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_methods_supported: Option<Vec<BearerMethod>>,
    /// JWS algorithms with which the resource signs its responses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_signing_alg_values_supported: Option<Vec<String>>,
    /// A name to show to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// A page for developers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_documentation: Option<String>,
    /// A page about how clients may use the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_policy_uri: Option<String>,
    /// A page with the terms of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_tos_uri: Option<String>,
    /// Whether tokens may be bound to a client certificate (RFC 8705). Absent means no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_certificate_bound_access_tokens: Option<bool>,
    /// Types of `authorization_details` (RFC 9396).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details_types_supported: Option<Vec<String>>,
    /// JWS algorithms accepted in DPoP proofs (RFC 9449).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
    /// Whether tokens must be bound by DPoP (RFC 9449). Absent means no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_bound_access_tokens_required: Option<bool>,
    /// The document once more as the claims of a signed JWT (RFC 9728 §2.2), see [`sign`](Self::sign). A received one
    /// is not read: nothing of it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_metadata: Option<String>,
    /// Texts for people in several languages, such as `resource_name#de` (RFC 9728 §2.1).
    #[serde(flatten)]
    pub localized: LocalizedTexts,
}

/// A way to present a bearer token (RFC 6750 §2, RFC 9728 §2 `bearer_methods_supported`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum BearerMethod {
    /// The `Authorization` header: the only one that MCP allows.
    Header,
    /// A form parameter.
    Body,
    /// A query parameter. MCP forbids it.
    Query,
}

/// Why a document is not the metadata of the expected resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtectedResourceMetadataError {
    /// Not a document of this kind.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// `resource` is not identical to the expected identifier (RFC 9728 §3.3): the document must not be used.
    #[error("metadata is for resource {got:?}, expected exactly {expected:?} (RFC 9728 §3.3)")]
    ResourceMismatch {
        /// What the document names, shortened.
        got: String,
        /// What was asked for.
        expected: String,
    },
    /// `jwks_uri` is not acceptable.
    #[error("`jwks_uri` {0}")]
    JwksUri(EndpointFault),
}

impl ProtectedResourceMetadata {
    /// Starts a document about `resource`, with `header` as its only bearer method.
    ///
    /// ```
    /// use mcp_auth_discovery::{ProtectedResourceMetadata, ResourceIdentifier};
    ///
    /// let metadata = ProtectedResourceMetadata::builder(ResourceIdentifier::parse("https://mcp.example.com")?)
    ///     .authorization_server("https://login.example.com")
    ///     .build();
    /// assert_eq!(
    ///     metadata.to_json().as_ref(),
    ///     br#"{"resource":"https://mcp.example.com","authorization_servers":["https://login.example.com"],"bearer_methods_supported":["header"]}"#,
    /// );
    /// # Ok::<(), mcp_auth_discovery::resource::ResourceError>(())
    /// ```
    pub fn builder(resource: ResourceIdentifier) -> ProtectedResourceMetadataBuilder {
        ProtectedResourceMetadataBuilder::new(Self {
            resource,
            authorization_servers: Vec::new(),
            jwks_uri: None,
            scopes_supported: None,
            bearer_methods_supported: Some(vec![BearerMethod::Header]),
            resource_signing_alg_values_supported: None,
            resource_name: None,
            resource_documentation: None,
            resource_policy_uri: None,
            resource_tos_uri: None,
            tls_client_certificate_bound_access_tokens: None,
            authorization_details_types_supported: None,
            dpop_signing_alg_values_supported: None,
            dpop_bound_access_tokens_required: None,
            signed_metadata: None,
            localized: LocalizedTexts::default(),
        })
    }

    /// Reads a document that was fetched for `expected`. At most
    /// [`MAX_DOCUMENT_BYTES`](crate::MAX_DOCUMENT_BYTES).
    ///
    /// # Errors
    ///
    /// [`ProtectedResourceMetadataError::ResourceMismatch`] when `resource` is not byte for byte the expected
    /// identifier (RFC 9728 §3.3), otherwise what is wrong with the document. Unknown members are ignored.
    pub fn parse(
        bytes: &[u8],
        expected: &ResourceIdentifier,
    ) -> Result<Self, ProtectedResourceMetadataError> {
        let claimed: ClaimedResource = document::parse(bytes, &["resource"])?;
        if claimed.resource != expected.as_str() {
            let got = claimed.resource.chars().take(200).collect();
            let expected = expected.as_str().to_owned();
            return Err(ProtectedResourceMetadataError::ResourceMismatch { got, expected });
        }
        let metadata: Self = document::parse(bytes, &[])?;
        let http_allowed = !transport::is_secure(expected.url());
        if let Some(url) = &metadata.jwks_uri {
            let check = if http_allowed { endpoint::check_insecure_http } else { endpoint::check };
            check(url).map_err(ProtectedResourceMetadataError::JwksUri)?;
        }
        Ok(metadata)
    }

    /// The document as JSON, to be served as `application/json`.
    pub fn to_json(&self) -> Bytes {
        document::to_json(self)
    }

    /// Whether `resource` is the URL under which clients reach the server: the one that users type.
    ///
    /// ```
    /// use mcp_auth_discovery::{ProtectedResourceMetadata, ResourceIdentifier};
    ///
    /// let metadata =
    ///     ProtectedResourceMetadata::builder(ResourceIdentifier::parse("https://mcp.example.com")?).build();
    /// let warning = metadata.lint_url("https://mcp.example.com/mcp").ok_or("no warning")?;
    /// assert!(warning.to_string().contains("clients reach it at `https://mcp.example.com/mcp`"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lint_url(&self, url: &str) -> Option<MetadataLint> {
        lint_url(&self.resource, url)
    }

    /// Warnings about this document. `audiences` are those that the resource accepts in tokens.
    pub fn lint(&self, audiences: &[&str]) -> Vec<MetadataLint> {
        lint(
            &self.resource,
            &self.authorization_servers,
            self.bearer_methods_supported.iter().flatten(),
            self.scopes_supported.iter().flatten().map(String::as_str),
            audiences,
        )
    }
}

#[derive(Deserialize)]
struct ClaimedResource {
    resource: String,
}

/// Transport is judged by [`ProtectedResourceMetadata::parse`], against the identifier that was asked for.
fn any_resource<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ResourceIdentifier, D::Error> {
    let text = String::deserialize(deserializer)?;
    ResourceIdentifier::insecure_http(&text).map_err(|error| {
        serde::de::Error::custom(match error.kind() {
            ResourceErrorKind::TooLong => "resource is too long",
            _ => "resource is not a resource identifier",
        })
    })
}

impl BearerMethod {
    /// The method as it is written in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Body => "body",
            Self::Query => "query",
        }
    }
}
