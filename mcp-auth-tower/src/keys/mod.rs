//! Where an issuer's keys come from.

mod remote;

use std::sync::Arc;

use mcp_auth_core::UnixTime;
use mcp_auth_core::jwk::KeySet;

pub use remote::{KeysStatus, RemoteKeys};

/// The keys of one issuer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Keys {
    /// A set that does not change.
    Static(Arc<KeySet>),
    /// A set behind a URL.
    Remote(RemoteKeys),
}

impl Keys {
    /// What can be used now, without waiting.
    pub(crate) fn current(&self, now: UnixTime) -> Option<Arc<KeySet>> {
        match self {
            Self::Static(set) => Some(set.clone()),
            Self::Remote(remote) => remote.current(now),
        }
    }

    /// The keys after a fetch, for a token that `known` could not verify; `None` when there still are none.
    pub(crate) async fn newer(&self, now: UnixTime) -> Option<Arc<KeySet>> {
        match self {
            Self::Static(set) => Some(set.clone()),
            Self::Remote(remote) => remote.newer(now).await,
        }
    }
}
