use std::time::Duration;

use mcp_auth_core::UnixTime;
use mcp_auth_core::jwk::{KeySet, KeyState, KeyStatus, SkippedKey};

/// The state of an issuer's keys, for operators. Holds no secrets: of a URL's query nothing is shown.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeysStatus {
    /// Whose keys.
    pub issuer: String,
    /// Where they come from.
    pub source: String,
    /// Where they are in their life.
    pub state: KeyState,
    /// Names of the usable keys.
    pub kids: Vec<String>,
    /// Keys of the set that are not used, and why.
    pub skipped: Vec<SkippedKey>,
    /// Time since they were read; `None` when they never were, or need not be.
    pub age: Option<Duration>,
    /// When they are next fetched in the background, if requests come.
    pub refresh_at: Option<UnixTime>,
    /// When they are given up if every fetch fails.
    pub expires_at: Option<UnixTime>,
    /// Before this nothing is fetched, whatever requests ask for.
    pub retry_at: Option<UnixTime>,
    /// Why the last fetch failed, when it did.
    pub last_error: Option<String>,
    /// Fetches begun so far.
    pub fetches: u64,
    /// Fetches that failed so far.
    pub failures: u64,
}

impl KeysStatus {
    pub(super) fn fixed(issuer: &str, source: String, set: &KeySet) -> Self {
        Self {
            issuer: issuer.to_owned(),
            source,
            state: KeyState::Fresh,
            kids: set.keys().iter().map(|k| k.kid().unwrap_or("(no kid)").to_owned()).collect(),
            skipped: set.skipped().to_vec(),
            age: None,
            refresh_at: None,
            expires_at: None,
            retry_at: None,
            last_error: None,
            fetches: 0,
            failures: 0,
        }
    }

    pub(super) fn remote(issuer: &str, source: String, keys: KeyStatus, now: UnixTime) -> Self {
        Self {
            issuer: issuer.to_owned(),
            source,
            state: keys.state,
            kids: keys.kids,
            skipped: keys.skipped,
            age: keys.fetched_at.map(|at| now.since(at)),
            refresh_at: keys.refresh_at,
            expires_at: keys.expires_at,
            retry_at: (keys.retry_at > now).then_some(keys.retry_at),
            last_error: keys.last_error,
            fetches: keys.fetches,
            failures: keys.failures,
        }
    }
}
