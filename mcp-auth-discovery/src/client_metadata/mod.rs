//! Client ID metadata documents: a client whose `client_id` is the URL of a document about it
//! (draft-ietf-oauth-client-id-metadata-document, MCP authorization "Client ID Metadata Documents").
//!
//! 1. The `client_id` of an authorization request is read as a [`ClientIdUrl`].
//! 2. [`ClientMetadataPolicy::request`] makes the request, if the operator's list of hosts allows it. Whoever sends it
//!    guards against addresses of the inside and follows no redirect.
//! 3. [`ClientMetadataPolicy::read`] checks the answer and says how long it may be kept. Errors and documents that were
//!    refused are not kept.
//! 4. The consent page shows [`ClientIdUrl::authority`], the only name that the client did not choose freely, and warns
//!    of documents whose redirect URIs are [all on the user's machine](ClientMetadataDocument::is_loopback_only).
//!
//! ```
//! use bytes::Bytes;
//! use http::Response;
//! use mcp_auth_discovery::client_metadata::{ClientIdUrl, ClientMetadataPolicy};
//!
//! let policy = ClientMetadataPolicy::default();
//! let id = ClientIdUrl::parse("https://app.example.com/oauth/client.json")?;
//! assert_eq!(policy.request(&id)?.uri(), "https://app.example.com/oauth/client.json");
//!
//! let answer = Response::builder()
//!     .header("content-type", "application/json")
//!     .header("cache-control", "max-age=600")
//!     .body(Bytes::from(
//!         r#"{"client_id":"https://app.example.com/oauth/client.json","client_name":"App",
//!             "redirect_uris":["https://app.example.com/cb"]}"#,
//!     ))?;
//! let fetched = policy.read(&id, &answer)?;
//! assert_eq!(fetched.document.metadata().client_name.as_deref(), Some("App"));
//! assert_eq!(fetched.document.id().authority(), "app.example.com");
//! assert_eq!(fetched.lifetime.as_secs(), 600);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod document;
mod id;
mod policy;
#[cfg(test)]
mod tests;

pub use document::{ClientDocumentError, ClientMetadataDocument};
pub use id::{ClientIdError, ClientIdUrl, MAX_CLIENT_ID_BYTES};
pub use policy::{ClientMetadataPolicy, FetchedClient};
