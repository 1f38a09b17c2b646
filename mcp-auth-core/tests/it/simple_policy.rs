//! Decisions by way of residuals against decisions in full and against the simple reading of the same rules.
//!
//! `MCP_AUTH_DIFF_CASES=N` for more cases. The fuzz target `policy_diff` does the same under a fuzzer.

#![expect(clippy::disallowed_methods, reason = "a test may be told how long to run")]

#[path = "../support/simple_policy.rs"]
mod sets;

use super::simple_cel::{Random, simple};
use sets::{Seen, compare};

#[test]
fn residuals_full_evaluation_and_the_simple_reading_decide_alike() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let cases = number("MCP_AUTH_DIFF_CASES").unwrap_or(1_500);
    let mut random = Random::new(number("MCP_AUTH_DIFF_SEED").unwrap_or(7));
    let mut seen = Seen::default();
    for _ in 0..cases {
        seen += compare(&random.bytes(200, 1_000));
    }
    println!("policy_diff: {cases} sets agree: {seen:?}");
    let Seen { decisions, allowed, simple, step_ups } = seen;
    // A generator whose rules never allow, or are never read simply, would show little.
    assert!(allowed * 10 > decisions && simple * 10 > decisions && step_ups * 100 > decisions);
}
