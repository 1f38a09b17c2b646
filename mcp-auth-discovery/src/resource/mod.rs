//! Resource identifiers and protected resource metadata (RFC 9728).
//!
//! - [`BaseUrl`]: under which URL clients see us, from configuration or a trusted proxy
//! - [`ResourceIdentifier`]: the canonical URI of one resource
//! - [`ProtectedResourceMetadata`]: its document, which can be [signed](ProtectedResourceMetadata::sign) and
//!   [linted](ProtectedResourceMetadata::lint)
//! - [`MountedResources`]: the documents of several resources, and what stands at the root

mod base_url;
mod builder;
mod identifier;
mod lint;
mod localized;
mod location;
mod metadata;
mod mounted;
mod signed;
#[cfg(test)]
mod tests;

pub use base_url::{BaseUrl, BaseUrlError, Forwarded, Peer};
pub use builder::ProtectedResourceMetadataBuilder;
pub use identifier::{MAX_RESOURCE_BYTES, ResourceError, ResourceErrorKind, ResourceIdentifier};
pub use lint::{MAX_USEFUL_SCOPES, MetadataLint};
pub use localized::{HumanReadable, LocalizedError, LocalizedTexts, MAX_TRANSLATIONS};
pub use location::MetadataLocation;
pub use metadata::{BearerMethod, ProtectedResourceMetadata, ProtectedResourceMetadataError};
pub use mounted::{MountError, MountedResources};
pub use signed::SignMetadataError;
