//! Rows of `mission.md` H that speak of Istio, its integration suite, and the seed's own manifests.

use std::cell::Cell;
use std::time::Duration;

use super::idp::now;
use super::*;

const EXPIRED: &str = "Jwt is expired";
const UNKNOWN: &str = "Jwt issuer is not configured";
const AUDIENCE: &str = "Audiences in Jwt are not allowed";

fn policy(rules: impl IntoIterator<Item = JwtRule>) -> RequestAuthentication {
    RequestAuthentication::new(rules).unwrap()
}

fn decide(policy: &RequestAuthentication, request: &Request) -> Outcome {
    policy.decide(&request.head(), &|_| None, now())
}

fn admitted(policy: &RequestAuthentication, request: &Request) -> Admission {
    match decide(policy, request) {
        Outcome::Allowed(admission) => admission,
        Outcome::Denied(denial) => panic!("{denial:?}"),
    }
}

fn caller(policy: &RequestAuthentication, request: &Request) -> Option<String> {
    admitted(policy, request).request_auth().and_then(RequestAuth::principal)
}

fn refusal(policy: &RequestAuthentication, request: &Request) -> (u16, &'static str) {
    match decide(policy, request) {
        Outcome::Denied(denial) => (denial.status().as_u16(), denial.body()),
        Outcome::Allowed(admission) => panic!("{admission:?}"),
    }
}

/// The headers with which the request goes on.
fn upstream(policy: &RequestAuthentication, mut request: Request) -> HeaderMap {
    admitted(policy, &request).apply(&mut request.headers, &mut request.uri);
    request.headers.remove("host");
    request.headers
}

fn with_headers(token: &str, more: &[(&str, &str)]) -> Request {
    let value = format!("Bearer {token}");
    ask("GET", "/", &[&[("authorization", value.as_str())], more].concat())
}

#[test]
fn row_176_authentication_alone_never_asks_for_a_token() {
    let policy = policy([World::new().rule_a()]);
    let admission = admitted(&policy, &get("/"));
    assert!(admission.request_auth().is_none());
    assert!(admission.added_headers().is_empty());
}

#[test]
fn row_177_signature_issuer_exp_and_audience_are_verified() {
    let world = World::new();
    let policy = policy([world.rule_a().audience("api://payments").unwrap()]);
    let token = |claims| world.a.token(claims);
    assert_eq!(
        caller(&policy, &bearer(&token(json!({"aud": "api://payments"})))).as_deref(),
        Some("https://a.example/user")
    );
    let forged = world.stranger.token(json!({"aud": "api://payments"}));
    assert_eq!(refusal(&policy, &bearer(&forged)), (401, "Jwt verification fails"));
    let iss = token(json!({"aud": "api://payments", "iss": "https://c.example"}));
    assert_eq!(refusal(&policy, &bearer(&iss)), (401, UNKNOWN));
    let late = token(json!({"aud": "api://payments", "exp": NOW - 61}));
    assert_eq!(refusal(&policy, &bearer(&late)), (401, EXPIRED));
    assert_eq!(refusal(&policy, &bearer(&token(json!({"aud": "x"})))), (403, AUDIENCE));
}

#[test]
fn row_178_the_issuer_is_compared_exactly() {
    let world = World::new();
    let policy = policy([world.rule_a()]);
    for iss in [
        "https://a.example/",
        "https://A.example",
        "https://a.example:443",
        "a.example",
        " https://a.example",
    ] {
        assert_eq!(refusal(&policy, &bearer(&world.a.token(json!({ "iss": iss })))), (401, UNKNOWN), "{iss}");
    }
}

#[test]
fn row_179_jwks_or_jwks_uri() {
    let world = World::new();
    let inline = JwtRule::new(A).jwks(&world.a.jwks(), &AwsLc::new()).unwrap();
    assert_eq!(inline.key_source(), KeySource::Inline);
    assert!(caller(&policy([inline.clone()]), &bearer(&world.valid())).is_some());
    assert_eq!(inline.jwks_uri("https://a.example/jwks").unwrap_err().field(), "jwksUri");
    let uri = JwtRule::new(A).jwks_uri("https://a.example/jwks").unwrap();
    assert_eq!(uri.keys(world.a.keys()).unwrap_err().field(), "jwks");
}

