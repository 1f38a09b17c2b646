//! Protected resource metadata (RFC 9728), served in front of a service.
//!
//! 1. `GET` and `HEAD` of `/.well-known/oauth-protected-resource` with the resource's path behind it, and of
//!    the root form, answer with the document. `OPTIONS` answers a browser's preflight. Nobody needs a token.
//! 2. Several resources of one server ([`MetadataLayer::mounted`]) are told apart by host and path, and what stands at the
//!    root is said by the operator, or is the only one.
//! 3. Everything else goes to the service.
//!
//! Mount the layer where the whole path is visible: behind a router that strips a prefix the paths differ.

mod layer;
mod service;

pub use layer::MetadataLayer;
pub use service::Metadata;

pub use crate::future::ResponseFuture;
