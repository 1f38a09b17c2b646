//! Authenticated encryption with one key: AES-256-GCM-SIV (RFC 8452).

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
#[cfg(feature = "rust-crypto")]
mod rust_crypto;

use std::fmt::Debug;

#[cfg(feature = "aws-lc-rs")]
pub(super) use aws_lc::AwsLcAead;
#[cfg(feature = "rust-crypto")]
pub(super) use rust_crypto::RustCryptoAead;

/// Bytes that [`AeadKey::seal`] appends.
pub const AEAD_TAG_BYTES: usize = 16;

/// A key of AES-256-GCM-SIV (RFC 8452), ready for use.
///
/// A nonce that is used twice tells whether the two messages are the same, and nothing else.
pub trait AeadKey: Send + Sync + Debug {
    /// Encrypts `buffer` in place and appends the tag of [`AEAD_TAG_BYTES`] bytes, which covers `associated` too.
    ///
    /// # Errors
    ///
    /// [`AeadFailed`] when the library refuses, for a message of 64 GiB for example.
    fn seal(&self, nonce: &[u8; 12], associated: &[u8], buffer: &mut Vec<u8>) -> Result<(), AeadFailed>;

    /// Decrypts `buffer` in place and takes the tag off its end. On an error `buffer` is empty.
    ///
    /// # Errors
    ///
    /// [`AeadFailed`] when key, nonce, `associated` or any bit of `buffer` is another than it was.
    fn open(&self, nonce: &[u8; 12], associated: &[u8], buffer: &mut Vec<u8>) -> Result<(), AeadFailed>;
}

/// A message cannot be sealed or opened. Says nothing more on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message cannot be sealed or opened")]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add")]
pub struct AeadFailed;
