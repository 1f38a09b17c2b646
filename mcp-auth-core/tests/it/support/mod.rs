//! What the suites share: the backends, the data folder, a strict check of one token, and keys to sign with.

mod key;

use std::io::Write as _;
use std::path::PathBuf;

use mcp_auth_core::crypto::{AwsLc, CryptoProvider, RustCrypto};
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Algorithm, Jws, TokenLimits};
use serde_json::{Value, json};

pub(crate) use key::{TestKey, b64, compact, der_signature, mac, unb64};

/// Every backend, with its name.
pub(crate) fn providers() -> [(&'static str, &'static dyn CryptoProvider); 2] {
    const AWS_LC: AwsLc = AwsLc::new();
    const RUST_CRYPTO: RustCrypto = RustCrypto::new();
    [("aws-lc-rs", &AWS_LC), ("rust-crypto", &RUST_CRYPTO)]
}

/// A line for the reader of the run, whether or not the harness captures a test's output.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The folder of the conformance data called `name`, or `None` where it is absent.
#[expect(clippy::disallowed_methods, reason = "a test may read its data from disk")]
pub(crate) fn conformance(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("MCP_AUTH_CONFORMANCE").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/conformance")),
        PathBuf::from,
    );
    let folder = root.join(name);
    if !folder.is_dir() {
        say(&format!("{name}: NOT RUN ({} is absent)", folder.display()));
        return None;
    }
    Some(folder)
}

#[expect(clippy::disallowed_methods, reason = "a test may read its data from disk")]
pub(crate) fn read_json(path: PathBuf) -> Value {
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The key or the keys of `jwk` as a set: secrets where any of them is symmetric, public keys otherwise. That is
/// how an operator has to configure them, and the only thing about a test case that decides.
pub(crate) fn key_set(provider: &dyn CryptoProvider, jwk: &Value) -> Result<KeySet, String> {
    let set = if jwk.get("keys").is_some() { jwk.clone() } else { json!({ "keys": [jwk] }) };
    let symmetric = set["keys"].as_array().into_iter().flatten().any(|key| key["kty"] == "oct");
    let json = set.to_string();
    let set = if symmetric {
        KeySet::parse_secrets(json.as_bytes(), provider, Algorithm::ALL)
    } else {
        KeySet::parse(json.as_bytes(), provider, Algorithm::ALL)
    };
    set.map_err(|e| e.to_string())
}

/// The payload of a token that is good under the keys of `jwk`, or why it is not.
pub(crate) fn verify(provider: &dyn CryptoProvider, jwk: &Value, token: &str) -> Result<Vec<u8>, String> {
    let keys = key_set(provider, jwk)?;
    verify_with(&keys, token)
}

/// As [`verify`], with keys that are prepared.
pub(crate) fn verify_with(keys: &KeySet, token: &str) -> Result<Vec<u8>, String> {
    let jws = Jws::parse(token, TokenLimits::default()).map_err(|e| e.to_string())?;
    jws.verify(keys).map_err(|e| e.to_string())?;
    jws.unverified_payload().map_err(|e| e.to_string())
}
