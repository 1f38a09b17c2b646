//! Rows of the attack table A to C and of `mission.md` E, H and J, one file per concept; here is what they share.

#![cfg(feature = "aws-lc-rs")]

mod audience;
mod claims;
mod compact;
mod confirmation;
mod header;
mod issuer;
mod time;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::crypto::{AwsLc, AwsLcSigner, Signer};
use crate::jwk::KeySet;
use crate::principal::Principal;
use crate::time::UnixTime;

const ISS: &str = "https://idp.example";
const AUD: &str = "https://mcp.example/mcp";
const NOW: u64 = 1_700_000_000;

struct Idp {
    signer: AwsLcSigner,
    keys: KeySet,
}

impl Idp {
    fn new(algorithm: Algorithm) -> Self {
        let signer = AwsLcSigner::generate(algorithm).unwrap();
        let jwks = format!("{{\"keys\":[{}]}}", signer.public_jwk("k1"));
        let keys = KeySet::parse(jwks.as_bytes(), &AwsLc::new(), Algorithm::ASYMMETRIC).unwrap();
        Self { signer, keys }
    }

    fn header(&self) -> Value {
        json!({"alg": self.signer.algorithm().name(), "kid": "k1", "typ": "at+jwt"})
    }

    fn sign_text(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.signer.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_text(&self.header().to_string(), &claims.to_string())
    }
}

fn claims() -> Value {
    json!({"iss": ISS, "aud": AUD, "sub": "alice", "exp": NOW + 300, "iat": NOW, "scope": "mcp:read mcp:write"})
}

fn with(name: &str, value: Value) -> Value {
    let mut c = claims();
    c[name] = value;
    c
}

fn without(name: &str) -> Value {
    let mut c = claims();
    c.as_object_mut().unwrap().remove(name);
    c
}

fn validator() -> Validator {
    Validator::new([Issuer::new(ISS).audience(AUD)]).unwrap()
}

fn check_at(validator: &Validator, idp: &Idp, token: &str, now: u64) -> Result<Principal, ValidationError> {
    let parsed = validator.parse(token)?;
    validator.verify(parsed, &idp.keys, &Checks::at(UnixTime::from_secs(now)))
}

fn check(idp: &Idp, token: &str) -> Result<Principal, ValidationError> {
    check_at(&validator(), idp, token, NOW)
}

fn refused(idp: &Idp, token: &str) -> &'static str {
    match check(idp, token) {
        Ok(_) => panic!("accepted: {token}"),
        Err(e) => e.code(),
    }
}

#[test]
fn every_algorithm_of_the_backend_verifies_its_own_tokens_and_no_others() {
    let all = |issuer: &str| {
        Validator::new([Issuer::new(issuer).audience(AUD).algorithms(Algorithm::ASYMMETRIC)]).unwrap()
    };
    let others = Idp::new(Algorithm::EdDSA);
    for &algorithm in Algorithm::ASYMMETRIC {
        let idp = Idp::new(algorithm);
        let token = idp.sign(&claims());
        let principal = check_at(&all(ISS), &idp, &token, NOW).unwrap();
        assert_eq!(principal.subject(), Some("alice"), "{algorithm}");
        assert_eq!(principal.scopes().collect::<Vec<_>>(), ["mcp:read", "mcp:write"]);
        assert!(check_at(&all(ISS), &others, &token, NOW).is_err(), "{algorithm}: another key");
        let mut forged: Vec<char> = token.chars().collect();
        let at = token.rfind('.').unwrap() + 5;
        forged[at] = if forged[at] == 'A' { 'B' } else { 'A' };
        let forged: String = forged.into_iter().collect();
        assert_eq!(check_at(&all(ISS), &idp, &forged, NOW).unwrap_err().code(), "signature", "{algorithm}");
    }
}

#[test]
fn nothing_that_formats_shows_claims() {
    let idp = Idp::new(Algorithm::EdDSA);
    let token = idp.sign(&with("email", "canary@example.test".into()));
    let parsed = format!("{:?}", validator().parse(&token).unwrap());
    let principal = format!("{:?}", check(&idp, &token).unwrap());
    for text in [parsed, principal] {
        assert!(!text.contains("canary"), "{text}");
        assert!(!token.split('.').any(|part| text.contains(part)), "{text}");
    }
}
