//! When to fetch a document, and which one may be used meanwhile.

mod fetch;
mod life;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use mcp_auth_core::UnixTime;

use super::locator::issuer_url;
use super::{AuthorizationServerMetadata, LocatorError, MetadataSource};

pub use fetch::MetadataFetch;
pub use life::MetadataLife;
use life::{Deadlines, pause};
pub use state::{MetadataFetchStart, MetadataState, MetadataStatus, MetadataUse};

/// The metadata of one authorization server over time, as a state machine without IO: the brother of
/// [`KeyCache`](mcp_auth_core::jwk::KeyCache).
///
/// ```text
///          fetched       80 to 100 % of         fresh_for         usable_for
///  none ───────────▶ fresh ─────────────▶ due ────────────▶ stale ────────────▶ unavailable
///                      ▲     background   │     request      │     request        │
///                      │     fetch        │     waits for    │     waits, or does │
///                      └──────────────────┴──── a fetch ─────┴──── without ───────┘
/// ```
///
/// `fresh_for` is what the answer's headers say within 1 minute and 24 hours. A stale document is used when a fetch was
/// tried within the last minute and failed. At most one fetch is under way; after failures the next waits 1 second,
/// then 2, 4 and so on up to a minute, whatever asks for it. Without any document a caller does without
/// ([`MetadataUse::Unavailable`]): what clients see is our own document, which needs none, and is never a 5xx.
///
/// ```
/// use bytes::Bytes;
/// use http::Response;
/// use mcp_auth_core::UnixTime;
/// use mcp_auth_discovery::server::{
///     MetadataCache, MetadataFetchStart, MetadataLife, MetadataSource, MetadataUse,
/// };
///
/// let mut cache = MetadataCache::new("https://idp.example", &MetadataSource::Standard, MetadataLife::default())?;
/// let now = UnixTime::from_secs(1_790_000_000);
/// assert!(matches!(cache.decide(now), MetadataUse::Wait));
/// let MetadataFetchStart::Begin(mut fetch) = cache.begin_fetch(now) else { panic!() };
/// while let Some(request) = fetch.next_request() {
///     assert_eq!(request.uri(), "https://idp.example/.well-known/oauth-authorization-server");
///     fetch.handle_response(&Response::new(Bytes::from(r#"{"issuer":"https://idp.example"}"#)));
/// }
/// let random = 4;
/// cache.end_fetch(fetch, random, now);
/// assert!(matches!(cache.decide(now), MetadataUse::Use(metadata) if metadata.issuer == "https://idp.example"));
/// # Ok::<(), mcp_auth_discovery::server::LocatorError>(())
/// ```
#[derive(Debug)]
pub struct MetadataCache {
    issuer: Arc<str>,
    insecure_http: bool,
    /// The one that answered last comes first.
    urls: Vec<Url>,
    life: MetadataLife,
    held: Option<Held>,
    under_way: Option<(u64, UnixTime)>,
    /// When the last fetch ended.
    ended_at: UnixTime,
    /// Failures since the last success.
    in_a_row: u32,
    last_error: Option<String>,
    fetches: u64,
    failures: u64,
}

#[derive(Debug)]
struct Held {
    metadata: Arc<AuthorizationServerMetadata>,
    at: UnixTime,
    deadlines: Deadlines,
}

/// How long a failed fetch allows a stale document without another try.
const EXCUSE: Duration = Duration::from_secs(60);

/// After this time a fetch that nobody ended is taken for lost, and another may begin.
const LOST: Duration = Duration::from_secs(60);

/// Longest text of an error that is kept, in characters.
const MAX_ERROR_CHARS: usize = 1000;

/// Whether the clock was set back since `then`, so that deadlines made at `then` mean nothing.
fn set_back(now: UnixTime, then: UnixTime) -> bool {
    now.plus(Duration::from_secs(60)) < then
}

impl MetadataCache {
    /// A cache without a document.
    ///
    /// # Errors
    ///
    /// [`LocatorError`] for an issuer or a URL that is not https, or http to a loopback host.
    pub fn new(issuer: &str, source: &MetadataSource, life: MetadataLife) -> Result<Self, LocatorError> {
        Self::build(issuer, source, life, false)
    }

    /// As [`new`](Self::new), and takes `http` of any host, for the document and the endpoints in it. For closed
    /// networks.
    ///
    /// # Errors
    ///
    /// [`LocatorError`].
    pub fn insecure_http(
        issuer: &str,
        source: &MetadataSource,
        life: MetadataLife,
    ) -> Result<Self, LocatorError> {
        Self::build(issuer, source, life, true)
    }

    fn build(
        issuer: &str,
        source: &MetadataSource,
        life: MetadataLife,
        insecure_http: bool,
    ) -> Result<Self, LocatorError> {
        issuer_url(issuer, insecure_http)?;
        Ok(Self {
            issuer: issuer.into(),
            insecure_http,
            urls: source.urls_of(issuer, insecure_http)?,
            life,
            held: None,
            under_way: None,
            ended_at: UnixTime::from_secs(0),
            in_a_row: 0,
            last_error: None,
            fetches: 0,
            failures: 0,
        })
    }

