//! What was used once and may not be used again.

use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::crypto::CryptoProvider;
use crate::jwk::Thumbprint;
use crate::time::UnixTime;

/// Two halves of a fingerprint and the second in which the entry ends; 0 is an empty slot. A bare array, because
/// `vec!` then asks for zeroed memory, and pages that no entry has reached cost nothing.
type Slot = [u64; 3];

/// Slots of one bucket. An entry may lie in either of two buckets, so that about nine slots in ten are taken before
/// the first entry finds no place.
const BUCKET: usize = 32;
const BUCKET_BYTES: usize = BUCKET * size_of::<Slot>();
const MAX_SHARDS: usize = 64;

/// Remembers proofs and tokens that were used, each until it expires by itself (RFC 9449 §11.1).
///
/// - **Bounded.** All memory is set aside at the start: 24 bytes per entry.
/// - **Only what has expired makes room.** When there is none, [`record`](Self::record) says
///   [`Full`](ReplayError::Full), and the caller refuses: forgetting an entry would let somebody use it again.
/// - **Short locks.** A call locks one of up to 64 shards and looks at 64 slots. There is no thread and no sweep.
/// - **Clocks.** Should the clock go back, what was forgotten as expired is still not accepted.
///
/// One store knows what its process saw. Replicas that share no store accept a proof once each.
///
/// ```
/// # #[cfg(feature = "aws-lc-rs")] {
/// use mcp_auth_core::UnixTime;
/// use mcp_auth_core::crypto::AwsLc;
/// use mcp_auth_core::dpop::{OneTimeUse, ReplayError, ReplayStore};
///
/// let store = ReplayStore::new(1 << 20, [7; 32]); // in earnest: 32 random bytes
/// let token = OneTimeUse::Token { issuer: "https://idp.example", jti: "4711" };
/// let (now, end) = (UnixTime::from_secs(1_000), UnixTime::from_secs(1_300));
/// assert_eq!(store.record(&token, end, now, &AwsLc::new()), Ok(()));
/// assert_eq!(store.record(&token, end, now, &AwsLc::new()), Err(ReplayError::Replayed));
/// # }
/// ```
pub struct ReplayStore {
    shards: Box<[Mutex<Shard>]>,
    buckets_per_shard: usize,
    secret: Zeroizing<[u8; 32]>,
}

struct Shard {
    slots: Box<[Slot]>,
    /// The latest end of an entry that made room for another. Whatever ends no later may have been among them.
    forgotten_until: u64,
}

/// What may be used once.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum OneTimeUse<'a> {
    /// A DPoP proof: its `jti` in the context of its key and its URI (RFC 9449 §11.1).
    Proof {
        /// The key that signed it.
        key: Thumbprint,
        /// Its claim `jti`.
        jti: &'a str,
        /// The URI it was made for.
        target: &'a str,
    },
    /// An access token: its `jti`, which is unique for its issuer (RFC 7519 §4.1.7).
    Token {
        /// Its claim `iss`.
        issuer: &'a str,
        /// Its claim `jti`.
        jti: &'a str,
    },
}

/// Why a use was not recorded; it must not go ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "each is answered in its own way")]
pub enum ReplayError {
    /// It was recorded before, or it ended so long ago that this cannot be told.
    #[error("used before")]
    Replayed,
    /// There is no room until something expires.
    #[error("no room to remember one more use")]
    Full,
}

impl ReplayStore {
    /// A store of at most `max_bytes`. `secret` keeps outsiders from choosing which slots their entries compete
    /// for; take it from a random source. A store without room for 32 entries (about 1 KiB) is always full.
    pub fn new(max_bytes: usize, secret: [u8; 32]) -> Self {
        let room = max_bytes.saturating_sub(size_of::<Self>());
        let per_shard =
            |shards: usize| (room / shards).saturating_sub(size_of::<Mutex<Shard>>()) / BUCKET_BYTES;
        // Few buckets stay together: a shard of one bucket would have no second choice.
        let shards = (room / (16 * BUCKET_BYTES)).clamp(1, MAX_SHARDS);
        let buckets_per_shard = per_shard(shards);
        let shard = || {
            let slots = vec![Slot::default(); buckets_per_shard * BUCKET].into_boxed_slice();
            Mutex::new(Shard { slots, forgotten_until: 0 })
        };
        let count = if buckets_per_shard == 0 { 0 } else { shards };
        let shards = std::iter::repeat_with(shard).take(count).collect();
        Self { shards, buckets_per_shard, secret: Zeroizing::new(secret) }
    }

