//! Private keys in files, for what the gateway signs in its own name.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, CryptoProvider as _, Signer as _};

use super::credential::private_key;
use crate::config::{SecretFrom, Spanned};

/// A key in PEM, and a name for it, which is the same after every restart.
///
/// # Errors
///
/// A sentence without anything of the key.
pub(super) fn read(file: &Spanned<PathBuf>) -> Result<(AwsLcSigner, String), String> {
    let text = SecretFrom::File(file.clone()).open_pem().map_err(|(_, message)| message)?;
    let signer = private_key::read(&text, None).and_then(|key| key.signer()).map_err(|e| {
        format!(
            "`{}`: {e}; `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes one",
            file.value.display()
        )
    })?;
    let digest = AwsLc::new().sha256(signer.public_jwk("").as_bytes());
    Ok((signer, URL_SAFE_NO_PAD.encode(digest)))
}
