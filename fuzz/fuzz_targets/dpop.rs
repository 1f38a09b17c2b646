//! Invariants: a proof is accepted only if its key signed it and it says what the request is; and whatever the clock
//! does, nothing is used twice and the store does not grow.
//!
//! The first byte chooses the kind of input:
//! - `#`: the rest are edits of three bytes (position, position, change) of a genuine proof made in this process; only
//!   that proof is accepted.
//! - `=`: the rest is a payload that the genuine key signs; accepted only if it is for the request. `"NONCE"` in it
//!   becomes a good nonce.
//! - `h`: the rest, up to the first line feed, is a header, and the genuine key signs it; accepted only if it is a
//!   proof's header with the key that signed. `"JWK"` in it becomes that key.
//! - `u`: the rest is a target URI; its normal form is its own.
//! - `r`: the rest are steps of two bytes (move of the clock, proof) over a small store.
//! - anything else: the whole input is the proof; never accepted.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, CryptoProvider as _, Signer as _};
use mcp_auth_core::dpop::{Nonces, OneTimeUse, Proof, ProofContext, ProofRules, ReplayStore, TargetUri};
use mcp_auth_core::json::{Document, Limits};
use mcp_auth_core::jwk::Thumbprint;
use mcp_auth_core::jwt::Algorithm;
use serde_json::Value;

const NOW: u64 = 1_700_000_000;
const WINDOW: u64 = 60;
const URI: &str = "https://mcp.example/files/mcp";
const TOKEN: &str = "access.token.text";

struct Fixture {
    signer: AwsLcSigner,
    jwk: Value,
    key: Thumbprint,
    rules: [ProofRules; 2],
    nonces: [String; 2],
    target: TargetUri,
    genuine: String,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let signer = AwsLcSigner::generate(Algorithm::ES256).unwrap();
    let jwk: Value = serde_json::from_str(&signer.public_jwk("k")).unwrap();
    let document = Document::parse(jwk.to_string().as_bytes(), &Limits::default()).unwrap();
    let nonces = Nonces::new([7; 32]);
    let rules = ProofRules::default().window(Duration::from_secs(WINDOW)).unwrap();
    let mut fixture = Fixture {
        key: Thumbprint::of_jwk(document.as_object().unwrap(), &AwsLc::new()).unwrap(),
        nonces: [NOW, NOW - 120].map(|at| nonces.current(UnixTime::from_secs(at), &AwsLc::new())),
        rules: [rules.clone(), rules.nonces(nonces)],
        target: TargetUri::parse(URI).unwrap(),
        genuine: String::new(),
        signer,
        jwk,
    };
    let payload = format!(
        r#"{{"jti":"1","htm":"POST","htu":"{URI}","iat":{NOW},"ath":"{}","nonce":"{}"}}"#,
        ath(),
        fixture.nonces[0]
    );
    fixture.genuine = fixture.sign(fixture.header().as_bytes(), payload.as_bytes());
    assert!(
        fixture.accepts(&fixture.genuine).iter().all(Option::is_some),
        "the seed itself must be accepted"
    );
    fixture
});

fn ath() -> String {
    URL_SAFE_NO_PAD.encode(AwsLc::new().sha256(TOKEN.as_bytes()))
}

impl Fixture {
    fn header(&self) -> String {
        format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{}}}"#, self.jwk)
    }

    fn sign(&self, header: &[u8], payload: &[u8]) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.signer.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Without and with required nonces.
    fn accepts(&self, proof: &str) -> [Option<Proof>; 2] {
        let request = ProofContext { method: "POST", target: &self.target, token: TOKEN };
        let checked = |rules: &ProofRules| {
            let outcome = rules.check(proof, &request, UnixTime::from_secs(NOW), &AwsLc::new());
            if let Err(refused) = &outcome {
                assert!(refused.to_string().len() < 2000 && !refused.client_text().contains(['"', '\\']));
            }
            outcome.ok()
        };
        let [plain, with_nonce] = &self.rules;
        let both = [checked(plain), checked(with_nonce)];
        assert!(both[0].is_some() || both[1].is_none(), "a nonce excuses nothing");
        for proof in both.iter().flatten() {
            assert_eq!(proof.key(), self.key, "another key");
            assert!((NOW + 1..=NOW + 2 * WINDOW + 1).contains(&proof.usable_until().as_secs()));
        }
        both
    }
}

/// What the claims of an accepted proof must say, read with other parsers.
fn check_claims(fixture: &Fixture, payload: &[u8], accepted: &[Option<Proof>; 2]) {
    let Some(proof) = &accepted[0] else { return };
    let claims: Value = serde_json::from_slice(payload).expect("an accepted payload is JSON");
    assert_eq!(claims["jti"].as_str(), Some(proof.jti()));
    assert!((1..=256).contains(&proof.jti().len()));
    assert_eq!(claims["htm"], "POST");
    assert_eq!(claims["ath"], ath());
    let iat = claims["iat"].as_f64().expect("a number");
    assert!((iat.floor() - NOW as f64).abs() <= WINDOW as f64, "iat {iat}");
    let htu = url::Url::parse(claims["htu"].as_str().expect("a string")).expect("a URL to others too");
    assert_eq!((htu.scheme(), htu.host_str(), htu.port()), ("https", Some("mcp.example"), None));
    assert!(htu.username().is_empty() && htu.password().is_none());
    let path = percent_encoding::percent_decode_str(htu.path()).decode_utf8().expect("UTF-8");
    assert_eq!(path, "/files/mcp", "{htu}");
    if accepted[1].is_some() {
        assert!(fixture.nonces.iter().any(|nonce| claims["nonce"] == **nonce), "a nonce of ours");
    }
}

