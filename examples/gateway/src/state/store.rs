//! The store that the configuration names.

use std::sync::Arc;

use mcp_auth_tower::store::{LocalStore, Store};

use crate::config::{self, Source, State};
use crate::route::BuildError;

/// Nothing is connected yet.
pub(super) fn of(file: &Source, state: &State) -> Result<Arc<dyn Store>, BuildError> {
    match &state.store {
        config::Store::Memory => Ok(Arc::new(LocalStore::default())),
        config::Store::Redis(redis) => Err(BuildError::new(file, redis.at, "store.redis: not built in")),
    }
}
