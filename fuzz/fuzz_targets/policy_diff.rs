//! Invariant: on generated expressions and claims, the engine, partial evaluation with its residual, and a second
//! evaluator written for obviousness have the same outcome; where a tool is not admitted, the rule is false.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../mcp-auth-core/tests/support/simple_cel.rs"]
mod simple_cel;

fuzz_target!(|data: &[u8]| {
    simple_cel::compare(data);
});
