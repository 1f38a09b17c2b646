//! Sealing and opening.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::error::{SealError, SealErrorKind, SealingFailed};
use super::key::{SealKey, SealKeyError};
use super::purpose::Purpose;
use crate::crypto::{AEAD_TAG_BYTES, AeadKey, CryptoProvider};
use crate::time::UnixTime;

/// Longest content of a value. A cookie has room for a quarter of it.
pub const MAX_PLAINTEXT_BYTES: usize = 16 * 1024;

/// Most bytes that a value may be bound to, all parts together.
pub const MAX_BOUND_BYTES: usize = 64 * 1024;

/// Most parts that a value may be bound to.
pub const MAX_BOUND_PARTS: usize = 16;

/// Most keys that open besides the one that seals.
pub const MAX_PREVIOUS_KEYS: usize = 8;

/// Longest sealed value, in characters.
pub const MAX_SEALED_CHARS: usize = PREFIX.len()
    + (KEY_ID_BYTES + NONCE_BYTES + LIFE_BYTES + MAX_PLAINTEXT_BYTES + AEAD_TAG_BYTES).div_ceil(3) * 4;

const PREFIX: &str = "s1.";
const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 12;
/// A flag and a time.
const LIFE_BYTES: usize = 9;

/// Seals and opens values, see the [module page](super). Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    /// The first one seals.
    keys: Arc<[RingKey]>,
    provider: Arc<dyn CryptoProvider>,
}

#[derive(Clone)]
struct RingKey {
    id: [u8; KEY_ID_BYTES],
    aead: Arc<dyn AeadKey>,
    nonces: Zeroizing<[u8; 32]>,
}

/// Where the nonce of a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a third way would be a weaker one")]
pub enum SealNonce {
    /// 12 random bytes: two values with the same content look different.
    Random([u8; NONCE_BYTES]),
    /// Made from key, purpose, bound data, end and content: the same make the same value, on every replica. Whoever
    /// sees two values knows whether they are the same.
    Derived,
}

impl Sealer {
    /// Seals and opens with `key`.
    ///
    /// # Errors
    ///
    /// [`SealKeyError::Backend`] when the backend cannot seal.
    pub fn new(key: &SealKey, provider: Arc<dyn CryptoProvider>) -> Result<Self, SealKeyError> {
        let keys = [RingKey::new(key, &*provider)?].into();
        Ok(Self { keys, provider })
    }

    /// Opens what was sealed with `key`, too.
    ///
    /// # Errors
    ///
    /// [`SealKeyError::Twice`] when the key is there already, [`SealKeyError::TooMany`] when there are
    /// [`MAX_PREVIOUS_KEYS`], [`SealKeyError::Backend`] when the backend cannot seal.
    pub fn previous(mut self, key: &SealKey) -> Result<Self, SealKeyError> {
        let key = RingKey::new(key, &*self.provider)?;
        // INVARIANT: ids differ, so that each value has one key to try.
        if self.keys.iter().any(|known| known.id == key.id) {
            return Err(SealKeyError::Twice);
        }
        if self.keys.len() > MAX_PREVIOUS_KEYS {
            return Err(SealKeyError::TooMany);
        }
        self.keys = self.keys.iter().cloned().chain([key]).collect();
        Ok(self)
    }

    pub(crate) fn provider(&self) -> &dyn CryptoProvider {
        &*self.provider
    }

