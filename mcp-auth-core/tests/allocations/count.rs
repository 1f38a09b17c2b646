//! The counting allocator. One count at a time; of several runs the least, because the test harness allocates too.

use std::alloc::System;
use std::hint::black_box;
use std::sync::Mutex;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// How often the code to be counted runs.
pub(crate) const RUNS: usize = 20;

/// Allocations and reallocations of one run. Dropping the result is not counted.
pub(crate) fn allocations<T>(mut run: impl FnMut() -> T) -> usize {
    let _alone = ONE_AT_A_TIME.lock();
    let one = |_| {
        let region = Region::new(ALLOCATOR);
        let result = black_box(run());
        let change = region.change();
        drop(result);
        change.allocations + change.reallocations
    };
    (0..RUNS).map(one).min().unwrap_or(0)
}
