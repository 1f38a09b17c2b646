//! Invariant: somebody is let in only by a 200 with `"active": true` once, for our audience, unexpired, from the
//! issuer that was asked, unbound; and nothing of the answer is in an error.
//!
//! The first byte chooses status and content type, the rest is the body.
#![no_main]

use std::sync::LazyLock;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;
use mcp_auth_core::UnixTime;
use mcp_auth_core::jwt::{Checks, Issuer, Validator};
use mcp_auth_exchange::introspection::IntrospectionResponse;
use serde_json::Value;

const NOW: u64 = 1_700_000_000;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    Validator::new([Issuer::new("https://a").audience("mcp"), Issuer::new("https://b").audience("mcp")])
        .unwrap()
});

fuzz_target!(|data: &[u8]| {
    let Some((&choice, body)) = data.split_first() else { return };
    let status = [StatusCode::OK, StatusCode::OK, StatusCode::UNAUTHORIZED, StatusCode::BAD_GATEWAY]
        [usize::from(choice >> 2 & 3)];
    let mut headers = HeaderMap::new();
    let types =
        [None, Some("application/json"), Some("application/token-introspection+jwt"), Some("text/html")];
    if let Some(value) = types[usize::from(choice & 3)] {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
    }
    let claims = match IntrospectionResponse::parse(status, &headers, body) {
        Ok(IntrospectionResponse::Active(claims)) => claims,
        Ok(_) => return,
        Err(error) => {
            assert!(error.to_string().len() < 200, "an error holds the answer");
            return;
        }
    };
    assert_eq!(status, StatusCode::OK);
    assert!(choice & 3 < 2, "accepted a media type that is not JSON");
    assert_eq!(&*claims, body);
    let checks = Checks::at(UnixTime::from_secs(NOW));
    let Ok(principal) = VALIDATOR.accept_introspected(0.into(), "opaque", &claims, &checks) else { return };
    let value: Value = serde_json::from_slice(body).expect("accepted what serde_json refuses");
    assert_eq!(value["active"], Value::Bool(true));
    let names_us =
        |aud: &Value| aud == "mcp" || aud.as_array().is_some_and(|list| list.iter().any(|a| a == "mcp"));
    assert!(names_us(&value["aud"]), "not for us");
    assert!(value["exp"].as_f64().is_some_and(|exp| exp > NOW as f64 - 31.0), "expired");
    assert!(value.get("iss").is_none_or(|iss| iss == "https://a"), "another issuer's");
    assert!(value.get("cnf").is_none(), "a bound token as a bearer token");
    assert_eq!(value["sub"].as_str(), principal.subject());
});
