//! Authorization server metadata (RFC 8414, OpenID Connect Discovery).
//!
//! - [`AuthorizationServerMetadata`]: the document, checked when read, and what it says a server
//!   [can do](AuthorizationServerMetadata::code_flow)
//! - [`MetadataSource`]: where it lives
//! - [`MetadataCache`]: when it is fetched and how long it is used
//! - [`KeySetLocator`]: the way from an issuer's name to its keys

mod cache;
mod capabilities;
mod default_endpoints;
mod error;
mod locator;
#[cfg(test)]
mod locator_tests;
mod metadata;
mod source;
#[cfg(test)]
mod tests;

pub use cache::{
    MetadataCache, MetadataFetch, MetadataFetchStart, MetadataLife, MetadataState, MetadataStatus,
    MetadataUse,
};
pub use capabilities::CodeFlow;
pub use error::{AuthorizationServerMetadataError, UnusableServer};
pub use locator::{KeySetLocator, LocatorError, LocatorRequest};
pub use metadata::AuthorizationServerMetadata;
pub use source::MetadataSource;
