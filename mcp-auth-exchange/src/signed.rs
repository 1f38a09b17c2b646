//! Our own signed objects: client assertions and DPoP proofs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use mcp_auth_core::crypto::{Signer, SigningFailed};

/// A JWS in compact form (RFC 7515 §7.1). `alg` is added to the header.
pub(crate) fn compact(
    mut header: Map<String, Value>,
    claims: Map<String, Value>,
    signer: &dyn Signer,
) -> Result<Zeroizing<String>, SigningFailed> {
    header.insert("alg".to_owned(), signer.algorithm().name().into());
    let mut text = Zeroizing::new(String::with_capacity(1024));
    URL_SAFE_NO_PAD.encode_string(Value::Object(header).to_string(), &mut text);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(Value::Object(claims).to_string(), &mut text);
    let signature = signer.sign(text.as_bytes())?;
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    Ok(text)
}

/// Members of a JSON object.
pub(crate) fn members<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
