//! Invariant: a token is read only from a 200 without `error`, is what the document says, can stand in a header, and
//! is in no `Debug` text and no error. Lifetimes and token types are those of the document, or there is no token; what
//! stands beside an OAuth error is the document's too. An ID-JAG is read only from what says that it is one.
//!
//! The first byte chooses status and content type, the rest is the body.
#![no_main]

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;
use mcp_auth_exchange::grant::id_jag::IdJagGrant;
use mcp_auth_exchange::{TokenResponse, TokenTypeUri};
use serde_json::Value;

/// Whether finding it means that it was copied: the fuzzer writes our own words into tokens, too.
fn is_telling(token: &str) -> bool {
    token.len() > 24 && !token.contains(' ')
}

/// The lifetime that `expires_in` states: whole and not negative, or digits and nothing else (`"+300"` is none).
fn seconds(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let seconds = number.as_f64()?;
            (seconds >= 0.0 && seconds.fract() == 0.0).then_some(seconds as u64)
        }),
        Value::String(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            Some(text.parse().unwrap_or(u64::MAX))
        }
        _ => None,
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&choice, body)) = data.split_first() else { return };
    let status = [StatusCode::OK, StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED, StatusCode::BAD_GATEWAY]
        [usize::from(choice >> 2 & 3)];
    let mut headers = HeaderMap::new();
    let types = [None, Some("application/json"), Some("application/json; charset=utf-8"), Some("text/html")];
    if let Some(value) = types[usize::from(choice & 3)] {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
    }
    match TokenResponse::parse(status, &headers, body) {
        Ok(response) => {
            assert_eq!(status, StatusCode::OK);
            assert_ne!(choice & 3, 3, "accepted as text/html");
            let value: Value = serde_json::from_slice(body).expect("accepted what serde_json refuses");
            assert!(value.get("error").is_none_or(Value::is_null));
            let token = response.access_token().expose();
            assert_eq!(value["access_token"].as_str(), Some(token));
            HeaderValue::from_str(&format!("Bearer {token}")).expect("the token cannot stand in a header");
            assert_eq!(value["refresh_token"].as_str(), response.refresh_token().map(|t| t.expose()));
            assert_eq!(value["scope"].as_str(), response.scope());
            assert_eq!(value["issued_token_type"].as_str(), response.issued_token_type());
            let token_type = value["token_type"].as_str().expect("without a token type");
            assert!(token_type.eq_ignore_ascii_case(response.token_type().as_str()));
            assert_eq!(seconds(&value["expires_in"]), response.expires_in_seconds());
            let id_jag = response.issued_token_type() == Some(TokenTypeUri::ID_JAG.as_str());
            let is_one = id_jag && token_type.eq_ignore_ascii_case("n_a");
            assert_eq!(IdJagGrant::from_response(&response).is_ok(), is_one);
            if is_telling(token) {
                let others =
                    [response.scope(), response.issued_token_type(), Some(response.token_type().as_str())];
                if !others.into_iter().flatten().any(|other| other.contains(token)) {
                    assert!(!format!("{response:?}").contains(token), "the token is in Debug");
                }
            }
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() < 1024);
            let value = serde_json::from_slice::<Value>(body).ok();
            if let (Some(refusal), Some(value)) = (error.refusal(), &value) {
                assert_eq!(value["error"].as_str(), Some(refusal.code().as_str()));
                for (name, read) in [
                    ("error_description", refusal.description()),
                    ("suberror", refusal.suberror()),
                    ("claims", refusal.claims()),
                    ("acr_values", refusal.acr_values()),
                    ("scope", refusal.scope()),
                ] {
                    assert!(read.is_none() || read == value[name].as_str(), "{name}");
                    assert!(read.is_none_or(|text| text.len() <= 8 * 1024), "{name}");
                }
            }
            let secret = value.as_ref().and_then(|v| v["access_token"].as_str()).filter(|t| is_telling(t));
            let code = value.as_ref().and_then(|v| v["error"].as_str()).unwrap_or_default();
            if let Some(secret) = secret.filter(|secret| !code.contains(secret)) {
                assert!(!text.contains(secret), "a token is in the error");
            }
        }
    }
});
