//! Time as a value: the pure crates never read a clock.

use std::time::Duration;

/// Whole seconds since 1970-01-01T00:00:00Z, leap seconds ignored: a NumericDate of [RFC 7519 §2].
///
/// Arithmetic saturates: a clock set to 1970 or to the year 300 billion gives a refusal, not a panic.
///
/// [RFC 7519 §2]: https://www.rfc-editor.org/rfc/rfc7519#section-2
///
/// ```
/// use std::time::Duration;
/// use mcp_auth_core::UnixTime;
///
/// let now = UnixTime::from_secs(1_700_000_000);
/// assert!(now.plus(Duration::from_secs(30)) > now);
/// assert_eq!(UnixTime::from_secs(5).minus(Duration::from_secs(9)), UnixTime::from_secs(0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The time `secs` seconds after the epoch.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs)
    }

    /// Seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// `self + duration`, at most the greatest representable time. Fractions of a second are dropped.
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// `self - duration`, at least the epoch. Fractions of a second are dropped.
    #[must_use]
    pub const fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_secs()))
    }

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

impl From<std::time::SystemTime> for UnixTime {
    /// A time before the epoch becomes the epoch.
    fn from(t: std::time::SystemTime) -> Self {
        Self(t.duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs()))
    }
}

impl std::fmt::Display for UnixTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
