use std::time::Duration;

use crate::time::UnixTime;

/// How long keys are used and how often they may be fetched. Durations count in whole seconds.
///
/// ```
/// use std::time::Duration;
/// use mcp_auth_core::jwk::KeyLife;
///
/// let life = KeyLife::default()
///     .refresh_after(Duration::from_secs(20 * 60))
///     .usable_for(Duration::from_secs(7 * 24 * 3600));
/// # let _ = life;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLife {
    refresh_after: u64,
    follow_max_age: bool,
    usable_for: u64,
    pub(super) refill: u64,
    pub(super) burst: u32,
}

const MIN_MAX_AGE: u64 = 60;
const MAX_MAX_AGE: u64 = 3600;

impl Default for KeyLife {
    fn default() -> Self {
        Self { refresh_after: 600, follow_max_age: true, usable_for: 24 * 3600, refill: 30, burst: 2 }
    }
}

impl KeyLife {
    /// For a source that costs nothing to read, such as a file: no set is older than 5 seconds, none is given up,
    /// one read a second at most.
    pub fn local() -> Self {
        Self { refresh_after: 5, follow_max_age: false, usable_for: u64::MAX, refill: 1, burst: 2 }
    }

    /// How old a set gets before a request waits for a newer one; a fetch in the background begins at 60 to 80 %
    /// of it. At least 1 second. Default: 10 minutes, or what the answer's `max-age` says within 1 minute to
    /// 1 hour; with a value of your own `max-age` no longer counts.
    #[must_use]
    pub fn refresh_after(mut self, time: Duration) -> Self {
        self.refresh_after = time.as_secs().max(1);
        self.follow_max_age = false;
        self
    }

    /// How long a set is used when every fetch fails. Default: 24 hours. Never shorter than the time to the next
    /// fetch.
    #[must_use]
    pub fn usable_for(mut self, time: Duration) -> Self {
        self.usable_for = time.as_secs();
        self
    }

    /// How many fetches may follow each other at once, and after which time each of them may be repeated: within
    /// any time `t` there are at most `burst + t / refill`, whatever requests ask for. Both at least 1 (second).
    /// Default: 2 and 30 seconds.
    #[must_use]
    pub fn fetch_rate(mut self, burst: u32, refill: Duration) -> Self {
        self.burst = burst.max(1);
        self.refill = refill.as_secs().max(1);
        self
    }

    /// When a set that was fetched at `now` is refreshed in the background, due, and given up.
    pub(super) fn deadlines(&self, max_age: Option<Duration>, entropy: u64, now: UnixTime) -> Deadlines {
        let due = match max_age {
            Some(age) if self.follow_max_age => age.as_secs().clamp(MIN_MAX_AGE, MAX_MAX_AGE),
            _ => self.refresh_after,
        };
        // Between 60 and 80 %, so that instances that started together do not fetch together.
        let fifth = due / 5;
        let ahead = fifth + entropy % (fifth + 1);
        let after = |secs| now.plus(Duration::from_secs(secs));
        Deadlines {
            refresh_at: after(due.saturating_sub(ahead)),
            due_at: after(due),
            expires_at: after(self.usable_for.max(due)),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    pub(super) refresh_at: UnixTime,
    pub(super) due_at: UnixTime,
    pub(super) expires_at: UnixTime,
}
