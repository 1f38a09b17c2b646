//! OAuth discovery documents and challenges for the Model Context Protocol, as plain values.
//!
//! This crate says where metadata lives, what it contains, and how a refusal tells a client about it. It is
//! pure: no sockets, no clock, no randomness. Callers carry the bytes.
//!
//! ```
//! use mcp_auth_discovery::challenge::Challenge;
//! use mcp_auth_discovery::{ProtectedResourceMetadata, ResourceIdentifier, Scopes};
//!
//! let resource = ResourceIdentifier::parse("https://mcp.example.com/files")?;
//! let scopes = Scopes::parse("files:read")?;
//!
//! // What `GET /.well-known/oauth-protected-resource/files` answers …
//! let metadata = ProtectedResourceMetadata::builder(resource.clone())
//!     .authorization_server("https://login.example.com")
//!     .scopes_supported(&scopes)
//!     .build();
//! assert_eq!(resource.metadata_path(), "/.well-known/oauth-protected-resource/files");
//! assert!(metadata.to_json().starts_with(br#"{"resource":"https://mcp.example.com/files""#));
//!
//! // … and how a request without a token learns about it.
//! let challenge = Challenge::missing_token().resource_metadata(&resource.metadata_url()).scope(&scopes);
//! assert_eq!(
//!     challenge.header_value(),
//!     r#"Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/files", scope="files:read""#,
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # In scope
//!
//! - [`well_known`]: paths and URLs of metadata (RFC 9728 §3.1, RFC 8414 §3.1, OpenID Connect Discovery §4)
//! - [`resource`]: resource identifiers and protected resource metadata (RFC 9728)
//! - [`server`]: authorization server metadata (RFC 8414, OpenID Connect Discovery)
//! - [`facade`]: the metadata of an authorization server of our own
//! - [`registration`]: dynamic client registration (RFC 7591, RFC 7592)
//! - [`client_metadata`]: client ID metadata documents
//! - [`challenge`][]: `WWW-Authenticate` (RFC 6750 §3, RFC 9728 §5.1)
//! - [`provider`]: presets for Keycloak, Auth0, Okta, Entra and others, as data with their sources
//! - [`scope`], [`secret`], [`transport`], [`freshness`]: the small values that these share
//!
//! # Out of scope
//!
//! - Fetching documents and serving them: `mcp-auth-tower`.
//! - Token requests: `mcp-auth-exchange`.

pub mod challenge;
pub mod client_metadata;
mod document;
mod endpoint;
pub mod facade;
pub mod freshness;
pub mod provider;
pub mod registration;
pub mod resource;
pub mod scope;
pub mod secret;
pub mod server;
pub mod transport;
pub mod well_known;

pub use challenge::Challenge;
pub use document::{DocumentError, MAX_DOCUMENT_BYTES};
pub use endpoint::EndpointFault;
pub use resource::{ProtectedResourceMetadata, ResourceIdentifier};
pub use scope::Scopes;
pub use secret::Secret;
pub use server::AuthorizationServerMetadata;
