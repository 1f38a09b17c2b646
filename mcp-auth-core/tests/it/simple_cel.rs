//! The engine against the simple evaluator, on generated expressions and claims.
//!
//! `MCP_AUTH_DIFF_CASES=N` for more cases. The fuzz target `policy_diff` does the same under a fuzzer.

#![expect(clippy::disallowed_methods, reason = "a test may be told how long to run")]

#[path = "../support/simple_cel.rs"]
pub(super) mod simple;

use simple::Seen;

/// xorshift64*, for cases that are the same in every run.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Between `least` and `least + more` of them.
    pub(super) fn bytes(&mut self, least: u64, more: u64) -> Vec<u8> {
        let length = least + self.next() % more;
        (0..length).map(|_| self.next().to_be_bytes()[0]).collect()
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

#[test]
fn engine_partial_and_simple_evaluator_agree() {
    let cases = std::env::var("MCP_AUTH_DIFF_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(3_000_u64);
    let seed = std::env::var("MCP_AUTH_DIFF_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(7_u64);
    let mut random = Random::new(seed);
    let mut seen = [0_u64; 4];
    for _ in 0..cases {
        seen[match simple::compare(&random.bytes(16, 240)) {
            Seen::Refused => 0,
            Seen::True => 1,
            Seen::False => 2,
            Seen::Failed => 3,
        }] += 1;
    }
    let [refused, yes, no, failed] = seen;
    println!(
        "policy_diff: {cases} cases agree: {yes} true, {no} false, {failed} failed, {refused} refused at load"
    );
    // A generator that makes nothing but failures would show nothing.
    assert!(yes * 20 > cases && no * 20 > cases && failed * 20 > cases && refused * 20 < cases);
}
