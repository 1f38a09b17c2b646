//! One circuit alone.

use std::time::Duration;

use crate::cache::breaker::{Breaker, BreakerSettings, CircuitState, Who};
use crate::testing::secs;

fn breaker() -> Breaker {
    Breaker::new(BreakerSettings::default())
}

fn who(subject: u64) -> Who {
    Who { subject, is_probe: false }
}

fn probe(subject: u64) -> Who {
    Who { subject, is_probe: true }
}

/// One that three subjects opened at second 0.
fn open() -> Breaker {
    let mut circuit = breaker();
    for subject in [1, 2, 3, 1, 2] {
        circuit.failed(who(subject), None, secs(0));
    }
    assert_eq!(circuit.state(), CircuitState::Open { until: secs(5) });
    circuit
}

#[test]
fn five_failures_of_three_subjects_in_a_row_open_it_and_an_answer_in_between_does_not() {
    let mut circuit = breaker();
    for subject in 0..4 {
        circuit.failed(who(subject), None, secs(0));
    }
    circuit.answered();
    for subject in 0..4 {
        circuit.failed(who(subject), None, secs(0));
        assert_eq!(circuit.state(), CircuitState::Closed);
    }
    circuit.failed(who(0), None, secs(0));
    assert_eq!(circuit.state(), CircuitState::Open { until: secs(5) });
    assert_eq!(circuit.allow(9, secs(4)), Err(secs(5)));
    assert_eq!(circuit.would_allow(9, secs(5)), Ok(true));
    assert_eq!(circuit.state(), CircuitState::Open { until: secs(5) }, "looking changes nothing");
}

#[test]
fn attack_109_one_or_two_subjects_open_nothing_however_often_they_fail() {
    let mut circuit = breaker();
    for n in 0..1000 {
        circuit.failed(who(n % 2), Some(Duration::from_secs(3600)), secs(n));
        assert_eq!(circuit.allow(n % 3, secs(n)), Ok(false));
    }
    assert_eq!(circuit.state(), CircuitState::Closed);
}

#[test]
fn attack_109_one_subject_cannot_take_all_probes() {
    let mut circuit = open();
    for round in 0..100 {
        let now = secs(5 + round);
        assert_eq!(circuit.allow(1, now), Ok(true));
        assert_eq!(circuit.allow(1, now), Err(secs(7 + round)), "one probe of each");
        circuit.failed(probe(1), None, now);
        assert_eq!(circuit.state(), CircuitState::Probing, "his failures alone do not open it again");
    }
    assert_eq!(circuit.allow(1, secs(200)), Ok(true));
    assert_eq!(circuit.allow(2, secs(200)), Ok(true));
    assert_eq!(circuit.allow(4, secs(200)), Ok(true));
    assert_eq!(circuit.allow(5, secs(200)), Err(secs(202)), "three at once; the fourth comes again soon");
    circuit.answered();
    assert_eq!(circuit.allow(5, secs(200)), Ok(false));
}

#[test]
fn probes_that_are_given_up_or_lost_give_way_to_others() {
    let mut circuit = open();
    for subject in 1..4 {
        assert_eq!(circuit.allow(subject, secs(5)), Ok(true));
    }
    // From before it opened: no probe.
    circuit.abandoned(who(1));
    circuit.failed(who(2), None, secs(5));
    assert_eq!(circuit.allow(4, secs(5)), Err(secs(7)));
    circuit.abandoned(probe(1));
    assert_eq!(circuit.allow(4, secs(5)), Ok(true));
    assert_eq!(circuit.allow(5, secs(64)), Err(secs(66)));
    assert_eq!(circuit.allow(5, secs(65)), Ok(true), "they were lost");
}

#[test]
fn pauses_double_up_to_a_minute() {
    let mut circuit = open();
    let mut now = 0;
    for pause in [5, 10, 20, 40, 60, 60] {
        assert_eq!(circuit.state(), CircuitState::Open { until: secs(now + pause) });
        now += pause;
        for subject in 4..7 {
            assert_eq!(circuit.allow(subject, secs(now)), Ok(true));
        }
        for subject in 4..7 {
            circuit.failed(probe(subject), None, secs(now));
        }
    }
    circuit.answered();
    assert_eq!(circuit.allow(1, secs(now)), Ok(false));
}

#[test]
fn a_pause_that_the_provider_names_to_several_is_kept_and_cut_to_a_minute() {
    let mut circuit = breaker();
    for subject in 0..3 {
        assert_eq!(circuit.state(), CircuitState::Closed);
        circuit.failed(who(subject), Some(Duration::from_secs(30)), secs(0));
    }
    assert_eq!(circuit.state(), CircuitState::Open { until: secs(30) });
    // Those under way when it opened lengthen it and never shorten it.
    circuit.failed(who(4), Some(Duration::from_secs(9999)), secs(1));
    circuit.failed(who(5), None, secs(1));
    assert_eq!(circuit.state(), CircuitState::Open { until: secs(61) });
}

#[test]
fn a_clock_that_is_set_back_closes_nothing_for_longer() {
    let mut circuit = Breaker::new(BreakerSettings::default());
    for subject in [1, 2, 3, 1, 2] {
        circuit.failed(who(subject), None, secs(86_400));
    }
    assert_eq!(circuit.allow(1, secs(86_401)), Err(secs(86_405)));
    assert_eq!(circuit.allow(1, secs(0)), Ok(true));
    assert_eq!(circuit.allow(2, secs(86_401)), Ok(true));
}
