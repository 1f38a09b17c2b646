//! Attack table D, and the rows of `mission.md` about where a token stands and what is said of its bearer.

use http::header::{AUTHORIZATION, CONNECTION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use http::{HeaderMap as Headers, Uri};

use super::*;
use crate::Principal;
use crate::jwt::Issuer;

fn with(values: &[&str]) -> HeaderMap {
    values.iter().map(|v| (AUTHORIZATION, v.parse().unwrap())).collect()
}

fn token_of(sources: &TokenSources, headers: &Headers, uri: &str) -> Result<Option<String>, CredentialError> {
    let uri: Uri = uri.parse().unwrap();
    Ok(sources.extract(headers, &uri)?.map(|c| c.token().to_owned()))
}

fn found(headers: &Headers) -> Result<Option<String>, CredentialError> {
    token_of(&TokenSources::default(), headers, "/mcp")
}

/// What is left of a request after its one token was removed.
fn removed(sources: &TokenSources, mut headers: Headers, uri: &str) -> (Headers, String) {
    let mut uri: Uri = uri.parse().unwrap();
    let place = sources.extract(&headers, &uri).unwrap().unwrap().place();
    sources.remove(place, &mut headers, &mut uri);
    (headers, uri.to_string())
}

#[test]
fn attack_056_two_credentials_are_a_malformed_request() {
    for values in
        [&["Bearer a", "Bearer b"][..], &["Bearer a, Bearer b"], &["Bearer a,b"], &["Bearer a", "Basic b"]]
    {
        assert_eq!(found(&with(values)), Err(CredentialError::Multiple), "{values:?}");
    }
}

#[test]
fn attack_057_a_token_in_the_query_is_not_read_and_not_passed_on() {
    let sources = TokenSources::default();
    for uri in ["/mcp?access_token=a.b.c", "/mcp?x=1&access%5Ftoken=a.b.c", "/mcp?access_token"] {
        assert_eq!(token_of(&sources, &HeaderMap::new(), uri), Ok(None), "{uri}");
        let mut uri: Uri = uri.parse().unwrap();
        sources.remove_stray(&mut uri);
        assert!(!uri.to_string().contains("token"), "{uri}");
    }
    let mut uri = Uri::from_static("https://mcp.example/mcp?a=1&access_token=t&b=%20&access_token=u");
    sources.remove_stray(&mut uri);
    assert_eq!(uri, "https://mcp.example/mcp?a=1&b=%20");
    let mut uri = Uri::from_static("/mcp?my_access_token=1&ACCESS_TOKEN=2");
    sources.remove_stray(&mut uri);
    assert_eq!(uri, "/mcp?my_access_token=1&ACCESS_TOKEN=2", "other parameters are not ours");
}

#[test]
fn attack_058_a_token_in_every_place_is_a_malformed_request() {
    let sources = TokenSources::new([
        TokenSource::default(),
        TokenSource::cookie("t"),
        TokenSource::danger_query("access_token"),
    ]);
    let mut headers = with(&["Bearer a.b.c"]);
    assert_eq!(token_of(&sources, &headers, "/?access_token=d"), Err(CredentialError::Multiple));
    headers.insert(COOKIE, HeaderValue::from_static("x=1; t=d.e.f"));
    assert_eq!(token_of(&sources, &headers, "/"), Err(CredentialError::Multiple));
    let header_only = TokenSources::default();
    assert_eq!(
        token_of(&header_only, &with(&["Bearer a"]), "/?access_token=a"),
        Err(CredentialError::Multiple),
        "also where the query is not a source"
    );
}

#[test]
fn attack_059_the_grammar_is_exact_and_the_scheme_has_no_case() {
    for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c"] {
        assert_eq!(found(&with(&[value])), Ok(Some("a.b.c".into())));
    }
    for value in [
        "Bearer",
        "Bearer ",
        "Bearer  a",
        "Bearer a ",
        "Bearer\ta",
        "Bearer a b",
        "Bearer \"a\"",
        "Bearer ===",
        "",
    ] {
        assert_eq!(found(&with(&[value])), Err(CredentialError::Malformed), "{value:?}");
    }
}

