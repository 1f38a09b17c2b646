//! The rows of `reference/policy-semantics.md` 1.4, each with its configuration, request and measured outcome.
//!
//! Ten rows are left out, because no `RequestAuthentication` can be written that reaches them: `strict_envoy` (5: a
//! token is required, `subjects`, `require_expiration`, `max_lifetime`), `amf` (3: `allow_missing_or_failed`) and
//! `strip` (2: `strip_failure_response`). They are options of Envoy that Istio never sets.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::idp::{hs256, now};
use super::*;

/// Rows per configuration, in the order of the reference.
const ROWS: [(&str, usize); 14] = [
    ("single", 63),
    ("fwd", 2),
    ("aud", 13),
    ("two", 5),
    ("twoloc", 7),
    ("istio_hp", 7),
    ("cookie", 3),
    ("out", 4),
    ("noiss", 2),
    ("aud2", 3),
    ("mixkeys", 2),
    ("enckey", 1),
    ("octkey", 2),
    ("partialbad", 1),
];

const BAD_FORMAT: &str = "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";
const NO_KEY: &str = "Jwks doesn't have key to match kid or alg from Jwt";

/// One configuration of the table and the rows that were checked with it.
struct Table {
    config: &'static str,
    policy: RequestAuthentication,
    fetched: Option<Arc<KeySet>>,
    rows: usize,
}

impl Table {
    fn new(config: &'static str, rules: Vec<JwtRule>) -> Self {
        Self { config, policy: RequestAuthentication::new(rules).unwrap(), fetched: None, rows: 0 }
    }

    fn decide(&self, request: &Request) -> Outcome {
        self.policy.decide(&request.head(), &|_| self.fetched.clone(), now())
    }

    /// The request goes on with this target and these headers.
    fn goes(&mut self, row: &str, request: Request, target: &str, headers: &[(&str, &str)]) {
        self.rows += 1;
        let label = format!("{}: {row}", self.config);
        match self.decide(&request) {
            Outcome::Denied(denial) => panic!("{label}: {denial:?}"),
            Outcome::Allowed(admission) => {
                let Request { headers: mut left, mut uri, .. } = request;
                admission.apply(&mut left, &mut uri);
                left.remove("host");
                let mut left: Vec<(&str, &str)> =
                    left.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
                let mut expected = headers.to_vec();
                left.sort_unstable();
                expected.sort_unstable();
                assert_eq!(left, expected, "{label}");
                assert_eq!(uri, target, "{label}");
            }
        }
    }

    /// The request goes on, without its token.
    fn accepts(&mut self, row: &str, token: &str) {
        let request = bearer(token);
        let Outcome::Allowed(admission) = self.decide(&request) else { panic!("{row}: refused") };
        assert!(admission.request_auth().is_some(), "{}: {row}", self.config);
        self.goes(row, request, "/", &[]);
    }

    /// The request is answered.
    fn refuses(&mut self, row: &str, request: Request, status: u16, body: &str) {
        self.rows += 1;
        let label = format!("{}: {row}", self.config);
        match self.decide(&request) {
            Outcome::Allowed(_) => panic!("{label}: let through"),
            Outcome::Denied(denial) => {
                assert_eq!((denial.status().as_u16(), denial.body()), (status, body), "{label}");
                let target: String = request.uri.to_string().chars().take(256).collect();
                let challenge =
                    format!("Bearer realm=\"http://svc.example{target}\", error=\"invalid_token\"");
                assert_eq!(denial.www_authenticate(), challenge, "{label}");
            }
        }
    }

    fn refuses_token(&mut self, row: &str, token: &str, body: &str) {
        self.refuses(row, bearer(token), 401, body);
    }
}

