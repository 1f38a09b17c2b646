use std::sync::Arc;
use std::time::Duration;

use super::life::Deadlines;
use crate::jwk::KeySet;
use crate::time::UnixTime;

/// What requests read: the state of a [`KeyCache`](super::KeyCache) after its last change. It stays right as
/// time passes, so that the way of a request needs no lock.
#[derive(Clone, Debug)]
pub struct KeySnapshot {
    pub(super) keys: Option<HeldKeys>,
    pub(super) excused_until: UnixTime,
    pub(super) fetching: bool,
    pub(super) fetch_at: UnixTime,
    pub(super) changed_at: UnixTime,
}

#[derive(Clone, Debug)]
pub(super) struct HeldKeys {
    pub(super) set: Arc<KeySet>,
    pub(super) at: UnixTime,
    pub(super) deadlines: Deadlines,
}

/// Where a set is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyState {
    /// Used as it is.
    Fresh,
    /// Used, while a fetch in the background replaces it.
    Due,
    /// Used only where no newer set can be had: a request waits for a fetch first, unless one has just failed.
    Stale,
    /// None: never fetched, or not for too long.
    Unavailable,
}

/// What a request does now.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a request has no fourth way")]
pub enum KeyUse<'s> {
    /// Use these keys.
    Use(&'s Arc<KeySet>),
    /// Use these keys and begin a fetch in the background.
    UseAndFetch(&'s Arc<KeySet>),
    /// Fetch, or wait for the fetch under way, then take [`KeySnapshot::usable`].
    Wait,
}

/// Whether the clock was set back since `then`, so that deadlines made at `then` mean nothing.
fn set_back(now: UnixTime, then: UnixTime) -> bool {
    now.plus(Duration::from_secs(60)) < then
}

impl KeySnapshot {
    /// Where the set is in its life at `now`.
    pub fn state(&self, now: UnixTime) -> KeyState {
        match &self.keys {
            Some(held) if now >= held.deadlines.expires_at => KeyState::Unavailable,
            Some(held) if now >= held.deadlines.due_at => KeyState::Stale,
            Some(held) if now >= held.deadlines.refresh_at || set_back(now, held.at) => KeyState::Due,
            Some(_) => KeyState::Fresh,
            None => KeyState::Unavailable,
        }
    }

    /// What a request does at `now`.
    pub fn decide(&self, now: UnixTime) -> KeyUse<'_> {
        let Some(held) = &self.keys else { return KeyUse::Wait };
        match self.state(now) {
            KeyState::Fresh => KeyUse::Use(&held.set),
            KeyState::Unavailable => KeyUse::Wait,
            KeyState::Stale if !self.excused(now) && self.newer_may_come(now) => KeyUse::Wait,
            KeyState::Due | KeyState::Stale if self.may_fetch(now) => KeyUse::UseAndFetch(&held.set),
            KeyState::Due | KeyState::Stale => KeyUse::Use(&held.set),
        }
    }

    /// The keys that may be used at `now` by a request that has waited: fresh, due or stale.
    pub fn usable(&self, now: UnixTime) -> Option<&Arc<KeySet>> {
        let held = self.keys.as_ref()?;
        (self.state(now) != KeyState::Unavailable).then_some(&held.set)
    }

    /// Whether there is any use in waiting at `now`: a fetch is under way or may begin.
    pub fn newer_may_come(&self, now: UnixTime) -> bool {
        self.fetching || self.may_fetch(now)
    }

    fn excused(&self, now: UnixTime) -> bool {
        now < self.excused_until && !set_back(now, self.changed_at)
    }

    fn may_fetch(&self, now: UnixTime) -> bool {
        !self.fetching && (now >= self.fetch_at || set_back(now, self.changed_at))
    }
}