#[test]
fn attack_060_another_scheme_is_no_credential_of_ours() {
    for value in ["Basic dTpw", "DPoP a.b.c", "xxBearer a.b.c"] {
        assert_eq!(found(&with(&[value])), Err(CredentialError::OtherScheme));
    }
    let sources = TokenSources::new([TokenSource::bearer_or_dpop()]);
    for (value, scheme) in [("dpop a.b.c", Scheme::Dpop), ("Bearer a.b.c", Scheme::Bearer)] {
        let headers = with(&[value]);
        let uri = Uri::from_static("/");
        assert_eq!(sources.extract(&headers, &uri).unwrap().unwrap().scheme(), scheme);
    }
}

#[test]
fn row_188_189_a_token_may_have_a_header_of_its_own() {
    let own = TokenSource::header(HeaderName::from_static("x-service-jwt"), "");
    let sources = TokenSources::new([own]);
    let mut headers = with(&["Bearer other"]);
    assert_eq!(token_of(&sources, &headers, "/"), Ok(None));
    headers.insert("x-service-jwt", "a.b.c".parse().unwrap());
    assert_eq!(token_of(&sources, &headers, "/"), Ok(Some("a.b.c".into())));
    let (left, _) = removed(&sources, headers, "/");
    assert_eq!(left.len(), 1, "only the token's own header goes");
}

#[test]
fn row_190_191_two_tokens_for_two_issuers() {
    let service = TokenSource::header(HeaderName::from_static("x-service-jwt"), "");
    let issuers = [Issuer::new("a"), Issuer::new("b").token_source(service)];
    let sources = TokenSources::of_issuers(&issuers, &[TokenSource::default()]);
    let mut headers = with(&["Bearer a.a.a"]);
    let uri = Uri::from_static("/");
    let place = sources.extract(&headers, &uri).unwrap().unwrap().place();
    assert!(sources.accepts(place, 0) && !sources.accepts(place, 1), "b's tokens have their own header");
    headers.insert("x-service-jwt", "b.b.b".parse().unwrap());
    assert_eq!(sources.extract(&headers, &uri).unwrap_err(), CredentialError::Multiple);
    let ordered = sources.danger_first_of_several();
    assert_eq!(ordered.extract(&headers, &uri).unwrap().unwrap().token(), "a.a.a");
}

#[test]
fn row_192_cookies_and_queries() {
    let cookie = TokenSources::new([TokenSource::cookie("auth")]);
    let cookies =
        |fields: &[&str]| -> HeaderMap { fields.iter().map(|f| (COOKIE, f.parse().unwrap())).collect() };
    assert_eq!(token_of(&cookie, &cookies(&["a=1; auth=x.y.z"]), "/"), Ok(Some("x.y.z".into())));
    assert_eq!(token_of(&cookie, &cookies(&["auth=\"x.y.z\""]), "/"), Ok(Some("x.y.z".into())));
    assert_eq!(token_of(&cookie, &cookies(&["Auth=x; xauth=y"]), "/"), Ok(None));
    assert_eq!(token_of(&cookie, &cookies(&["auth=x", "auth=y"]), "/"), Err(CredentialError::Multiple));
    assert_eq!(token_of(&cookie, &cookies(&["auth="]), "/"), Err(CredentialError::Malformed));
    let (left, _) = removed(&cookie, cookies(&["a=1; auth=x.y.z;b=2", "c=3"]), "/");
    assert_eq!(left.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2", "c=3"]);
    let (left, _) = removed(&cookie, cookies(&["auth=x.y.z"]), "/");
    assert!(left.is_empty());

    let query = TokenSources::new([TokenSource::danger_query("token")]);
    let none = HeaderMap::new();
    assert_eq!(token_of(&query, &none, "/?token=a%2Fb%3D&TOKEN=x"), Ok(Some("a/b=".into())));
    assert_eq!(token_of(&query, &none, "/?token=a&tok%65n=b"), Err(CredentialError::Multiple));
    assert_eq!(token_of(&query, &none, "/?token=%ff"), Err(CredentialError::Malformed));
    assert_eq!(removed(&query, none, "/p?a=1&token=t#x").1, "/p?a=1");
}

fn alice() -> Principal {
    Principal::danger_from_unverified_claims(
        br#"{"sub":"alice","name":"J\u00f6rg 100%","age":42,"ok":true,"half":1.5,"empty":"","none":null,
            "evil":"a\r\nx-admin: 1","nul":"a\u0000b","org":{"team":"blue"},"a.b":"dotted","groups":["x","y"]}"#,
    )
    .unwrap()
}

