//! Work that several requests wait for and one does, as a task of its own: a request that is cancelled does not cancel
//! what others wait for.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

/// Which numbered flights have ended.
#[derive(Debug)]
pub(crate) struct Landings(watch::Sender<u64>);

impl Default for Landings {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Landings {
    /// The flight of this number has ended. The next one may have ended already.
    pub(crate) fn landed(&self, number: u64) {
        self.0.send_modify(|last| *last = number.max(*last));
    }

    /// Waits for the end of the flight of this number, or of a later one, at most so long.
    pub(crate) async fn wait(&self, number: u64, at_most: Duration) {
        let mut ended = self.0.subscribe();
        let _ = tokio::time::timeout(at_most, ended.wait_for(|last| *last >= number)).await;
    }
}

/// Flights by name, one for each name at a time.
pub(crate) struct Flights<T>(Arc<Board<T>>);

struct Board<T> {
    under_way: Mutex<HashMap<Box<str>, UnderWay<T>>>,
    max: usize,
    max_waiting: usize,
}

struct UnderWay<T> {
    brought: watch::Receiver<Option<T>>,
    waiting: usize,
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// At most so many at once, under way or waiting for their turn.
    pub(crate) fn new(max: usize) -> Self {
        Self::with_waiting(max, usize::MAX)
    }

    /// As [`new`](Self::new), and at most so many wait for one of them: who is above is not kept waiting.
    pub(crate) fn with_waiting(max: usize, max_waiting: usize) -> Self {
        Self(Arc::new(Board { under_way: Mutex::default(), max, max_waiting }))
    }

    /// What the flight of this name brings; `work` begins one where none is under way. `None` when there are too many,
    /// when too many wait for it, or when it ended without a word.
    pub(crate) async fn join<F>(&self, name: &str, work: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut brought = self.begin(name, work)?;
        // The flight has its own end; this one is for a runtime that is shutting down.
        brought.wait_for(Option::is_some).await.ok()?.clone()
    }

    fn begin<F>(&self, name: &str, work: impl FnOnce() -> F) -> Option<watch::Receiver<Option<T>>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let runtime = Handle::try_current().ok()?;
        let mut under_way = self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = under_way.get_mut(name) {
            flight.waiting += 1;
            return (flight.waiting <= self.0.max_waiting).then(|| flight.brought.clone());
        }
        if under_way.len() >= self.0.max {
            return None;
        }
        let (sender, receiver) = watch::channel(None);
        under_way.insert(name.into(), UnderWay { brought: receiver.clone(), waiting: 1 });
        drop(under_way);
        let landing = Landing { board: self.0.clone(), name: name.into(), sender };
        let work = work();
        runtime.spawn(async move {
            let brought = work.await;
            landing.sender.send_replace(Some(brought));
        });
        Some(receiver)
    }
}

/// Takes a flight off the board however it ends; who still waits then is told by the closed channel.
struct Landing<T> {
    board: Arc<Board<T>>,
    name: Box<str>,
    sender: watch::Sender<Option<T>>,
}

impl<T> Drop for Landing<T> {
    fn drop(&mut self) {
        self.board.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}
