//! Keys that sign, of every algorithm.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_core::crypto::{AwsLcSigner, Signer as _};
use mcp_auth_core::jwt::Algorithm;
use serde_json::{Value, json};

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn unb64(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A token of these three parts.
pub(crate) fn compact(header: &Value, payload: &[u8], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", b64(header.to_string()), b64(payload));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", b64(signature))
}

/// A key pair or a secret for one algorithm. It is called `k1`.
pub(crate) struct TestKey {
    algorithm: Algorithm,
    kind: Kind,
}

enum Kind {
    Pair(AwsLcSigner),
    Secret(Vec<u8>),
}

impl TestKey {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        Self::seeded(algorithm, 0)
    }

    /// A second one; a key pair is new every time, a secret is not.
    pub(crate) fn another(algorithm: Algorithm) -> Self {
        Self::seeded(algorithm, 0x80)
    }

    fn seeded(algorithm: Algorithm, seed: u8) -> Self {
        let kind = if algorithm.is_symmetric() {
            Kind::Secret((0..64).map(|i| i ^ seed).collect())
        } else {
            Kind::Pair(AwsLcSigner::generate(algorithm).unwrap())
        };
        Self { algorithm, kind }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key as a verifier is configured with it.
    pub(crate) fn jwk(&self) -> Value {
        match &self.kind {
            Kind::Pair(pair) => serde_json::from_str(&pair.public_jwk("k1")).unwrap(),
            Kind::Secret(k) => {
                json!({"kty": "oct", "kid": "k1", "use": "sig", "alg": self.algorithm.name(), "k": b64(k)})
            }
        }
    }

    /// The key under another name.
    pub(crate) fn named(&self, kid: &str) -> Value {
        let mut jwk = self.jwk();
        jwk["kid"] = kid.into();
        jwk
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": self.algorithm.name(), "kid": "k1"})
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.kind {
            Kind::Pair(pair) => pair.sign(message).unwrap(),
            Kind::Secret(k) => mac(self.algorithm, k, message),
        }
    }

    pub(crate) fn token(&self, header: &Value, payload: &[u8]) -> String {
        compact(header, payload, |message| self.sign(message))
    }
}

/// An ECDSA signature in the form of X9.62, which JOSE does not use: two ASN.1 integers.
pub(crate) fn der_signature(jose: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(bytes.len() - 1);
        let mut body = bytes[zeros..].to_vec();
        if body[0] & 0x80 != 0 {
            body.insert(0, 0);
        }
        [&[2, u8::try_from(body.len()).unwrap()], &body[..]].concat()
    };
    let (r, s) = jose.split_at(jose.len() / 2);
    let body = [integer(r), integer(s)].concat();
    let length = u8::try_from(body.len()).unwrap();
    let lead: &[u8] = if length < 0x80 { &[0x30, length] } else { &[0x30, 0x81, length] };
    [lead, &body].concat()
}

/// HMAC under `algorithm`.
pub(crate) fn mac(algorithm: Algorithm, k: &[u8], message: &[u8]) -> Vec<u8> {
    use aws_lc_rs::hmac;
    let digest = match algorithm {
        Algorithm::HS384 => hmac::HMAC_SHA384,
        Algorithm::HS512 => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    hmac::sign(&hmac::Key::new(digest, k), message).as_ref().to_vec()
}
