use super::AuthorizationResponseErrorKind as Kind;
use super::*;

const ISSUER: &str = "https://as.example.com/realms/mcp";

fn parse(query: &str, iss: Option<&str>, required: bool) -> Result<String, Kind> {
    let state = State::parse("st4te").unwrap();
    AuthorizationResponse::parse(query, &state, iss, required)
        .map(|response| response.into_code().expose().to_owned())
        .map_err(|error| error.kind().clone())
}

#[test]
fn attack_096_state_missing_wrong_or_twice() {
    for (query, kind) in [
        ("code=c", Kind::StateMissing),
        ("", Kind::StateMissing),
        ("code=c&state=", Kind::StateMismatch),
        ("code=c&state=St4te", Kind::StateMismatch),
        ("code=c&state=st4te%20", Kind::StateMismatch),
        ("code=c&state=st4t", Kind::StateMismatch),
        ("code=c&state=st4te&state=st4te", Kind::DuplicateParameter),
        ("code=c&state=st4te&st%61te=x", Kind::DuplicateParameter),
        ("error=access_denied", Kind::StateMissing),
    ] {
        assert_eq!(parse(query, Some(ISSUER), false), Err(kind), "{query}");
    }
    assert_eq!(parse("code=c&state=st4te", Some(ISSUER), false).as_deref(), Ok("c"));
    assert_eq!(parse("state=%73t4te&code=a%2Bb+c", None, false).as_deref(), Ok("a+b c"));
}

#[test]
fn attack_097_issuer_missing_wrong_or_look_alike() {
    let with = |iss: &str| format!("code=c&state=st4te&iss={iss}");
    assert!(parse(&with("https%3A%2F%2Fas.example.com%2Frealms%2Fmcp"), Some(ISSUER), true).is_ok());
    assert_eq!(parse("code=c&state=st4te", Some(ISSUER), true), Err(Kind::IssuerMissing));
    assert_eq!(parse("code=c&state=st4te", None, true), Err(Kind::IssuerMissing));
    for iss in [
        "",
        "https://as.example.com/realms/mcp/",
        "https://AS.example.com/realms/mcp",
        "https://as.example.com:443/realms/mcp",
        "https://as.example.com/realms/%256dcp",
        "https://evil.example",
    ] {
        for required in [false, true] {
            assert_eq!(parse(&with(iss), Some(ISSUER), required), Err(Kind::IssuerMismatch), "{iss}");
            assert_eq!(parse(&with(iss), None, required), Err(Kind::IssuerMismatch), "{iss}");
        }
    }
    let refused = "error=access_denied&state=st4te&iss=https://evil.example";
    assert_eq!(parse(refused, Some(ISSUER), true), Err(Kind::IssuerMismatch), "errors are checked too");
}

#[test]
fn refusals_are_typed() {
    for code in [
        "invalid_request",
        "unauthorized_client",
        "access_denied",
        "unsupported_response_type",
        "invalid_scope",
        "invalid_target",
        "server_error",
        "temporarily_unavailable",
        "interaction_required",
        "login_required",
        "consent_required",
    ] {
        let query = format!("error={code}&state=st4te&error_description=canary");
        let Err(Kind::Refused(found)) = parse(&query, None, false) else { panic!("{code}") };
        assert_eq!(found.as_str(), code);
    }
    let odd = "error=canary&state=st4te";
    assert_eq!(parse(odd, None, false), Err(Kind::Refused(AuthorizationErrorCode::Other)));
    let error = AuthorizationResponse::parse(odd, &State::parse("st4te").unwrap(), None, false).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn odd_queries_are_refused() {
    for query in [
        "state=st4te",
        "state=st4te&code=",
        "state=st4te&code=c&error=x",
        "state=st4te&code=%ff",
        "state=st4te&code=a%0d%0a",
    ] {
        assert_eq!(parse(query, None, false), Err(Kind::Malformed), "{query}");
    }
    assert_eq!(parse("code=a&code=b&state=st4te", None, false), Err(Kind::DuplicateParameter));
    assert_eq!(parse(&"a".repeat(MAX_QUERY_BYTES + 1), None, false), Err(Kind::TooLarge));
    assert_eq!(parse(&"a=b&".repeat(65), None, false), Err(Kind::TooLarge));
}