#[test]
fn row_180_a_wrong_audience_is_403_and_never_anonymous() {
    let world = World::new();
    let policy = policy([world.rule_a().audience("api://payments").unwrap()]);
    for aud in [json!("svc://payments"), json!(["x", "y"]), json!([]), json!(null)] {
        let token = world.a.token(json!({ "aud": aud }));
        assert_eq!(refusal(&policy, &bearer(&token)), (403, AUDIENCE), "{aud}");
    }
}

#[test]
fn row_181_182_the_token_is_taken_out_unless_it_is_forwarded() {
    let world = World::new();
    let valid = world.valid();
    let strips = policy([world.rule_a()]);
    assert!(upstream(&strips, bearer(&valid)).is_empty());
    let forwards = policy([world.rule_a().forward_original_token(true)]);
    assert_eq!(upstream(&forwards, bearer(&valid))["authorization"], format!("Bearer {valid}"));
}

#[test]
fn row_183_184_claims_become_headers() {
    let world = World::new();
    let mut rule = world.rule_a();
    for (header, claim) in
        [("x-user-email", "email"), ("x-level", "level"), ("x-admin", "admin"), ("x-team", "org.team.name")]
    {
        rule = rule.output_claim_to_header(header, claim).unwrap();
    }
    let claims =
        json!({"email": "a@b.example", "level": 3, "admin": false, "org": {"team": {"name": "blue"}}});
    let headers = upstream(&policy([rule]), bearer(&world.a.token(claims)));
    assert_eq!(headers["x-user-email"], "a@b.example");
    assert_eq!(headers["x-level"], "3");
    assert_eq!(headers["x-admin"], "false");
    assert_eq!(headers["x-team"], "blue");
}

#[test]
fn row_185_a_header_is_set_once() {
    let rule = JwtRule::new(A).output_claim_to_header("x-user", "sub").unwrap();
    let twice = rule.clone().output_claim_to_header("X-User", "email").unwrap_err();
    assert_eq!(twice.to_string(), "`outputClaimToHeaders.header`: header `x-user` is set twice by one rule");
    assert_eq!(rule.output_payload_to_header("x-user").unwrap_err().field(), "outputPayloadToHeader");
}

#[test]
fn row_186_nobody_else_sets_these_headers() {
    let world = World::new();
    let rule = world.rule_a().output_claim_to_header("x-user-email", "email").unwrap();
    let policy = policy([rule, world.rule_b().output_claim_to_header("x-service", "sub").unwrap()]);
    let evil =
        [("x-user-email", "evil"), ("X-User-Email", "evil"), ("x_user_email", "evil"), ("x-service", "evil")];
    let with_claim = world.a.token(json!({"email": "a@b.example"}));
    let headers = upstream(&policy, with_headers(&with_claim, &evil));
    assert_eq!(headers.len(), 1);
    assert_eq!(headers["x-user-email"], "a@b.example");
    let headers = upstream(&policy, with_headers(&with_claim, &[("connection", "close, X-User-Email")]));
    assert_eq!(headers["connection"], "close", "a proxy would drop our header");
    assert!(upstream(&policy, with_headers(&world.valid(), &evil)).is_empty(), "no such claim");
    assert!(upstream(&policy, ask("GET", "/", &evil)).is_empty(), "anonymous");
    let preflight = [("origin", "https://x.example"), ("access-control-request-method", "GET")];
    let headers = upstream(&policy, ask("OPTIONS", "/", &[&preflight[..], &evil].concat()));
    assert_eq!(headers.len(), 2, "preflight");
}

#[test]
fn row_187_the_payload_as_it_was_sent() {
    let world = World::new();
    let policy = policy([world.rule_a().output_payload_to_header("x-payload").unwrap()]);
    let valid = world.valid();
    assert_eq!(upstream(&policy, bearer(&valid))["x-payload"], valid.split('.').nth(1).unwrap());
}

