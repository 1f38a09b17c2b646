//! DPoP at the resource server (RFC 9449): a token that is bound to a key is good only with a proof, made for this
//! request, that the caller has the key.
//!
//! ```text
//! header DPoP ─▶ ProofRules ─▶ Proof ─┬─▶ key ─▶ Possession ─▶ Validator: is the token bound to it?
//!                form, key, request,  │
//!                time, token, nonce,  └─▶ one-time use ─▶ ReplayStore: is it the first of its kind?
//!                signature
//! ```
//!
//! 1. [`ProofRules::check`] compares a proof with the request it came with: its method, its URI, its token, the time,
//!    a nonce where one is required, and the signature by the key that the proof carries.
//! 2. That key goes into [`Possession`](crate::jwt::Possession); the [`Validator`](crate::jwt::Validator) compares it
//!    with the token's `cnf.jkt`, for remembered tokens too.
//! 3. Last, [`ReplayStore::record`]: only proofs of good tokens take up room there.
//!
//! ```
//! # #[cfg(feature = "aws-lc-rs")] {
//! use mcp_auth_core::UnixTime;
//! use mcp_auth_core::crypto::AwsLc;
//! use mcp_auth_core::dpop::{ProofContext, ProofRules, ReplayStore, TargetBase};
//!
//! let crypto = AwsLc::new();
//! let rules = ProofRules::default();
//! let base = TargetBase::parse("https://resource.example.org")?;
//! let used = ReplayStore::new(1 << 20, [7; 32]); // in earnest: 32 random bytes
//!
//! // The request of RFC 9449 §7.1, at its time.
//! let target = base.target("/protectedresource")?;
//! let request = ProofContext {
//!     method: "GET",
//!     target: &target,
//!     token: "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
//! };
//! let proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik\
//!     VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR\
//!     nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE\
//!     QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIj\
//!     oiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0Z\
//!     WRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNF\
//!     c05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71E\
//!     OptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
//! let now = UnixTime::from_secs(1_562_262_620);
//!
//! let proof = rules.check(proof, &request, now, &crypto)?;
//! assert_eq!(proof.key().to_base64url(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
//! used.record(&proof.one_time_use(&target), proof.usable_until(), now, &crypto)?;
//! assert!(used.record(&proof.one_time_use(&target), proof.usable_until(), now, &crypto).is_err());
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod nonce;
mod proof;
mod replay;
mod target;
#[cfg(test)]
mod tests;

pub use error::{ProofConfigError, ProofError, ProofErrorKind};
pub use nonce::{NonceAge, Nonces};
pub use proof::{MAX_JTI_BYTES, MAX_PROOF_BYTES, Proof, ProofContext, ProofRules, proof_header};
pub use replay::{OneTimeUse, ReplayError, ReplayStore};
pub use target::{MAX_TARGET_BYTES, TargetBase, TargetUri, TargetUriError};
