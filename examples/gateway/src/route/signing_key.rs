//! Private keys in files, for what the gateway signs.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, CryptoProvider as _, Signer as _};
use mcp_auth_core::jwt::Algorithm;

use crate::config::{SecretFrom, Spanned};

/// A key in PKCS #8 PEM, and a name for it, which is the same after every restart.
///
/// # Errors
///
/// A sentence without anything of the key.
pub(super) fn read(file: &Spanned<PathBuf>) -> Result<(AwsLcSigner, String), String> {
    let text = SecretFrom::File(file.clone()).open().map_err(|(_, message)| message)?;
    let not_a_key = || {
        format!(
            "`{}` is no private key in PKCS #8 PEM; make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`",
            file.value.display()
        )
    };
    let inner = text.expose().trim();
    let inner = inner.strip_prefix("-----BEGIN PRIVATE KEY-----").ok_or_else(not_a_key)?;
    let inner = inner.strip_suffix("-----END PRIVATE KEY-----").ok_or_else(not_a_key)?;
    let base64: String = inner.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let der = STANDARD.decode(base64).map_err(|_| not_a_key())?;
    let kinds = [Algorithm::ES256, Algorithm::ES384, Algorithm::ES512, Algorithm::EdDSA, Algorithm::RS256];
    let signer = kinds.into_iter().find_map(|kind| AwsLcSigner::from_pkcs8(kind, &der).ok());
    let signer = signer.ok_or_else(not_a_key)?;
    let digest = AwsLc::new().sha256(signer.public_jwk("").as_bytes());
    Ok((signer, URL_SAFE_NO_PAD.encode(digest)))
}