#[test]
fn every_measured_row() {
    let world = World::signing(Algorithm::RS256);
    let mut single = Table::new("single", vec![world.rule_a()]);
    locations(&world, &mut single);
    forms(&world, &mut single);
    times(&world, &mut single);
    claims_and_headers(&world, &mut single);
    query_and_preflight(&world, &mut single);
    let mut checked = vec![single];
    checked.push(forwarding(&world));
    checked.push(audiences(&world));
    checked.extend(several_rules(&world));
    checked.push(headers_and_params(&world));
    checked.push(cookies(&world));
    checked.push(claims_to_headers(&world));
    checked.extend(issuers_and_audiences(&world));
    checked.extend(odd_keys(&world));

    let counts: Vec<(&str, usize)> = checked.iter().map(|table| (table.config, table.rows)).collect();
    assert_eq!(counts, ROWS);
    let total: usize = ROWS.iter().map(|(_, rows)| rows).sum();
    println!("{total} rows of policy-semantics.md 1.4 checked, 10 left out (raw Envoy options)");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test may read its data from disk")]
fn no_row_of_the_reference_is_forgotten() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/reference/policy-semantics.md");
    let Ok(reference) = std::fs::read_to_string(path) else {
        println!("NOT RUN: {path} is not there");
        return;
    };
    let section = reference.split("### 1.4").nth(1).unwrap().split("### 1.5").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Config"));
    let configs: Vec<&str> = rows.map(|row| row.split('|').nth(1).unwrap().trim()).collect();
    let reachable = configs.iter().filter(|config| !["strict_envoy", "amf", "strip"].contains(config));
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for config in reachable {
        match counts.last_mut() {
            Some((last, count)) if last == config => *count += 1,
            _ => counts.push((config, 1)),
        }
    }
    assert_eq!(counts, ROWS);
    assert_eq!(configs.len(), 125);
}

fn locations(world: &World, t: &mut Table) {
    let valid = world.valid();
    t.goes("no token", get("/"), "/", &[]);
    t.accepts("valid Bearer", &valid);
    for (row, value) in [
        ("`bearer`", format!("bearer {valid}")),
        ("`BEARER`", format!("BEARER {valid}")),
        ("tab for the space", format!("Bearer\t{valid}")),
        ("Basic", "Basic dTpw".to_owned()),
        ("`Bearer` alone", "Bearer".to_owned()),
    ] {
        let request = authorization(&value);
        let Outcome::Allowed(admission) = t.decide(&request) else { panic!("{row}") };
        assert!(admission.request_auth().is_none(), "{row}: not a token for Envoy");
        t.goes(row, request, "/", &[("authorization", &value)]);
    }
    t.accepts("two spaces", &format!(" {valid}"));
    t.goes("prefix inside", authorization(&format!("xxBearer {valid}")), "/", &[]);
    t.refuses_token("garbage", "abc", BAD_FORMAT);
    t.refuses_token("three words", "not.a.jwt", "Jwt header is an invalid JSON");
    t.refuses_token("text behind", &format!("{valid} trailing"), "Jwt verification fails");
    t.refuses_token("comma behind", &format!("{valid},x"), "Jwt signature is an invalid Base64url encoded");
    for (row, other) in [("two headers, both good", &valid), ("two headers, one expired", &world.expired())] {
        let (first, second) = (format!("Bearer {valid}"), format!("Bearer {other}"));
        let request = ask("GET", "/", &[("authorization", &first), ("authorization", &second)]);
        t.refuses(row, request, 401, BAD_FORMAT);
    }
}

