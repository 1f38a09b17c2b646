//! DPoP as a client (RFC 9449): proofs, and what to do when a server asks for a nonce.
//!
//! Checking proofs is [`mcp_auth_core::dpop`]; both sides share [`TargetUri`](mcp_auth_core::dpop::TargetUri), the one
//! form in which `htu` is compared.

mod key;
mod nonce;
#[cfg(test)]
mod tests;

pub use key::{DpopKey, DpopKeyError, ProofRequest};
pub use nonce::{DPOP_NONCE, DpopNonce, MAX_NONCE_BYTES, NonceMemory, NonceRetry};