/// The two issuers of the seed.
fn okta_and_services(world: &World) -> RequestAuthentication {
    let okta = JwtRule::new("https://example.okta.com/oauth2/default").keys(world.a.keys()).unwrap();
    let services = JwtRule::new("https://idp.internal/realms/services").keys(world.b.keys()).unwrap();
    policy([
        services.audience("svc://payments").unwrap().from_header("x-service-jwt", "").unwrap(),
        okta.audience("api://payments").unwrap(),
    ])
}

fn okta(world: &World, claims: serde_json::Value) -> String {
    let mut all = json!({"iss": "https://example.okta.com/oauth2/default", "aud": "api://payments"});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    world.a.token(all)
}

fn service(world: &World, claims: serde_json::Value) -> String {
    let mut all = json!({"iss": "https://idp.internal/realms/services", "aud": "svc://payments"});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    world.b.token(all)
}

#[test]
fn row_188_189_190_each_rule_looks_in_its_own_place() {
    let world = World::new();
    let policy = okta_and_services(&world);
    let (okta, service) = (okta(&world, json!({})), service(&world, json!({})));
    let in_header = ask("GET", "/", &[("x-service-jwt", &service)]);
    assert_eq!(
        caller(&policy, &bearer(&okta)).as_deref(),
        Some("https://example.okta.com/oauth2/default/user")
    );
    assert_eq!(caller(&policy, &in_header).as_deref(), Some("https://idp.internal/realms/services/user"));
    assert_eq!(refusal(&policy, &bearer(&service)), (401, UNKNOWN));
    assert_eq!(refusal(&policy, &ask("GET", "/", &[("x-service-jwt", &okta)])), (401, UNKNOWN));
    // Measured: the rule has no prefix, so the word before the token is part of it. What that is as base64url
    // depends on the length of the header.
    let claims = json!({"iss": "https://idp.internal/realms/services"});
    let service = world.b.token_with(json!({"typ": "J"}), claims);
    let prefixed = ask("GET", "/", &[("x-service-jwt", &format!("Bearer {service}"))]);
    assert_eq!(refusal(&policy, &prefixed), (401, "Jwt header is an invalid JSON"));
}

#[test]
fn row_191_of_two_good_tokens_the_first_issuer_wins_and_the_other_goes_on_unread() {
    let world = World::new();
    let policy = okta_and_services(&world);
    let okta_token = okta(&world, json!({}));
    for service in [service(&world, json!({})), service(&world, json!({"exp": NOW - 3600}))] {
        let request = with_headers(&okta_token, &[("x-service-jwt", &service)]);
        let admission = admitted(&policy, &request);
        assert_eq!(
            admission.request_auth().unwrap().rule(),
            1,
            "places count as given, rules are asked by issuer"
        );
        let headers = upstream(&policy, request);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["x-service-jwt"], service);
    }
    let late = okta(&world, json!({"exp": NOW - 3600}));
    let request = with_headers(&late, &[("x-service-jwt", &service(&world, json!({})))]);
    assert_eq!(caller(&policy, &request).as_deref(), Some("https://idp.internal/realms/services/user"));
    assert_eq!(upstream(&policy, request)["authorization"], format!("Bearer {late}"));
}

#[test]
fn row_192_header_query_and_cookie() {
    let world = World::new();
    let valid = world.valid();
    let by_default = policy([world.rule_a()]);
    assert!(caller(&by_default, &bearer(&valid)).is_some());
    assert!(caller(&by_default, &get(&format!("/?access_token={valid}"))).is_some());
    let cookie = ask("GET", "/", &[("cookie", &format!("a=b; session={valid}"))]);
    assert!(caller(&by_default, &cookie).is_none());
    let configured = policy([world.rule_a().from_cookie("session").unwrap().from_param("jwt").unwrap()]);
    assert!(caller(&configured, &cookie).is_some());
    assert!(caller(&configured, &get(&format!("/?jwt={valid}"))).is_some());
    assert!(caller(&configured, &bearer(&valid)).is_none(), "the default places are replaced");
    assert!(caller(&configured, &get(&format!("/?JWT={valid}"))).is_none());
}

