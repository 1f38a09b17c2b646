use http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::*;
use crate::TokenType;
use TokenResponseErrorKind as Kind;

fn read(status: u16, body: &str) -> Result<TokenResponse, TokenResponseError> {
    TokenResponse::parse(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes())
}

fn kind(status: u16, body: &str) -> Kind {
    read(status, body).unwrap_err().kind().clone()
}

fn with(name: &str, value: Value) -> String {
    let mut body = json!({"access_token": "t", "token_type": "Bearer"});
    body[name] = value;
    body.to_string()
}

#[test]
fn rfc_6749_section_5_1_example() {
    let body = r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example","expires_in":3600,
        "refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","example_parameter":"example_value"}"#;
    let response = read(200, body).unwrap();
    assert_eq!(response.access_token().expose(), "2YotnFZFEjr1zCsicMWpAA");
    assert_eq!(response.token_type(), &TokenType::Other("example".into()));
    assert_eq!(response.expires_in_seconds(), Some(3600));
    assert_eq!(response.refresh_token().unwrap().expose(), "tGzv3JOkF0XG5Qx2TlKWIA");
    assert!(response.id_token().is_none() && response.scope().is_none());
}

#[test]
fn rfc_8693_section_2_3_example() {
    let body = r#"{"access_token":"eyJ","issued_token_type":"urn:ietf:params:oauth:token-type:access_token",
        "token_type":"Bearer","expires_in":60}"#;
    let response = read(200, body).unwrap();
    assert_eq!(response.issued_token_type(), Some("urn:ietf:params:oauth:token-type:access_token"));
}

#[test]
fn expires_in_is_a_number_or_a_string() {
    let seconds = |value| read(200, &with("expires_in", value)).map(|r| r.expires_in_seconds());
    assert_eq!(seconds(json!(0)), Ok(Some(0)));
    assert_eq!(seconds(json!("3600")), Ok(Some(3600)));
    assert_eq!(seconds(json!(u64::MAX)), Ok(Some(u64::MAX)));
    assert_eq!(seconds(json!(null)), Ok(None));
    assert_eq!(seconds(json!(299.0)), Ok(Some(299)));
    // Too large is large, so that a greatest lifetime refuses it.
    assert_eq!(seconds(json!(1e300)), Ok(Some(u64::MAX)));
    assert_eq!(seconds(json!("99999999999999999999999")), Ok(Some(u64::MAX)));
    for odd in [
        json!(-1),
        json!(-1.0),
        json!(1.5),
        json!("-1"),
        json!("+1"),
        json!(""),
        json!("1h"),
        json!(true),
        json!([1]),
    ] {
        assert_eq!(seconds(odd.clone()), Ok(None), "{odd}");
    }
}

