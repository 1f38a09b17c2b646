use serde_json::json;

use super::*;

const ISSUER: &str = "https://idp.example/realms/mcp";
const OIDC: &str = "https://idp.example/realms/mcp/.well-known/openid-configuration";
const OIDC_INSERTED: &str = "https://idp.example/.well-known/openid-configuration/realms/mcp";
const OAUTH: &str = "https://idp.example/.well-known/oauth-authorization-server/realms/mcp";
const KEYS: &str = "https://idp.example/keys";

fn document(issuer: &str, jwks_uri: &str) -> String {
    json!({"issuer": issuer, "jwks_uri": jwks_uri}).to_string()
}

/// Runs the machine against a table of URLs; what is not in the table answers 404. Returns what was asked for.
fn run(locator: &mut KeySetLocator, web: &[(&str, &str)]) -> Vec<String> {
    locator.begin();
    let mut asked = Vec::new();
    loop {
        let answer = |url: &url::Url| {
            web.iter().find(|(at, _)| *at == url.as_str()).map(|(_, body)| *body).ok_or("404".to_owned())
        };
        match locator.next_request() {
            None => return asked,
            Some(LocatorRequest::Metadata(url)) => {
                asked.push(url.to_string());
                let answer = answer(url);
                locator.metadata(answer.map(str::as_bytes));
            }
            Some(LocatorRequest::KeySet(url)) => {
                asked.push(url.to_string());
                let answer = answer(url).map(|_| ());
                locator.key_set(answer);
            }
        }
        assert!(asked.len() <= 5, "a run is bounded: {asked:?}");
    }
}

#[test]
fn discovery_asks_each_path_once_and_remembers_the_one_that_answered() {
    let mut locator = KeySetLocator::new(ISSUER).unwrap();
    let document = document(ISSUER, KEYS);
    let web = [(OAUTH, document.as_str()), (KEYS, "")];
    assert_eq!(run(&mut locator, &web), [OIDC, OIDC_INSERTED, OAUTH, KEYS]);
    assert_eq!((locator.error(), locator.jwks_uri().unwrap().as_str()), (None, KEYS));
    assert_eq!(run(&mut locator, &web), [KEYS], "a known address is asked directly");
    assert_eq!(
        run(&mut locator, &web[..1]),
        [KEYS, OAUTH],
        "read again; the same address is not asked twice"
    );
    assert_eq!(locator.error().unwrap(), "404");
}

#[test]
fn row_168_a_moved_key_set_is_found_again_in_one_run() {
    let mut locator = KeySetLocator::new("https://idp.example").unwrap();
    let at = "https://idp.example/.well-known/openid-configuration";
    let (old, new) =
        (document("https://idp.example", KEYS), document("https://idp.example", "https://cdn.example/k"));
    run(&mut locator, &[(at, &old), (KEYS, "")]);
    assert_eq!(
        run(&mut locator, &[(at, &new), ("https://cdn.example/k", "")]),
        [KEYS, at, "https://cdn.example/k"]
    );
    assert_eq!((locator.error(), locator.jwks_uri().unwrap().as_str()), (None, "https://cdn.example/k"));
}

#[test]
fn an_outage_keeps_the_known_address() {
    let mut locator = KeySetLocator::new(ISSUER).unwrap();
    let document = document(ISSUER, KEYS);
    let web = [(OIDC, document.as_str()), (KEYS, "")];
    run(&mut locator, &web);
    assert_eq!(run(&mut locator, &[]), [KEYS, OIDC, OIDC_INSERTED, OAUTH]);
    assert!(locator.error().unwrap().starts_with("404; https://idp.example/realms/mcp/.well-known/"));
    assert_eq!(run(&mut locator, &web), [KEYS]);
}

#[test]
fn attack_055_a_document_of_another_issuer_is_refused_and_the_message_shows_both() {
    for other in
        ["https://idp.example/realms/mcp/", "https://evil.example", "https://IDP.example/realms/mcp", ""]
    {
        let mut locator = KeySetLocator::new(ISSUER).unwrap();
        let document = document(other, "https://evil.example/keys");
        let web = [(OIDC, document.as_str()), ("https://evil.example/keys", "")];
        assert_eq!(run(&mut locator, &web), [OIDC, OIDC_INSERTED, OAUTH], "its key set is not asked for");
        assert_eq!(locator.jwks_uri(), None);
        let error = locator.error().unwrap();
        assert!(error.contains(&format!("issuer {other:?}, expected exactly {ISSUER:?}")), "{error}");
    }
    // An escape for the terminal that shows the log.
    let mut locator = KeySetLocator::new(ISSUER).unwrap();
    let document = document("\u{1b}[2J", KEYS);
    run(&mut locator, &[(OIDC, &document)]);
    assert!(!locator.error().unwrap().contains('\u{1b}'));
}

