//! Authorization server metadata (RFC 8414, OpenID Connect Discovery).

mod metadata;
#[cfg(test)]
mod tests;

pub use metadata::{AuthorizationServerMetadata, AuthorizationServerMetadataError};
