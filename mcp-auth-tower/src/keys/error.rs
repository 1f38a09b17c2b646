use std::path::PathBuf;

use mcp_auth_discovery::server::LocatorError;

use crate::client::{FetchError, FetchUrlError};

/// Why keys cannot be had from a source. Everything that can go wrong later is in the status instead.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The address of a key set is not one that is fetched from.
    #[error("the address of the keys of `{issuer}` {reason}")]
    Url {
        /// Whose keys.
        issuer: String,
        /// What is wrong with it.
        reason: FetchUrlError,
    },
    /// Nothing can be discovered from the issuer's name.
    #[error("keys cannot be discovered: {0}")]
    Discovery(#[from] LocatorError),
    /// A file cannot be read, or holds no usable keys.
    #[error("keys of `{issuer}` in {}: {reason}", path.display())]
    File {
        /// Whose keys.
        issuer: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Inline keys are no usable keys.
    #[error("inline keys of `{issuer}`: {reason}")]
    Inline {
        /// Whose keys.
        issuer: String,
        /// What is wrong with them.
        reason: String,
    },
    /// The HTTP client cannot be made.
    #[error("HTTP client: {0}")]
    Client(#[from] FetchError),
}
