//! Istio's policies, with the decisions that Istio and Envoy really take.
//!
//! This is the `istio` profile: for workloads that come from a mesh and have to be judged as they were there. It is
//! looser than [`jwt`](crate::jwt), on purpose and in known ways: a token without `exp` never ends, 60 seconds of
//! clock skew, the prefix `Bearer ` counts anywhere in the header and only in this case, tokens are read from
//! the query by default, `crit` and `typ` mean nothing, and no token at all is let through. Pair it with an
//! authorization policy that asks for a caller.
//!
//! [`RequestAuthentication::decide`] gives an [`Outcome`]. Wrong audience: 403. Everything else that is wrong with a
//! token: 401, unknown issuers included. There is no "treat a bad token as absent".
//!
//! # Where it differs from Envoy 1.40
//!
//! Always towards refusing a token, or in what the service behind is told:
//!
//! - Keys are used under the algorithms of their type only. Envoy takes an ES256 signature under `alg: RS256`
//!   where the key has no `alg`, and P-256 with SHA-384 or SHA-512.
//! - RSA keys under 2,048 bits, Ed25519 keys of small order, secrets shorter than their digest, and private keys are
//!   not used; nor is the X.509 form of a key set read.
//! - ECDSA signatures have exactly their length (RFC 7518 §3.4).
//! - Only JSON is read (RFC 8259): protobuf also takes single quotes, names without quotes, trailing commas, raw
//!   control characters, and `null` for an object.
//! - Tokens have [at most 60 KiB](MAX_TOKEN_BYTES), key sets 512 KiB and 100 keys.
//! - Where a parameter is taken out of the query, Envoy sorts the others and leaves them decoded, which lets a value
//!   become a parameter. Here the others stay byte for byte.
//! - A claim with a control character becomes no header; Envoy fails the request.
//! - Headers that look like a rule's own with `_` for `-` are removed with it.
//! - Lists and objects in headers are the same JSON, with numbers spelled as `serde_json` does.

mod audience;
mod base64url;
mod claim_headers;
mod config_error;
mod decision;
mod key_error;
mod keys;
mod location;
mod outcome;
mod request_authentication;
mod rule;
mod status;
#[cfg(test)]
mod tests;
mod token;
mod working;

pub use config_error::ConfigError;
pub use key_error::{KeyProblem, KeySetError, SkippedKey};
pub use keys::KeySet;
pub use outcome::{Admission, Denial, Outcome, RequestAuth};
pub use request_authentication::{RequestAuthentication, RequestHead};
pub use rule::{JwtRule, KeySource};
pub use status::Status;
pub use token::MAX_TOKEN_BYTES;
