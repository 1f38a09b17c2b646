//! Tokens that are no longer wanted.

use super::*;

#[test]
fn a_revoked_token_is_refused_by_name_or_by_its_subject_and_date() {
    let idp = Idp::new(Algorithm::EdDSA);
    let validator = validator();
    let mut named = with("jti", "t-1".into());
    named["iat"] = json!(NOW - 10);
    let token = idp.sign(&named);
    let judge = |list: &Revocations| {
        let checks = Checks::at(now()).revocations(list);
        validator.parse(&token).and_then(|parsed| validator.verify(parsed, &idp.keys, &checks))
    };
    let accepted = judge(&Revocations::default()).unwrap();
    let at = |secs: u64| UnixTime::from_secs(secs);
    for (list, expected) in [
        (Revocations::default(), "ok"),
        (Revocations::default().token(ISS, "t-1"), "revoked"),
        (Revocations::default().token(ISS, "t-2").token(ISS, "t"), "ok"),
        (Revocations::default().token("https://other.example", "t-1"), "ok"),
        (Revocations::default().subject(ISS, "alice", at(NOW)), "revoked"),
        (Revocations::default().subject(ISS, "alice", at(NOW - 9)), "revoked"),
        (Revocations::default().subject(ISS, "alice", at(NOW - 10)), "ok"),
        (Revocations::default().subject(ISS, "bob", at(NOW)), "ok"),
        (Revocations::default().subject("https://other.example", "alice", at(NOW)), "ok"),
    ] {
        assert_eq!(code(judge(&list)), expected, "{list:?}");
        let checks = Checks::at(now()).revocations(&list);
        assert_eq!(code(validator.recheck(&accepted, &idp.keys, &checks)), expected, "remembered, {list:?}");
        assert_eq!(list.covers(&accepted), expected == "revoked");
    }
    assert_eq!(
        judge(&Revocations::default().token(ISS, "t-1")).unwrap_err().client_text(),
        ClientText::Revoked
    );
}

#[test]
fn a_token_that_does_not_say_when_it_was_issued_is_revoked_with_its_subject() {
    let idp = Idp::new(Algorithm::EdDSA);
    let token = idp.sign(&without("iat"));
    let list = Revocations::default().subject(ISS, "alice", UnixTime::from_secs(1));
    let parsed = validator().parse(&token).map(|_| ());
    assert_eq!(parsed, Ok(()));
    let accepted = check(&idp, &token).unwrap();
    assert!(list.covers(&accepted));
    let nobody = check(&idp, &idp.sign(&without("sub"))).unwrap();
    assert!(!list.covers(&nobody));
    assert_eq!((list.len(), list.is_empty(), Revocations::default().is_empty()), (1, false, true));
}
