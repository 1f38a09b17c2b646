//! Nonces that servers give (RFC 9449 §8 and §9).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;

/// The header in which servers give nonces.
pub const DPOP_NONCE: &str = "dpop-nonce";

/// The greatest length of a nonce, in bytes; a longer one reads as absent.
pub const MAX_NONCE_BYTES: usize = 512;

/// How many servers a [`NonceMemory`] knows. They come from configuration, so that this is never reached in earnest.
const MAX_SERVERS: usize = 1024;

/// A server's nonce: `1*NQCHAR` (RFC 9449 §8.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DpopNonce(Box<str>);

impl DpopNonce {
    /// Reads a nonce; `None` when it is empty, longer than [`MAX_NONCE_BYTES`], or has characters that do not belong
    /// there.
    pub fn parse(text: &str) -> Option<Self> {
        let legal = |b: u8| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        ((1..=MAX_NONCE_BYTES).contains(&text.len()) && text.bytes().all(legal)).then(|| Self(text.into()))
    }

    /// The nonce in the one header `DPoP-Nonce` of an answer.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(DPOP_NONCE).iter();
        let (value, None) = (values.next()?, values.next()) else { return None };
        Self::parse(value.to_str().ok()?)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether to send a request again with the nonce that its answer brought: once, and only for a new nonce, so that
/// a server that always asks is not asked for ever.
///
/// ```
/// use http::HeaderMap;
/// use mcp_auth_exchange::dpop::{DpopNonce, NonceRetry};
///
/// let mut headers = HeaderMap::new();
/// headers.insert("dpop-nonce", "n-1".parse()?);
/// let mut retry = NonceRetry::default();
/// // 400 with `use_dpop_nonce` from a token endpoint, 401 with a challenge that says so from a resource.
/// assert_eq!(retry.after(&headers, None), DpopNonce::parse("n-1"));
/// assert_eq!(retry.after(&headers, None), None, "once");
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NonceRetry {
    done: bool,
}

impl NonceRetry {
    /// The nonce to send the request again with, after an answer that asked for one; `sent` is the one that the
    /// request had.
    pub fn after(&mut self, headers: &HeaderMap, sent: Option<&DpopNonce>) -> Option<DpopNonce> {
        let nonce = DpopNonce::of(headers).filter(|nonce| Some(nonce) != sent)?;
        if std::mem::replace(&mut self.done, true) { None } else { Some(nonce) }
    }
}

/// The last nonce of each server, so that the next request has it at once (RFC 9449 §8.2). By origin, bounded.
#[derive(Debug, Default)]
pub struct NonceMemory {
    by_origin: Mutex<HashMap<Box<str>, DpopNonce>>,
}

impl NonceMemory {
    /// The nonce that this server gave last.
    pub fn get(&self, origin: &str) -> Option<DpopNonce> {
        self.by_origin.lock().unwrap_or_else(PoisonError::into_inner).get(origin).cloned()
    }

    /// Keeps the nonce that an answer of this server brought, where it brought one.
    pub fn keep(&self, origin: &str, headers: &HeaderMap) {
        let Some(nonce) = DpopNonce::of(headers) else { return };
        let mut known = self.by_origin.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MAX_SERVERS || known.contains_key(origin) {
            known.insert(origin.into(), nonce);
        }
    }
}
