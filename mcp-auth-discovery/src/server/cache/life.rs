use std::time::Duration;

use mcp_auth_core::UnixTime;

/// How long a document is used. Durations count in whole seconds.
///
/// ```
/// use std::time::Duration;
/// use mcp_auth_discovery::server::MetadataLife;
///
/// let life = MetadataLife::default().usable_for(Duration::from_secs(7 * 24 * 3600));
/// # let _ = life;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataLife {
    fresh_for: u64,
    usable_for: u64,
}

/// What the answer's headers may choose.
const MIN_FRESH: u64 = 60;
const MAX_FRESH: u64 = 24 * 3600;

/// Pauses after failures: 1 second, doubled up to this.
const MAX_PAUSE: u64 = 60;

impl Default for MetadataLife {
    fn default() -> Self {
        Self { fresh_for: 3600, usable_for: 24 * 3600 }
    }
}

impl MetadataLife {
    /// How long a document is fresh whose answer does not say. Within 1 minute and 24 hours, as are the answers
    /// themselves. Default: 1 hour.
    #[must_use]
    pub fn fresh_for(mut self, time: Duration) -> Self {
        self.fresh_for = time.as_secs().clamp(MIN_FRESH, MAX_FRESH);
        self
    }

    /// How long a document is used when every fetch fails, counted from when it was fetched. Never shorter than it is
    /// fresh. Default: 24 hours.
    #[must_use]
    pub fn usable_for(mut self, time: Duration) -> Self {
        self.usable_for = time.as_secs();
        self
    }

    pub(super) fn deadlines(&self, said: Option<Duration>, entropy: u64, now: UnixTime) -> Deadlines {
        let fresh = said.map_or(self.fresh_for, |said| said.as_secs().clamp(MIN_FRESH, MAX_FRESH));
        // Between 80 and 100 %, so that instances that started together do not fetch together.
        let ahead = entropy % (fresh / 5 + 1);
        let after = |seconds| now.plus(Duration::from_secs(seconds));
        Deadlines {
            refresh_at: after(fresh - ahead),
            stale_at: after(fresh),
            expires_at: after(self.usable_for.max(fresh)),
        }
    }
}

/// How long nothing begins after so many failures in a row.
pub(super) fn pause(failures: u32) -> Duration {
    let doubled = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(MAX_PAUSE);
    Duration::from_secs(doubled.clamp(1, MAX_PAUSE))
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    pub(super) refresh_at: UnixTime,
    pub(super) stale_at: UnixTime,
    pub(super) expires_at: UnixTime,
}
