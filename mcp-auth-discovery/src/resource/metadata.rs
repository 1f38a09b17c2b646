//! The protected resource metadata document.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::lint::{MetadataLint, lint};
use super::{ResourceErrorKind, ResourceIdentifier};
use crate::document::{self, DocumentError};
use crate::{Scopes, transport};

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

/// Builds [`ProtectedResourceMetadata`] for a resource of our own.
#[derive(Clone, Debug)]
#[must_use]
pub struct ProtectedResourceMetadataBuilder {
    metadata: ProtectedResourceMetadata,
    scopes: Scopes,
    methods: Vec<BearerMethod>,
}

/// Why a document is not the metadata of the expected resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtectedResourceMetadataError {
    /// Not a document of this kind.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// `resource` is not identical to the expected identifier (RFC 9728 §3.3): the document must not be used.
    #[error("metadata is for another resource")]
    ResourceMismatch,
    /// `jwks_uri` is not `https` (or `http` to a loopback host).
    #[error("jwks_uri is not https")]
    InsecureUrl,
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
        ProtectedResourceMetadataBuilder {
            metadata: Self {
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
            },
            scopes: Scopes::default(),
            methods: vec![BearerMethod::Header],
        }
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
        let claimed: ClaimedResource = document::parse(bytes)?;
        if claimed.resource != expected.as_str() {
            return Err(ProtectedResourceMetadataError::ResourceMismatch);
        }
        let metadata: Self = document::parse(bytes)?;
        let http_allowed = !transport::is_secure(expected.url());
        match &metadata.jwks_uri {
            Some(url) if !(transport::is_secure(url) || http_allowed && url.scheme() == "http") => {
                Err(ProtectedResourceMetadataError::InsecureUrl)
            }
            _ => Ok(metadata),
        }
    }

    /// The document as JSON, to be served as `application/json`.
    pub fn to_json(&self) -> Bytes {
        document::to_json(self)
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

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($argument:ident: $type:ty) => $value:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name(mut self, $argument: $type) -> Self {
            self.metadata.$name = Some($value);
            self
        }
    )*};
}

impl ProtectedResourceMetadataBuilder {
    /// Adds an authorization server by its issuer identifier, exactly as it publishes it.
    pub fn authorization_server(mut self, issuer: impl Into<String>) -> Self {
        self.metadata.authorization_servers.push(issuer.into());
        self
    }

    /// Sets the scopes to publish. `offline_access` is left out, and is a [lint](Self::lint).
    pub fn scopes_supported(mut self, scopes: &Scopes) -> Self {
        self.scopes = scopes.clone();
        self
    }

    /// Sets the bearer methods as an operator configured them. Only `header` is published, because nothing else
    /// is accepted; the others are [lints](Self::lint).
    pub fn bearer_methods_supported(mut self, methods: impl IntoIterator<Item = BearerMethod>) -> Self {
        self.methods = methods.into_iter().collect();
        self
    }

    setters! {
        /// Sets where the resource publishes its own keys.
        jwks_uri(url: Url) => url;
        /// Sets the JWS algorithms with which the resource signs its responses.
        resource_signing_alg_values_supported(algorithms: Vec<String>) => algorithms;
        /// Sets the name to show to people.
        resource_name(name: impl Into<String>) => name.into();
        /// Sets the page for developers.
        resource_documentation(url: impl Into<String>) => url.into();
        /// Sets the page about how clients may use the data.
        resource_policy_uri(url: impl Into<String>) => url.into();
        /// Sets the page with the terms of service.
        resource_tos_uri(url: impl Into<String>) => url.into();
        /// Says whether tokens may be bound to a client certificate (RFC 8705).
        tls_client_certificate_bound_access_tokens(bound: bool) => bound;
        /// Sets the types of `authorization_details` (RFC 9396).
        authorization_details_types_supported(types: Vec<String>) => types;
        /// Sets the JWS algorithms accepted in DPoP proofs (RFC 9449).
        dpop_signing_alg_values_supported(algorithms: Vec<String>) => algorithms;
        /// Says whether tokens must be bound by DPoP (RFC 9449).
        dpop_bound_access_tokens_required(required: bool) => required;
    }

    /// Warnings about what was configured, including what [`build`](Self::build) leaves out. `audiences` are
    /// those that the resource accepts in tokens.
    pub fn lint(&self, audiences: &[&str]) -> Vec<MetadataLint> {
        let metadata = &self.metadata;
        lint(
            &metadata.resource,
            &metadata.authorization_servers,
            self.methods.iter(),
            self.scopes.iter(),
            audiences,
        )
    }

    /// The document.
    pub fn build(mut self) -> ProtectedResourceMetadata {
        let scopes: Vec<String> = self.scopes.without_offline_access().iter().map(str::to_owned).collect();
        self.metadata.scopes_supported = (!scopes.is_empty()).then_some(scopes);
        self.metadata
    }
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