    /// Seals `plaintext`. The value opens with the same `purpose` and the same parts of `bound_to`, before
    /// `expires_at` where that is given. It is of ASCII letters, digits, `-`, `_` and one `.`, and at most
    /// [`MAX_SEALED_CHARS`] long.
    ///
    /// # Errors
    ///
    /// [`SealingFailed::TooLong`] beyond [`MAX_PLAINTEXT_BYTES`], [`MAX_BOUND_BYTES`] or [`MAX_BOUND_PARTS`].
    pub fn seal(
        &self,
        purpose: Purpose,
        bound_to: &[&[u8]],
        plaintext: &[u8],
        expires_at: Option<UnixTime>,
        nonce: SealNonce,
    ) -> Result<String, SealingFailed> {
        // INVARIANT: `new` puts a key there, and none is taken away.
        let key = self.keys.first().ok_or(SealingFailed::Library)?;
        if plaintext.len() > MAX_PLAINTEXT_BYTES {
            return Err(SealingFailed::TooLong);
        }
        let associated = associated(purpose, bound_to).ok_or(SealingFailed::TooLong)?;
        // Room for all of it: a buffer that grows leaves the content behind in memory.
        let capacity = LIFE_BYTES + plaintext.len() + AEAD_TAG_BYTES;
        let mut buffer = Zeroizing::new(Vec::with_capacity(capacity));
        match expires_at {
            None => buffer.push(0),
            Some(end) => {
                buffer.push(1);
                buffer.extend_from_slice(&end.as_secs().to_be_bytes());
            }
        }
        buffer.extend_from_slice(plaintext);
        let nonce = match nonce {
            SealNonce::Random(nonce) => nonce,
            SealNonce::Derived => key.derived_nonce(&associated, &buffer, &*self.provider),
        };
        key.aead.seal(&nonce, &associated, &mut buffer).map_err(|_| SealingFailed::Library)?;
        let mut bytes = Vec::with_capacity(KEY_ID_BYTES + NONCE_BYTES + buffer.len());
        bytes.extend_from_slice(&key.id);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&buffer);
        let mut text = String::with_capacity(PREFIX.len() + bytes.len().div_ceil(3) * 4);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(&bytes, &mut text);
        Ok(text)
    }

    /// The content of a value that was sealed for `purpose` and `bound_to`, where `now` is before its end.
    ///
    /// # Errors
    ///
    /// [`SealError`], the same to the outside for every reason.
    pub fn open(
        &self,
        purpose: Purpose,
        bound_to: &[&[u8]],
        text: &str,
        now: UnixTime,
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.opened(purpose, bound_to, text, now).map_err(SealError::new)
    }

    fn opened(
        &self,
        purpose: Purpose,
        bound_to: &[&[u8]],
        text: &str,
        now: UnixTime,
    ) -> Result<Zeroizing<Vec<u8>>, SealErrorKind> {
        if text.len() > MAX_SEALED_CHARS {
            return Err(SealErrorKind::TooLong);
        }
        let encoded = text.strip_prefix(PREFIX).ok_or(SealErrorKind::Version)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| SealErrorKind::Malformed)?;
        let (id, rest) = bytes.split_first_chunk::<KEY_ID_BYTES>().ok_or(SealErrorKind::Malformed)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealErrorKind::Malformed)?;
        let key = self.keys.iter().find(|key| key.id == *id).ok_or(SealErrorKind::UnknownKey)?;
        let associated = associated(purpose, bound_to).ok_or(SealErrorKind::TooLong)?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        key.aead.open(nonce, &associated, &mut buffer).map_err(|_| SealErrorKind::Forged)?;
        let life = match buffer.split_first() {
            Some((0, _)) => 1,
            Some((1, rest)) => {
                let (end, _) = rest.split_first_chunk().ok_or(SealErrorKind::Malformed)?;
                if now >= UnixTime::from_secs(u64::from_be_bytes(*end)) {
                    return Err(SealErrorKind::Expired);
                }
                LIFE_BYTES
            }
            _ => return Err(SealErrorKind::Malformed),
        };
        buffer.drain(..life);
        Ok(buffer)
    }
}

impl RingKey {
    fn new(key: &SealKey, provider: &dyn CryptoProvider) -> Result<Self, SealKeyError> {
        let id = key.part(b"id", provider)?;
        let [a, b, c, d, ..] = *id;
        let aead = provider.aes_256_gcm_siv(&*key.part(b"encrypt", provider)?)?;
        Ok(Self { id: [a, b, c, d], aead, nonces: key.part(b"nonce", provider)? })
    }

    fn derived_nonce(
        &self,
        associated: &[u8],
        content: &[u8],
        provider: &dyn CryptoProvider,
    ) -> [u8; NONCE_BYTES] {
        // The associated data says where it ends.
        let mut message = Zeroizing::new(Vec::with_capacity(associated.len() + content.len()));
        message.extend_from_slice(associated);
        message.extend_from_slice(content);
        let tag = provider.hmac_sha256(&*self.nonces, &message);
        let mut nonce = [0; NONCE_BYTES];
        nonce.iter_mut().zip(tag).for_each(|(to, from)| *to = from);
        nonce
    }
}

/// Form, purpose, and number and parts of what a value is bound to, each with its length: no two lists of parts make
/// the same bytes, and none begins with another.
fn associated(purpose: Purpose, bound_to: &[&[u8]]) -> Option<Vec<u8>> {
    let total: usize = bound_to.iter().map(|part| part.len()).sum();
    if total > MAX_BOUND_BYTES || bound_to.len() > MAX_BOUND_PARTS {
        return None;
    }
    let label = purpose.label();
    let mut out = Vec::with_capacity(PREFIX.len() + 2 + label.len() + bound_to.len() * 4 + total);
    out.extend_from_slice(PREFIX.as_bytes());
    out.push(u8::try_from(label.len()).ok()?);
    out.extend_from_slice(label.as_bytes());
    out.push(u8::try_from(bound_to.len()).ok()?);
    for part in bound_to {
        out.extend_from_slice(&u32::try_from(part.len()).ok()?.to_be_bytes());
        out.extend_from_slice(part);
    }
    Some(out)
}

/// How many keys there are; they stay secret.
impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}
