//! An authorization server of our own in front of a provider that MCP clients cannot use as it is: what drives
//! [`mcp_auth_exchange::facade`].
//!
//! 1. `GET`, `HEAD` and `OPTIONS` of `/.well-known/oauth-authorization-server` and `/.well-known/openid-configuration`
//!    answer with our documents. They need nothing of the provider, and are there while it is not.
//! 2. The endpoints: authorization, callback, token, registration, revocation, keys. A body has 64 KiB and 10 seconds.
//!    Each request is a task of its own: a client that hangs up in the middle of a refresh does not lose its session.
//! 3. Everything else, and everything for another host than the issuer's, is the service's ([`Facade`]) or 404
//!    ([`FacadeService`]). The host is that of the request; headers of proxies are not read.
//! 4. The service sees none of the cookies of a login, and cannot set them.
//! 5. Every answer of an endpoint leaves an [audit](crate::audit) record.
//!
//! | what fails | what clients get |
//! |---|---|
//! | the provider, before a login goes there | an error redirect, or 503 at the token endpoint |
//! | the provider's metadata, once it was there | nothing: it is used for a day, and asked for again |
//! | the [store](crate::store) | 503, and nobody is let through on a guess |
//! | a client's document | an error page; it is asked for again after 5 seconds |
//!
//! ```
//! use std::sync::Arc;
//! use mcp_auth_core::crypto::AwsLc;
//! use mcp_auth_core::seal::{SealKey, Sealer};
//! use mcp_auth_discovery::facade::{FacadeIssuer, FacadeMetadata};
//! use mcp_auth_discovery::provider::Provider;
//! use mcp_auth_discovery::{ResourceIdentifier, Secret};
//! use mcp_auth_exchange::ClientCredential;
//! use mcp_auth_exchange::facade::{Facade, ProtectedResource, Upstream};
//! use mcp_auth_tower::McpAuth;
//! use mcp_auth_tower::facade::FacadeServer;
//! # async fn mcp() -> &'static str { "" }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let provider = Provider::keycloak("https://keycloak.acme.io", "acme")?;
//! let client = ClientCredential::client_secret_basic("gateway", Secret::new("hunter2"));
//! let resource = ResourceIdentifier::parse("https://mcp.example/mcp")?;
//! // In earnest: 32 random bytes, the same after a restart and on every replica.
//! let sealer = Sealer::new(&SealKey::from_bytes([7; 32]), Arc::new(AwsLc::new()))?;
//! let facade = Facade::builder(
//!     FacadeMetadata::new(FacadeIssuer::parse("https://mcp.example")?),
//!     sealer,
//!     Upstream::shared(provider.clone(), client),
//!     ProtectedResource::new(resource.clone()),
//! );
//! let server = FacadeServer::builder(facade.build()?).build()?;
//!
//! let auth = McpAuth::builder_for(resource)
//!     .provider(&provider, "https://mcp.example/mcp")?
//!     .facade(server)
//!     .build()?;
//! let app: axum::Router = axum::Router::new()
//!     .route("/mcp", axum::routing::any(mcp))
//!     // Where the router knows no path, too: the endpoints are not in it.
//!     .fallback(async || http::StatusCode::NOT_FOUND)
//!     .layer(auth);
//! # Ok(()) }
//! ```

mod builder;
mod cors;
mod documents;
#[cfg(test)]
mod documents_tests;
mod drive;
mod future;
mod layer;
mod limits;
mod places;
mod provider;
mod server;
mod service;

pub use builder::{FacadeServerBuilder, FacadeServerError};
pub use future::{FacadeServiceFuture, ResponseFuture};
pub use layer::FacadeLayer;
pub use limits::{FacadeLimits, Rate};
pub use server::{Answering, FacadeServer, FacadeStatus};
pub use service::{Facade, FacadeService};
