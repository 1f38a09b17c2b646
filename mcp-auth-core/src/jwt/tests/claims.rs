//! The claims set as a whole: attack table B, rows 34 to 36, and which of a provider's tokens it is.

use super::*;

#[test]
fn attack_034_claims_have_no_duplicates_at_any_level() {
    let idp = Idp::new(Algorithm::EdDSA);
    let good = claims().to_string();
    let open = good.strip_suffix('}').unwrap();
    for more in [
        r#""groups":[],"groups":["admin"]"#,
        r#""groups":[],"group\u0073":["admin"]"#,
        r#""sub":"root""#,
        r#""\u0073ub":"root""#,
        r#""exp":99999999999"#,
        r#""aud":"other""#,
        r#""act":{"sub":"a","s\u0075b":"b"}"#,
        r#""deep":{"a":[{"b":{"c":1,"c":1}}]}"#,
    ] {
        let token = idp.sign_text(idp.header().to_string(), format!("{open},{more}}}"));
        assert_eq!(refused(&idp, &token), "json", "{more}");
    }
}

#[test]
fn attack_035_claims_are_one_json_object() {
    let idp = Idp::new(Algorithm::EdDSA);
    let header = idp.header().to_string();
    let good = claims().to_string();
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for payload in [
        format!("[{},\"{ISS}\"]", NOW + 9).into_bytes(),
        // serde would take this for the struct's fields in order.
        format!("[{},0,\"alice\",\"{ISS}\",\"{AUD}\"]", NOW + 9).into_bytes(),
        b"\"text\"".to_vec(),
        b"null".to_vec(),
        b"7".to_vec(),
        format!("{good} ,").into_bytes(),
        format!("{good}{good}").into_bytes(),
        format!("{good}\0").into_bytes(),
        format!("\u{feff}{good}").into_bytes(),
        good.replace("alice", "\\ud800").into_bytes(),
        good.replace("alice", "\n").into_bytes(),
        good.replace("alice", "\\x41").into_bytes(),
        good.replace("\"sub\"", "sub").into_bytes(),
        good.replace('}', ",}").into_bytes(),
        format!("{good}//").into_bytes(),
        [good.as_bytes(), b"\xff"].concat(),
        utf16,
    ] {
        let shown = String::from_utf8_lossy(&payload).into_owned();
        assert_eq!(refused(&idp, &idp.sign_text(&header, payload)), "json", "{shown}");
    }
}

#[test]
fn attack_036_depth_and_number_of_claims_are_bounded() {
    let idp = Idp::new(Algorithm::EdDSA);
    let nested = |depth: usize| with("x", (1..depth).fold(json!([]), |inner, _| json!([inner])));
    assert!(check(&idp, &idp.sign(&nested(63))).is_ok(), "64 with the claims set itself");
    assert_eq!(refused(&idp, &idp.sign(&nested(64))), "json");
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(refused(&idp, &idp.sign_text(idp.header().to_string(), deep)), "json", "no recursion");
    assert_eq!(refused(&idp, &idp.sign(&with("x", json!(vec![0; 5_000])))), "json");
    let wide = |more: usize| {
        (0..more).fold(claims(), |mut claims, i| {
            claims[format!("c{i}")] = json!(0);
            claims
        })
    };
    let own = claims().as_object().unwrap().len();
    assert!(check(&idp, &idp.sign(&wide(1_000 - own))).is_ok());
    assert_eq!(refused(&idp, &idp.sign(&wide(1_001 - own))), "json");
}

#[test]
fn registered_claims_have_their_types() {
    let idp = Idp::new(Algorithm::EdDSA);
    for claim in ["sub", "jti", "client_id", "azp"] {
        for value in [json!(1), json!(null), json!(["x"]), json!({}), json!(false)] {
            let error = check(&idp, &idp.sign(&with(claim, value.clone()))).unwrap_err();
            assert_eq!(error.code(), "claim_type", "{claim} {value}");
            assert!(error.to_string().contains(claim), "{error}");
        }
    }
}

#[test]
fn attack_015_keycloaks_other_tokens_are_refused() {
    let idp = Idp::new(Algorithm::EdDSA);
    for typ in ["ID", "Refresh", "Offline", "Logout", "id", "REFRESH"] {
        let error = check(&idp, &idp.sign(&with("typ", typ.into()))).unwrap_err();
        assert_eq!(error.code(), "token_use", "{typ}");
        assert_eq!(error.client_text(), ClientText::NotForThisServer);
        assert!(error.to_string().contains("wrong one of its tokens"), "{error}");
    }
    for typ in [json!("Bearer"), json!("DPoP"), json!("something else"), json!(7)] {
        assert!(check(&idp, &idp.sign(&with("typ", typ))).is_ok());
    }
}
