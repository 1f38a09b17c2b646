//! What is asked of the store that the replicas share.
//!
//! Four commands, each atomic for its name. On one instance [`MemoryStore`] is enough; several replicas need a shared
//! one, or a code could be used once at each of them. In Redis: `SET name value NX GET EXAT t`, `SET name value EXAT t`,
//! `GET name`, `GETDEL name`. Values hold no secret in the clear: those that carry tokens are sealed and bound to their
//! name.

use std::collections::HashMap;

use mcp_auth_core::UnixTime;

/// One command. It takes effect at once and whole, or it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever has a store implements each of them")]
pub enum StoreCommand {
    /// Sets a value if there is none under the name. Answer: what was there, [`StoreReply::Value`].
    PutIfAbsent(StoreEntry),
    /// Sets a value, whatever was there. Answer: [`StoreReply::Done`].
    Put(StoreEntry),
    /// Reads a value. Answer: [`StoreReply::Value`].
    Get {
        /// Under which name.
        name: String,
    },
    /// Reads a value and removes it: of several that take it at once, one gets it. Answer: [`StoreReply::Value`].
    Take {
        /// Under which name.
        name: String,
    },
}

/// A value to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "all that a store has to know")]
pub struct StoreEntry {
    /// Under which name: ASCII letters, digits, `:`, `-` and `_`.
    pub name: String,
    /// The value, in ASCII.
    pub value: String,
    /// From when on there is no value. It must not be gone before.
    pub expires_at: UnixTime,
}

/// What a store answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the counterpart of `StoreCommand`")]
pub enum StoreReply {
    /// To [`StoreCommand::Put`].
    Done,
    /// To the other commands: what is or was there; `None` for nothing.
    Value(Option<String>),
}

/// A store for one instance, bounded in the number of its entries and in their bytes.
///
/// ```
/// use mcp_auth_core::UnixTime;
/// use mcp_auth_exchange::facade::{MemoryStore, StoreCommand, StoreEntry, StoreReply};
///
/// let mut store = MemoryStore::new(10_000, 16 << 20);
/// let (now, later) = (UnixTime::from_secs(1_000), UnixTime::from_secs(1_060));
/// let once = StoreCommand::PutIfAbsent(StoreEntry { name: "a".into(), value: "used".into(), expires_at: later });
/// assert_eq!(store.execute(once.clone(), now), Ok(StoreReply::Value(None)));
/// assert_eq!(store.execute(once.clone(), now), Ok(StoreReply::Value(Some("used".into()))));
/// assert_eq!(store.execute(once, later), Ok(StoreReply::Value(None)));
/// ```
#[derive(Debug)]
pub struct MemoryStore {
    entries: HashMap<String, (String, UnixTime)>,
    bytes: usize,
    max_entries: usize,
    max_bytes: usize,
    /// No entry ends before.
    next_end: UnixTime,
}

/// There is no room until something expires. What was to be kept is not, and what depends on it must not go ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no room in the store until something expires")]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add")]
pub struct StoreFull;