#[test]
fn row_193_194_a_bad_token_is_401_and_a_missing_one_has_no_claims() {
    let policy = policy([World::new().rule_a()]);
    assert_eq!(refusal(&policy, &bearer("x.y.z")).0, 401);
    assert!(caller(&policy, &get("/")).is_none());
}

#[test]
fn row_195_196_the_rule_is_chosen_by_issuer_and_only_its_keys_and_audiences_count() {
    let world = World::new();
    // Both keys are called k1.
    let other = JwtRule::new(B).keys(world.stranger.keys()).unwrap();
    let policy = policy([world.rule_a().audience("a").unwrap(), other.audience("b").unwrap()]);
    let token = |idp: &Idp, iss: &str, aud: &str| bearer(&idp.token(json!({"iss": iss, "aud": aud})));
    assert!(caller(&policy, &token(&world.a, A, "a")).is_some());
    assert!(caller(&policy, &token(&world.stranger, B, "b")).is_some());
    assert_eq!(refusal(&policy, &token(&world.a, A, "b")), (403, AUDIENCE));
    assert_eq!(refusal(&policy, &token(&world.stranger, B, "a")), (403, AUDIENCE));
    assert_eq!(refusal(&policy, &token(&world.a, B, "b")), (401, "Jwt verification fails"));
}

#[test]
fn row_197_an_unlisted_issuer_is_401() {
    let world = World::new();
    let policy = policy([world.rule_a(), world.rule_b()]);
    let token = world.a.token(json!({"iss": "https://c.example"}));
    assert_eq!(refusal(&policy, &bearer(&token)), (401, UNKNOWN));
}

#[test]
fn row_198_rules_of_one_issuer_are_all_asked() {
    let world = World::new();
    let policy = policy([world.rule_a(), JwtRule::new(A).keys(world.b.keys()).unwrap()]);
    assert!(caller(&policy, &bearer(&world.valid())).is_some());
    assert!(caller(&policy, &bearer(&world.b.token(json!({"iss": A})))).is_some());
    assert_eq!(refusal(&policy, &bearer(&world.stranger.token(json!({})))).0, 401);
}

