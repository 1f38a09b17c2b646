//! Authorization server metadata (RFC 8414, OpenID Connect Discovery).

mod locator;
#[cfg(test)]
mod locator_tests;
mod metadata;
#[cfg(test)]
mod tests;

pub use locator::{KeySetLocator, LocatorError, LocatorRequest};
pub use metadata::{AuthorizationServerMetadata, AuthorizationServerMetadataError};
