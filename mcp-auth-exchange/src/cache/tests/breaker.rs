//! One circuit alone.

use std::time::Duration;

use crate::cache::breaker::{Breaker, BreakerSettings, CircuitState};
use crate::testing::secs;

fn breaker() -> Breaker {
    Breaker::new(BreakerSettings::default())
}

#[test]
fn five_failures_in_a_row_open_it_and_an_answer_in_between_does_not() {
    let mut circuit = breaker();
    for _ in 0..4 {
        circuit.failed(None, secs(0));
    }
    circuit.answered();
    for _ in 0..4 {
        circuit.failed(None, secs(0));
        assert_eq!(circuit.state(), CircuitState::Closed);
    }
    circuit.failed(None, secs(0));
    assert_eq!(circuit.state(), CircuitState::Open { until: secs(5) });
    assert_eq!(circuit.allow(secs(4)), Err(secs(5)));
    assert_eq!(circuit.would_allow(secs(5)), Ok(()));
    assert_eq!(circuit.state(), CircuitState::Open { until: secs(5) }, "looking changes nothing");
    assert_eq!(circuit.allow(secs(5)), Ok(()));
    assert_eq!(circuit.state(), CircuitState::Probing);
    assert_eq!(circuit.allow(secs(5)), Err(secs(65)), "one probe");
    assert_eq!(circuit.allow(secs(65)), Ok(()), "the probe was lost");
}

#[test]
fn pauses_double_up_to_a_minute() {
    let mut circuit = breaker();
    for _ in 0..5 {
        circuit.failed(None, secs(0));
    }
    let mut now = 0;
    for pause in [5, 10, 20, 40, 60, 60] {
        assert_eq!(circuit.state(), CircuitState::Open { until: secs(now + pause) });
        now += pause;
        assert_eq!(circuit.allow(secs(now)), Ok(()));
        circuit.failed(None, secs(now));
    }
    circuit.answered();
    assert_eq!(circuit.allow(secs(now)), Ok(()));
}

#[test]
fn a_named_pause_is_kept_at_once_and_cut_to_a_minute() {
    let mut circuit = breaker();
    circuit.failed(Some(Duration::from_secs(30)), secs(0));
    assert_eq!(circuit.state(), CircuitState::Open { until: secs(30) });
    // Those under way when it opened lengthen it and never shorten it.
    circuit.failed(Some(Duration::from_secs(9999)), secs(1));
    circuit.failed(None, secs(1));
    assert_eq!(circuit.state(), CircuitState::Open { until: secs(61) });
}
