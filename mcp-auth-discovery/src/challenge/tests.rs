use http::HeaderValue;
use url::Url;

use super::*;
use crate::{ResourceIdentifier, Scopes};

const TOKEN_PROBLEMS: [TokenProblem; 11] = [
    TokenProblem::Invalid,
    TokenProblem::Malformed,
    TokenProblem::Expired,
    TokenProblem::NotYetValid,
    TokenProblem::Signature,
    TokenProblem::Issuer,
    TokenProblem::Audience,
    TokenProblem::Type,
    TokenProblem::Revoked,
    TokenProblem::Binding,
    TokenProblem::Used,
];
const REQUEST_PROBLEMS: [RequestProblem; 3] = [
    RequestProblem::MultipleCredentials,
    RequestProblem::MalformedCredential,
    RequestProblem::UnsupportedMethod,
];

fn metadata() -> Url {
    Url::parse("https://h/.well-known/oauth-protected-resource/mcp").unwrap()
}

fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).unwrap()
}

fn every() -> Vec<Challenge> {
    let mut all = vec![Challenge::missing_token(), Challenge::insufficient_scope(&scopes("a b"))];
    all.extend(TOKEN_PROBLEMS.map(Challenge::invalid_token));
    all.extend(REQUEST_PROBLEMS.map(Challenge::invalid_request));
    let decorated = all.iter().cloned().map(|c| c.resource_metadata(&metadata()).scope(&scopes("x")));
    let decorated: Vec<_> = decorated.collect();
    all.extend(decorated);
    all
}

fn read(text: &str) -> Result<Challenges, ChallengesError> {
    Challenges::parse(&HeaderValue::from_str(text).unwrap())
}

#[test]
fn row_129_exact_header_of_the_seed() {
    let resource = ResourceIdentifier::parse("http://localhost:3003/mcp").unwrap();
    let value = Challenge::missing_token().resource_metadata(&resource.metadata_url()).header_value();
    assert_eq!(
        value,
        r#"Bearer resource_metadata="http://localhost:3003/.well-known/oauth-protected-resource/mcp""#
    );
}

#[test]
fn row_129_no_backslash_and_no_double_slash() {
    for resource in ["http://localhost:3003/", "http://localhost:3003", "http://localhost:3003//mcp/"] {
        let resource = ResourceIdentifier::parse(resource).unwrap();
        let value = Challenge::missing_token().resource_metadata(&resource.metadata_url()).header_value();
        let text = value.to_str().unwrap();
        assert!(!text.contains('\\'), "{text}");
        assert_eq!(text.matches("//").count(), 1, "{text}");
    }
}

#[test]
fn mcp_a3_resource_metadata_stands_on_every_challenge() {
    for challenge in every() {
        let value = challenge.resource_metadata(&metadata()).header_value();
        let read = Challenges::parse(&value).unwrap();
        assert_eq!(read.bearer().unwrap().parameter("resource_metadata"), Some(metadata().as_str()));
    }
}

