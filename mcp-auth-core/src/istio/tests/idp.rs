//! Keys and tokens of the tests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::crypto::{AwsLc, AwsLcSigner, Signer};
use crate::istio::KeySet;
use crate::jwt::Algorithm;
use crate::time::UnixTime;

pub(super) const A: &str = "https://a.example";
pub(super) const B: &str = "https://b.example";
pub(super) const NOW: u64 = 1_800_000_000;

pub(super) fn now() -> UnixTime {
    UnixTime::from_secs(NOW)
}

/// A key with a name.
pub(super) struct Idp {
    signer: AwsLcSigner,
    kid: &'static str,
}

impl Idp {
    pub(super) fn new(kid: &'static str, algorithm: Algorithm) -> Self {
        Self { signer: AwsLcSigner::generate(algorithm).unwrap(), kid }
    }

    /// The key as a published set has it, with changes; null takes a member out.
    pub(super) fn jwk(&self, changes: Value) -> Value {
        changed(serde_json::from_str(&self.signer.public_jwk(self.kid)).unwrap(), changes)
    }

    pub(super) fn jwks(&self) -> String {
        json!({"keys": [self.jwk(json!({}))]}).to_string()
    }

    pub(super) fn keys(&self) -> KeySet {
        KeySet::parse(self.jwks().as_bytes(), &AwsLc::new()).unwrap()
    }

    pub(super) fn sign(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.signer.sign(signed.as_bytes()).unwrap()))
    }

    /// A good token with other claims; null takes one out.
    pub(super) fn token(&self, claims: Value) -> String {
        self.token_with(json!({}), claims)
    }

    pub(super) fn token_with(&self, header: Value, claims: Value) -> String {
        let header = changed(json!({"alg": self.signer.algorithm().name(), "kid": self.kid}), header);
        let issuer = if self.kid == "k2" { B } else { A };
        let claims = changed(json!({"iss": issuer, "sub": "user", "exp": NOW + 3600}), claims);
        self.sign(&header.to_string(), &claims.to_string())
    }
}

/// A token under HS256.
pub(super) fn hs256(secret: &[u8], header: Value, claims: Value) -> String {
    use crate::crypto::CryptoProvider as _;
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let mac = AwsLc::new().hmac_sha256(secret, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
}

/// `with` over `base`; null takes a member out.
fn changed(mut base: Value, with: Value) -> Value {
    let members = base.as_object_mut().unwrap();
    for (name, value) in with.as_object().unwrap() {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    base
}
