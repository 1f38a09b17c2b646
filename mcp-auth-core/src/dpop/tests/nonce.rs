use std::collections::HashSet;
use std::time::Duration;

use super::*;

fn nonces() -> Nonces {
    Nonces::new([1; 32]).period(Duration::from_secs(100)).unwrap()
}

#[test]
fn a_nonce_is_good_in_its_box_and_the_next() {
    let (nonces, crypto) = (nonces(), AwsLc::new());
    for start in [0, 100, NOW - NOW % 100] {
        for made_at in [start, start + 50, start + 99] {
            let nonce = nonces.current(at(made_at), &crypto);
            assert_eq!(nonce.len(), 22);
            for (now, age) in [
                (start, Some(NonceAge::Current)),
                (start + 99, Some(NonceAge::Current)),
                (start + 100, Some(NonceAge::Previous)),
                (start + 199, Some(NonceAge::Previous)),
                (start + 200, None),
                (start + 100_000, None),
                (u64::MAX, None),
            ] {
                assert_eq!(nonces.check(&nonce, at(now), &crypto), age, "made {made_at}, now {now}");
            }
            if start > 0 {
                assert_eq!(nonces.check(&nonce, at(start - 1), &crypto), None, "a clock that went back");
            }
        }
    }
}

#[test]
fn nobody_else_makes_our_nonces() {
    let crypto = AwsLc::new();
    let ours = nonces();
    let good = ours.current(at(NOW), &crypto);
    let other_secret = Nonces::new([2; 32]).period(Duration::from_secs(100)).unwrap();
    let other_period = Nonces::new([1; 32]).period(Duration::from_secs(200)).unwrap();
    for bad in [
        String::new(),
        " ".into(),
        good.get(..21).unwrap().to_owned(),
        format!("{good}="),
        format!("{good}A"),
        good.to_lowercase(),
        "A".repeat(22),
        "é".repeat(11),
        "x".repeat(8192),
        other_secret.current(at(NOW), &crypto),
        other_period.current(at(NOW), &crypto),
    ] {
        assert_eq!(ours.check(&bad, at(NOW), &crypto), None, "{bad:.40}");
    }
    // Boxes of one number and two lengths are two boxes.
    assert_eq!(ours.check(&other_period.current(at(0), &crypto), at(0), &crypto), None);
    let replica = Nonces::new([1; 32]).period(Duration::from_secs(100)).unwrap();
    assert_eq!(replica.check(&good, at(NOW), &crypto), Some(NonceAge::Current), "replicas share the secret");
    let all: HashSet<_> = (0..1000).map(|i| ours.current(at(i * 100), &crypto)).collect();
    assert_eq!(all.len(), 1000);
}

#[test]
fn periods_have_limits() {
    for secs in [0, 9, 3601, u64::MAX] {
        let period = Duration::from_secs(secs);
        assert_eq!(Nonces::new([1; 32]).period(period).unwrap_err(), ProofConfigError::Period(period));
    }
    assert!(Nonces::new([1; 32]).period(Duration::from_secs(10)).is_ok());
}

#[test]
fn proofs_are_asked_for_a_nonce_and_then_for_a_newer_one() {
    let crypto = AwsLc::new();
    let rules = ProofRules::default().window(Duration::from_secs(300)).unwrap().nonces(nonces());
    let client = Client::new(Algorithm::ES256);
    let nonce = nonces().current(at(NOW), &crypto);
    let with = |nonce: Value| client.proof_with(|_, c| c["nonce"] = nonce);

    for (proof, kind) in [
        (client.proof(), ProofErrorKind::NonceMissing),
        (with("".into()), ProofErrorKind::NonceUnknown),
        (with("made up".into()), ProofErrorKind::NonceUnknown),
        (with(7.into()), ProofErrorKind::NonceUnknown),
        (with(json!([nonce])), ProofErrorKind::NonceUnknown),
    ] {
        let refused = check_at(&rules, &proof, NOW).unwrap_err();
        assert_eq!(refused.kind(), &kind);
        assert!(refused.wants_nonce());
        assert_eq!((refused.oauth_error(), refused.code()), ("use_dpop_nonce", "proof_nonce"));
    }
    let proof = with(nonce.into());
    assert!(!check_at(&rules, &proof, NOW).unwrap().wants_new_nonce());
    assert!(check_at(&rules, &proof, NOW + 100).unwrap().wants_new_nonce());
    assert_eq!(check_at(&rules, &proof, NOW + 200).unwrap_err().kind(), &ProofErrorKind::NonceUnknown);
    // A good nonce does not excuse anything else.
    let stale = client.proof_with(|_, c| {
        c["nonce"] = nonces().current(at(NOW), &crypto).into();
        c["iat"] = (NOW - 301).into();
    });
    assert_eq!(check_at(&rules, &stale, NOW).unwrap_err().code(), "proof_time");
}
