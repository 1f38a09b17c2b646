//! Presets of clients.

use super::*;

#[test]
fn mcp_c7_every_known_client_is_accepted_with_its_preset_and_cursor_only_with_it() {
    for client in KnownClient::ALL {
        let rules = RedirectUriRules::listed().allow_known_client(*client);
        assert!(client.redirect_uris().next().is_some());
        for uri in client.redirect_uris() {
            assert_eq!(rules.check(uri), Ok(()), "{uri}");
            assert!(client.has_redirect_uri(uri), "{uri}");
            let private = uri.starts_with("cursor:");
            assert_eq!(RedirectUriRules::default().check(uri).is_err(), private, "{uri}");
        }
    }
}

/// The body that Cursor sends (erp-mafia/accounted#2225, better-auth#10946): three URIs, all or nothing.
#[test]
fn mcp_c9_cursor_registers_with_its_three_uris_and_application_type_web() {
    let body = json!({
        "client_name": "Cursor", "application_type": "web", "token_endpoint_auth_method": "none",
        "redirect_uris": KnownClient::Cursor.redirect_uris().collect::<Vec<_>>(),
    })
    .to_string();
    let rules = RedirectUriRules::default().allow_known_client(KnownClient::Cursor);
    let request = ClientRegistrationRequest::parse(body.as_bytes(), &rules).unwrap();
    assert_eq!(request.metadata().redirect_uris.len(), 3);
    assert!(ClientRegistrationRequest::parse(body.as_bytes(), &RedirectUriRules::default()).is_err());
}

#[test]
fn a_preset_opens_no_more_than_its_uris() {
    let rules = RedirectUriRules::listed()
        .allow_known_client(KnownClient::Cursor)
        .allow_known_client(KnownClient::ChatGpt)
        .allow_known_client(KnownClient::Claude);
    for uri in [
        "https://chatgpt.com/connector/oauth/Ab3-x_9",
        "https://claude.com/api/mcp/auth_callback",
        "http://localhost:1/anything",
    ] {
        assert_eq!(rules.check(uri), Ok(()), "{uri}");
    }
    use RedirectUriError as E;
    for (uri, error) in [
        ("cursor://anysphere.cursor-mcp/oauth/callback/x", E::Scheme),
        ("cursor://evil/oauth/callback", E::Scheme),
        ("CURSOR://anysphere.cursor-mcp/oauth/callback", E::Scheme),
        ("https://claude.ai/api/mcp/auth_callback/", E::Host),
        ("https://claude.ai.evil.example/api/mcp/auth_callback", E::Host),
        ("https://claude.ai:8443/api/mcp/auth_callback", E::Host),
        ("https://chatgpt.com/connector/oauth/", E::Host),
        ("https://chatgpt.com/connector/oauth/a/b", E::Host),
        ("https://chatgpt.com/connector/oauth/..%2f..%2fevil", E::Host),
        ("https://chatgpt.com/connector/oauth/a?x=y", E::Host),
        ("https://vscode.dev/redirect", E::Host),
        ("https://evil.example/", E::Host),
        ("http://evil.example/", E::InsecureHttp),
    ] {
        assert_eq!(rules.check(uri), Err(error), "{uri}");
    }
    let long = format!("https://chatgpt.com/connector/oauth/{}", "a".repeat(129));
    assert_eq!(rules.check(&long), Err(E::Host));
}

#[test]
fn hosts_are_listed_exactly() {
    let rules = RedirectUriRules::default().allow_https_host("App.example.com").unwrap();
    assert_eq!(rules.check("https://app.example.com:8443/cb"), Ok(()));
    for uri in ["https://example.com/cb", "https://x.app.example.com/cb", "https://app.example.com.evil/cb"] {
        assert_eq!(rules.check(uri), Err(RedirectUriError::Host), "{uri}");
    }
    for host in ["", "*.example.com", "a/b", "a b", "u@h", "h:443", "https://h", "h?x", "h#x"] {
        assert_eq!(RedirectUriRules::listed().allow_https_host(host), Err(RedirectUriError::Host), "{host}");
    }
}