fn check_header(fixture: &Fixture, header: &[u8]) {
    let header: Value = serde_json::from_slice(header).expect("an accepted header is JSON");
    let typ = header["typ"].as_str().expect("a string").to_ascii_lowercase();
    assert!(typ == "dpop+jwt" || typ == "application/dpop+jwt", "{typ}");
    assert_eq!(header["alg"], "ES256");
    assert!(["crit", "b64", "zip", "enc"].iter().all(|member| header.get(member).is_none()));
    for member in ["kty", "crv", "x", "y"] {
        assert_eq!(header["jwk"][member], fixture.jwk[member], "not the key that signed");
    }
    assert!(["d", "k"].iter().all(|member| header["jwk"].get(member).is_none()), "not public");
}

fn edit(proof: &str, edits: &[u8]) -> Vec<u8> {
    let mut bytes = proof.as_bytes().to_vec();
    for edit in edits.chunks_exact(3).take(64) {
        if bytes.is_empty() {
            break;
        }
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % bytes.len();
        match edit[2] {
            0xff => drop(bytes.remove(at)),
            0xfe => bytes.truncate(at),
            0xfd => bytes.extend_from_slice(proof.as_bytes()),
            change @ 0x80.. => bytes.insert(at, change & 0x7f),
            change => bytes[at] = change,
        }
    }
    bytes
}

/// Proof `id` is usable from NOW + id to NOW + id + 2 windows, whenever it comes.
fn replay(steps: &[u8]) {
    let max_bytes = 4096 + usize::from(steps.first().copied().unwrap_or_default()) * 64;
    let store = ReplayStore::new(max_bytes, [9; 32]);
    let capacity = store.capacity();
    let mut used = [false; 256];
    let mut now = NOW;
    for step in steps.chunks_exact(2).take(1000) {
        // Mostly small steps forward, sometimes far, sometimes back.
        now = match step[0] {
            0xff => 0,
            0xfe => u64::MAX,
            0xfd => NOW,
            back @ 0xc0.. => now.saturating_sub(u64::from(back - 0xc0)),
            forward => now.saturating_add(u64::from(forward / 16)),
        };
        let id = u64::from(step[1]);
        let until = NOW + id + 2 * WINDOW;
        if now < NOW + id || now >= until {
            continue;
        }
        let jti = id.to_string();
        let what = OneTimeUse::Proof { key: FIXTURE.key, jti: &jti, target: URI };
        if store.record(&what, UnixTime::from_secs(until), UnixTime::from_secs(now), &AwsLc::new()).is_ok() {
            assert!(!std::mem::replace(&mut used[usize::from(step[1])], true), "proof {id} was used twice");
        }
    }
    assert!(store.memory_bytes() <= max_bytes && store.capacity() == capacity);
}

fuzz_target!(|data: &[u8]| {
    let fixture = &*FIXTURE;
    match data.split_first() {
        Some((b'#', edits)) => {
            let Ok(proof) = String::from_utf8(edit(&fixture.genuine, edits)) else { return };
            let accepted = fixture.accepts(&proof);
            assert!(
                accepted[0].is_none() || proof == fixture.genuine,
                "accepted although nobody signed it: {proof}"
            );
        }
        Some((b'=', payload)) => {
            let Ok(text) = std::str::from_utf8(payload) else { return };
            let payload = text.replace("\"NONCE\"", &format!("{:?}", fixture.nonces[text.len() % 2]));
            let accepted = fixture.accepts(&fixture.sign(fixture.header().as_bytes(), payload.as_bytes()));
            check_claims(fixture, payload.as_bytes(), &accepted);
        }
        Some((b'h', rest)) => {
            let Ok(text) = std::str::from_utf8(rest) else { return };
            let (header, payload) = text.split_once('\n').unwrap_or((text, ""));
            let header = header.replace("\"JWK\"", &fixture.jwk.to_string());
            let good = format!(r#"{{"jti":"1","htm":"POST","htu":"{URI}","iat":{NOW},"ath":"{}"}}"#, ath());
            let payload = if payload.is_empty() { &good } else { payload };
            let accepted = fixture.accepts(&fixture.sign(header.as_bytes(), payload.as_bytes()));
            if accepted[0].is_some() {
                check_header(fixture, header.as_bytes());
                check_claims(fixture, payload.as_bytes(), &accepted);
            }
        }
        Some((b'u', text)) => {
            let Ok(text) = std::str::from_utf8(text) else { return };
            let Ok(uri) = TargetUri::parse(text) else { return };
            assert_eq!(TargetUri::parse(uri.as_str()).as_ref(), Ok(&uri), "the normal form of {text}");
            assert!(!uri.as_str().contains(['?', '#', '@', '\\', ' ']) || text.contains('@'));
            let (_, path) =
                uri.as_str().split_once("://").and_then(|(_, rest)| rest.split_once('/')).unwrap();
            assert!(path.split('/').all(|segment| segment != "." && segment != ".."), "{uri}");
        }
        Some((b'r', steps)) => replay(steps),
        _ => {
            let Ok(proof) = std::str::from_utf8(data) else { return };
            assert!(fixture.accepts(proof)[0].is_none(), "accepted although nobody signed it: {proof}");
        }
    }
});
