//! Key sets (RFC 7517): tolerant reading, strict use, and how long they live.

mod cache;
mod key;
#[cfg(test)]
mod key_tests;
mod material;
mod set;
#[cfg(test)]
mod tests;
mod thumbprint;

pub use cache::{
    FetchReason, FetchStart, FetchTicket, KeyCache, KeyLife, KeySnapshot, KeyState, KeyStatus, KeyUse,
};
pub use key::{Key, SkipReason};
pub(crate) use material::{check_ed25519, check_rsa};
pub use set::{KeyMatch, KeySet, KeySetError, MAX_KEY_SET_BYTES, MAX_KEYS, SkippedKey};
pub use thumbprint::Thumbprint;
