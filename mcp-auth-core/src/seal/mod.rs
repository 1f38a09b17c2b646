//! Sealed values: what we give to a client to keep, and can read when it comes back.
//!
//! Session ids, OAuth `state`, codes, refresh tokens and cookies carry our own data through hands that may not read or
//! change it. [`Sealer`] encrypts and authenticates them (AES-256-GCM-SIV, RFC 8452), so that every replica with the
//! same [`SealKey`] can open them and nobody stores anything.
//!
//! ```
//! # #[cfg(feature = "aws-lc-rs")] {
//! use std::sync::Arc;
//! use mcp_auth_core::UnixTime;
//! use mcp_auth_core::crypto::AwsLc;
//! use mcp_auth_core::seal::{Purpose, SealKey, SealNonce, Sealer};
//!
//! let key = SealKey::from_bytes([7; 32]); // in earnest: 32 random bytes
//! let sealer = Sealer::new(&key, Arc::new(AwsLc::new()))?;
//! let (now, later) = (UnixTime::from_secs(1_000), UnixTime::from_secs(1_600));
//!
//! let nonce = SealNonce::Random([1; 12]); // in earnest: random, too
//! let state = sealer.seal(Purpose::State, &[b"client"], b"return to /notes", Some(later), nonce)?;
//! assert!(state.starts_with("s1."));
//! assert_eq!(&*sealer.open(Purpose::State, &[b"client"], &state, now)?, b"return to /notes");
//!
//! assert!(sealer.open(Purpose::State, &[b"another"], &state, now).is_err());
//! assert!(sealer.open(Purpose::Code, &[b"client"], &state, now).is_err());
//! assert!(sealer.open(Purpose::State, &[b"client"], &state, later).is_err());
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a seal promises
//!
//! 1. Nobody without the key reads the content, or makes a value that opens. Its length shows.
//! 2. A value opens only for the [`Purpose`] and the bound data that it was sealed for, part by part, and before its
//!    end, where it has one.
//! 3. Each value has exactly one spelling.
//! 4. What does not open is one error to the outside, whatever is wrong with it; [`SealError::kind`] is for the log.
//!
//! It does not promise that a value is used once: that takes a memory.
//!
//! # Form
//!
//! `s1.` and unpadded base64url of: 4 bytes that name the key, 12 of nonce, the ciphertext, 16 of tag. The ciphertext
//! holds the end of the value's life and the content. The prefix changes with the form. What is authenticated besides
//! are the form, the purpose and the bound data, each with its length in front.
//!
//! # Why AES-256-GCM-SIV
//!
//! Both [backends](crate::crypto#backends) have it and open each other's values. With AES-GCM a nonce that comes twice
//! gives the authentication key away, and random ones may be drawn for at most 2<sup>32</sup> values; this cipher only
//! tells that two values have the same content, and stays good for 2<sup>64</sup> values of this size under one key
//! (RFC 8452 §9). It also allows [`SealNonce::Derived`]: the same content under the same key makes the same text.
//! It is no mode of NIST's: where only approved algorithms are allowed (FIPS 140), it cannot be used.
//!
//! # Rotation
//!
//! [`Sealer::new`] takes the key that seals; [`Sealer::previous`] adds keys that only open. Give a new key to all
//! replicas as a previous one first, then make it the current one, then drop the old one when what it sealed has ended.

mod error;
mod key;
mod purpose;
mod sealer;
#[cfg(test)]
mod tests;

pub use error::{SealError, SealErrorKind, SealingFailed};
pub use key::{SealKey, SealKeyError};
pub use purpose::Purpose;
pub use sealer::{
    MAX_BOUND_BYTES, MAX_BOUND_PARTS, MAX_PLAINTEXT_BYTES, MAX_PREVIOUS_KEYS, MAX_SEALED_CHARS, SealNonce,
    Sealer,
};
