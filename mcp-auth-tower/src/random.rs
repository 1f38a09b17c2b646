//! Random bytes from the system.

use std::hash::{BuildHasher as _, RandomState};

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes")]
pub(crate) struct NoRandomness;

/// A secret that nobody can guess.
pub(crate) fn secret() -> Result<[u8; 32], NoRandomness> {
    bytes()
}

/// Bytes that nobody can guess.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    random.fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// A seed that differs from process to process, for where things are put in a table.
pub(crate) fn seed() -> [u8; 32] {
    let random = RandomState::new();
    let mut bytes = [0; 32];
    for (i, chunk) in bytes.chunks_exact_mut(8).enumerate() {
        chunk.copy_from_slice(&random.hash_one(i).to_be_bytes());
    }
    bytes
}
