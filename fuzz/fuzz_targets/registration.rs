//! Invariant: a client that is registered is redirected to https, to this machine, or to a URI that was allowed by name;
//! what is answered has no nulls, has the defaults, and reads the same; a refusal repeats nothing; a redirect URI
//! matches itself, and another one only on this machine with another port.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use http::Response;
use libfuzzer_sys::fuzz_target;
use mcp_auth_discovery::Secret;
use mcp_auth_discovery::registration::{
    ClientRegistrationRequest, ClientRegistrationResponse, ClientUpdateRequest, KnownClient,
    MAX_REDIRECT_URI_BYTES, MAX_REDIRECT_URIS, RedirectUriRules, redirect_uri_matches,
};
use mcp_auth_discovery::transport::{has_userinfo, is_loopback};
use serde_json::Value;
use url::Url;

static OPEN: LazyLock<RedirectUriRules> = LazyLock::new(RedirectUriRules::default);
static LISTED: LazyLock<RedirectUriRules> = LazyLock::new(|| {
    let rules = RedirectUriRules::listed().allow_https_host("app.example").unwrap();
    KnownClient::ALL.iter().fold(rules, |rules, client| rules.allow_known_client(*client))
});

fn check(uri: &str, listed: bool) {
    let url = Url::parse(uri).expect("a redirect URI that is none");
    assert!(!has_userinfo(&url) && url.fragment().is_none() && uri.len() <= MAX_REDIRECT_URI_BYTES);
    assert!(!uri.contains(['\\', ' ', '\r', '\n', '#']) && uri.is_ascii(), "{uri}");
    let known = KnownClient::ALL.iter().any(|client| client.has_redirect_uri(uri));
    match url.scheme() {
        "https" if listed => assert!(known || url.host_str() == Some("app.example"), "{uri}"),
        "https" => {}
        "http" => assert!(is_loopback(&url), "{uri}"),
        _ => assert!(listed && known, "{uri}"),
    }
    assert!(redirect_uri_matches(uri, uri));
}

fn pair(text: &str) {
    let Some((registered, requested)) = text.split_once('\n') else { return };
    let matches = redirect_uri_matches(registered, requested);
    assert_eq!(matches, redirect_uri_matches(requested, registered));
    if matches && registered != requested {
        let (a, b) = (Url::parse(registered).unwrap(), Url::parse(requested).unwrap());
        assert!(a.scheme() == "http" && b.scheme() == "http" && is_loopback(&a), "{text}");
        assert!(a.host() == b.host() && a.path() == b.path() && a.query() == b.query(), "{text}");
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        pair(text);
    }
    for (rules, listed) in [(&*OPEN, false), (&*LISTED, true)] {
        let request = match ClientRegistrationRequest::parse(data, rules) {
            Ok(request) => request,
            Err(error) => {
                let body: Value =
                    serde_json::from_slice(&error.to_json()).expect("an error that is not JSON");
                assert_eq!(body["error"], error.code().as_str());
                assert_eq!(error.to_http().status(), 400);
                continue;
            }
        };
        let metadata = request.metadata();
        assert!(metadata.redirect_uris.len() <= MAX_REDIRECT_URIS);
        metadata.redirect_uris.iter().for_each(|uri| check(uri, listed));
        assert_eq!(ClientRegistrationRequest::parse(&request.to_json(), rules).as_ref(), Ok(&request));

        let response = ClientRegistrationResponse::new("c", request.into_metadata());
        let http = response.to_http();
        let body: Value = serde_json::from_slice(http.body()).expect("an answer that is not JSON");
        let members = body.as_object().expect("an answer that is no object");
        assert!(members.values().all(|value| !value.is_null()), "{body}");
        for name in ["client_id", "token_endpoint_auth_method", "grant_types", "response_types"] {
            assert!(members.contains_key(name), "{body}");
        }
        let read = ClientRegistrationResponse::from_http(&http).expect("our own answer is refused");
        assert_eq!(read.metadata, response.metadata);
    }
    let held = Secret::new("held");
    if let Ok(update) = ClientUpdateRequest::parse(data, &OPEN, "c", Some(&held)) {
        let value: Value = serde_json::from_slice(data).expect("accepted what serde_json refuses");
        assert_eq!(value["client_id"], "c");
        assert!(value.get("registration_access_token").is_none());
        assert!(value["client_secret"].is_null() || value["client_secret"] == "held");
        update.metadata().redirect_uris.iter().for_each(|uri| check(uri, false));
    }
    for status in [200, 400] {
        let answer = Response::builder().status(status).body(Bytes::copy_from_slice(data)).unwrap();
        match ClientRegistrationResponse::from_http(&answer) {
            Ok(response) => {
                assert!(status == 200 && !response.client_id.is_empty());
                let again =
                    ClientRegistrationResponse::parse(&response.to_json()).expect("written and refused");
                assert_eq!(again.to_json(), response.to_json());
            }
            Err(error) => assert!(!error.to_string().contains(char::is_control)),
        }
    }
});
