//! When a cache is swept: its keys are those of tokens, which never come back once they ended.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Fewer insertions than this are never worth it.
const LEAST: usize = 64;

/// Counts insertions, so that what ended goes before it pushes out what lives, and each insertion costs the same on
/// average whatever the size.
#[derive(Debug, Default)]
pub struct Sweep(AtomicUsize);

impl Sweep {
    /// Counts one insertion into a cache of `len` entries; whether it is time to sweep.
    pub fn is_due(&self, len: usize) -> bool {
        let inserted = self.0.fetch_add(1, Ordering::Relaxed);
        if inserted < LEAST.max(len / 2) {
            return false;
        }
        // One of those who come at the same time.
        self.0.swap(0, Ordering::Relaxed) > inserted
    }
}
