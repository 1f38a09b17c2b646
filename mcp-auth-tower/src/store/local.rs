//! A store in the memory of this process.

use std::sync::{Mutex, PoisonError};

use mcp_auth_core::UnixTime;
use mcp_auth_exchange::facade::MemoryStore;

use super::{Store, StoreCommand, StoreError, StoreFuture};

const MAX_ENTRIES: usize = 200_000;
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// A store for one instance, bounded in entries and bytes: at most 200,000 and 64 MiB by default. What does not fit is
/// refused until something expires.
#[derive(Debug)]
pub struct LocalStore(Mutex<MemoryStore>);

impl Default for LocalStore {
    fn default() -> Self {
        Self::new(MAX_ENTRIES, MAX_BYTES)
    }
}

impl LocalStore {
    /// An empty store for so many entries, and so many bytes of names and values.
    pub fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self(Mutex::new(MemoryStore::new(max_entries, max_bytes)))
    }

    /// Number of entries, expired ones among them.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Store for LocalStore {
    fn execute(&self, command: StoreCommand, now: UnixTime) -> StoreFuture<'_> {
        // A poisoned lock holds a store that is whole: no method of it panics half-way.
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let done = store.execute(command, now).map_err(|_| StoreError::Full);
        Box::pin(std::future::ready(done))
    }
}
