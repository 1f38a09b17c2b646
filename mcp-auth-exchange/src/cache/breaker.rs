//! A provider that is down is left alone.

use std::time::Duration;

use mcp_auth_core::UnixTime;

/// When a circuit opens, and for how long.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BreakerSettings {
    /// After so many failures in a row. Default 5.
    pub failures: u32,
    /// For this time at first, and twice as long after each probe that failed. Default 5 seconds.
    pub open_for: Duration,
    /// At most for this time; a longer `Retry-After` is cut to it. Default 60 seconds.
    pub open_at_most: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, open_for: Duration::from_secs(5), open_at_most: Duration::from_secs(60) }
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
        /// Then one probe may go.
        until: UnixTime,
    },
    /// One probe is under way.
    Probing,
}

/// The circuit of one endpoint.
///
/// ```text
///          failures in a row            time is over
///  closed ──────────────────▶ open ──────────────────▶ probing
///    ▲                          ▲        fails             │
///    │                          └──────────────────────────┤
///    └───────────────────────────────────────────────────--┘ succeeds
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
    },
    Open {
        until: UnixTime,
        times: u32,
    },
    /// A probe that nobody ended gives way to another after this time.
    Probing {
        until: UnixTime,
        times: u32,
    },
}

impl Breaker {
    pub(super) fn new(settings: BreakerSettings) -> Self {
        Self { settings, state: State::Closed { failures: 0 } }
    }

    pub(super) fn state(&self) -> CircuitState {
        match self.state {
            State::Closed { .. } => CircuitState::Closed,
            State::Open { until, .. } => CircuitState::Open { until },
            State::Probing { .. } => CircuitState::Probing,
        }
    }

    /// Whether a request may go out; otherwise when to ask again. In the open state, once its time is over, this
    /// lets exactly one through: the probe.
    pub(super) fn allow(&mut self, now: UnixTime) -> Result<(), UnixTime> {
        match self.state {
            State::Closed { .. } => Ok(()),
            State::Open { until, .. } | State::Probing { until, .. } if now < until => Err(until),
            State::Open { times, .. } | State::Probing { times, .. } => {
                let until = now.plus(self.settings.open_at_most);
                self.state = State::Probing { until, times };
                Ok(())
            }
        }
    }

    /// Whether [`allow`](Self::allow) would let a request through.
    pub(super) fn would_allow(&self, now: UnixTime) -> Result<(), UnixTime> {
        let mut copy = *self;
        copy.allow(now)
    }

    /// The endpoint answered, with whatever.
    pub(super) fn answered(&mut self) {
        self.state = State::Closed { failures: 0 };
    }

    /// The endpoint did not answer, or said that it cannot now. A time that it named is kept to.
    pub(super) fn failed(&mut self, retry_after: Option<Duration>, now: UnixTime) {
        let times = match self.state {
            State::Closed { failures } => {
                let failures = failures.saturating_add(1);
                if failures < self.settings.failures && retry_after.is_none() {
                    self.state = State::Closed { failures };
                    return;
                }
                0
            }
            // Who was already under way when it opened.
            State::Open { until, times } => {
                let until = retry_after
                    .map_or(until, |after| until.max(now.plus(after.min(self.settings.open_at_most))));
                self.state = State::Open { until, times };
                return;
            }
            State::Probing { times, .. } => times.saturating_add(1),
        };
        let doubled = self.settings.open_for.saturating_mul(1u32.checked_shl(times).unwrap_or(u32::MAX));
        let pause = retry_after.unwrap_or(doubled).min(self.settings.open_at_most);
        self.state = State::Open { until: now.plus(pause), times };
    }

    /// The probe was given up without an answer: another one may go.
    pub(super) fn abandoned(&mut self, now: UnixTime) {
        if let State::Probing { times, .. } = self.state {
            self.state = State::Open { until: now, times };
        }
    }
}
