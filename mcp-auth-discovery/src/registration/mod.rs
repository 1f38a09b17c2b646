//! Dynamic client registration (RFC 7591) and its management (RFC 7592) as values.
//!
//! A server reads a [`ClientRegistrationRequest`] (which checks it), fills the
//! [defaults](ClientMetadata::with_defaults) and answers a [`ClientRegistrationResponse`] or a
//! [`RegistrationError`]. A client does the reverse.
//!
//! ```
//! use mcp_auth_discovery::registration::{ClientRegistrationRequest, ClientRegistrationResponse, RedirectUriRules};
//!
//! let body = br#"{"client_name":"Inspector","redirect_uris":["http://localhost:6274/callback"],
//!     "token_endpoint_auth_method":"none"}"#;
//! let request = ClientRegistrationRequest::parse(body, &RedirectUriRules::default())?;
//! let response = ClientRegistrationResponse::new("c-1", request.into_metadata());
//! assert_eq!(
//!     response.to_json().as_ref(),
//!     br#"{"client_id":"c-1","redirect_uris":["http://localhost:6274/callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code"],"response_types":["code"],"client_name":"Inspector"}"#,
//! );
//!
//! let body = br#"{"redirect_uris":["http://evil.example/callback"]}"#;
//! let refusal = ClientRegistrationRequest::parse(body, &RedirectUriRules::default()).unwrap_err();
//! assert_eq!(refusal.code().as_str(), "invalid_redirect_uri");
//! # Ok::<(), mcp_auth_discovery::registration::RegistrationError>(())
//! ```

mod error;
mod failure;
mod known_client;
mod management;
mod metadata;
mod redirect_uri;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use error::{RegistrationError, RegistrationErrorCode};
pub use failure::RegistrationFailure;
pub use known_client::KnownClient;
pub use management::{ClientManagement, ClientUpdateRequest};
pub use metadata::{ClientMetadata, MAX_REDIRECT_URIS, MAX_TEXT_BYTES};
pub use redirect_uri::{MAX_REDIRECT_URI_BYTES, RedirectUriError, RedirectUriRules, redirect_uri_matches};
pub use request::{ClientRegistrationRequest, ClientRequestError};
pub use response::ClientRegistrationResponse;