fn headers_from() -> ClaimHeaders {
    let claims = [
        ("x-user-id", "sub"),
        ("x-user-name", "name"),
        ("x-age", "age"),
        ("x-ok", "ok"),
        ("x-half", "half"),
        ("x-empty", "empty"),
        ("x-none", "none"),
        ("x-evil", "evil"),
        ("x-nul", "nul"),
        ("x-team", "org.team"),
        ("x-groups", "groups"),
        ("x-absent", "org.no.such"),
    ];
    claims.into_iter().fold(ClaimHeaders::new(), |all, (header, claim)| all.claim(header, claim).unwrap())
}

#[test]
fn row_183_184_187_claims_become_headers() {
    let mut headers = HeaderMap::new();
    let set = headers_from().claim_path("x-dotted", &["a.b"]).unwrap();
    set.apply(&mut headers, Some(&alice()));
    let value = |name: &str| headers.get(name).map(|v| v.to_str().unwrap());
    assert_eq!(value("x-user-id"), Some("alice"));
    assert_eq!(value("x-user-name"), Some("J%C3%B6rg 100%25"));
    assert_eq!((value("x-age"), value("x-ok"), value("x-half")), (Some("42"), Some("true"), Some("1.5")));
    assert_eq!((value("x-team"), value("x-dotted")), (Some("blue"), Some("dotted")));
    assert_eq!(value("x-groups"), Some("WyJ4IiwieSJd"));
    for absent in ["x-empty", "x-none", "x-absent"] {
        assert_eq!(value(absent), None);
    }
}

#[test]
fn attack_037_063_no_claim_breaks_out_of_its_header() {
    let mut headers = HeaderMap::new();
    headers_from().apply(&mut headers, Some(&alice()));
    assert!(
        !headers.contains_key("x-evil") && !headers.contains_key("x-nul") && !headers.contains_key("x-admin")
    );
}

#[test]
fn row_186_attack_061_062_nobody_else_sets_our_headers() {
    for principal in [None, Some(alice())] {
        let mut headers = HeaderMap::new();
        for name in ["x-user-id", "X_User_Id", "x_user-id", "x-absent", "X-ABSENT", "x_evil"] {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static("root"));
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static("root2"));
        }
        headers.append(CONNECTION, HeaderValue::from_static("keep-alive, X-User-Id"));
        headers.append(CONNECTION, HeaderValue::from_static("x_absent"));
        headers_from().apply(&mut headers, principal.as_ref());
        assert!(!headers.values().any(|v| v.to_str().unwrap().starts_with("root")), "{headers:?}");
        assert_eq!(headers[CONNECTION], "keep-alive");
        assert_eq!(headers.get("x-user-id").map(|v| v.to_str().unwrap()), principal.map(|_| "alice"));
    }
}

#[test]
fn row_185_each_header_has_one_claim() {
    let error = |header: &str, claim: &str| headers_from().claim(header, claim).unwrap_err();
    assert!(matches!(error("X_USER_ID", "email"), ClaimHeaderError::Duplicate(_)));
    assert!(matches!(error("Authorization", "sub"), ClaimHeaderError::Reserved(_)));
    assert!(matches!(error("x y", "sub"), ClaimHeaderError::Name(_)));
    assert!(matches!(error("x-new", "a..b"), ClaimHeaderError::Claim(_)));
}

