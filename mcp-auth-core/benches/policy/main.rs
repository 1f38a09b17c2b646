//! Decisions: against closures and the `cel` crate, and by the number of rules, users and tools.
//!
//! `cargo bench -p mcp-auth-core --bench policy`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark may fail and prints"
)]

mod growth;
mod rules;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut bench = support::Bench::new();
    rules::against_closures_and_the_crate(&mut bench);
    growth::by_rules(&mut bench);
    growth::by_users(&mut bench);
    growth::by_tools(&mut bench);
    bench.finish()
}