    /// Where the document is in its life at `now`.
    pub fn state(&self, now: UnixTime) -> MetadataState {
        match &self.held {
            Some(held) if now >= held.deadlines.expires_at => MetadataState::Unavailable,
            Some(held) if now >= held.deadlines.stale_at => MetadataState::Stale,
            Some(held) if now >= held.deadlines.refresh_at || set_back(now, held.at) => MetadataState::Due,
            Some(_) => MetadataState::Fresh,
            None => MetadataState::Unavailable,
        }
    }

    /// What a caller does at `now`.
    pub fn decide(&self, now: UnixTime) -> MetadataUse<'_> {
        let newer_may_come = self.is_fetching(now) || self.may_begin(now);
        match (&self.held, self.state(now)) {
            (Some(held), MetadataState::Fresh) => MetadataUse::Use(&held.metadata),
            (Some(_), MetadataState::Stale) if newer_may_come && !self.excused(now) => MetadataUse::Wait,
            (Some(held), MetadataState::Due | MetadataState::Stale) if self.may_begin(now) => {
                MetadataUse::UseAndFetch(&held.metadata)
            }
            (Some(held), MetadataState::Due | MetadataState::Stale) => MetadataUse::Use(&held.metadata),
            _ if newer_may_come => MetadataUse::Wait,
            _ => MetadataUse::Unavailable(self.retry_at()),
        }
    }

    /// The document that may be used at `now` by a caller that has waited: fresh, due or stale.
    pub fn usable(&self, now: UnixTime) -> Option<&Arc<AuthorizationServerMetadata>> {
        let held = self.held.as_ref()?;
        (self.state(now) != MetadataState::Unavailable).then_some(&held.metadata)
    }

    /// Asks to fetch.
    pub fn begin_fetch(&mut self, now: UnixTime) -> MetadataFetchStart {
        match self.under_way {
            Some((number, _)) if self.is_fetching(now) => return MetadataFetchStart::UnderWay(number),
            _ if self.state(now) == MetadataState::Fresh || !self.may_begin(now) => {
                return MetadataFetchStart::NotNow;
            }
            _ => {}
        }
        self.fetches += 1;
        self.under_way = Some((self.fetches, now));
        MetadataFetchStart::Begin(MetadataFetch {
            number: self.fetches,
            issuer: self.issuer.clone(),
            insecure_http: self.insecure_http,
            urls: self.urls.clone(),
            asked: 0,
            found: None,
            errors: Vec::new(),
        })
    }

    /// Ends a fetch. One that was given up before its end counts as failed. `entropy` is any random number and spreads
    /// the next fetch. A fetch of another cache, or one that was taken for lost, changes nothing.
    pub fn end_fetch(&mut self, fetch: MetadataFetch, entropy: u64, now: UnixTime) {
        let ours = self.under_way.is_some_and(|(number, _)| number == fetch.number);
        if !ours || fetch.issuer != self.issuer {
            return;
        }
        self.under_way = None;
        self.ended_at = now;
        if let Some(found) = fetch.found {
            if let Some(ahead) = self.urls.get_mut(..=found.index) {
                ahead.rotate_right(1);
            }
            let deadlines = self.life.deadlines(found.lifetime, entropy, now);
            self.held = Some(Held { metadata: found.metadata, at: now, deadlines });
            (self.in_a_row, self.last_error) = (0, None);
        } else {
            let error = if fetch.errors.is_empty() { "given up".to_owned() } else { fetch.errors.join("; ") };
            self.failures += 1;
            self.in_a_row = self.in_a_row.saturating_add(1);
            self.last_error = Some(error.chars().take(MAX_ERROR_CHARS).collect());
        }
    }

    /// A snapshot for operators.
    pub fn status(&self, now: UnixTime) -> MetadataStatus {
        MetadataStatus {
            state: self.state(now),
            fetched_at: self.held.as_ref().map(|held| held.at),
            expires_at: self.held.as_ref().map(|held| held.deadlines.expires_at),
            retry_at: self.retry_at(),
            last_error: self.last_error.clone(),
            fetches: self.fetches,
            failures: self.failures,
        }
    }

    fn is_fetching(&self, now: UnixTime) -> bool {
        self.under_way.is_some_and(|(_, since)| now < since.plus(LOST) && !set_back(now, since))
    }

    fn may_begin(&self, now: UnixTime) -> bool {
        !self.is_fetching(now) && (now >= self.retry_at() || set_back(now, self.ended_at))
    }

    fn excused(&self, now: UnixTime) -> bool {
        self.in_a_row > 0 && now < self.ended_at.plus(EXCUSE) && !set_back(now, self.ended_at)
    }

    fn retry_at(&self) -> UnixTime {
        if self.in_a_row == 0 { UnixTime::from_secs(0) } else { self.ended_at.plus(pause(self.in_a_row)) }
    }
}
