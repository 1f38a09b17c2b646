//! Project Wycheproof's vectors for JSON Web Signatures and Keys.
//!
//! A case is run as an operator would set it up: the key of its group is the configured key (secrets where it is
//! symmetric), every algorithm is allowed, and the token is either good or refused.

mod generated;

use std::collections::BTreeSet;

use mcp_auth_core::crypto::CryptoProvider;
use mcp_auth_core::jwt::{Jws, TokenLimits};
use serde_json::Value;

use crate::support::{conformance, providers, read_json, say, verify};

/// Cases of `json_web_signature_test` whose labels are open to dispute (conformance/README.md). Six want a token
/// that contradicts its key's `alg`, or that is not base64url, accepted.
const DISPUTED_VALID: [u64; 6] = [346, 347, 350, 351, 372, 373];

/// Two more want 357, which is valid, refused under another number.
const DISPUTED_COPIES: [u64; 2] = [367, 370];
const ORIGINAL: u64 = 357;

struct Case {
    id: u64,
    jwk: Value,
    token: String,
    valid: bool,
    what: String,
}

/// The cases of a file whose token is in the member `form`.
fn cases(file: &Value, form: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for group in file["testGroups"].as_array().unwrap() {
        // A group of public keys has them beside the private ones; a symmetric key has one form only.
        let jwk = group.get("public").or_else(|| group.get("private")).unwrap();
        for test in group["tests"].as_array().unwrap() {
            let Some(token) = test.get(form) else { continue };
            let valid = match test["result"].as_str() {
                Some("valid") => true,
                Some("invalid") => false,
                other => panic!("a result nobody told us about: {other:?}"),
            };
            cases.push(Case {
                id: test["tcId"].as_u64().unwrap(),
                jwk: jwk.clone(),
                // The one case that is not a string is a JSON serialisation.
                token: token.as_str().map_or_else(|| token.to_string(), str::to_owned),
                valid,
                what: format!("{} / {}", group["comment"], test["comment"]),
            });
        }
    }
    cases
}

/// Runs the cases and returns how many came out as labelled; prints those that did not.
fn run(provider: &dyn CryptoProvider, cases: &[&Case]) -> usize {
    let mut good = 0;
    for case in cases {
        let verdict = verify(provider, &case.jwk, &case.token);
        if verdict.is_ok() == case.valid {
            good += 1;
        } else {
            say(&format!("case {} {}: expected valid={}, got {verdict:?}", case.id, case.what, case.valid));
        }
    }
    good
}

#[test]
fn json_web_signature() {
    let Some(folder) = conformance("wycheproof") else { return };
    let cases = cases(&read_json(folder.join("json_web_signature_test.json")), "jws");
    assert_eq!(cases.len(), 401);
    let disputed: BTreeSet<u64> = DISPUTED_VALID.into_iter().chain(DISPUTED_COPIES).collect();
    let fair: Vec<&Case> = cases.iter().filter(|case| !disputed.contains(&case.id)).collect();
    let by_id = |id: u64| cases.iter().find(|case| case.id == id).unwrap();
    for (name, provider) in providers() {
        let good = run(provider, &fair);
        let refused = DISPUTED_VALID
            .into_iter()
            .filter(|id| verify(provider, &by_id(*id).jwk, &by_id(*id).token).is_err())
            .count();
        say(&format!(
            "wycheproof: json_web_signature {good}/{} ({name}; of 8 disputed labels {refused} are refused, \
             2 are byte for byte the valid case {ORIGINAL})",
            fair.len()
        ));
        assert_eq!((good, fair.len()), (393, 393), "{name}");
        assert_eq!(refused, DISPUTED_VALID.len(), "{name}");
    }
    for id in DISPUTED_COPIES {
        assert_eq!(by_id(id).token, by_id(ORIGINAL).token, "no verifier can tell them apart");
        assert!(!by_id(id).valid && by_id(ORIGINAL).valid);
    }
}

#[test]
fn json_web_crypto() {
    let Some(folder) = conformance("wycheproof") else { return };
    let file = read_json(folder.join("json_web_crypto_test.json"));
    let (signed, encrypted) = (cases(&file, "jws"), cases(&file, "jwe"));
    for (name, provider) in providers() {
        let good = run(provider, &signed.iter().collect::<Vec<_>>());
        say(&format!("wycheproof: json_web_crypto {good}/{} ({name})", signed.len()));
        assert_eq!((good, signed.len()), (49, 49), "{name}");
    }
    for case in &encrypted {
        assert!(Jws::parse(&case.token, TokenLimits::default()).is_err(), "{} {}", case.id, case.what);
    }
    say(&format!("wycheproof: json_web_crypto {} encrypted tokens, all refused", encrypted.len()));
    assert_eq!(encrypted.len(), 34);
}

#[test]
fn json_web_key() {
    let Some(folder) = conformance("wycheproof") else { return };
    let cases = cases(&read_json(folder.join("json_web_key_test.json")), "jws");
    for (name, provider) in providers() {
        let good = run(provider, &cases.iter().collect::<Vec<_>>());
        say(&format!("wycheproof: json_web_key {good}/{} ({name})", cases.len()));
        assert_eq!((good, cases.len()), (26, 26), "{name}");
    }
}