fn forms(world: &World, t: &mut Table) {
    let valid = world.valid();
    let parts: Vec<&str> = valid.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!() };
    t.accepts("dots around", &format!("..{valid}."));
    t.accepts("empty part inside", &format!("{header}..{payload}.{signature}"));
    let padded: Vec<String> =
        parts.iter().map(|part| format!("{part}{}", "=".repeat((4 - part.len() % 4) % 4))).collect();
    assert_ne!(padded[..2].join("."), parts[..2].join("."), "something is padded");
    t.refuses_token("padded parts", &padded.join("."), "Jwt verification fails");
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    t.refuses_token("alg none", &format!("{none}.{payload}."), BAD_FORMAT);
    let unsupported = "Jwt header [alg] is not supported";
    t.refuses_token("alg none with a signature", &format!("{none}.{payload}.AAAA"), unsupported);
    let public_key = world.a.jwks();
    let hs = hs256(
        public_key.as_bytes(),
        json!({"alg": "HS256", "kid": "k1"}),
        json!({"iss": A, "sub": "user", "exp": NOW + 3600}),
    );
    t.refuses_token("HS256 with the public key as the secret", &hs, NO_KEY);
    t.refuses_token(
        "RS512 over an RS256 signature",
        &world.a.token_with(json!({"alg": "RS512"}), json!({})),
        NO_KEY,
    );
    t.refuses_token("rs256", &world.a.token_with(json!({"alg": "rs256"}), json!({})), unsupported);
    t.accepts("crit", &world.a.token_with(json!({"crit": ["x"]}), json!({})));
    t.accepts("b64 false", &world.a.token_with(json!({"crit": ["b64"], "b64": false}), json!({})));
    t.accepts("typ dpop+jwt", &world.a.token_with(json!({"typ": "dpop+jwt"}), json!({})));
    t.refuses_token("another key", &world.stranger.token(json!({})), "Jwt verification fails");
    t.refuses_token("unknown kid", &world.a.token_with(json!({"kid": "nope"}), json!({})), NO_KEY);
    t.accepts("no kid", &world.a.token_with(json!({"kid": null}), json!({})));
    let kid = "Jwt header [kid] field is not a string";
    t.refuses_token("kid 5", &world.a.token_with(json!({"kid": 5}), json!({})), kid);
    let rs256 = r#"{"alg":"RS256","kid":"k1"}"#;
    let json = "Jwt payload is an invalid JSON";
    for (row, payload) in [
        ("iss twice, the last is ours", format!(r#"{{"iss":"x","iss":"{A}","sub":"user"}}"#)),
        ("iss twice, the first is ours", format!(r#"{{"iss":"{A}","sub":"user","iss":"x"}}"#)),
        ("array", "[1]".to_owned()),
        ("lone surrogate", format!(r#"{{"iss":"{A}","x":"\ud800"}}"#)),
    ] {
        t.refuses_token(row, &world.a.sign(rs256, &payload), json);
    }
}

fn times(world: &World, t: &mut Table) {
    let token = |claims| world.a.token(claims);
    t.refuses_token("expired an hour ago", &world.expired(), "Jwt is expired");
    t.accepts("expired 30 s ago", &token(json!({"exp": NOW - 30})));
    t.accepts("nbf in 30 s", &token(json!({"nbf": NOW + 30})));
    t.refuses_token("nbf in 300 s", &token(json!({"nbf": NOW + 300})), "Jwt not yet valid");
    t.accepts("iat tomorrow", &token(json!({"iat": NOW + 86_400})));
    t.accepts("no exp", &token(json!({"exp": null})));
    t.accepts("exp 0", &token(json!({"exp": 0})));
    let (range, integer) = (
        "Jwt payload [exp] field is not a positive 64 bit integer",
        "Jwt payload [exp] field is not an integer",
    );
    t.refuses_token("exp -1", &token(json!({"exp": -1})), range);
    t.refuses_token("exp as text", &token(json!({"exp": "9999999999"})), integer);
    let null = world.a.sign(r#"{"alg":"RS256"}"#, &format!(r#"{{"iss":"{A}","exp":null}}"#));
    t.refuses_token("exp null", &null, integer);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    t.accepts("exp with a fraction", &token(json!({"exp": (NOW + 3600) as f64 + 0.5})));
    t.refuses_token("exp 1e300", &token(json!({"exp": 1e300})), range);
}

fn claims_and_headers(world: &World, t: &mut Table) {
    let issuer = "Jwt issuer is not configured";
    for (row, claims, reason) in [
        ("wrong issuer", json!({"iss": "https://c.example"}), issuer),
        ("issuer with a slash", json!({"iss": "https://a.example/"}), issuer),
        ("no iss", json!({"iss": null}), issuer),
        ("iss 5", json!({"iss": 5}), "Jwt payload [iss] field is not a string"),
        ("sub 5", json!({"sub": 5}), "Jwt payload [sub] field is not a string"),
        ("aud 5", json!({"aud": 5}), "Jwt payload [aud] field is not a string or string list"),
        ("aud [a, 5]", json!({"aud": ["a", 5]}), "Jwt payload [aud] field is not a string or string list"),
        ("jti 5", json!({"jti": 5}), "Jwt payload [jti] field is not a string"),
    ] {
        t.refuses_token(row, &world.a.token(claims), reason);
    }
}

fn query_and_preflight(world: &World, t: &mut Table) {
    let (valid, expired) = (world.valid(), world.expired());
    let header = format!("Bearer {valid}");
    let with_header = |target: &str| ask("GET", target, &[("authorization", &header)]);
    t.goes("parameter", get(&format!("/path?q=1&access_token={valid}")), "/path?q=1", &[]);
    t.refuses("parameter expired", get(&format!("/p?access_token={expired}")), 401, "Jwt is expired");
    let request = with_header(&format!("/p?access_token={expired}"));
    t.refuses("header good, parameter expired", request, 401, "Jwt is expired");
    t.goes("both good", with_header(&format!("/p?access_token={valid}")), "/p", &[]);
    t.refuses("parameter empty", get("/p?access_token="), 401, BAD_FORMAT);
    let upper = format!("/p?ACCESS_TOKEN={valid}");
    t.goes("ACCESS_TOKEN", get(&upper), &upper, &[]);
    t.goes("good, then expired", get(&format!("/p?access_token={valid}&access_token={expired}")), "/p", &[]);
    let expired = format!("Bearer {expired}");
    let preflight = [
        ("authorization", expired.as_str()),
        ("origin", "https://app.example"),
        ("access-control-request-method", "GET"),
    ];
    t.goes("preflight with an expired token", ask("OPTIONS", "/", &preflight), "/", &preflight);
    t.refuses("OPTIONS without Origin", ask("OPTIONS", "/", &preflight[..1]), 401, "Jwt is expired");
}

fn forwarding(world: &World) -> Table {
    let mut t = Table::new("fwd", vec![world.rule_a().forward_original_token(true)]);
    let valid = world.valid();
    let header = format!("Bearer {valid}");
    t.goes("header", bearer(&valid), "/", &[("authorization", &header)]);
    let target = format!("/p?access_token={valid}");
    t.goes("parameter", get(&target), &target, &[]);
    t
}

fn audiences(world: &World) -> Table {
    let mut t = Table::new("aud", vec![world.rule_a().audience("https://api.example.com").unwrap()]);
    let token = |aud: serde_json::Value| world.a.token(json!({ "aud": aud }));
    let refused = "Audiences in Jwt are not allowed";
    for (row, aud) in [
        ("exact", json!("https://api.example.com")),
        ("slash behind", json!("https://api.example.com/")),
        ("http", json!("http://api.example.com")),
        ("no scheme", json!("api.example.com")),
    ] {
        t.accepts(row, &token(aud));
    }
    t.refuses("upper case", bearer(&token(json!("https://API.example.com"))), 403, refused);
    t.refuses("two slashes", bearer(&token(json!("https://api.example.com//"))), 403, refused);
    t.accepts("one of two", &token(json!(["x", "https://api.example.com"])));
    t.refuses("empty list", bearer(&token(json!([]))), 403, refused);
    t.refuses("none", bearer(&world.valid()), 403, refused);
    t.refuses("another", bearer(&token(json!("https://other.example.com"))), 403, refused);
    let forged = world.stranger.token(json!({"aud": "x"}));
    t.refuses("another, and a wrong signature", bearer(&forged), 403, refused);
    let late = world.a.token(json!({"aud": "x", "exp": NOW - 3600}));
    t.refuses("another, and expired", bearer(&late), 401, "Jwt is expired");
    t.goes("no token", get("/"), "/", &[]);
    t
}

fn several_rules(world: &World) -> [Table; 2] {
    let issuer = "Jwt issuer is not configured";
    let (a, late_a) = (world.valid(), world.expired());
    let (b, late_b) = (world.b.token(json!({})), world.b.token(json!({"exp": NOW - 3600})));
    let mut two = Table::new("two", vec![world.rule_a(), world.rule_b()]);
    two.accepts("A", &a);
    two.accepts("B", &b);
    two.refuses_token("unknown issuer", &world.a.token(json!({"iss": "https://c.example"})), issuer);
    two.refuses_token("A expired", &late_a, "Jwt is expired");
    two.goes("no token", get("/"), "/", &[]);

    let own_place = world.rule_b().from_header("x-service-jwt", "").unwrap();
    let mut t = Table::new("twoloc", vec![world.rule_a(), own_place]);
    let both = |a: &str, b: &str| {
        ask("GET", "/", &[("authorization", &format!("Bearer {a}")), ("x-service-jwt", b)])
    };
    let service = |token: &str| ask("GET", "/", &[("x-service-jwt", token)]);
    t.goes("A, B expired", both(&a, &late_b), "/", &[("x-service-jwt", &late_b)]);
    let authorization = format!("Bearer {late_a}");
    t.goes("A expired, B", both(&late_a, &b), "/", &[("authorization", &authorization)]);
    t.goes("A, B", both(&a, &b), "/", &[("x-service-jwt", &b)]);
    t.goes("B alone", service(&b), "/", &[]);
    t.refuses_token("B in Authorization", &b, issuer);
    t.refuses("A in x-service-jwt", service(&a), 401, issuer);
    t.refuses("B alone, expired", service(&late_b), 401, "Jwt is expired");
    [two, t]
}

fn headers_and_params(world: &World) -> Table {
    let rule = world.rule_a().from_header("x-jwt-token", "Value ").unwrap().from_param("token").unwrap();
    let mut t = Table::new("istio_hp", vec![rule]);
    let (valid, expired) = (world.valid(), world.expired());
    let value = format!("Value {valid}");
    let set = |target: &str| ask("GET", target, &[("x-jwt-token", &value)]);
    t.goes("parameter", get(&format!("/valid-token?token={valid}")), "/valid-token", &[]);
    t.goes("both", set(&format!("/v?token={valid}")), "/v", &[]);
    t.refuses("both, one expired", set(&format!("/v?token={expired}")), 401, "Jwt is expired");
    t.goes("header", set("/"), "/", &[]);
    for (row, token) in [("Authorization", &valid), ("Authorization, expired", &expired)] {
        let value = format!("Bearer {token}");
        t.goes(row, bearer(token), "/", &[("authorization", &value)]);
    }
    let wrong = format!("Bearer {valid}");
    t.goes("wrong prefix", ask("GET", "/", &[("x-jwt-token", &wrong)]), "/", &[("x-jwt-token", &wrong)]);
    t
}

fn cookies(world: &World) -> Table {
    let mut t = Table::new("cookie", vec![world.rule_a().from_cookie("session").unwrap()]);
    let good = format!("a=b; session={}", world.valid());
    let late = format!("session={}", world.expired());
    t.goes("good", ask("GET", "/", &[("cookie", &good)]), "/", &[("cookie", &good)]);
    t.refuses("expired", ask("GET", "/", &[("cookie", &late)]), 401, "Jwt is expired");
    let authorization = format!("Bearer {}", world.expired());
    let both = [("cookie", good.as_str()), ("authorization", authorization.as_str())];
    t.goes("good, with an expired token elsewhere", ask("GET", "/", &both), "/", &both);
    t
}

fn claims_to_headers(world: &World) -> Table {
    let mut rule = world.rule_a().output_payload_to_header("x-payload").unwrap();
    for (header, claim) in [
        ("x-c-str", "str"),
        ("x-c-int", "int"),
        ("x-c-big", "big"),
        ("x-c-float", "float"),
        ("x-c-negative", "negative"),
        ("x-c-bool", "bool"),
        ("x-c-list", "list"),
        ("x-c-object", "object"),
        ("x-c-nested", "nested.a.b"),
        ("x-c-empty", "empty"),
        ("x-c-missing", "missing"),
        ("x-c-url", "https://claims.example/roles"),
    ] {
        rule = rule.output_claim_to_header(header, claim).unwrap();
    }
    let mut t = Table::new("out", vec![rule]);
    let token = world.a.token(json!({
        "str": "v", "int": 42, "big": (1u64 << 53) + 1, "float": 1.5, "negative": -3, "bool": true,
        "list": ["a", 1], "object": {"k": "v"}, "nested": {"a": {"b": "deep"}}, "empty": "",
        "https://claims.example/roles": "unreachable",
    }));
    let payload = |token: &str| token.split('.').nth(1).unwrap().to_owned();
    let (list, object) = (STANDARD.encode(r#"["a",1]"#), STANDARD.encode(r#"{"k":"v"}"#));
    let set = [
        ("x-payload", &*payload(&token)),
        ("x-c-str", "v"),
        ("x-c-int", "42"),
        ("x-c-big", "9007199254740992"),
        ("x-c-float", "1.500000"),
        ("x-c-negative", "-3.000000"),
        ("x-c-bool", "true"),
        ("x-c-list", &list),
        ("x-c-object", &object),
        ("x-c-nested", "deep"),
    ];
    t.goes("claims", bearer(&token), "/", &set);
    let spoofed = [("x-payload", "evil"), ("x-c-str", "evil")];
    t.goes("spoofed, no token", ask("GET", "/", &spoofed), "/", &[]);
    let valid = world.valid();
    let authorization = format!("Bearer {valid}");
    let request = ask("GET", "/", &[("x-c-str", "evil"), ("authorization", &authorization)]);
    t.goes("spoofed, no such claim", request, "/", &[("x-payload", &payload(&valid))]);
    let preflight = [("origin", "https://app.example"), ("access-control-request-method", "GET")];
    t.goes("spoofed, preflight", ask("OPTIONS", "/", &[preflight, spoofed].concat()), "/", &preflight);
    t
}

fn issuers_and_audiences(world: &World) -> [Table; 2] {
    // An empty issuer needs a URI; its keys come from there.
    let rule = JwtRule::new("").jwks_uri("https://keys.example/jwks").unwrap();
    let mut any = Table::new("noiss", vec![rule]);
    any.fetched = Some(Arc::new(world.a.keys()));
    any.accepts("any issuer", &world.a.token(json!({"iss": "https://whoever.example"})));
    any.accepts("no issuer", &world.a.token(json!({"iss": null})));

    let mut t = Table::new("aud2", vec![world.rule_a().audience("foo").unwrap(), world.rule_b()]);
    t.refuses("A without aud", bearer(&world.valid()), 403, "Audiences in Jwt are not allowed");
    t.accepts("A for foo", &world.a.token(json!({"aud": "foo"})));
    t.accepts("B without aud", &world.b.token(json!({})));
    [any, t]
}

fn odd_keys(world: &World) -> [Table; 4] {
    let nameless = json!([world.a.jwk(json!({"kid": null})), world.b.jwk(json!({}))]);
    let mut mix = Table::new("mixkeys", vec![world.rule_with(nameless)]);
    mix.accepts("kid k1, and A's key has none", &world.valid());
    mix.accepts("kid k2, signed by A", &world.a.token_with(json!({"kid": "k2"}), json!({})));

    let encryption = json!([world.a.jwk(json!({"use": "enc", "key_ops": ["encrypt"]}))]);
    let mut enc = Table::new("enckey", vec![world.rule_with(encryption)]);
    enc.accepts("key for encryption", &world.valid());

    let secret = [7u8; 32];
    let oct = json!({"kty": "oct", "kid": "h1", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode(secret)});
    let mut octs = Table::new("octkey", vec![world.rule_with(json!([oct, world.a.jwk(json!({}))]))]);
    let claims = json!({"iss": A, "sub": "user", "exp": NOW + 3600});
    octs.accepts("HS256", &hs256(&secret, json!({"alg": "HS256", "kid": "h1"}), claims));
    octs.accepts("RS256", &world.valid());

    let bad = json!([{"kty": "RSA", "kid": "bad", "n": "!!", "e": "AQAB"}, world.a.jwk(json!({}))]);
    let mut partial = Table::new("partialbad", vec![world.rule_with(bad)]);
    partial.accepts("one key is invalid", &world.valid());
    [mix, enc, octs, partial]
}
