//! The pure logic of mcp-auth: validate a token, know the caller, read the MCP call, take the decision.
//!
//! # Scope
//!
//! - [`credential`]: where the token stands in a request, exactly one
//! - [`jwt`]: strict JSON Web Tokens, issuer first; [`jwk`]: key sets and their life; [`crypto`]: the border to
//!   the cryptographic library
//! - [`dpop`]: proofs of possession, each good once; [`mtls`]: client certificates
//! - [`principal`]: the verified caller
//! - [`istio`]: Istio's policies, as they are really decided
//! - [`mcp`]: JSON-RPC messages of the Model Context Protocol, list filtering
//! - [`cel`]: the expression language; [`policy`]: rules and decisions
//! - [`session`]: session ids that are good for one caller
//! - [`request_target`]: one spelling of a request's path and host
//! - [`audit`]: the record of a decision; [`seal`]: values that clients keep for us and cannot read or change
//! - [`json`]: JSON from outside, bounded
//!
//! Not here: IO, clocks, randomness, async. Time comes in as [`UnixTime`], bytes come in as slices. The crate
//! `mcp-auth-tower` drives all of it as tower layers.

pub mod audit;
pub mod cel;
pub mod credential;
pub mod crypto;
pub mod dpop;
pub mod istio;
pub mod json;
pub mod jwk;
pub mod jwt;
pub mod mcp;
pub mod mtls;
pub mod policy;
pub mod principal;
pub mod request_target;
pub mod seal;
pub mod session;
#[doc(hidden)]
pub mod sweep;

mod time;

pub use principal::Principal;
pub use time::UnixTime;
