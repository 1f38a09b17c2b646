//! Invariant: nothing that was not signed is accepted, and nothing signed is accepted outside its claims' limits.
//!
//! The first byte chooses the kind of input:
//! - `#`: the rest are edits of three bytes (position, position, change) of a genuine token made in this process;
//!   `verify` accepts the result only if it is that token again.
//! - `=`: the rest is a payload that the genuine key signs; accepted only if `iss`, `aud` and `exp` are right.
//! - anything else: the whole input is the token; never accepted.
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, Signer as _};
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Algorithm, Checks, Issuer, Validator};
use mcp_auth_core::{Principal, UnixTime};
use serde_json::Value;

const NOW: u64 = 1_700_000_000;
const LEEWAY: f64 = 30.0;

struct Fixture {
    signer: AwsLcSigner,
    validator: Validator,
    keys: KeySet,
    genuine: Vec<String>,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let signer = AwsLcSigner::generate(Algorithm::ES256).unwrap();
    let jwks = format!("{{\"keys\":[{}]}}", signer.public_jwk("k1"));
    let keys = KeySet::parse(jwks.as_bytes(), &AwsLc::new(), &[Algorithm::ES256]).unwrap();
    let validator =
        Validator::new([Issuer::new("https://idp.example").audience("https://mcp.example/mcp")]).unwrap();
    let mut fixture = Fixture { signer, validator, keys, genuine: Vec::new() };
    for subject in ["alice", "bob"] {
        let payload = format!(
            r#"{{"iss":"https://idp.example","aud":"https://mcp.example/mcp","sub":"{subject}","exp":{},"iat":{NOW}}}"#,
            NOW + 300
        );
        let token = fixture.sign(payload.as_bytes());
        assert!(fixture.accepts(&token).is_some(), "the seed token itself must be accepted");
        fixture.genuine.push(token);
    }
    fixture
});

impl Fixture {
    fn sign(&self, payload: &[u8]) -> String {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"k1","typ":"at+jwt"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
        let signature = self.signer.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn accepts(&self, token: &str) -> Option<Principal> {
        let parsed = self.validator.parse(token).ok()?;
        self.validator.verify(parsed, &self.keys, &Checks::at(UnixTime::from_secs(NOW))).ok()
    }
}

fn edit(token: &str, edits: &[u8]) -> Vec<u8> {
    let mut bytes = token.as_bytes().to_vec();
    for edit in edits.chunks_exact(3).take(64) {
        if bytes.is_empty() {
            break;
        }
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % bytes.len();
        match edit[2] {
            0xff => drop(bytes.remove(at)),
            0xfe => bytes.truncate(at),
            0xfd => bytes.extend_from_slice(token.as_bytes()),
            change @ 0x80.. => bytes.insert(at, change & 0x7f),
            change => bytes[at] = change,
        }
    }
    bytes
}

fuzz_target!(|data: &[u8]| {
    let fixture = &*FIXTURE;
    match data.split_first() {
        Some((b'#', edits)) => {
            for genuine in &fixture.genuine {
                let Ok(token) = String::from_utf8(edit(genuine, edits)) else { continue };
                if fixture.accepts(&token).is_some() {
                    assert!(fixture.genuine.contains(&token), "accepted although nobody signed it: {token}");
                }
            }
        }
        Some((b'=', payload)) => {
            let Some(principal) = fixture.accepts(&fixture.sign(payload)) else { return };
            let claims: Value = serde_json::from_slice(payload).expect("an accepted payload is JSON");
            assert_eq!(claims["iss"], "https://idp.example");
            assert_eq!(claims["sub"].as_str(), principal.subject());
            assert!(
                claims["exp"].as_f64().is_some_and(|exp| exp + LEEWAY >= NOW as f64),
                "expired: {claims}"
            );
            let ours = |aud: &Value| aud == "https://mcp.example/mcp";
            assert!(
                ours(&claims["aud"]) || claims["aud"].as_array().is_some_and(|list| list.iter().any(ours))
            );
            assert!(claims.get("cnf").is_none(), "a bound token was accepted as a bearer token");
        }
        _ => {
            let Ok(token) = std::str::from_utf8(data) else { return };
            assert!(fixture.accepts(token).is_none(), "accepted although nobody signed it: {token}");
        }
    }
});