#[test]
fn row_199_200_principal_audiences_and_presenter() {
    let world = World::new();
    let policy = policy([world.rule_a()]);
    let auth = |claims| {
        let request = bearer(&world.a.token(claims));
        admitted(&policy, &request).request_auth().cloned().unwrap()
    };
    let full = auth(json!({"aud": ["x", "y"], "azp": "cli", "scope": "read write", "n": {"scope": "a b"}}));
    assert_eq!(full.principal().as_deref(), Some("https://a.example/user"));
    assert_eq!(full.audiences().collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(full.presenter(), Some("cli"));
    assert_eq!(full.strings(&["scope"]).collect::<Vec<_>>(), ["read", "write"]);
    assert_eq!(full.strings(&["n", "scope"]).collect::<Vec<_>>(), ["a b"], "top level only");
    assert_eq!(full.strings(&["exp"]).count(), 0, "numbers never match");
    assert_eq!(full.caller().subject(), Some("user"));
    assert_eq!(full.caller().issuer(), A);
    for claims in [json!({"sub": null}), json!({"sub": ""})] {
        assert_eq!(auth(claims).principal(), None);
    }
}

#[test]
fn row_201_202_keys_come_from_outside_and_may_change_between_requests() {
    let world = World::new();
    let rule = JwtRule::new(A).jwks_uri("https://a.example/jwks").unwrap();
    let policy = policy([rule.timeout(Duration::from_secs(2)).unwrap()]);
    assert_eq!(policy.rules()[0].fetch_timeout(), Duration::from_secs(2));
    let request = bearer(&world.valid());
    let with = |keys: KeySet| {
        let keys = Arc::new(keys);
        matches!(policy.decide(&request.head(), &|_| Some(keys.clone()), now()), Outcome::Allowed(_))
    };
    assert!(with(world.a.keys()));
    assert!(!with(world.stranger.keys()), "rotated");
    assert!(with(world.a.keys()));
}

#[test]
fn row_203_each_rule_has_its_own_source_of_keys() {
    let world = World::new();
    let policy = policy([
        world.rule_a(),
        JwtRule::new(B).jwks_uri("https://b.example/keys").unwrap(),
        JwtRule::new("https://c.example/"),
    ]);
    let sources: Vec<_> = policy.rules().iter().map(JwtRule::key_source).collect();
    let b: Uri = "https://b.example/keys".parse().unwrap();
    let c = "https://c.example/.well-known/openid-configuration".to_owned();
    assert_eq!(sources, [KeySource::Inline, KeySource::Uri(&b), KeySource::Discovery(c)]);
}

#[test]
fn row_204_keys_are_asked_for_only_when_a_signature_is_to_be_checked() {
    let world = World::new();
    let policy = policy([JwtRule::new(A).jwks_uri("https://a.example/jwks").unwrap()]);
    let asked = Cell::new(0);
    let keys = Arc::new(world.a.keys());
    let ask = |request: &Request| {
        asked.set(0);
        policy.decide(
            &request.head(),
            &|place| {
                assert_eq!(place, 0);
                asked.set(asked.get() + 1);
                Some(keys.clone())
            },
            now(),
        );
        asked.get()
    };
    assert_eq!(ask(&get("/")), 0);
    assert_eq!(ask(&bearer("x.y.z")), 0);
    assert_eq!(ask(&bearer(&world.expired())), 0);
    assert_eq!(ask(&bearer(&world.b.token(json!({})))), 0);
    assert_eq!(ask(&bearer(&world.valid())), 1);
}

/// policy-semantics.md 1.5, from Istio's `tests/integration/security/jwt_test.go`.
#[test]
fn section_1_5_what_istios_own_suite_expects() {
    let world = World::new();
    let strict = policy([world.rule_a().audience("foo").unwrap()]);
    assert_eq!(refusal(&strict, &bearer(&world.a.token(json!({"aud": "bar"})))).0, 403);
    assert_eq!(refusal(&strict, &bearer(&world.expired())).0, 401);
    // Without a token there is no principal, which is what `requestPrincipals: ["*"]` then refuses with 403.
    assert_eq!(caller(&strict, &get("/")), None);
    // Keys that cannot be read, or do not come within `timeout: 10ms`, are no keys.
    assert!(KeySet::parse(br#"{"keys":[{"kty":"RSA","n":"AAAA","e":"AQAB"}]}"#, &AwsLc::new()).is_err());
    let slow = JwtRule::new(A).jwks_uri("http://slow.example/jwks").unwrap();
    let slow = policy([slow.timeout(Duration::from_millis(10)).unwrap()]);
    assert_eq!(refusal(&slow, &bearer(&world.valid())), (401, "Jwks remote fetch is failed"));
    assert_eq!(caller(&slow, &get("/")), None, "let through");
}

/// policy-semantics.md 2.5: the seed's first policy, as Istio runs it.
#[test]
fn section_2_5_the_seeds_first_policy() {
    let world = World::new();
    let rule = JwtRule::new("https://example.okta.com/oauth2/default").keys(world.a.keys()).unwrap();
    let rule = rule.audience("api://payments").unwrap().forward_original_token(true);
    let policy = policy([rule.output_claim_to_header("x-user-email", "email").unwrap()]);
    let names = |request| {
        let headers = upstream(&policy, request);
        let mut names: Vec<String> = headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    };
    let token = |claims| okta(&world, claims);
    assert_eq!(names(bearer(&token(json!({"email": "a@b.example"})))), ["authorization", "x-user-email"]);
    assert_eq!(refusal(&policy, &bearer(&token(json!({"aud": "x"})))), (403, AUDIENCE));
    assert_eq!(names(bearer(&token(json!({"aud": "api://payments/"})))), ["authorization"]);
    assert_eq!(refusal(&policy, &bearer(&token(json!({"aud": "payments"})))), (403, AUDIENCE));
    assert_eq!(refusal(&policy, &bearer(&token(json!({"iss": "https://c.example"})))), (401, UNKNOWN));
    assert!(names(get("/")).is_empty());
    let spoofed = with_headers(&token(json!({})), &[("x-user-email", "root@b.example")]);
    assert_eq!(names(spoofed), ["authorization"]);
}
