//! A store that replicas share: Redis 7 or newer, or what speaks its protocol as Valkey does.
//!
//! ```no_run
//! use std::sync::Arc;
//! use mcp_auth_discovery::Secret;
//! use mcp_auth_tower::store::redis::{RedisConnection, RedisStore};
//!
//! # async fn start() -> Result<(), mcp_auth_tower::store::StoreError> {
//! let connection = RedisConnection::builder("rediss://redis.acme.internal:6379")?
//!     .user("mcp-auth")
//!     .password(&Secret::new("hunter2"))
//!     .build()?;
//! // Not needed: it says at the start what the first login would find out.
//! connection.check().await?;
//! let store = Arc::new(RedisStore::new(connection));
//! # Ok(()) }
//! ```
//!
//! One server, or the primary of several: replicas that are promoted without the latest writes let what was used be used
//! again. `maxmemory-policy` has to be `noeviction`, for the same reason. The access rules need `HELLO`, `GET`, `SET`,
//! `GETDEL` and `INFO` on `mcp-auth:*`.

mod connection;
mod store;
#[cfg(test)]
mod tests;

pub use connection::{RedisConnection, RedisConnectionBuilder, RedisServer};
pub use store::RedisStore;
