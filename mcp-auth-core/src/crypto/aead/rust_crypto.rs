use aes_gcm_siv::aead::{AeadInPlace as _, KeyInit as _};
use aes_gcm_siv::{Aes256GcmSiv, Key, Nonce};
use zeroize::Zeroize as _;

use super::{AeadFailed, AeadKey};

pub(in crate::crypto) struct RustCryptoAead(Aes256GcmSiv);

impl RustCryptoAead {
    pub(in crate::crypto) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256GcmSiv::new(Key::<Aes256GcmSiv>::from_slice(key)))
    }
}

impl AeadKey for RustCryptoAead {
    fn seal(&self, nonce: &[u8; 12], associated: &[u8], buffer: &mut Vec<u8>) -> Result<(), AeadFailed> {
        self.0.encrypt_in_place(Nonce::from_slice(nonce), associated, buffer).map_err(|_| AeadFailed)
    }

    fn open(&self, nonce: &[u8; 12], associated: &[u8], buffer: &mut Vec<u8>) -> Result<(), AeadFailed> {
        if self.0.decrypt_in_place(Nonce::from_slice(nonce), associated, buffer).is_err() {
            buffer.zeroize();
            return Err(AeadFailed);
        }
        Ok(())
    }
}

impl std::fmt::Debug for RustCryptoAead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RustCryptoAead([redacted])")
    }
}
