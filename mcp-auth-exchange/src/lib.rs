//! OAuth token requests, answers and exchanges as values, for any provider.
//!
//! This crate makes `http::Request<Bytes>` and reads answers; it is pure: no sockets, no clock, no
//! randomness. Callers carry the bytes and pass random bytes in.
//!
//! ```
//! use http::{HeaderMap, StatusCode};
//! use mcp_auth_discovery::{ResourceIdentifier, Secret};
//! use mcp_auth_exchange::grant::authorization_code::{
//!     AuthorizationCodeRequest, AuthorizationRequest, AuthorizationResponse, PkceVerifier, State,
//! };
//! use mcp_auth_exchange::{ClientAuthentication, TokenEndpoint, TokenResponse, TokenType};
//! use url::Url;
//!
//! let resource = ResourceIdentifier::parse("https://mcp.example.com/files")?;
//! let redirect_uri = "http://localhost:6274/callback";
//! // In a program these 32 bytes come from the operating system.
//! let (verifier, state) = (PkceVerifier::from_random([7; 32]), State::from_random([8; 32]));
//!
//! // 1. Send the user to the authorization server …
//! let endpoint = Url::parse("https://login.example.com/authorize")?;
//! let url = AuthorizationRequest::new(&endpoint, "inspector", redirect_uri, &state, &verifier.challenge())?
//!     .resource(&resource)
//!     .url();
//!
//! // 2. … read what comes back …
//! let query = format!("code=c0de&state={}&iss=https%3A%2F%2Flogin.example.com", state.expose());
//! let answer = AuthorizationResponse::parse(&query, &state, Some("https://login.example.com"), true)?;
//!
//! // 3. … and exchange the code.
//! let endpoint = TokenEndpoint::new(&Url::parse("https://login.example.com/token")?)?;
//! let client = ClientAuthentication::none("inspector");
//! let request = AuthorizationCodeRequest::new(answer.into_code(), redirect_uri, verifier, client)
//!     .resource(&resource)
//!     .into_http(&endpoint);
//! assert_eq!(request.method(), "POST");
//!
//! let body = br#"{"access_token":"t0ken","token_type":"bearer","expires_in":3600}"#;
//! let response = TokenResponse::parse(StatusCode::OK, &HeaderMap::new(), body)?;
//! assert_eq!(response.token_type(), &TokenType::Bearer);
//! assert_eq!(response.expires_in_seconds(), Some(3600));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A downstream token for a caller is got by a [`plan`]: which provider, in which steps, and what is asked of the
//! answer. Requests find it in the [`cache`], or make one exchange under each key.
//!
//! # In scope
//!
//! - [`grant`]: one module per grant; [`target`], [`token_type`]: for what, and of what kind
//! - [`client_auth`]: how a client proves who it is; [`dpop`]: proofs of possession
//! - [`endpoint`]: where tokens may be asked for
//! - [`response`]: what comes back; [`outcome`]: what came of it, and what to do about it
//! - [`provider`]: what each provider accepts, and how it fails
//! - [`plan`]: from a validated caller to a token for the downstream; [`cache`]: tokens, failures, circuits
//! - [`facade`]: an authorization server of our own in front of a provider
//! - [`introspection`], [`revocation`]: asking the issuer about a token, and giving one back
//!
//! # Out of scope
//!
//! - Sending requests: `mcp-auth-tower`.
//! - Discovery documents and registration: `mcp-auth-discovery`.

pub mod cache;
pub mod client_auth;
pub mod dpop;
pub mod endpoint;
pub mod facade;
mod form;
pub mod grant;
pub mod introspection;
pub mod outcome;
pub mod plan;
pub mod provider;
pub mod response;
pub mod revocation;
mod signed;
pub mod target;
#[cfg(test)]
mod testing;
pub mod token_type;

pub use client_auth::{ClientAuthentication, ClientCredential};
pub use endpoint::TokenEndpoint;
pub use mcp_auth_discovery::Secret;
pub use outcome::Outcome;
pub use response::{TokenErrorCode, TokenErrorResponse, TokenResponse, TokenResponseError};
pub use target::{AuthorizationDetails, Resource};
pub use token_type::{TokenType, TokenTypeUri};