#[test]
fn attack_110_a_document_that_points_elsewhere_than_to_https_is_refused() {
    let mut locator = KeySetLocator::new(ISSUER).unwrap();
    for uri in ["http://idp.example/keys", "file:///etc/passwd", "https://u:p@idp.example/keys", "/keys"] {
        let document = document(ISSUER, uri);
        run(&mut locator, &[(OIDC, &document)]);
        assert_eq!(locator.jwks_uri(), None, "{uri}");
    }
    let bare = json!({"issuer": ISSUER}).to_string();
    for text in ["<html>", "{}", bare.as_str()] {
        run(&mut locator, &[(OIDC, text)]);
        assert_eq!(locator.jwks_uri(), None, "{text}");
    }
    assert!(locator.error().unwrap().contains("has no `jwks_uri`"));
}

#[test]
fn row_035_plain_http_is_for_this_machine_or_asked_for_by_name() {
    assert!(KeySetLocator::new("http://localhost:8080/realms/x").is_ok());
    let plain = "http://keycloak:8080/realms/x";
    assert!(matches!(KeySetLocator::new(plain), Err(LocatorError::Insecure(_))));
    let mut locator = KeySetLocator::insecure_http(plain).unwrap();
    let at = "http://keycloak:8080/realms/x/.well-known/openid-configuration";
    let document = document(plain, "http://keycloak:8080/certs");
    assert_eq!(run(&mut locator, &[(at, &document), ("http://keycloak:8080/certs", "")]).len(), 2);
    assert_eq!(locator.error(), None);
}

#[test]
fn issuers_that_have_no_well_known_path_are_refused() {
    for (issuer, error) in [
        ("testing@secure.istio.io", LocatorError::NotAUrl("testing@secure.istio.io".into())),
        ("https://idp.example ", LocatorError::NotAUrl("https://idp.example ".into())),
        ("", LocatorError::NotAUrl(String::new())),
        ("https://idp.example?a=b", LocatorError::Extra),
        ("https://idp.example#a", LocatorError::Extra),
        ("https://user:secret@idp.example", LocatorError::Extra),
        ("ftp://idp.example", LocatorError::Insecure("ftp://idp.example".into())),
    ] {
        assert_eq!(KeySetLocator::new(issuer).unwrap_err(), error);
        assert!(KeySetLocator::insecure_http(issuer).is_err());
    }
}

#[test]
fn a_run_that_was_given_up_is_not_repeated_at_the_place_where_it_hung() {
    let mut locator = KeySetLocator::new(ISSUER).unwrap();
    let asks = |locator: &KeySetLocator| match locator.next_request() {
        Some(LocatorRequest::Metadata(url) | LocatorRequest::KeySet(url)) => url.to_string(),
        None => String::new(),
    };
    // The first document hangs: the others come first next time.
    locator.begin();
    assert_eq!(asks(&locator), OIDC);
    let moved = document(ISSUER, KEYS);
    let web = [(OIDC, moved.as_str()), (KEYS, "")];
    assert_eq!(run(&mut locator, &web), [OIDC_INSERTED, OAUTH, OIDC, KEYS]);
    // The known address hangs, and the document names another one.
    locator.begin();
    assert_eq!(asks(&locator), KEYS);
    let moved = document(ISSUER, "https://idp.example/new");
    assert_eq!(run(&mut locator, &[(OIDC, &moved), ("https://idp.example/new", "")]).len(), 2);
    assert_eq!(locator.error(), None);
    // It hangs, and the document names the same.
    locator.begin();
    assert_eq!(
        run(&mut locator, &[(OIDC, &moved), ("https://idp.example/new", "")]),
        [OIDC, "https://idp.example/new"]
    );
    // It fails and the document hangs: the documents again, then the address again.
    locator.begin();
    locator.key_set(Err("404".into()));
    assert_eq!(asks(&locator), OIDC);
    locator.begin();
    assert_eq!(asks(&locator), OIDC_INSERTED);
    assert_eq!(run(&mut locator, &[("https://idp.example/new", "")]), ["https://idp.example/new"]);
}

#[test]
fn answers_out_of_turn_change_nothing() {
    let mut locator = KeySetLocator::new(ISSUER).unwrap();
    assert_eq!(locator.next_request(), None, "not begun");
    locator.key_set(Ok(()));
    locator.metadata(Ok(document(ISSUER, KEYS).as_bytes()));
    assert_eq!((locator.next_request(), locator.jwks_uri()), (None, None));
    locator.begin();
    locator.key_set(Err("early".into()));
    assert!(matches!(locator.next_request(), Some(LocatorRequest::Metadata(url)) if url.as_str() == OIDC));
}
