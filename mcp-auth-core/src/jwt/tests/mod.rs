//! Rows of the attack table A to C and of `mission.md` E, H and J, one file per concept; here is what they share.

#![cfg(feature = "aws-lc-rs")]

mod actor;
mod audience;
mod cache;
mod claims;
mod client;
mod compact;
mod confirmation;
mod header;
mod issuer;
mod keys;
mod revocation;
mod scope;
mod tenant;
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
        let keys = key_set(&[signer.public_jwk("k1")]);
        Self { signer, keys }
    }

    fn header(&self) -> Value {
        json!({"alg": self.signer.algorithm().name(), "kid": "k1", "typ": "at+jwt"})
    }

    fn sign_text(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.signer.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_text(self.header().to_string(), claims.to_string())
    }

    /// A token with one member of its header changed.
    fn sign_under(&self, member: &str, value: Value) -> String {
        let mut header = self.header();
        header[member] = value;
        self.sign_text(header.to_string(), claims().to_string())
    }
}

fn key_set(jwks: &[String]) -> KeySet {
    let json = format!("{{\"keys\":[{}]}}", jwks.join(","));
    KeySet::parse(json.as_bytes(), &AwsLc::new(), Algorithm::ASYMMETRIC).unwrap()
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

fn issuer() -> Issuer {
    Issuer::new(ISS).audience(AUD)
}

fn of(issuer: Issuer) -> Validator {
    Validator::new([issuer]).unwrap()
}

fn validator() -> Validator {
    of(issuer())
}

fn now() -> UnixTime {
    UnixTime::from_secs(NOW)
}

fn check_at(validator: &Validator, idp: &Idp, token: &str, now: u64) -> Result<Principal, ValidationError> {
    let parsed = validator.parse(token)?;
    validator.verify(parsed, &idp.keys, &Checks::at(UnixTime::from_secs(now)))
}

/// The verdict of a validator on these claims.
fn judge(validator: &Validator, idp: &Idp, claims: &Value) -> Result<Principal, ValidationError> {
    check_at(validator, idp, &idp.sign(claims), NOW)
}

/// The code of the refusal; `ok` where there was none.
fn code<T>(verdict: Result<T, ValidationError>) -> &'static str {
    verdict.map_or_else(|e| e.code(), |_| "ok")
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
    let all = of(issuer().algorithms(Algorithm::ASYMMETRIC));
    let others = Idp::new(Algorithm::EdDSA);
    for &algorithm in Algorithm::ASYMMETRIC {
        let idp = Idp::new(algorithm);
        let token = idp.sign(&claims());
        let principal = check_at(&all, &idp, &token, NOW).unwrap();
        assert_eq!(principal.subject(), Some("alice"), "{algorithm}");
        assert_eq!(principal.scopes().collect::<Vec<_>>(), ["mcp:read", "mcp:write"]);
        assert!(check_at(&all, &others, &token, NOW).is_err(), "{algorithm}: another key");
        let mut forged: Vec<char> = token.chars().collect();
        let at = token.rfind('.').unwrap() + 5;
        forged[at] = if forged[at] == 'A' { 'B' } else { 'A' };
        let forged: String = forged.into_iter().collect();
        assert_eq!(check_at(&all, &idp, &forged, NOW).unwrap_err().code(), "signature", "{algorithm}");
    }
}

#[test]
fn row_177_193_a_good_token_is_accepted_and_each_broken_one_is_refused() {
    let (idp, other) = (Idp::new(Algorithm::ES256), Idp::new(Algorithm::ES256));
    assert!(check(&idp, &idp.sign(&claims())).is_ok());
    assert_eq!(refused(&idp, &other.sign(&claims())), "signature");
    assert_eq!(refused(&idp, &idp.sign(&with("iss", "https://other.example".into()))), "issuer");
    assert_eq!(refused(&idp, &idp.sign(&with("exp", (NOW - 31).into()))), "expired");
    assert_eq!(refused(&idp, &idp.sign(&with("aud", "https://other.example".into()))), "audience");
}

#[test]
fn row_199_200_241_a_principal_says_who_for_whom_and_all_claims() {
    let idp = Idp::new(Algorithm::EdDSA);
    let principal = check(&idp, &idp.sign(&with("aud", json!(["other", AUD])))).unwrap();
    assert_eq!(principal.name().as_deref(), Some("https://idp.example/alice"));
    assert_eq!(principal.audiences().collect::<Vec<_>>(), ["other", AUD]);
    assert_eq!(principal.claims().get("scope").unwrap().as_str(), Some("mcp:read mcp:write"));
    assert_eq!(principal.expires_at(), Some(UnixTime::from_secs(NOW + 300)));
    let nobody = check(&idp, &idp.sign(&without("sub"))).unwrap();
    assert_eq!((nobody.name(), nobody.subject()), (None, None));
}

#[test]
fn attack_066_nothing_that_formats_shows_claims_or_tokens() {
    let idp = Idp::new(Algorithm::EdDSA);
    let token = idp.sign(&with("email", "canary@example.test".into()));
    let parsed = format!("{:?}", validator().parse(&token).unwrap());
    let principal = format!("{:?}", check(&idp, &token).unwrap());
    let jws = format!("{:?}", Jws::parse(&token, TokenLimits::default()).unwrap());
    for text in [parsed, principal, jws] {
        assert!(!text.contains("canary"), "{text}");
        assert!(!token.split('.').any(|part| text.contains(part)), "{text}");
    }
}
