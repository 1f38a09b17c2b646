//! One exchange at a time under one key.

use std::collections::HashMap;
use std::time::Duration;

use mcp_auth_core::UnixTime;

use super::{CacheKey, is_before};

/// Exchanges that are under way. `W` is what followers wait with: the driver's own.
///
/// A flight has a deadline. After it the next one who asks leads a new flight, so that a leader whose task was
/// dropped without a word holds nobody up for longer than that; whatever the old one still brings ends the old
/// flight and no other.
#[derive(Debug)]
pub(super) struct Flights<W> {
    by_key: HashMap<CacheKey, Flight<W>>,
    begun: u64,
    deadline: Duration,
}

#[derive(Debug)]
struct Flight<W> {
    number: u64,
    until: UnixTime,
    waiter: W,
}

impl<W: Clone> Flights<W> {
    pub(super) fn new(deadline: Duration) -> Self {
        Self { by_key: HashMap::new(), begun: 0, deadline }
    }

    /// The waiter of the flight under this key, where one is under way.
    pub(super) fn under_way(&self, key: &CacheKey, now: UnixTime) -> Option<&W> {
        let flies = |flight: &&Flight<W>| is_before(now, flight.until, self.deadline);
        self.by_key.get(key).filter(flies).map(|flight| &flight.waiter)
    }

    /// Begins a flight and gives its number.
    pub(super) fn begin(&mut self, key: CacheKey, waiter: W, now: UnixTime) -> u64 {
        // What nobody asked for again and nobody ended goes now and then.
        if self.begun % 1024 == 1023 {
            self.by_key.retain(|_, flight| is_before(now, flight.until, self.deadline));
        }
        self.begun += 1;
        let until = now.plus(self.deadline);
        self.by_key.insert(key, Flight { number: self.begun, until, waiter });
        self.begun
    }

    /// Ends exactly this flight; gives its waiter, unless another flight has taken its place.
    pub(super) fn end(&mut self, key: &CacheKey, number: u64) -> Option<W> {
        if self.by_key.get(key)?.number != number {
            return None;
        }
        self.by_key.remove(key).map(|flight| flight.waiter)
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }
}
