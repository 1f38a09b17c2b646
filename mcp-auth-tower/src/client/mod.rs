//! Fetching documents that others publish: keys and metadata.
//!
//! What is asked for is a [`FetchRequest`]; what carries it is a [`Fetch`]. [`HttpClient`] is the one that comes
//! with this crate, over hyper and rustls:
//!
//! | rule | where | default |
//! |---|---|---|
//! | https, or http to this machine | [`FetchUrl`] | [`FetchUrl::danger_http`] lifts it |
//! | no user or password in the URL, and its query in no log | [`FetchUrl`] | firm |
//! | time for everything, connection included | [`FetchRequest::timeout`] | 5 seconds |
//! | length of the answer | [`FetchRequest::max_bytes`] | 512 KiB for keys, 64 KiB for metadata |
//! | status 200, no `Content-Encoding`, no HTML | on every answer, whoever fetched it | firm |
//! | no redirects | [`HttpClient`] | firm |
//! | the address that is dialled | [`AddressPolicy`], on each resolved address of each connection | by [`UrlTrust`] |
//!
//! An operator who writes `http://keycloak:8080/…` or `https://10.0.0.7/…` means it; a URL in a document that
//! somebody else wrote may point anywhere. [`UrlTrust`] tells the two apart: the first may lead to private
//! addresses, the second to public ones only, and neither to link-local and cloud metadata addresses.
//!
//! ```
//! use std::sync::Arc;
//! use mcp_auth_tower::client::{AddressPolicy, HttpClient};
//! use mcp_auth_tower::keys::KeyOptions;
//!
//! // The issuer's metadata may name a key server inside the cluster.
//! let inside = AddressPolicy::public_only().allow("10.1.0.0/16")?;
//! let client = HttpClient::builder().learned_addresses(inside).build()?;
//! let options = KeyOptions::new().client(Arc::new(client));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A client of your own
//!
//! For a proxy or an egress gateway implement [`Fetch`]; the rules on answers still hold. Redirects
//! and addresses are then your client's business.
//!
//! ```
//! use mcp_auth_tower::client::{Fetch, FetchError, FetchFuture, FetchRequest};
//!
//! #[derive(Debug)]
//! struct Egress;
//!
//! impl Fetch for Egress {
//!     fn fetch(&self, request: FetchRequest) -> FetchFuture<'_> {
//!         Box::pin(async move {
//!             let _request: http::Request<bytes::Bytes> = request.to_http();
//!             // … send it by `request.timeout`, read at most `request.max_bytes`, follow no redirect …
//!             Err(FetchError::Connect("egress gateway is not there".to_owned()))
//!         })
//!     }
//! }
//! ```

mod address;
#[cfg(test)]
pub(crate) mod chaos;
mod connector;
mod document;
mod fetch;
mod fetch_url;
mod http_client;
#[cfg(test)]
mod tests;
mod tls;

pub use address::{AddressPolicy, AddressRefused, CidrError};
pub(crate) use document::document;
pub use fetch::{Fetch, FetchError, FetchFuture, FetchRequest, UrlTrust};
pub use fetch_url::{FetchUrl, FetchUrlError};
pub use http_client::{HttpClient, HttpClientBuilder};
pub use tls::PemError;
