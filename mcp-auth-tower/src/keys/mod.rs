//! Where an issuer's keys come from, and how long they live.
//!
//! # Sources
//!
//! | [`KeySource`] | read | when it breaks |
//! |---|---|---|
//! | [`inline`](KeySource::inline) | once, when the pipeline is built | the pipeline is not built |
//! | [`file`](KeySource::file) | when the pipeline is built, and on requests when what is known is 5 seconds old | last good set, error in the status |
//! | [`url`](KeySource::url) | with the first request that needs it | as below |
//! | [`discovered`](KeySource::discovered) | the same; the address comes from the issuer's metadata and is looked up again when the keys cannot be fetched | as below |
//!
//! # States
//!
//! Start-up does not need the identity provider, and no request asks it for anything that is known: a request
//! reads one atomic snapshot. All times are settings of [`KeyLife`], by [`KeyOptions::life`].
//!
//! | state | from | a request with a known key | with an unknown key | without keys |
//! |---|---|---|---|---|
//! | fresh | fetched | is served | waits for one fetch, then 401 | |
//! | due | 60 to 80 % of 10 min | is served; one fetch in the background | the same | |
//! | stale | 10 min ([`refresh_after`](KeyLife::refresh_after)), or the answer's `max-age` within 1 min to 1 h | waits for one fetch; when it fails, is served for the next minute without waiting | the same | |
//! | unavailable | 24 h ([`usable_for`](KeyLife::usable_for)) | | | waits for one fetch, then 503 with `Retry-After` |
//!
//! One fetch at a time, at most 5 s ([`KeyOptions::timeout`]), and at most 2 plus one per 30 s
//! ([`fetch_rate`](KeyLife::fetch_rate)) whatever requests ask for; while none may begin, nobody waits. A request
//! waits for the fetch that it joined, at most 5 s too. A fetch is a task of its own: a request that is cancelled
//! does not cancel what others wait for.
//!
//! Nothing that was fetched is used before it is read as a whole: 200, JSON, at most 512 KiB and 100 keys. A key
//! that cannot be used is skipped and reported; a set without a usable key is a failed fetch.
//! [`crate::client`] says which URLs and addresses are asked at all.

mod error;
mod options;
mod remote;
mod source;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use mcp_auth_core::UnixTime;
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::Issuer;

use crate::authenticate::Introspection;

pub use error::KeysError;
pub use mcp_auth_core::jwk::KeyLife;
pub use options::KeyOptions;
pub use remote::RemoteKeys;
pub use source::KeySource;
pub use status::KeysStatus;

/// The keys of one issuer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Keys {
    /// A set that does not change.
    Static(Arc<KeySet>),
    /// A set outside this process: behind a URL, found by discovery, or in a file.
    Remote(RemoteKeys),
    /// No keys: the issuer is asked about each of its tokens. Opaque tokens name no issuer, so one issuer alone
    /// may be asked about those that stand in one place; with more, none is.
    Introspection(Arc<Introspection>),
}

impl Keys {
    /// The keys of `issuer` from `source`, prepared for its algorithms. Inline keys and files are read now, the
    /// others with the first request.
    ///
    /// # Errors
    ///
    /// [`KeysError`].
    pub fn new(issuer: &Issuer, source: KeySource, options: &KeyOptions) -> Result<Self, KeysError> {
        source::open(issuer, source, options)
    }

    /// The state for operators; `issuer` is whose keys these are.
    pub fn status(&self, issuer: &str) -> KeysStatus {
        match self {
            Self::Static(set) => KeysStatus::fixed(issuer, "fixed".to_owned(), set),
            Self::Remote(remote) => remote.status(),
            Self::Introspection(introspection) => {
                let source = format!("introspection at {}", introspection.url());
                KeysStatus::fixed(issuer, source, &KeySet::default())
            }
        }
    }

    /// Whether a request that these keys do not serve has any use in waiting: a fetch is under way or may begin.
    pub fn newer_may_come(&self, now: UnixTime) -> bool {
        match self {
            Self::Static(_) | Self::Introspection(_) => false,
            Self::Remote(remote) => remote.newer_may_come(now),
        }
    }

    pub(crate) fn introspection(&self) -> Option<&Arc<Introspection>> {
        match self {
            Self::Introspection(introspection) => Some(introspection),
            _ => None,
        }
    }

    /// What can be used now, without waiting.
    pub(crate) fn current(&self, now: UnixTime) -> Option<Arc<KeySet>> {
        match self {
            Self::Static(set) => Some(set.clone()),
            Self::Remote(remote) => remote.current(now),
            Self::Introspection(_) => None,
        }
    }

    /// The keys after a fetch, for a token that those at hand could not verify; `None` when there still are none.
    pub(crate) async fn newer(&self, now: UnixTime) -> Option<Arc<KeySet>> {
        match self {
            Self::Static(set) => Some(set.clone()),
            Self::Remote(remote) => remote.newer(now).await,
            Self::Introspection(_) => None,
        }
    }
}
