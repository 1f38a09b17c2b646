//! The commands of the facade in Redis.

use mcp_auth_core::UnixTime;
use redis::{Cmd, Value};

use super::RedisConnection;
use crate::store::{Store, StoreCommand, StoreEntry, StoreError, StoreFuture, StoreReply};

/// A store that all replicas with the same server share. What was written expires by the server's clock.
#[derive(Clone, Debug)]
pub struct RedisStore(RedisConnection);

impl RedisStore {
    /// A store over this connection.
    pub fn new(connection: RedisConnection) -> Self {
        Self(connection)
    }

    /// The connection.
    pub fn connection(&self) -> &RedisConnection {
        &self.0
    }
}

impl Store for RedisStore {
    fn execute(&self, command: StoreCommand, _: UnixTime) -> StoreFuture<'_> {
        Box::pin(async move {
            let (command, answers_value) = to_redis(command);
            match (self.0.run(command).await?, answers_value) {
                (Value::Okay, false) => Ok(StoreReply::Done),
                (Value::Nil, true) => Ok(StoreReply::Value(None)),
                (Value::BulkString(bytes), true) => {
                    let text = String::from_utf8(bytes).map_err(|_| StoreError::Answer)?;
                    Ok(StoreReply::Value(Some(text)))
                }
                // A value may be called `OK`.
                (Value::SimpleString(text), true) => Ok(StoreReply::Value(Some(text))),
                _ => Err(StoreError::Answer),
            }
        })
    }
}

/// The command, and whether its answer is a value.
fn to_redis(command: StoreCommand) -> (Cmd, bool) {
    let set = |entry: &StoreEntry| {
        let mut set = redis::cmd("SET");
        set.arg(&entry.name).arg(&entry.value);
        set
    };
    match command {
        StoreCommand::PutIfAbsent(entry) => {
            let mut command = set(&entry);
            command.arg("NX").arg("GET").arg("EXAT").arg(entry.expires_at.as_secs());
            (command, true)
        }
        StoreCommand::Put(entry) => {
            let mut command = set(&entry);
            command.arg("EXAT").arg(entry.expires_at.as_secs());
            (command, false)
        }
        StoreCommand::Get { name } => {
            let mut command = redis::cmd("GET");
            command.arg(name);
            (command, true)
        }
        StoreCommand::Take { name } => {
            let mut command = redis::cmd("GETDEL");
            command.arg(name);
            (command, true)
        }
    }
}
