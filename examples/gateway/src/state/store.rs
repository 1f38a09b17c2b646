//! The store that the configuration names.

use std::sync::Arc;

use mcp_auth_core::seal::Sealer;
use mcp_auth_tower::exchange::SharedTokens;
use mcp_auth_tower::store::{LocalStore, Store};

use crate::config::{self, Source, State};
use crate::route::BuildError;

/// The connection to a store that replicas share.
#[cfg(feature = "redis")]
pub(super) type Connection = mcp_auth_tower::store::redis::RedisConnection;
/// There is none.
#[cfg(not(feature = "redis"))]
pub(super) type Connection = std::convert::Infallible;

/// A store, and the connection to it where there is one.
pub(super) type Opened = (Arc<dyn Store>, Option<Connection>);

/// Nothing is connected yet.
pub(super) fn of(file: &Source, state: &State) -> Result<Opened, BuildError> {
    match &state.store {
        config::Store::Memory => Ok((Arc::new(LocalStore::default()), None)),
        config::Store::Redis(from) => redis(file, from),
    }
}

/// Tokens that were exchanged for, sealed.
#[cfg(feature = "redis")]
pub(super) fn issued_tokens(connection: &Connection, sealer: Sealer) -> Arc<dyn SharedTokens> {
    Arc::new(mcp_auth_tower::exchange::RedisTokens::new(connection.clone(), sealer))
}

#[cfg(not(feature = "redis"))]
pub(super) fn issued_tokens(connection: &Connection, _: Sealer) -> Arc<dyn SharedTokens> {
    match *connection {}
}

#[cfg(feature = "redis")]
fn redis(file: &Source, from: &config::Redis) -> Result<Opened, BuildError> {
    use mcp_auth_tower::store::redis::{RedisConnection, RedisStore};

    let error = |message: &dyn std::fmt::Display| {
        BuildError::new(file, from.at, format_args!("store.redis: {message}"))
    };
    let mut connection = RedisConnection::builder(from.url.as_str()).map_err(|e| error(&e))?;
    if let Some(name) = &from.username {
        connection = connection.user(name);
    }
    if let Some(password) = &from.password {
        let opened = password.open();
        let opened =
            opened.map_err(|(at, e)| BuildError::new(file, at, format_args!("store.redis.password: {e}")))?;
        connection = connection.password(&opened);
    }
    if let Some(path) = &from.authorities {
        let pem = config::SecretFrom::File(path.clone()).open();
        let pem =
            pem.map_err(|(at, e)| BuildError::new(file, at, format_args!("store.redis.caFile: {e}")))?;
        connection = connection.certificate_authorities(pem.expose());
    }
    let connection = connection.build().map_err(|e| error(&e))?;
    Ok((Arc::new(RedisStore::new(connection.clone())), Some(connection)))
}

/// The configuration does not get as far as this without the feature.
#[cfg(not(feature = "redis"))]
fn redis(file: &Source, from: &config::Redis) -> Result<Opened, BuildError> {
    Err(BuildError::new(file, from.at, "store.redis: this gateway is built without its feature `redis`"))
}
