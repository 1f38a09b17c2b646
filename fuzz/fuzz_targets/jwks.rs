//! Invariant: usable and skipped keys together never exceed `MAX_KEYS`; a look-up without a name finds a key only
//! if it is the only one that fits; no name is used by two different keys.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_auth_core::crypto::AwsLc;
use mcp_auth_core::jwk::{KeyMatch, KeySet, MAX_KEYS};
use mcp_auth_core::jwt::Algorithm;

fuzz_target!(|data: &[u8]| {
    let Ok(set) = KeySet::parse(data, &AwsLc::new(), Algorithm::ASYMMETRIC) else { return };
    assert!(set.len() + set.skipped().len() <= MAX_KEYS);
    assert_eq!(set.is_empty(), set.keys().is_empty());
    assert_eq!(set.len(), set.keys().len());
    for &algorithm in Algorithm::ASYMMETRIC {
        let fitting = set.keys().iter().filter(|key| key.verifier(algorithm).is_some()).count();
        match set.find(None, algorithm) {
            KeyMatch::Found(key) => {
                let verifier = key.verifier(algorithm).expect("found for this algorithm");
                assert_eq!(fitting, 1);
                assert!(verifier.verify(b"message", b"").is_err(), "an empty signature verified");
                assert!(verifier.verify(b"message", &[0; 64]).is_err(), "a signature of zeros verified");
            }
            KeyMatch::Unknown => assert_eq!(fitting, 0),
            _ => assert!(fitting > 1),
        }
        for key in set.keys().iter().filter(|key| key.kid().is_some()) {
            assert!(
                !matches!(set.find(key.kid(), algorithm), KeyMatch::Ambiguous),
                "two usable keys of the name {:?}",
                key.kid()
            );
        }
    }
});