#[test]
fn mcp_a4_scope_in_the_challenge_of_a_missing_token() {
    let value = Challenge::missing_token().scope(&scopes("files:read")).header_value();
    assert_eq!(value, r#"Bearer scope="files:read""#);
}

#[test]
fn mcp_a5_offline_access_is_never_asked_for() {
    let value = Challenge::insufficient_scope(&scopes("offline_access a")).header_value();
    assert!(!value.to_str().unwrap().contains("offline_access"));
    let only = Challenge::missing_token().scope(&scopes("offline_access")).header_value();
    assert_eq!(only, r#"Bearer realm="mcp""#);
}

#[test]
fn mcp_a10_status_and_code_per_situation() {
    let missing = Challenge::missing_token();
    assert_eq!((missing.status().as_u16(), missing.error()), (401, None));
    assert!(!missing.header_value().to_str().unwrap().contains("error"));
    for problem in TOKEN_PROBLEMS {
        let challenge = Challenge::invalid_token(problem);
        assert_eq!((challenge.status().as_u16(), challenge.error()), (401, Some("invalid_token")));
    }
    for problem in REQUEST_PROBLEMS {
        let challenge = Challenge::invalid_request(problem);
        assert_eq!((challenge.status().as_u16(), challenge.error()), (400, Some("invalid_request")));
    }
}

#[test]
fn mcp_a12_all_scopes_of_the_operation_in_one_challenge() {
    let challenge =
        Challenge::insufficient_scope(&scopes("files:read files:write")).resource_metadata(&metadata());
    assert_eq!(challenge.status().as_u16(), 403);
    assert_eq!(
        challenge.header_value(),
        concat!(
            r#"Bearer resource_metadata="https://h/.well-known/oauth-protected-resource/mcp", "#,
            r#"scope="files:read files:write", error="insufficient_scope", "#,
            r#"error_description="the access token lacks a permission that this request needs""#
        )
    );
}

#[test]
fn mcp_b2_bearer_first_fixed_order_and_plain_descriptions() {
    let order = ["resource_metadata", "scope", "error", "error_description", "realm"];
    for challenge in every() {
        let value = challenge.header_value();
        assert!(value.to_str().unwrap().starts_with("Bearer "));
        let read = Challenges::parse(&value).unwrap();
        assert_eq!(read.iter().count(), 1, "one scheme per line");
        let places: Vec<_> = read
            .bearer()
            .unwrap()
            .parameters()
            .map(|(name, _)| order.iter().position(|known| *known == name).unwrap())
            .collect();
        assert!(places.is_sorted(), "{value:?}");
        if let Some(description) = challenge.error_description() {
            assert!(!description.contains("scope"), "{description}");
            assert!(description.bytes().all(|b| (0x20..0x7f).contains(&b) && !b"\"\\=,".contains(&b)));
        }
    }
}

#[test]
fn attack_065_nothing_splits_the_response() {
    for odd in [
        "https://h/a\"b",
        "https://h/a\\b",
        "https://h/a\r\nSet-Cookie: x=y",
        "https://h/%0d%0a?q=\"'\\",
        "foo:\"\\ü\u{1}x",
    ] {
        let url = Url::parse(odd).unwrap();
        let value = Challenge::missing_token().resource_metadata(&url).header_value();
        assert!(value.as_bytes().iter().all(|b| (0x20..0x7f).contains(b)), "{value:?}");
        let read = Challenges::parse(&value).unwrap();
        assert_eq!(read.iter().count(), 1);
        let bearer = read.bearer().unwrap();
        assert_eq!(bearer.parameters().count(), 1);
        assert_eq!(bearer.parameter("resource_metadata"), Some(url.as_str()));
    }
    assert!(Scopes::new(["a\"\r\nb"]).is_err(), "scopes cannot carry quotes or line ends at all");
}

#[test]
fn what_is_written_is_read() {
    for challenge in every() {
        let read = Challenges::parse(&challenge.header_value()).unwrap();
        let bearer = read.bearer().unwrap();
        assert_eq!(bearer.parameter("error"), challenge.error());
        assert_eq!(bearer.parameter("error_description"), challenge.error_description());
    }
}

#[test]
fn foreign_challenges_are_read() {
    let read = read(
        r#" , Negotiate YWJj==, Basic realm="a, b=\"c\"" ,, bearer ERROR = invalid_token , Scope="x y",DPoP, Digest a=1"#,
    )
    .unwrap();
    let schemes: Vec<_> = read.iter().map(ReceivedChallenge::scheme).collect();
    assert_eq!(schemes, ["Negotiate", "Basic", "bearer", "DPoP", "Digest"]);
    let all: Vec<_> = read.iter().collect();
    assert_eq!(all[0].token68(), Some("YWJj=="));
    assert_eq!(all[1].parameter("REALM"), Some("a, b=\"c\""));
    assert_eq!(read.bearer().unwrap().parameter("error"), Some("invalid_token"));
    assert_eq!(read.bearer().unwrap().parameter("scope"), Some("x y"));
    assert_eq!(all[4].parameter("a"), Some("1"));
}

#[test]
fn several_lines_are_one_list() {
    let lines =
        [HeaderValue::from_static("Basic realm=\"x\""), HeaderValue::from_static("Bearer error=\"e\"")];
    let read = Challenges::parse_all(&lines).unwrap();
    assert_eq!(read.bearer().unwrap().parameter("error"), Some("e"));
    assert_eq!(Challenges::parse_all([]).unwrap().iter().count(), 0);
}

#[test]
fn odd_lines_are_refused() {
    for odd in [
        "=",
        "\"",
        "Bearer =",
        "Bearer a=\"",
        "Bearer a=\"\\",
        "Bearer a=\"x\"b=\"y\"",
        "Bearer a b",
        "Bearer, a=1, =",
        "Bearer\"x\"",
        "Bearer a=1 b=2",
        "Bearer a=\"x\" y",
        "(x)",
    ] {
        assert_eq!(read(odd), Err(ChallengesError::Syntax), "{odd}");
    }
    assert_eq!(read("Bearer a=1, A=2"), Err(ChallengesError::DuplicateParameter));
    assert_eq!(
        Challenges::parse(&HeaderValue::from_bytes(b"Bearer a=\"\xff\"").unwrap()),
        Err(ChallengesError::Syntax)
    );
}

#[test]
fn what_the_user_or_the_client_has_to_do_reads_back() {
    let plain = Challenge::insufficient_user_authentication(Some("phr phrh"), Some(300));
    assert_eq!(plain.status(), 401);
    let value = plain.resource_metadata(&metadata()).header_value();
    let read = Challenges::parse(&value).unwrap();
    let bearer = read.bearer().unwrap();
    assert_eq!(bearer.parameter("error"), Some("insufficient_user_authentication"));
    assert_eq!(
        (bearer.parameter("acr_values"), bearer.parameter("max_age")),
        (Some("phr phrh"), Some("300"))
    );
    assert_eq!(bearer.parameter("resource_metadata"), Some(metadata().as_str()));

    let bare = Challenge::insufficient_user_authentication(None, None).header_value();
    let read = Challenges::parse(&bare).unwrap();
    assert!(
        ["acr_values", "max_age", "claims"].iter().all(|p| read.bearer().unwrap().parameter(p).is_none())
    );

    let claims = Challenge::insufficient_claims("eyJhIjoxfQ==");
    assert_eq!(
        (claims.status(), claims.error()),
        (http::StatusCode::UNAUTHORIZED, Some("insufficient_claims"))
    );
    let value = claims.header_value();
    assert_eq!(
        Challenges::parse(&value).unwrap().bearer().unwrap().parameter("claims"),
        Some("eyJhIjoxfQ==")
    );
}

#[test]
fn reading_is_bounded() {
    assert_eq!(read(&"a".repeat(MAX_CHALLENGE_BYTES + 1)), Err(ChallengesError::TooLarge));
    assert_eq!(read(&"Basic,".repeat(MAX_CHALLENGES + 1)), Err(ChallengesError::TooLarge));
    let many: Vec<_> = (0..=MAX_PARAMETERS).map(|i| format!("p{i}=1")).collect();
    assert_eq!(read(&format!("Bearer {}", many.join(","))), Err(ChallengesError::TooLarge));
    assert_eq!(read(&",".repeat(MAX_CHALLENGE_BYTES)).unwrap().iter().count(), 0);
}

#[test]
fn mcp_d10_dpop_challenges_read_as_what_they_say() {
    let plain = DpopChallenge::new(["ES256", "PS256"]);
    for (challenge, error) in [
        (plain.clone(), None),
        (plain.clone().invalid_token(TokenProblem::Binding), Some("invalid_token")),
        (plain.clone().invalid_proof("the proof is malformed"), Some("invalid_dpop_proof")),
        (plain.clone().use_nonce(), Some("use_dpop_nonce")),
    ] {
        for challenge in [challenge.clone(), challenge.resource_metadata(&metadata())] {
            let lines = [Challenge::missing_token().header_value(), challenge.header_value()];
            let read = Challenges::parse_all(&lines).unwrap();
            assert_eq!(read.iter().map(ReceivedChallenge::scheme).collect::<Vec<_>>(), ["Bearer", "DPoP"]);
            let dpop = read.iter().nth(1).unwrap();
            assert_eq!(dpop.parameter("algs"), Some("ES256 PS256"));
            assert_eq!(dpop.parameter("error"), error);
            assert_eq!(dpop.parameter("error_description").is_some(), error.is_some());
        }
    }
    let named = plain.use_nonce().resource_metadata(&metadata()).header_value();
    assert!(named.to_str().unwrap().contains(metadata().as_str()));
}

#[test]
fn attack_065_algorithm_names_cannot_leave_their_quotes() {
    let value = DpopChallenge::new(["ES256\", error=\"x", "a\r\nb", "\u{e9}\\"]).header_value();
    let read = Challenges::parse(&value).unwrap();
    assert_eq!(read.iter().count(), 1);
    assert_eq!(read.iter().next().unwrap().parameter("error"), None);
}

#[test]
fn a_client_reads_what_it_needs() {
    let read = |text: &'static str| Challenges::parse(&HeaderValue::from_static(text)).unwrap();
    let both = read(
        r#"dpop algs="ES256", resource_metadata="https://h/m", error=use_dpop_nonce, Bearer scope="a  b", error="x""#,
    );
    let (dpop, bearer) = (both.dpop().unwrap(), both.bearer().unwrap());
    assert_eq!(dpop.resource_metadata().unwrap().as_str(), "https://h/m");
    assert_eq!(dpop.error(), Some("use_dpop_nonce"));
    assert_eq!(dpop.scopes(), None);
    assert_eq!(bearer.scopes().unwrap().to_string(), "a b");
    assert_eq!(bearer.resource_metadata(), None);
    for useless in [r#"Bearer scope="""#, r#"Bearer scope="a\"b""#, "Bearer"] {
        assert_eq!(read(useless).bearer().unwrap().scopes(), None, "{useless}");
    }
    for elsewhere in
        ["http://h/m", "file:///etc/passwd", "javascript:x", "https://u:p@h/m", "https://h/m#f", "/m"]
    {
        let line = HeaderValue::try_from(format!(r#"Bearer resource_metadata="{elsewhere}""#)).unwrap();
        let challenges = Challenges::parse(&line).unwrap();
        assert_eq!(challenges.bearer().unwrap().resource_metadata(), None, "{elsewhere}");
    }
}
