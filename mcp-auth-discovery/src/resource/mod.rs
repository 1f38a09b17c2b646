//! Resource identifiers and protected resource metadata (RFC 9728).

mod identifier;
mod lint;
mod metadata;
#[cfg(test)]
mod tests;

pub use identifier::{MAX_RESOURCE_BYTES, ResourceError, ResourceErrorKind, ResourceIdentifier};
pub use lint::MetadataLint;
pub use metadata::{
    BearerMethod, ProtectedResourceMetadata, ProtectedResourceMetadataBuilder, ProtectedResourceMetadataError,
};
