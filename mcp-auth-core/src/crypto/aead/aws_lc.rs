use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroize as _;

use super::{AEAD_TAG_BYTES, AeadFailed, AeadKey};
use crate::crypto::KeyRefused;

/// "Less safe" is what the library calls keys whose nonces the caller chooses.
pub(in crate::crypto) struct AwsLcAead(LessSafeKey);

impl AwsLcAead {
    pub(in crate::crypto) fn new(key: &[u8; 32]) -> Result<Self, KeyRefused> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, key).map_err(|_| KeyRefused::Algorithm)?;
        Ok(Self(LessSafeKey::new(key)))
    }
}

impl AeadKey for AwsLcAead {
    fn seal(&self, nonce: &[u8; 12], associated: &[u8], buffer: &mut Vec<u8>) -> Result<(), AeadFailed> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0.seal_in_place_append_tag(nonce, Aad::from(associated), buffer).map_err(|_| AeadFailed)
    }

    fn open(&self, nonce: &[u8; 12], associated: &[u8], buffer: &mut Vec<u8>) -> Result<(), AeadFailed> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        if self.0.open_in_place(nonce, Aad::from(associated), buffer).is_err() {
            buffer.zeroize();
            return Err(AeadFailed);
        }
        buffer.truncate(buffer.len().saturating_sub(AEAD_TAG_BYTES));
        Ok(())
    }
}

impl std::fmt::Debug for AwsLcAead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AwsLcAead([redacted])")
    }
}
