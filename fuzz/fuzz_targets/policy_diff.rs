//! Invariant: on generated expressions and claims, the engine, partial evaluation with its residual, and a second
//! evaluator written for obviousness have the same outcome; where a tool is not admitted, the rule is false. On
//! generated sets of rules, decisions by way of residuals and the index are those of evaluating every rule, and those
//! of a simple reading of the rules of decisions.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../mcp-auth-core/tests/support/simple_cel.rs"]
mod simple;
#[path = "../../mcp-auth-core/tests/support/simple_policy.rs"]
mod simple_policy;

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    // A set takes as long as a hundred expressions.
    if *kind < 192 {
        simple::compare(data);
    } else {
        simple_policy::compare(data);
    }
});
