#![cfg(feature = "aws-lc-rs")]

mod nonce;
mod proof;
mod replay;
mod target;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::crypto::{AwsLc, AwsLcSigner, CryptoProvider as _, Signer as _};
use crate::jwt::Algorithm;
use crate::time::UnixTime;

const NOW: u64 = 1_700_000_000;
const TOKEN: &str = "access.token.text";
const URI: &str = "https://mcp.example/files/mcp";

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ath(token: &str) -> String {
    b64(AwsLc::new().sha256(token.as_bytes()))
}

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(secs)
}

/// Somebody with a proof key.
struct Client(AwsLcSigner);

impl Client {
    fn new(algorithm: Algorithm) -> Self {
        Self(AwsLcSigner::generate(algorithm).unwrap())
    }

    fn jwk(&self) -> Value {
        let mut jwk: Value = serde_json::from_str(&self.0.public_jwk("unused")).unwrap();
        for member in ["kid", "use", "alg"] {
            jwk.as_object_mut().unwrap().remove(member);
        }
        jwk
    }

    fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": self.0.algorithm().name(), "jwk": self.jwk()})
    }

    fn claims(&self) -> Value {
        json!({"jti": "proof-1", "htm": "POST", "htu": URI, "iat": NOW, "ath": ath(TOKEN)})
    }

    fn sign_text(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", b64(header), b64(claims));
        let signature = self.0.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", b64(signature))
    }

    fn proof_with(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let (mut header, mut claims) = (self.header(), self.claims());
        change(&mut header, &mut claims);
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    fn proof(&self) -> String {
        self.proof_with(|_, _| {})
    }
}

fn check_at(rules: &ProofRules, proof: &str, now: u64) -> Result<Proof, ProofError> {
    let target = TargetUri::parse(URI).unwrap();
    let request = ProofContext { method: "POST", target: &target, token: TOKEN };
    rules.check(proof, &request, at(now), &AwsLc::new())
}

fn check(proof: &str) -> Result<Proof, ProofError> {
    check_at(&ProofRules::default(), proof, NOW)
}
