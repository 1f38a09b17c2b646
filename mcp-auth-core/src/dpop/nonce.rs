//! Nonces without a memory: each is good for a time, and can be made again from a secret.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::ProofConfigError;
use crate::crypto::CryptoProvider;
use crate::time::UnixTime;

/// Keeps these nonces apart from whatever else somebody may compute under the same secret.
const PURPOSE: &[u8] = b"mcp-auth DPoP nonce 1\0";

/// Makes and knows the nonces of RFC 9449 §9.
///
/// Time is cut into boxes of one period. All proofs within a box use the same nonce, an HMAC of the box's number;
/// it is accepted during its box and the next, that is for one to two periods. Nothing is stored, so that every
/// replica with the same secret and about the same clock knows the nonces of the others. A nonce limits how long in
/// advance a proof can be made; against using a proof twice there is [`ReplayStore`](super::ReplayStore).
///
/// ```
/// # #[cfg(feature = "aws-lc-rs")] {
/// use mcp_auth_core::UnixTime;
/// use mcp_auth_core::crypto::AwsLc;
/// use mcp_auth_core::dpop::{NonceAge, Nonces};
///
/// let nonces = Nonces::new([7; 32]); // in earnest: 32 random bytes
/// let crypto = AwsLc::new();
/// let nonce = nonces.current(UnixTime::from_secs(1_200), &crypto);
/// assert_eq!(nonces.check(&nonce, UnixTime::from_secs(1_319), &crypto), Some(NonceAge::Current));
/// assert_eq!(nonces.check(&nonce, UnixTime::from_secs(1_320), &crypto), Some(NonceAge::Previous));
/// assert_eq!(nonces.check(&nonce, UnixTime::from_secs(1_440), &crypto), None);
/// # }
/// ```
#[derive(Clone)]
pub struct Nonces {
    secret: Zeroizing<[u8; 32]>,
    period: u64,
}

/// How old a good nonce is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "older ones are not good")]
pub enum NonceAge {
    /// Of the present box.
    Current,
    /// Of the box before: good, and soon to be replaced.
    Previous,
}

impl Nonces {
    /// Nonces under `secret`, which nobody else knows, for periods of 120 seconds.
    pub fn new(secret: [u8; 32]) -> Self {
        Self { secret: Zeroizing::new(secret), period: 120 }
    }

    /// Replaces the period, in whole seconds from 10 to 3600.
    ///
    /// # Errors
    ///
    /// [`ProofConfigError::Period`] for any other.
    pub fn period(mut self, period: Duration) -> Result<Self, ProofConfigError> {
        if !(10..=3600).contains(&period.as_secs()) {
            return Err(ProofConfigError::Period(period));
        }
        self.period = period.as_secs();
        Ok(self)
    }

    /// The nonce to give out at `now`: 22 characters of base64url.
    pub fn current(&self, now: UnixTime, provider: &dyn CryptoProvider) -> String {
        self.of_box(now.as_secs() / self.period, provider)
    }

    /// How old `nonce` is, `None` when it is not one of ours or no longer good. Takes the same time for every nonce
    /// of the right length.
    pub fn check(&self, nonce: &str, now: UnixTime, provider: &dyn CryptoProvider) -> Option<NonceAge> {
        let number = now.as_secs() / self.period;
        let is_of = |number| self.of_box(number, provider).as_bytes().ct_eq(nonce.as_bytes());
        let current = is_of(number);
        let previous = is_of(number.saturating_sub(1));
        if bool::from(current) {
            Some(NonceAge::Current)
        } else if bool::from(previous) {
            Some(NonceAge::Previous)
        } else {
            None
        }
    }

    fn of_box(&self, number: u64, provider: &dyn CryptoProvider) -> String {
        let mut message = [0; PURPOSE.len() + 16];
        let (purpose, rest) = message.split_at_mut(PURPOSE.len());
        purpose.copy_from_slice(PURPOSE);
        let (period, at) = rest.split_at_mut(8);
        period.copy_from_slice(&self.period.to_be_bytes());
        at.copy_from_slice(&number.to_be_bytes());
        let tag = provider.hmac_sha256(&*self.secret, &message);
        let (half, _) = tag.split_at(16);
        URL_SAFE_NO_PAD.encode(half)
    }
}

/// The secret stays one.
impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nonces").field("period", &self.period).finish_non_exhaustive()
    }
}
