//! A token as a value for a store that several replicas share.
//!
//! This is a seam: the plaintext is to be sealed before it goes into the store (`mcp_auth_core::seal`), with
//! [`SharedEntry::associated_data`], so that nobody who can write to the store can put one user's token under
//! another's name.

use std::borrow::Cow;

use mcp_auth_core::UnixTime;
use mcp_auth_core::jwk::Thumbprint;
use mcp_auth_discovery::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::CacheKey;
use crate::plan::{IssuedToken, Presentation};

/// The greatest length of a plaintext that is read, in bytes.
const MAX_PLAINTEXT_BYTES: usize = 128 * 1024;

/// What goes into a shared store.
#[derive(Clone)]
#[non_exhaustive]
pub struct SharedEntry {
    /// The name in the store: a digest, from which nothing can be read.
    pub name: String,
    /// What the seal has to be bound to.
    pub associated_data: Vec<u8>,
    /// The token and its dates. To be sealed.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// When the store is to forget it.
    pub expires_at: UnixTime,
}

/// A plaintext that is none of ours, or of another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored text is not a token of this version")]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to add")]
pub struct SharedEntryError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    v: u8,
    // Owned where JSON escapes it: tokens may have `"` and `\` in them.
    #[serde(borrow)]
    token: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jkt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    missing: Vec<String>,
    beyond: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    other_details: bool,
    issued_at: u64,
    usable_until: u64,
    refresh_at: u64,
}

impl SharedEntry {
    /// The name under which a key is stored.
    pub fn name(key: &CacheKey) -> String {
        let mut name = String::from("mcp-auth:exchange:1:");
        for byte in key.as_bytes() {
            name.push_str(&format!("{byte:02x}"));
        }
        name
    }

    /// What the seal of this key's entry is bound to.
    pub fn associated_data(key: &CacheKey) -> Vec<u8> {
        Self::name(key).into_bytes()
    }

    /// The entry of a token.
    pub fn of(key: &CacheKey, token: &IssuedToken) -> Self {
        let stored = Stored {
            v: 1,
            token: token.expose().into(),
            jkt: match token.presentation() {
                Presentation::Bearer => None,
                Presentation::DPoP(key) => Some(key.to_base64url()),
            },
            scope: token.scope.clone(),
            missing: token.missing.clone(),
            beyond: token.beyond.clone(),
            other_details: token.other_details,
            issued_at: token.issued_at.as_secs(),
            usable_until: token.usable_until.as_secs(),
            refresh_at: token.refresh_at.as_secs(),
        };
        // INVARIANT: strings and numbers always serialize; an empty text would be refused when read.
        let plaintext = Zeroizing::new(serde_json::to_vec(&stored).unwrap_or_default());
        Self {
            name: Self::name(key),
            associated_data: Self::associated_data(key),
            plaintext,
            expires_at: token.usable_until,
        }
    }

    /// Reads a plaintext whose seal, bound to this entry's key, was opened.
    ///
    /// # Errors
    ///
    /// [`SharedEntryError`]: treat the entry as absent.
    pub fn read(plaintext: &[u8]) -> Result<IssuedToken, SharedEntryError> {
        if plaintext.len() > MAX_PLAINTEXT_BYTES {
            return Err(SharedEntryError);
        }
        let stored: Stored<'_> = serde_json::from_slice(plaintext).map_err(|_| SharedEntryError)?;
        let visible = !stored.token.is_empty() && stored.token.bytes().all(|b| b.is_ascii_graphic());
        if stored.v != 1 || !visible {
            return Err(SharedEntryError);
        }
        let presentation = match &stored.jkt {
            None => Presentation::Bearer,
            Some(jkt) => Presentation::DPoP(Thumbprint::from_base64url(jkt).ok_or(SharedEntryError)?),
        };
        Ok(IssuedToken {
            token: Secret::new(stored.token),
            presentation,
            scope: stored.scope,
            missing: stored.missing,
            beyond: stored.beyond,
            other_details: stored.other_details,
            issued_at: UnixTime::from_secs(stored.issued_at),
            usable_until: UnixTime::from_secs(stored.usable_until),
            refresh_at: UnixTime::from_secs(stored.refresh_at),
        })
    }
}

impl std::fmt::Debug for SharedEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedEntry")
            .field("name", &self.name)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
