use std::time::Duration;

use crate::time::UnixTime;

/// Fetches that may begin: at most `burst` at once, one more per `refill` seconds.
///
/// INVARIANT: within any `t` seconds at most `burst + t / refill` are drawn. A full bucket therefore starts to
/// refill when it is drawn from, not before.
#[derive(Debug)]
pub(super) struct TokenBucket {
    tokens: u32,
    burst: u32,
    refill: u64,
    since: UnixTime,
}

impl TokenBucket {
    pub(super) fn new(burst: u32, refill: u64) -> Self {
        Self { tokens: burst, burst, refill, since: UnixTime::from_secs(0) }
    }

    pub(super) fn draw(&mut self, now: UnixTime) -> bool {
        if now < self.since {
            // The clock was set back; without this nothing would be fetched until it has caught up.
            self.since = now;
        }
        let earned = now.since(self.since).as_secs() / self.refill;
        let tokens = u64::from(self.tokens).saturating_add(earned).min(u64::from(self.burst));
        self.tokens = u32::try_from(tokens).unwrap_or(self.burst);
        self.since = if self.tokens == self.burst { now } else { self.after(earned) };
        if self.tokens == 0 {
            return false;
        }
        self.tokens -= 1;
        true
    }

    /// From when on the next token is there.
    pub(super) fn next_at(&self) -> UnixTime {
        if self.tokens > 0 { UnixTime::from_secs(0) } else { self.after(1) }
    }

    fn after(&self, tokens: u64) -> UnixTime {
        self.since.plus(Duration::from_secs(tokens.saturating_mul(self.refill)))
    }
}