impl MemoryStore {
    /// An empty store for so many entries and bytes of names and values.
    pub fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            entries: HashMap::new(),
            bytes: 0,
            max_entries,
            max_bytes,
            next_end: UnixTime::from_secs(u64::MAX),
        }
    }

    /// Does what the command says.
    ///
    /// # Errors
    ///
    /// [`StoreFull`]: only what has expired makes room.
    pub fn execute(&mut self, command: StoreCommand, now: UnixTime) -> Result<StoreReply, StoreFull> {
        match command {
            StoreCommand::Get { name } => Ok(StoreReply::Value(self.get(&name, now))),
            StoreCommand::Take { name } => {
                let value = self.get(&name, now);
                self.remove(&name);
                Ok(StoreReply::Value(value))
            }
            StoreCommand::Put(entry) => self.put(entry, now).map(|()| StoreReply::Done),
            StoreCommand::PutIfAbsent(entry) => match self.get(&entry.name, now) {
                Some(value) => Ok(StoreReply::Value(Some(value))),
                None => self.put(entry, now).map(|()| StoreReply::Value(None)),
            },
        }
    }

    /// Number of entries, expired ones among them.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn get(&self, name: &str, now: UnixTime) -> Option<String> {
        self.entries.get(name).filter(|(_, end)| now < *end).map(|(value, _)| value.clone())
    }

    fn put(&mut self, entry: StoreEntry, now: UnixTime) -> Result<(), StoreFull> {
        let size = entry.name.len() + entry.value.len();
        if !self.fits(&entry.name, size) && self.next_end <= now {
            self.sweep(now);
        }
        if !self.fits(&entry.name, size) {
            return Err(StoreFull);
        }
        self.remove(&entry.name);
        self.bytes += size;
        self.next_end = self.next_end.min(entry.expires_at);
        self.entries.insert(entry.name, (entry.value, entry.expires_at));
        Ok(())
    }

    /// Whether there is room for an entry of this size, in the place of what is under its name.
    fn fits(&self, name: &str, size: usize) -> bool {
        let held = self.entries.get(name).map(|(value, _)| name.len() + value.len());
        let entries = self.entries.len() - usize::from(held.is_some());
        entries < self.max_entries && (self.bytes - held.unwrap_or(0)).saturating_add(size) <= self.max_bytes
    }

    fn remove(&mut self, name: &str) {
        if let Some((value, _)) = self.entries.remove(name) {
            self.bytes -= name.len() + value.len();
        }
    }

    fn sweep(&mut self, now: UnixTime) {
        self.entries.retain(|_, (_, end)| now < *end);
        self.bytes = self.entries.iter().map(|(name, (value, _))| name.len() + value.len()).sum();
        let ends = self.entries.values().map(|(_, end)| *end);
        self.next_end = ends.min().unwrap_or(UnixTime::from_secs(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, value: &str, end: u64) -> StoreEntry {
        StoreEntry { name: name.into(), value: value.into(), expires_at: UnixTime::from_secs(end) }
    }

    #[test]
    fn a_value_is_taken_once_and_only_what_expired_makes_room() {
        let mut store = MemoryStore::new(2, 8);
        let at = UnixTime::from_secs;
        let mut run = |command, now| store.execute(command, at(now));
        assert_eq!(run(StoreCommand::Put(entry("a", "1", 10)), 0), Ok(StoreReply::Done));
        assert_eq!(run(StoreCommand::Put(entry("b", "2", 20)), 0), Ok(StoreReply::Done));
        assert_eq!(run(StoreCommand::Put(entry("c", "3", 20)), 9), Err(StoreFull));
        assert_eq!(run(StoreCommand::Put(entry("c", "3", 20)), 10), Ok(StoreReply::Done));
        let take = StoreCommand::Take { name: "b".into() };
        assert_eq!(run(take.clone(), 10), Ok(StoreReply::Value(Some("2".into()))));
        assert_eq!(run(take, 10), Ok(StoreReply::Value(None)));
        assert_eq!(run(StoreCommand::Put(entry("d", "1234567", 20)), 10), Err(StoreFull), "2 + 8 bytes");
        assert_eq!(run(StoreCommand::Put(entry("d", "12345", 20)), 10), Ok(StoreReply::Done));
        assert_eq!(run(StoreCommand::Get { name: "d".into() }, 20), Ok(StoreReply::Value(None)));
        assert_eq!((store.len(), store.is_empty()), (2, false));
    }

    #[test]
    fn a_refused_replacement_changes_nothing() {
        let mut store = MemoryStore::new(1, 8);
        let now = UnixTime::from_secs(0);
        store.execute(StoreCommand::Put(entry("a", "1", 10)), now).unwrap();
        assert_eq!(store.execute(StoreCommand::Put(entry("a", "12345678", 10)), now), Err(StoreFull));
        let get = StoreCommand::Get { name: "a".into() };
        assert_eq!(store.execute(get, now), Ok(StoreReply::Value(Some("1".into()))));
        assert_eq!(store.execute(StoreCommand::Put(entry("a", "1234567", 10)), now), Ok(StoreReply::Done));
    }
}
