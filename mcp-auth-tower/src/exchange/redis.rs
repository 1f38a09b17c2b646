//! Issued tokens in Redis.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::redis::{Cmd, Value, cmd};
use mcp_auth_core::seal::{Purpose, SealNonce, Sealer};
use mcp_auth_exchange::cache::{CacheKey, SharedEntry};
use mcp_auth_exchange::plan::IssuedToken;

use super::{Claim, SharedFuture, SharedTokens};
use crate::clock::{Clock as _, SystemClock};
use crate::random;
use crate::store::redis::RedisConnection;

/// How long Redis is left alone after it failed: no request waits for it meanwhile.
const PAUSE: Duration = Duration::from_secs(1);

/// Issued tokens in Redis, for all replicas with the same server and the same keys. What is stored is sealed
/// (AES-256-GCM-SIV) and bound to its name: whoever reads the store gets no token, and whoever writes to it cannot give
/// one user another's. Names are digests.
///
/// Entries end by Redis' clock when the token is used no more. Redis that is down costs an exchange for each replica,
/// and nothing else. Its access rules need `GET`, `SET` and `DEL` on `mcp-auth:*`, besides what
/// [`RedisConnection`] needs.
///
/// ```no_run
/// use std::sync::Arc;
/// use mcp_auth_core::crypto::AwsLc;
/// use mcp_auth_core::seal::{SealKey, Sealer};
/// use mcp_auth_tower::exchange::{Exchanger, RedisTokens};
/// use mcp_auth_tower::store::redis::RedisConnection;
///
/// # fn start(key: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let connection = RedisConnection::builder("rediss://redis.acme.internal:6379")?.build()?;
/// let sealer = Sealer::new(&SealKey::from_base64(key)?, Arc::new(AwsLc::new()))?;
/// let exchanger = Exchanger::builder().shared_tokens(Arc::new(RedisTokens::new(connection, sealer))).build()?;
/// # Ok(()) }
/// ```
pub struct RedisTokens {
    connection: RedisConnection,
    sealer: Sealer,
    /// Until when it is left alone.
    pause: Mutex<Option<Instant>>,
}

impl RedisTokens {
    /// Tokens over this connection, sealed by `sealer`. All replicas need its keys.
    pub fn new(connection: RedisConnection, sealer: Sealer) -> Self {
        Self { connection, sealer, pause: Mutex::new(None) }
    }

    /// One command; `None` when it was not done, which is said once a second.
    async fn run(&self, command: Cmd) -> Option<Value> {
        let pause = || self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if pause().is_some_and(|until| Instant::now() < until) {
            return None;
        }
        match self.connection.run(command).await {
            Ok(value) => Some(value),
            Err(error) => {
                *pause() = Some(Instant::now() + PAUSE);
                tracing::warn!(target: "mcp_auth", %error, "issued tokens are not shared between replicas");
                None
            }
        }
    }

    fn open(&self, key: &CacheKey, sealed: &[u8]) -> Option<IssuedToken> {
        let text = std::str::from_utf8(sealed).ok()?;
        let bound_to = SharedEntry::associated_data(key);
        // Redis' entries end by the time of day, whatever clock the exchanger has.
        let now = SystemClock.now();
        let plaintext = match self.sealer.open(Purpose::IssuedToken, &[&bound_to], text, now) {
            Ok(plaintext) => plaintext,
            Err(error) => {
                tracing::warn!(target: "mcp_auth", %error, "a shared token could not be opened: do all replicas have the same keys?");
                return None;
            }
        };
        SharedEntry::read(&plaintext).ok()
    }

    fn seal(&self, key: &CacheKey, token: &IssuedToken) -> Option<(SharedEntry, String)> {
        let entry = SharedEntry::of(key, token);
        let nonce = SealNonce::Random(random::bytes().ok()?);
        let bound_to: [&[u8]; 1] = [&entry.associated_data];
        let end = Some(entry.expires_at);
        let sealed = self.sealer.seal(Purpose::IssuedToken, &bound_to, &entry.plaintext, end, nonce);
        match sealed {
            Ok(sealed) => Some((entry, sealed)),
            Err(error) => {
                tracing::warn!(target: "mcp_auth", %error, "an issued token is not shared");
                None
            }
        }
    }
}

fn claim_name(key: &CacheKey) -> String {
    format!("{}:claim", SharedEntry::name(key))
}

impl SharedTokens for RedisTokens {
    fn get(&self, key: CacheKey) -> SharedFuture<'_, Option<IssuedToken>> {
        Box::pin(async move {
            let mut get = cmd("GET");
            get.arg(SharedEntry::name(&key));
            match self.run(get).await? {
                Value::BulkString(sealed) => self.open(&key, &sealed),
                _ => None,
            }
        })
    }

    fn put<'s>(&'s self, key: CacheKey, token: &'s IssuedToken) -> SharedFuture<'s, ()> {
        Box::pin(async move {
            if let Some((entry, sealed)) = self.seal(&key, token) {
                let mut set = cmd("SET");
                set.arg(&entry.name).arg(sealed).arg("EXAT").arg(entry.expires_at.as_secs());
                let _ = self.run(set).await;
            }
        })
    }

    fn remove<'s>(&'s self, key: CacheKey, token: &'s IssuedToken) -> SharedFuture<'s, ()> {
        Box::pin(async move {
            // One that is put between the look and the end is lost: that costs an exchange.
            if !self.get(key).await.is_some_and(|stored| stored.is_same(token)) {
                return;
            }
            let mut delete = cmd("DEL");
            delete.arg(SharedEntry::name(&key));
            let _ = self.run(delete).await;
        })
    }

    fn claim(&self, key: CacheKey, hold: Duration) -> SharedFuture<'_, Claim> {
        Box::pin(async move {
            let hold = u64::try_from(hold.as_millis()).unwrap_or(u64::MAX).max(1);
            let mut set = cmd("SET");
            set.arg(claim_name(&key)).arg("1").arg("NX").arg("PX").arg(hold);
            match self.run(set).await {
                Some(Value::Okay) => Claim::Ours,
                Some(Value::Nil) => Claim::Theirs,
                _ => Claim::Unknown,
            }
        })
    }

    fn release(&self, key: CacheKey) -> SharedFuture<'_, ()> {
        Box::pin(async move {
            let mut delete = cmd("DEL");
            delete.arg(claim_name(&key));
            let _ = self.run(delete).await;
        })
    }
}

/// Neither keys nor passwords.
impl fmt::Debug for RedisTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTokens").field("connection", &self.connection).finish_non_exhaustive()
    }
}