#[test]
fn members_are_checked() {
    assert_eq!(kind(200, "{}"), Kind::Member("access_token"));
    assert_eq!(kind(200, "[]"), Kind::Member("access_token"));
    assert_eq!(kind(200, r#"{"access_token":"t"}"#), Kind::Member("token_type"));
    for bad in [json!(""), json!(null), json!(7), json!("a b"), json!("a\r\nx"), json!("é")] {
        assert_eq!(kind(200, &with("access_token", bad)), Kind::Member("access_token"));
    }
    assert_eq!(kind(200, &with("refresh_token", json!(["x"]))), Kind::Member("refresh_token"));
    assert_eq!(kind(200, &with("scope", json!(["x"]))), Kind::Member("scope"));
    assert_eq!(kind(200, &with("error", json!(7))), Kind::Member("error"));
    assert!(read(200, &with("refresh_token", json!(null))).is_ok());
}

#[test]
fn attack_107_what_is_not_a_token_response_is_refused() {
    assert_eq!(kind(200, "<html></html>"), Kind::NotJson);
    assert_eq!(kind(200, ""), Kind::NotJson);
    assert_eq!(kind(200, "access_token=t&token_type=bearer"), Kind::NotJson);
    assert_eq!(
        kind(200, r#"{"access_token":"t","token_type":"Bearer","access_token":"u"}"#),
        Kind::DuplicateMember
    );
    assert_eq!(kind(200, &" ".repeat(MAX_RESPONSE_BYTES + 1)), Kind::TooLarge);
    for status in [201, 204, 301, 302, 404, 500] {
        assert_eq!(kind(status, &with("scope", json!("x"))), Kind::Status, "{status}");
    }
    assert_eq!(kind(502, "<html>bad gateway</html>"), Kind::Status);
}

#[test]
fn media_type_is_json_or_absent() {
    let with_type = |media_type: &str| {
        let body = with("scope", json!("x"));
        TokenResponse::from_http(&Response::builder().header(CONTENT_TYPE, media_type).body(body).unwrap())
    };
    for good in ["application/json", "Application/JSON;charset=UTF-8", "application/problem+json"] {
        assert!(with_type(good).is_ok(), "{good}");
    }
    for bad in ["text/html", "text/json", "application/x-www-form-urlencoded", "", "application/jsonp"] {
        assert_eq!(with_type(bad).unwrap_err().kind(), &Kind::NotJson, "{bad}");
    }
}

#[test]
fn oauth_errors_are_typed_with_any_status() {
    for status in [200, 400, 401, 403, 503] {
        let error = read(status, r#"{"error":"invalid_grant","error_description":"d"}"#).unwrap_err();
        let refusal = error.refusal().unwrap();
        assert_eq!(refusal.code(), &TokenErrorCode::InvalidGrant);
        assert_eq!(refusal.description(), Some("d"));
        assert_eq!(error.status().as_u16(), status);
    }
    let entra = r#"{"error":"interaction_required","suberror":"basic_action","claims":"{\"access_token\":{}}","error_codes":[50079]}"#;
    let error = read(400, entra).unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!(refusal.code(), &TokenErrorCode::InteractionRequired);
    assert_eq!(refusal.suberror(), Some("basic_action"));
    assert_eq!(refusal.claims(), Some(r#"{"access_token":{}}"#));
}

#[test]
fn every_code_survives_a_round_trip() {
    for code in [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "invalid_target",
        "invalid_dpop_proof",
        "use_dpop_nonce",
        "interaction_required",
        "consent_required",
        "login_required",
        "insufficient_user_authentication",
        "access_denied",
        "server_error",
        "temporarily_unavailable",
    ] {
        let parsed = TokenErrorCode::parse(code).unwrap();
        assert_eq!((parsed.as_str(), parsed.as_known_str()), (code, code));
    }
    assert_eq!(TokenErrorCode::parse("slow_down").unwrap().as_known_str(), "other");
    for bad in ["", "a\"b", "a\nb", "é", &"a".repeat(65)] {
        assert_eq!(TokenErrorCode::parse(bad), None);
    }
}

#[test]
fn attack_066_nothing_of_the_answer_is_printed() {
    let ok = read(
        200,
        r#"{"access_token":"canary","refresh_token":"canary","id_token":"canary","token_type":"Bearer"}"#,
    );
    assert!(!format!("{ok:?}").contains("canary"));
    for body in [
        r#"{"error":"invalid_grant","error_description":"canary","claims":"canary","suberror":"canary"}"#,
        r#"{"canary":1}"#,
        r#"{"access_token":["canary"]}"#,
        "canary",
    ] {
        for status in [200, 400] {
            let error = read(status, body).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{body}");
        }
    }
    assert!(!read(400, r#"{"error":"canary"}"#).unwrap_err().to_string().contains("canary"));
}

#[test]
fn attack_109_transient_faults_and_retry_after() {
    for (status, body, transient) in [
        (429, "", true),
        (500, "x", true),
        (503, r#"{"error":"invalid_grant"}"#, true),
        (400, r#"{"error":"temporarily_unavailable"}"#, true),
        (400, r#"{"error":"invalid_grant"}"#, false),
        (302, "", false),
        (200, "x", false),
    ] {
        assert_eq!(read(status, body).unwrap_err().is_transient(), transient, "{status} {body}");
    }
    let after = |text| {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
        TokenResponse::parse(StatusCode::TOO_MANY_REQUESTS, &headers, b"").unwrap_err().retry_after_seconds()
    };
    assert_eq!(after("120"), Some(120));
    for odd in ["Wed, 21 Oct 2015 07:28:00 GMT", "-1", "+1", "", "99999999999", "0", "00"] {
        assert_eq!(after(odd), None, "{odd}");
    }
    let dated = |date, after| {
        let headers =
            [(DATE, HeaderValue::from_static(date)), (RETRY_AFTER, HeaderValue::from_static(after))];
        TokenResponse::parse(StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::from_iter(headers), b"")
            .unwrap_err()
            .retry_after_seconds()
    };
    let noon = "Wed, 21 Oct 2015 12:00:00 GMT";
    assert_eq!(dated(noon, "Wed, 21 Oct 2015 12:02:00 GMT"), Some(120));
    for odd in ["Wed, 21 Oct 2015 11:59:59 GMT", noon, "Wed, 21 Oct 2915 12:00:00 GMT", "tomorrow"] {
        assert_eq!(dated(noon, odd), None, "{odd}");
    }
    assert_eq!(dated("today", "Wed, 21 Oct 2015 12:02:00 GMT"), None);
}

#[test]
fn attack_112_no_debug_text_has_the_server_s_words() {
    let body = r#"{"access_token":"canary-a","refresh_token":"canary-r","id_token":"canary-i","token_type":"canary-t",
        "scope":"canary-s","issued_token_type":"canary-y","authorization_details":[{"type":"canary-d"}]}"#;
    let answer = read(200, body).unwrap();
    assert!(!format!("{answer:?}").to_lowercase().contains("canary"), "{answer:?}");
    let error = read(400, r#"{"error":"canary-secret-value","error_description":"canary"}"#).unwrap_err();
    assert!(!format!("{error:?} {:?}", error.refusal()).contains("canary"), "{error:?}");
    assert!(format!("{error:?}").contains("other(19 bytes)"), "{error:?}");
    let known = read(400, r#"{"error":"invalid_grant"}"#).unwrap_err();
    assert!(format!("{known:?}").contains("invalid_grant"));
}

#[test]
fn granted_details_are_read_and_bounded() {
    let granted = |details: &str| {
        let body =
            format!(r#"{{"access_token":"t","token_type":"Bearer","authorization_details":{details}}}"#);
        read(200, &body).unwrap().authorization_details().map(|details| details.as_str().to_owned())
    };
    assert_eq!(granted(r#"[{"type": "a", "b": 1}]"#).as_deref(), Some(r#"[{"b":1,"type":"a"}]"#));
    let long = format!(r#"[{{"type":"{}"}}]"#, "a".repeat(crate::target::MAX_AUTHORIZATION_DETAILS_BYTES));
    for absent in ["null", "[]", "{}", "7", r#"[{"b":1}]"#, r#""[]""#, &long] {
        assert_eq!(granted(absent), None);
    }
}