#[test]
fn attack_060_dpop_is_read_where_bearer_is_and_only_when_asked_for() {
    let issuers = [
        Issuer::new("https://a.example"),
        Issuer::new("https://b.example").token_source(TokenSource::header(AUTHORIZATION, "bearer")),
        Issuer::new("https://c.example").token_source(TokenSource::cookie("c")),
        Issuer::new("https://d.example").token_source(TokenSource::bearer_or_dpop()),
    ];
    let plain = TokenSources::of_issuers(&issuers[..1], &[TokenSource::default()]);
    let both = TokenSources::of_issuers(&issuers, &[TokenSource::default()]).accepting_dpop();
    assert_eq!(
        both.sources(),
        [TokenSource::bearer_or_dpop(), TokenSource::cookie("c")],
        "one reader per header"
    );
    let uri = Uri::from_static("/mcp");
    for (value, scheme) in [("Bearer a.b.c", Scheme::Bearer), ("dpop a.b.c", Scheme::Dpop)] {
        let headers = with(&[value]);
        let found = both.extract(&headers, &uri).unwrap().unwrap();
        assert_eq!((found.token(), found.scheme()), ("a.b.c", scheme));
        let accepting: Vec<bool> = (0..4).map(|issuer| both.accepts(found.place(), issuer)).collect();
        assert_eq!(accepting, [true, true, false, true]);
    }
    let refused = plain.extract(&with(&["DPoP a.b.c"]), &uri).map(drop);
    assert_eq!(refused, Err(CredentialError::OtherScheme));
    assert_eq!(
        both.extract(&with(&["DPoP a.b.c", "Bearer a.b.c"]), &uri).map(drop),
        Err(CredentialError::Multiple)
    );
}

#[test]
fn two_issuers_may_use_two_schemes_of_one_header() {
    let token = TokenSource::header(AUTHORIZATION, "Token");
    let sources =
        TokenSources::new([TokenSource::default(), token, TokenSource::header(AUTHORIZATION, "bearer")]);
    assert_eq!(sources.sources().len(), 2, "schemes have no case");
    assert_eq!(token_of(&sources, &with(&["Bearer a"]), "/"), Ok(Some("a".into())));
    assert_eq!(token_of(&sources, &with(&["Token b"]), "/"), Ok(Some("b".into())));
    assert_eq!(token_of(&sources, &with(&["Basic c"]), "/"), Err(CredentialError::OtherScheme));
    let bare = TokenSources::new([TokenSource::default(), TokenSource::header(AUTHORIZATION, "")]);
    assert_eq!(token_of(&bare, &with(&["Bearer a"]), "/"), Ok(Some("a".into())));
    let own = TokenSource::header(HeaderName::from_static("x-service-jwt"), "");
    let sources = TokenSources::new([TokenSource::default(), own]);
    let mut headers = with(&["Basic c"]);
    headers.insert("x-service-jwt", "a.b.c".parse().unwrap());
    assert_eq!(
        token_of(&sources, &headers, "/"),
        Err(CredentialError::Multiple),
        "another header's scheme counts"
    );
}

#[test]
fn a_cookie_beside_ours_may_hold_any_bytes() {
    let sources = TokenSources::new([TokenSource::cookie("auth")]);
    let cookies = |fields: &[&[u8]]| -> HeaderMap {
        fields.iter().map(|f| (COOKIE, HeaderValue::from_bytes(f).unwrap())).collect()
    };
    let headers = cookies(&[b"x=\xe9; auth=t.t.t; y=2"]);
    assert_eq!(token_of(&sources, &headers, "/"), Ok(Some("t.t.t".into())));
    let (left, _) = removed(&sources, headers, "/");
    assert_eq!(left[COOKIE].as_bytes(), b"x=\xe9; y=2");
    let two = cookies(&[b"auth=t.t.t", b"auth=evil; x=\xff"]);
    assert_eq!(token_of(&sources, &two, "/"), Err(CredentialError::Multiple));
    assert_eq!(token_of(&sources, &cookies(&[b"auth=\xff"]), "/"), Err(CredentialError::Malformed));
}
