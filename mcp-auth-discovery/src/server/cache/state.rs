use std::sync::Arc;

use mcp_auth_core::UnixTime;

use super::MetadataFetch;
use crate::server::AuthorizationServerMetadata;

/// Where a document is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MetadataState {
    /// Used as it is.
    Fresh,
    /// Used, while a fetch in the background replaces it.
    Due,
    /// Used only where no newer one can be had.
    Stale,
    /// None: never fetched, or not for too long.
    Unavailable,
}

/// What a caller does now.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has no fifth way")]
pub enum MetadataUse<'c> {
    /// Use this document.
    Use(&'c Arc<AuthorizationServerMetadata>),
    /// Use this document and begin a fetch in the background.
    UseAndFetch(&'c Arc<AuthorizationServerMetadata>),
    /// Fetch, or wait for the fetch under way, then take [`MetadataCache::usable`](super::MetadataCache::usable).
    Wait,
    /// There is none, and no fetch may begin before this time.
    Unavailable(UnixTime),
}

/// What came of asking for a fetch.
#[derive(Debug)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a driver has to handle each")]
pub enum MetadataFetchStart {
    /// Fetch now, and give this back.
    Begin(MetadataFetch),
    /// The fetch of this number is under way.
    UnderWay(u64),
    /// There is no need, or it is too early.
    NotNow,
}

/// A snapshot for operators.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MetadataStatus {
    /// Where the document is in its life.
    pub state: MetadataState,
    /// When it was last fetched.
    pub fetched_at: Option<UnixTime>,
    /// When it is given up if every fetch fails.
    pub expires_at: Option<UnixTime>,
    /// Before this no fetch begins.
    pub retry_at: UnixTime,
    /// Why the last fetch failed, when it did.
    pub last_error: Option<String>,
    /// Fetches begun so far.
    pub fetches: u64,
    /// Fetches that failed so far.
    pub failures: u64,
}
