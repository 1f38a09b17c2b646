//! The store that the configuration names.

use std::sync::Arc;

use mcp_auth_core::seal::Sealer;
use mcp_auth_tower::exchange::SharedTokens;
use mcp_auth_tower::store::{LocalStore, Store};

use crate::config::{self, Source, State};
use crate::route::BuildError;

/// A store, and how to find out whether it is there.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) store: Arc<dyn Store>,
    #[cfg(feature = "redis")]
    connection: Option<mcp_auth_tower::store::redis::RedisConnection>,
}

/// Nothing is connected yet.
pub(super) fn of(file: &Source, state: &State) -> Result<Named, BuildError> {
    match &state.store {
        config::Store::Memory => Ok(Named {
            store: Arc::new(LocalStore::default()),
            #[cfg(feature = "redis")]
            connection: None,
        }),
        config::Store::Redis(from) => redis(file, from),
    }
}

impl Named {
    /// Where replicas share the tokens that callers' were exchanged for, sealed; `None` where it is this process's own.
    #[cfg(feature = "redis")]
    pub(super) fn issued_tokens(&self, sealer: Sealer) -> Option<Arc<dyn SharedTokens>> {
        let connection = self.connection.clone()?;
        Some(Arc::new(mcp_auth_tower::exchange::RedisTokens::new(connection, sealer)))
    }

    #[cfg(not(feature = "redis"))]
    pub(super) fn issued_tokens(&self, _: Sealer) -> Option<Arc<dyn SharedTokens>> {
        None
    }

    /// What is wrong with it, before the first login finds out.
    pub(super) async fn fault(&self) -> Option<String> {
        #[cfg(feature = "redis")]
        if let Some(connection) = &self.connection {
            return connection.check().await.err().map(|error| error.to_string());
        }
        None
    }
}

#[cfg(feature = "redis")]
fn redis(file: &Source, from: &config::Redis) -> Result<Named, BuildError> {
    use mcp_auth_tower::store::redis::{RedisConnection, RedisStore};

    let error = |message: &dyn std::fmt::Display| {
        BuildError::new(file, from.at, format_args!("store.redis: {message}"))
    };
    let opened = |secret: &config::SecretFrom, field: &str| {
        secret.open().map_err(|(at, e)| BuildError::new(file, at, format_args!("store.redis.{field}: {e}")))
    };
    let mut connection = RedisConnection::builder(from.url.as_str()).map_err(|e| error(&e))?;
    if let Some(name) = &from.username {
        connection = connection.user(name);
    }
    if let Some(password) = &from.password {
        connection = connection.password(&opened(password, "password")?);
    }
    if let Some(path) = &from.authorities {
        let pem = config::SecretFrom::File(path.clone()).open_pem();
        let pem =
            pem.map_err(|(at, e)| BuildError::new(file, at, format_args!("store.redis.caFile: {e}")))?;
        connection = connection.certificate_authorities(pem.expose());
    }
    let connection = connection.build().map_err(|e| error(&e))?;
    Ok(Named { store: Arc::new(RedisStore::new(connection.clone())), connection: Some(connection) })
}

/// The configuration does not get as far as this without the feature.
#[cfg(not(feature = "redis"))]
fn redis(file: &Source, from: &config::Redis) -> Result<Named, BuildError> {
    Err(BuildError::new(file, from.at, "store.redis: this gateway is built without its feature `redis`"))
}
