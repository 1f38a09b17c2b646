//! Configuration that is refused, bounds, and what no input may do.

use std::time::Duration;

use proptest::prelude::*;

use super::idp::now;
use super::*;
use crate::UnixTime;

fn field<T: std::fmt::Debug>(result: Result<T, ConfigError>) -> String {
    result.unwrap_err().field().to_owned()
}

#[test]
fn fields_that_istio_refuses() {
    let rule = || JwtRule::new(A);
    assert_eq!(field(rule().audience("")), "audiences");
    assert_eq!(field(rule().jwks("{}", &AwsLc::new())), "jwks");
    for uri in ["", "jwks", "/jwks", "ftp://a.example/jwks", "https://", "https:///x", "file:///etc/passwd"] {
        assert_eq!(field(rule().jwks_uri(uri)), "jwksUri", "{uri}");
    }
    assert_eq!(field(rule().jwks_uri(&format!("https://a.example/{}", "x".repeat(2048)))), "jwksUri");
    assert_eq!(field(rule().from_header("", "")), "fromHeaders.name");
    assert_eq!(field(rule().from_header("a b", "")), "fromHeaders.name");
    assert_eq!(field(rule().from_param("")), "fromParams");
    assert_eq!(field(rule().from_cookie("")), "fromCookies");
    for header in ["", "a b", "x!", "é", "x.y"] {
        assert_eq!(
            field(rule().output_claim_to_header(header, "sub")),
            "outputClaimToHeaders.header",
            "{header}"
        );
    }
    assert_eq!(field(rule().output_claim_to_header("x", "")), "outputClaimToHeaders.claim");
    assert_eq!(field(rule().output_payload_to_header("a b")), "outputPayloadToHeader");
    let once = rule().output_payload_to_header("x").unwrap();
    assert_eq!(field(once.output_payload_to_header("y")), "outputPayloadToHeader");
    assert_eq!(field(rule().timeout(Duration::from_micros(999))), "timeout");
    assert_eq!(field(rule().space_delimited_claim("")), "spaceDelimitedClaims");
    let many = (0..64).fold(rule(), |rule, i| rule.space_delimited_claim(&i.to_string()).unwrap());
    assert_eq!(field(many.space_delimited_claim("one more")), "spaceDelimitedClaims");
    assert_eq!(field(RequestAuthentication::new([JwtRule::new("")])), "jwtRules.issuer");
    assert_eq!(field(RequestAuthentication::new((0..4097).map(|_| rule()))), "jwtRules");
    assert!(RequestAuthentication::new([]).is_ok(), "no rules, no authentication");
}

