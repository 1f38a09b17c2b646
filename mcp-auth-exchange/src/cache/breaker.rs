//! A provider that is down is left alone.

use std::time::Duration;

use mcp_auth_core::UnixTime;

use super::is_before;

/// When a circuit opens, and for how long.
///
/// What one user meets may be about him: a limit of his own, or a fault of the provider with his data. So failures of
/// several users open a circuit, and those of one never do; he alone waits longer and longer
/// ([`FailureLife::transient`](super::FailureLife::transient)).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BreakerSettings {
    /// After so many failures in a row. Default 5. Where the provider names a pause (a 503 with `Retry-After`),
    /// `subjects` of them are enough.
    pub failures: u32,
    /// Of so many different subjects among these, from 1 to 8. Default 3. As many may probe at once, and as many have to
    /// fail for the circuit to open again.
    pub subjects: u32,
    /// For this time at first, and twice as long after each round of probes that failed. Default 5 seconds.
    pub open_for: Duration,
    /// At most for this time; a longer `Retry-After` is cut to it. Default 60 seconds.
    pub open_at_most: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            subjects: 3,
            open_for: Duration::from_secs(5),
            open_at_most: Duration::from_secs(60),
        }
    }
}

/// Where a circuit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CircuitState {
    /// Requests go out.
    Closed,
    /// None goes out before this time.
    Open {
        /// Then some probes may go.
        until: UnixTime,
    },
    /// Some probes may be under way, each of another subject.
    Probing,
}

/// Who asks, as far as a circuit has to tell one from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) subject: u64,
    /// Whether this is a probe, and no request from before the circuit opened.
    pub(super) is_probe: bool,
}

/// When somebody asks again for whom there is no place among the probes.
const BETWEEN_PROBES: Duration = Duration::from_secs(2);

/// The circuit of one endpoint.
///
/// ```text
///     failures of several subjects       time is over
///  closed ──────────────────▶ open ──────────────────▶ probing
///    ▲                          ▲   several probes fail    │
///    │                          └──────────────────────────┤
///    └───────────────────────────────────────────────────--┘ one succeeds
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) struct Breaker {
    settings: BreakerSettings,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed {
        failures: u32,
        who: Subjects,
    },
    Open {
        until: UnixTime,
        times: u32,
    },
    /// Probes that nobody ended give way to others after this time.
    Probing {
        until: UnixTime,
        times: u32,
        under_way: Subjects,
        failed: Subjects,
    },
}

/// Up to eight different subjects.
#[derive(Clone, Copy, Debug, Default)]
struct Subjects([Option<u64>; MAX_SUBJECTS as usize]);

const MAX_SUBJECTS: u32 = 8;

impl Subjects {
    fn len(&self) -> u32 {
        u32::try_from(self.0.iter().flatten().count()).unwrap_or(u32::MAX)
    }

    fn contains(&self, subject: u64) -> bool {
        self.0.contains(&Some(subject))
    }

    /// Where there is no room any more there are enough.
    fn add(&mut self, subject: u64) {
        if !self.contains(subject)
            && let Some(free) = self.0.iter_mut().find(|place| place.is_none())
        {
            *free = Some(subject);
        }
    }

    fn remove(&mut self, subject: u64) {
        self.0.iter_mut().filter(|place| **place == Some(subject)).for_each(|place| *place = None);
    }
}

impl Breaker {
    pub(super) fn new(settings: BreakerSettings) -> Self {
        let subjects = settings.subjects.clamp(1, MAX_SUBJECTS);
        Self { settings: BreakerSettings { subjects, ..settings }, state: CLOSED }
    }

    pub(super) fn state(&self) -> CircuitState {
        match self.state {
            State::Closed { .. } => CircuitState::Closed,
            State::Open { until, .. } => CircuitState::Open { until },
            State::Probing { .. } => CircuitState::Probing,
        }
    }

    /// Whether a request of this subject may go out, and whether it is a probe; otherwise when to ask again.
    pub(super) fn allow(&mut self, subject: u64, now: UnixTime) -> Result<bool, UnixTime> {
        let longest = self.settings.open_at_most;
        let (times, mut under_way, failed) = match self.state {
            State::Closed { .. } => return Ok(false),
            State::Open { until, .. } if is_before(now, until, longest) => return Err(until),
            State::Open { times, .. } => (times, Subjects::default(), Subjects::default()),
            State::Probing { until, times, under_way, failed } if is_before(now, until, longest) => {
                (times, under_way, failed)
            }
            State::Probing { times, failed, .. } => (times, Subjects::default(), failed),
        };
        if under_way.contains(subject) || under_way.len() >= self.settings.subjects {
            return Err(now.plus(BETWEEN_PROBES));
        }
        under_way.add(subject);
        self.state = State::Probing { until: now.plus(longest), times, under_way, failed };
        Ok(true)
    }

    /// What [`allow`](Self::allow) would say.
    pub(super) fn would_allow(&self, subject: u64, now: UnixTime) -> Result<bool, UnixTime> {
        let mut copy = *self;
        copy.allow(subject, now)
    }

    /// The endpoint answered, with whatever.
    pub(super) fn answered(&mut self) {
        self.state = CLOSED;
    }

    /// The endpoint did not answer, or said that it cannot now. A time that it named is kept to once the circuit opens.
    pub(super) fn failed(&mut self, who: Who, retry_after: Option<Duration>, now: UnixTime) {
        let (times, opens) = match &mut self.state {
            State::Closed { failures, who: several } => {
                *failures = failures.saturating_add(1);
                several.add(who.subject);
                let enough = *failures >= self.settings.failures || retry_after.is_some();
                (0, enough && several.len() >= self.settings.subjects)
            }
            // Who was already under way when it opened.
            State::Open { until, .. } => {
                let named = retry_after.map(|after| now.plus(after.min(self.settings.open_at_most)));
                *until = named.map_or(*until, |named| named.max(*until));
                return;
            }
            State::Probing { .. } if !who.is_probe => return,
            State::Probing { times, under_way, failed, .. } => {
                under_way.remove(who.subject);
                failed.add(who.subject);
                (times.saturating_add(1), failed.len() >= self.settings.subjects)
            }
        };
        if opens {
            let doubled = self.settings.open_for.saturating_mul(1u32.checked_shl(times).unwrap_or(u32::MAX));
            let pause = retry_after.unwrap_or(doubled).min(self.settings.open_at_most);
            self.state = State::Open { until: now.plus(pause), times };
        }
    }

    /// The request was given up without an answer: where it was a probe, another one may go.
    pub(super) fn abandoned(&mut self, who: Who) {
        if let State::Probing { under_way, .. } = &mut self.state
            && who.is_probe
        {
            under_way.remove(who.subject);
        }
    }
}

const CLOSED: State = State::Closed { failures: 0, who: Subjects([None; MAX_SUBJECTS as usize]) };
