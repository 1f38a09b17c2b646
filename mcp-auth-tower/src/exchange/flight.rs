//! How an exchange and those who wait for it hear of each other.

use std::sync::Arc;

use mcp_auth_exchange::plan::IssuedToken;
use tokio::sync::watch;

use super::ExchangeRefusal;

/// What came of an exchange.
pub(super) type Told = Result<Arc<IssuedToken>, ExchangeRefusal>;

/// The end of the exchange itself.
pub(super) struct Teller {
    told: watch::Sender<Option<Told>>,
    /// Closed when nobody waits.
    pub(super) wanted: Arc<watch::Sender<()>>,
}

/// What the desk keeps for those who come later. It waits for nothing itself.
#[derive(Clone)]
pub(super) struct Waiter {
    told: watch::Receiver<Option<Told>>,
    wanted: Arc<watch::Sender<()>>,
}

/// One who waits, for as long as this is there.
pub(super) struct Waiting {
    pub(super) told: watch::Receiver<Option<Told>>,
    _wanted: watch::Receiver<()>,
}

impl Teller {
    pub(super) fn new() -> (Self, Waiter) {
        let (told, receiver) = watch::channel(None);
        let wanted = Arc::new(watch::Sender::new(()));
        (Self { told, wanted: wanted.clone() }, Waiter { told: receiver, wanted })
    }

    pub(super) fn tell(&self, told: Told) {
        self.told.send_replace(Some(told));
    }
}

impl Waiter {
    pub(super) fn wait(&self) -> Waiting {
        Waiting { told: self.told.clone(), _wanted: self.wanted.subscribe() }
    }
}