#[test]
fn errors_of_key_sets_in_envoys_words() {
    let error = |json: &str| KeySet::parse(json.as_bytes(), &AwsLc::new()).unwrap_err().to_string();
    for (json, words) in [
        ("nope", "Jwks is an invalid JSON"),
        ("[]", "Jwks is an invalid JSON"),
        (r#"{"keys":[],"keys":[]}"#, "Jwks is an invalid JSON"),
        ("{}", "Jwks does not have [keys] field"),
        (r#"{"keys":{}}"#, "[keys] in Jwks is not an array"),
        (r#"{"keys":[]}"#, "Jwks doesn't have any valid public key"),
        (
            r#"{"keys":[{"kty":"x"}]}"#,
            "Jwks doesn't have any valid public key: key 0: [kty] is not supported",
        ),
    ] {
        assert!(error(json).starts_with(words), "{json}: {}", error(json));
    }
    assert!(error(&format!("{{\"keys\":[{}0]}}", "0,".repeat(100))).contains("100 keys"));
    assert!(error(&format!("{{\"keys\":[]{}}}", " ".repeat(600_000))).contains("too long"));
}

#[test]
fn a_key_set_shows_no_secret() {
    let k = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I";
    let json = format!(r#"{{"keys":[{{"kty":"oct","alg":"HS256","k":"{k}"}}]}}"#);
    let keys = KeySet::parse(json.as_bytes(), &AwsLc::new()).unwrap();
    let shown = format!("{keys:?}");
    assert!(!shown.contains(k) && !shown.contains("secret-secret"), "{shown}");
}

#[test]
fn nothing_that_is_printed_holds_a_token_or_a_claim() {
    let world = World::new();
    let rule = world.rule_a().output_claim_to_header("x-email", "email").unwrap();
    let policy = RequestAuthentication::new([rule.output_payload_to_header("x-payload").unwrap()]).unwrap();
    for claims in [json!({"email": "a@b.example"}), json!({"email": "a@b.example", "exp": 1})] {
        let token = world.a.token(claims);
        let mut request = bearer(&token);
        request.uri = format!("/?access_token={token}").parse().unwrap();
        let outcome = policy.decide(&request.head(), &|_| None, now());
        let challenge = match &outcome {
            Outcome::Denied(denial) => format!("{:?}", denial.www_authenticate()),
            Outcome::Allowed(_) => String::new(),
        };
        let shown = format!("{outcome:?} {:?} {challenge}", request.head());
        for part in token.split('.').chain(["a@b.example"]) {
            assert!(!shown.contains(part), "{shown}");
        }
    }
}

#[test]
fn a_token_that_is_too_long_is_not_read() {
    let world = World::new();
    let policy = RequestAuthentication::new([world.rule_a()]).unwrap();
    let long = world.a.token(json!({"x": "y".repeat(MAX_TOKEN_BYTES)}));
    let Outcome::Denied(denial) = policy.decide(&bearer(&long).head(), &|_| None, now()) else { panic!() };
    assert_eq!(denial.reason(), Status::BadFormat);
    let fits = world.a.token(json!({"x": "y".repeat(40 * 1024)}));
    assert!(matches!(policy.decide(&bearer(&fits).head(), &|_| None, now()), Outcome::Allowed(_)));
}

#[test]
fn times_at_the_ends_of_their_range() {
    let world = World::new();
    let policy = RequestAuthentication::new([world.rule_a()]).unwrap();
    let decide = |claims, now| {
        policy.decide(&bearer(&world.a.token(claims)).head(), &|_| None, UnixTime::from_secs(now))
    };
    assert!(matches!(decide(json!({}), 0), Outcome::Allowed(_)));
    let greatest = 18_446_744_073_709_549_568;
    assert!(matches!(decide(json!({"nbf": greatest, "exp": greatest}), greatest), Outcome::Allowed(_)));
    assert!(matches!(decide(json!({}), u64::MAX), Outcome::Denied(_)));
    assert!(matches!(decide(json!({"exp": NOW - 60}), NOW), Outcome::Allowed(_)), "60 s, inclusive");
    assert!(matches!(decide(json!({"exp": NOW - 61}), NOW), Outcome::Denied(_)));
    assert!(matches!(decide(json!({"nbf": NOW + 60}), NOW), Outcome::Allowed(_)));
    assert!(matches!(decide(json!({"nbf": NOW + 61}), NOW), Outcome::Denied(_)));
}

#[test]
fn a_challenge_cannot_be_broken_out_of() {
    let policy = RequestAuthentication::new([World::new().rule_a()]).unwrap();
    for target in ["/a%22b", "/a\"b", "/a?b=\"c", "/{}"] {
        let Ok(uri) = target.parse::<Uri>() else { continue };
        let mut request = bearer("x");
        request.uri = uri;
        request.headers.insert("host", HeaderValue::from_bytes(b"h\"\xff \\").unwrap());
        let Outcome::Denied(denial) = policy.decide(&request.head(), &|_| None, now()) else { panic!() };
        let value = denial.www_authenticate();
        let value = value.to_str().unwrap();
        assert_eq!(value.matches('"').count(), 4, "{value}");
        assert!(value.starts_with("Bearer realm=\"http://h%22%FF%20%5C/"), "{value}");
    }
}

/// The reasons that 1.3 of the reference lists and no `RequestAuthentication` gives: `Jwt is missing` (a missing token
/// is always allowed), `Found multiple Jwt tokens` (Envoy has no use for it any more), and those about whole key
/// sets, which are errors of the configuration.
#[test]
fn missing_is_never_a_refusal() {
    let world = World::new();
    for rules in [vec![], vec![world.rule_a()], vec![world.rule_a(), world.rule_b(), world.rule_a()]] {
        let policy = RequestAuthentication::new(rules).unwrap();
        assert!(matches!(policy.decide(&get("/").head(), &|_| None, now()), Outcome::Allowed(_)));
    }
    let missing = Denial { status: Status::Missing, realm: String::new() };
    assert_eq!(missing.www_authenticate(), "Bearer realm=\"\"", "no error without a token");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes, nothing panics, and nobody is somebody.
    #[test]
    fn no_request_without_a_signature_has_a_caller(
        authorization in proptest::collection::vec(any::<u8>(), 0..200),
        cookie in "[ -~]{0,60}",
        query in "[!-~&&[^#\"<>`{}]]{0,60}",
        words in "(Bearer )?[A-Za-z0-9_=. -]{0,40}\\.[A-Za-z0-9_=.-]{0,40}\\.[A-Za-z0-9_=. -]{0,40}",
    ) {
        let rule = JwtRule::new("").jwks_uri("https://a.example/jwks").unwrap();
        let everywhere = rule.from_header("authorization", "").unwrap().from_header("x-t", "Bearer ").unwrap();
        let everywhere = everywhere.from_cookie("c").unwrap().from_param("t").unwrap();
        let policy = RequestAuthentication::new([everywhere, JwtRule::new(A)]).unwrap();
        let mut request = get("/");
        if let Ok(uri) = format!("/p?{query}").parse() {
            request.uri = uri;
        }
        for (name, value) in
            [("authorization", &authorization[..]), ("cookie", cookie.as_bytes()), ("x-t", words.as_bytes())]
        {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                request.headers.append(name, value);
            }
        }
        match policy.decide(&request.head(), &|_| None, now()) {
            Outcome::Allowed(admission) => {
                prop_assert!(admission.request_auth().is_none());
                admission.apply(&mut request.headers, &mut request.uri);
            }
            Outcome::Denied(denial) => {
                prop_assert!(denial.www_authenticate().to_str().is_ok());
            }
        }
    }

    #[test]
    fn no_key_set_panics(json in "\\{\"keys\":\\[(\\{(\"(kty|crv|alg|n|e|x|y|k|kid)\":(\"(RSA|EC|oct|OKP|P-256|AQAB|[A-Za-z0-9_=-]{0,50})\"|5|null),?){0,6}\\},?){0,3}\\]\\}") {
        let _ = KeySet::parse(json.as_bytes(), &AwsLc::new());
    }
}

/// However a good token is bent, it is refused or still says what was signed.
#[test]
fn a_bent_token_says_what_was_signed_or_nothing() {
    let world = World::new();
    let policy = RequestAuthentication::new([world.rule_a()]).unwrap();
    let valid = world.a.token(json!({"role": "user"}));
    let mut still_good = 0;
    for at in 0..valid.len() {
        for with in ["", ".", "=", " ", "A", "-", "AA", "\t"] {
            for cut in [0, 1] {
                let bent = [&valid.as_bytes()[..at], with.as_bytes(), &valid.as_bytes()[at + cut..]].concat();
                let bent = String::from_utf8(bent).unwrap();
                let outcome = policy.decide(&bearer(&bent).head(), &|_| None, now());
                let Outcome::Allowed(admission) = outcome else { continue };
                let auth =
                    admission.request_auth().unwrap_or_else(|| panic!("a token was passed over: {bent}"));
                assert_eq!(auth.principal().as_deref(), Some("https://a.example/user"));
                assert_eq!(auth.strings(&["role"]).collect::<Vec<_>>(), ["user"]);
                still_good += 1;
            }
        }
    }
    assert!(still_good > 0, "dots and white space do no harm");
}