    /// Records a use that is possible until `until`, the first second in which it would be refused anyway.
    ///
    /// # Errors
    ///
    /// [`ReplayError`]: the use must be refused.
    pub fn record(
        &self,
        what: &OneTimeUse<'_>,
        until: UnixTime,
        now: UnixTime,
        provider: &dyn CryptoProvider,
    ) -> Result<(), ReplayError> {
        let digest = provider.hmac_sha256(&*self.secret, &what.unambiguous());
        let [high, low, first, second] = words(&digest);
        let shard = self.shards.get(reduce(first >> 32, self.shards.len())).ok_or(ReplayError::Full)?;
        let buckets =
            [first & 0xffff_ffff, second & 0xffff_ffff].map(|word| reduce(word, self.buckets_per_shard));
        // A panic while the lock was held cannot leave a slot half written in a way that matters.
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.record([high, low], until.as_secs(), now.as_secs(), buckets)
    }

    /// How many entries there are slots for.
    pub fn capacity(&self) -> usize {
        self.shards.len() * self.buckets_per_shard * BUCKET
    }

    /// Bytes set aside; never more than was asked for, save for a store that is always full.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.shards.len() * size_of::<Mutex<Shard>>()
            + self.capacity() * size_of::<Slot>()
    }
}

impl Shard {
    fn record(
        &mut self,
        [high, low]: [u64; 2],
        until: u64,
        now: u64,
        buckets: [usize; 2],
    ) -> Result<(), ReplayError> {
        if until <= now.max(self.forgotten_until) {
            return Err(ReplayError::Replayed);
        }
        let mut best: Option<(usize, usize)> = None;
        for bucket in buckets {
            let mut free = None;
            let mut taken = 0;
            for (at, slot) in self.slots.iter().enumerate().skip(bucket * BUCKET).take(BUCKET) {
                let [a, b, end] = *slot;
                if end <= now {
                    free = free.or(Some(at));
                } else if (a, b) == (high, low) {
                    return Err(ReplayError::Replayed);
                } else {
                    taken += 1;
                }
            }
            if let Some(at) = free.filter(|_| best.is_none_or(|(least, _)| taken < least)) {
                best = Some((taken, at));
            }
        }
        let slot = best.and_then(|(_, at)| self.slots.get_mut(at)).ok_or(ReplayError::Full)?;
        let [_, _, end] = std::mem::replace(slot, [high, low, until]);
        self.forgotten_until = self.forgotten_until.max(end);
        Ok(())
    }
}

impl OneTimeUse<'_> {
    /// Every part with its length in front, so that no two uses have one text.
    fn unambiguous(&self) -> Vec<u8> {
        let parts: [&[u8]; 4] = match self {
            Self::Proof { key, jti, target } => [b"proof", key.as_bytes(), jti.as_bytes(), target.as_bytes()],
            Self::Token { issuer, jti } => [b"token", issuer.as_bytes(), jti.as_bytes(), b""],
        };
        let mut text = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part);
        }
        text
    }
}

fn words(digest: &[u8; 32]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(digest.chunks_exact(8)) {
        *word = bytes.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte));
    }
    words
}

/// Maps 32 random bits to `0..below`.
fn reduce(word: u64, below: usize) -> usize {
    usize::try_from((word * below as u64) >> 32).unwrap_or_default()
}

impl std::fmt::Debug for ReplayStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplayStore").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}
