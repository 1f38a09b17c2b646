//! Three parts, strict base64url, bounded: attack table A, rows 18 to 20, and 36.

use super::*;

#[test]
fn attack_018_a_token_has_three_parts() {
    let idp = Idp::new(Algorithm::EdDSA);
    let token = idp.sign(&claims());
    let (signed, _) = token.rsplit_once('.').unwrap();
    for bad in ["", "opaque", signed, &format!("{token}."), &format!("{token}.x"), &format!("{token}.x.y")] {
        assert_eq!(refused(&idp, bad), "not_a_jwt", "{bad}");
    }
    assert_eq!(refused(&idp, &".".repeat(1_000_000)), "token_too_long");
    // Dots are counted, not collected, also where somebody raises the limit.
    let lax = validator().limits(TokenLimits::default().token_bytes(2_000_000));
    let error = lax.parse(&".".repeat(1_000_000)).unwrap_err();
    assert_eq!(error.kind(), &ValidationErrorKind::NotCompact { parts: 1_000_001 });
}

#[test]
fn attack_019_base64url_has_one_form() {
    let idp = Idp::new(Algorithm::EdDSA);
    let token = idp.sign(&claims());
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    let in_each = |change: &dyn Fn(&str) -> String| {
        [
            format!("{}.{payload}.{signature}", change(header)),
            format!("{header}.{}.{signature}", change(payload)),
            format!("{header}.{payload}.{}", change(signature)),
        ]
    };
    let last = |part: &str| part.len() - 1;
    for (what, tokens) in [
        ("padding", in_each(&|part| format!("{part}="))),
        ("space in front", in_each(&|part| format!(" {part}"))),
        ("new line behind", in_each(&|part| format!("{part}\n"))),
        ("tab inside", in_each(&|part| format!("{}\t{}", part.split_at(8).0, part.split_at(8).1))),
        ("`?`", in_each(&|part| format!("{part}?"))),
        ("`+`", in_each(&|part| format!("{}+", part.split_at(last(part)).0))),
        ("`/`", in_each(&|part| format!("{}/", part.split_at(last(part)).0))),
        ("percent-encoding", in_each(&|part| format!("%65{}", part.split_at(1).1))),
        ("NUL", in_each(&|part| format!("{part}\0"))),
        ("not ASCII", in_each(&|part| format!("{part}\u{e9}"))),
    ] {
        for token in tokens {
            assert_eq!(refused(&idp, &token), "base64", "{what}: {token}");
        }
    }
    // 64 bytes leave four bits of the last character unused; they have to be zero.
    let (rest, end) = signature.split_at(last(signature));
    let at = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".find(end).unwrap();
    assert_eq!(at % 16, 0);
    for stray in 1..16 {
        let end = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[at + stray];
        let token = format!("{header}.{payload}.{rest}{}", char::from(end));
        assert_eq!(refused(&idp, &token), "base64", "the same bytes in another spelling");
    }
}

#[test]
fn attack_020_no_part_is_empty() {
    let idp = Idp::new(Algorithm::EdDSA);
    let token = idp.sign(&claims());
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    for bad in [
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{header}.{payload}."),
        format!("{header}.."),
        "..".to_owned(),
        idp.sign_text(idp.header().to_string(), ""),
    ] {
        assert_eq!(refused(&idp, &bad), "empty_part", "{bad}");
    }
}

#[test]
fn attack_036_the_length_of_a_token_is_bounded() {
    let idp = Idp::new(Algorithm::EdDSA);
    let long = idp.sign(&with("x", "a".repeat(20_000).into()));
    assert_eq!(refused(&idp, &long), "token_too_long");
    let sized = |bytes: usize| validator().limits(TokenLimits::default().token_bytes(bytes));
    assert_eq!(code(check_at(&sized(long.len()), &idp, &long, NOW)), "ok");
    assert_eq!(code(check_at(&sized(long.len() - 1), &idp, &long, NOW)), "token_too_long");
    let header = |bytes: usize| idp.sign_under("x", "a".repeat(bytes).into());
    assert!(check(&idp, &header(2_900)).is_ok());
    assert_eq!(refused(&idp, &header(3_100)), "token_too_long", "4 KiB of base64url");
    let short = idp.sign(&claims());
    let signature = format!("{}.{}", short.rsplit_once('.').unwrap().0, "A".repeat(2_000));
    assert_eq!(refused(&idp, &signature), "token_too_long");
}

#[test]
fn row_094_an_opaque_token_is_told_apart() {
    let idp = Idp::new(Algorithm::EdDSA);
    let error = check(&idp, "v2_opaque_token").unwrap_err();
    assert!(error.to_string().contains("opaque"), "{error}");
    assert_eq!(error.client_text(), ClientText::Malformed);
}
