//! Requests that a real Envoy was asked about: `envoy/measured.json`, made by `envoy/measure.py`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::crypto::AwsLc;
use crate::time::UnixTime;

/// Where we differ from Envoy on purpose: case, request (`*` for all), and what we do instead. Each is a
/// refusal where Envoy accepts, or says another reason.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    // protobuf reads more than JSON.
    ("payload", "single quotes", "Jwt payload is an invalid JSON"),
    ("payload", "trailing comma", "Jwt payload is an invalid JSON"),
    ("payload", "name without quotes", "Jwt payload is an invalid JSON"),
    ("payload", "control character", "Jwt payload is an invalid JSON"),
    ("payload", "null", "Jwt payload is an invalid JSON"),
    // Algorithms of another family than the key's, and hashes of another size than the curve's.
    ("key EC", "ES384", "Jwt verification fails"),
    ("key EC", "RS256 by ES256", "Jwt verification fails"),
    ("key EC", "HS256 by ES256", "Jwt verification fails"),
    ("key EC", "EdDSA by ES256", "Jwt verification fails"),
    ("key P-384", "ES256", "Jwt verification fails"),
    ("key P-384", "ES512", "Jwt verification fails"),
    ("key P-521", "ES256", "Jwt verification fails"),
    ("key P-521", "ES384", "Jwt verification fails"),
    ("key oct", "RS256 by HS256", "Jwt verification fails"),
    ("key Ed25519", "RS256 by EdDSA", "Jwt verification fails"),
    // A signature that is longer than its algorithm's.
    ("key EC signatures", "wide", "Jwt verification fails"),
    // A secret of 32 bytes is too short for SHA-512.
    ("key oct", "HS512", "Jwt verification fails"),
];

/// Key sets without a usable key for us, which Envoy uses.
const REFUSED_KEY_SETS: &[&str] = &["key RSA 1024", "key private", "key oct short"];

struct Measured {
    now: u64,
    tokens: BTreeMap<String, String>,
    key_sets: BTreeMap<String, String>,
    cases: Vec<Value>,
}

fn text(value: &Value, name: &str, default: &str) -> String {
    value.get(name).map_or(default, |v| v.as_str().unwrap()).to_owned()
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).map_or(&[], |v| v.as_array().unwrap())
}

fn strings(value: &Value, name: &str) -> Vec<String> {
    list(value, name).iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}

impl Measured {
    fn load() -> Self {
        let all: Value = serde_json::from_str(include_str!("envoy/measured.json")).unwrap();
        let map = |name: &str| serde_json::from_value(all[name].clone()).unwrap();
        assert_eq!(all["envoy"], "1.40.0");
        Self {
            now: all["now"].as_u64().unwrap(),
            tokens: map("tokens"),
            key_sets: map("key_sets"),
            cases: all["cases"].as_array().unwrap().clone(),
        }
    }

    fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').unwrap();
            filled.push_str(before);
            filled.push_str(&self.tokens[name]);
            rest = behind;
        }
        filled + rest
    }

    fn pairs(&self, list: &[Value]) -> Vec<(String, String)> {
        let text = |v: &Value| self.filled(v.as_str().unwrap());
        list.iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
    }

    fn rule(&self, rule: &Value) -> Result<JwtRule, ConfigError> {
        let mut jwt = JwtRule::new(text(rule, "issuer", ""))
            .forward_original_token(rule.get("forwardOriginalToken").is_some_and(|v| v.as_bool().unwrap()));
        for audience in strings(rule, "audiences") {
            jwt = jwt.audience(&audience)?;
        }
        for header in list(rule, "fromHeaders") {
            jwt = jwt.from_header(&text(header, "name", ""), &text(header, "prefix", ""))?;
        }
        for param in strings(rule, "fromParams") {
            jwt = jwt.from_param(&param)?;
        }
        for cookie in strings(rule, "fromCookies") {
            jwt = jwt.from_cookie(&cookie)?;
        }
        for claim in strings(rule, "spaceDelimitedClaims") {
            jwt = jwt.space_delimited_claim(&claim)?;
        }
        for output in list(rule, "outputClaimToHeaders") {
            jwt = jwt.output_claim_to_header(&text(output, "header", ""), &text(output, "claim", ""))?;
        }
        if let Some(header) = rule.get("outputPayloadToHeader") {
            jwt = jwt.output_payload_to_header(header.as_str().unwrap())?;
        }
        match rule.get("jwksUri") {
            Some(uri) => jwt.jwks_uri(uri.as_str().unwrap()),
            // Istio's admission wants an issuer or a URI; Envoy was given the keys either way.
            None if jwt.issuer().is_empty() => jwt.jwks_uri("https://keys.example/"),
            None => jwt.jwks(&self.key_sets[rule["jwks"].as_str().unwrap()], &AwsLc::new()),
        }
    }

    fn policy(&self, case: &Value) -> Result<RequestAuthentication, ConfigError> {
        let rules: Result<Vec<JwtRule>, _> = list(case, "rules").iter().map(|rule| self.rule(rule)).collect();
        RequestAuthentication::new(rules?)
    }

    /// Keys for the rules whose keys are not in the rule.
    fn fetched(&self, case: &Value, place: usize) -> Option<Arc<KeySet>> {
        let name = list(case, "rules")[place].get("jwks")?.as_str().unwrap();
        Some(Arc::new(KeySet::parse(self.key_sets[name].as_bytes(), &AwsLc::new()).unwrap()))
    }
}

#[test]
fn every_decision_of_envoy_is_ours() {
    let measured = Measured::load();
    let (mut asked, mut differences, mut refused_key_sets) = (0, Vec::new(), Vec::new());
    for case in &measured.cases {
        let config = text(case, "config", "");
        let policy = match (measured.policy(case), case.get("refused")) {
            (Err(error), Some(_)) => {
                assert_eq!(error.field(), "jwks", "{config}");
                continue;
            }
            (Err(error), None) => {
                assert_eq!(error.field(), "jwks", "{config}");
                refused_key_sets.push(config);
                continue;
            }
            (Ok(_), Some(refused)) => panic!("{config}: Envoy refuses the configuration: {refused}"),
            (Ok(policy), None) => policy,
        };
        for (number, request) in list(case, "requests").iter().enumerate() {
            let name = text(request, "name", "");
            let label = format!("{config}, request {number} ({name})");
            let difference = DIFFERENCES.iter().find(|(c, r, _)| *c == config && *r == name);
            let parsed = Request::new(
                &text(request, "method", "GET"),
                &measured.filled(&text(request, "path", "/")),
                &measured.pairs(list(request, "headers")),
            );
            let now = UnixTime::from_secs(measured.now + request["at"].as_u64().unwrap());
            let outcome = policy.decide(&parsed.head(), &|place| measured.fetched(case, place), now);
            asked += 1;
            let answer = &request["answer"];
            match (outcome, difference) {
                (Outcome::Denied(denial), Some((c, r, ours))) => {
                    assert_eq!(denial.body(), *ours, "{label}");
                    assert_ne!(answer["body"], *ours, "{label}: no difference any more");
                    differences.push((*c, *r));
                }
                (Outcome::Allowed(_), Some(_)) => panic!("{label}: allowed"),
                (Outcome::Denied(denial), None) => check_denial(&measured, &label, &denial, answer),
                (Outcome::Allowed(admission), None) => {
                    check_admission(&measured, &label, &admission, parsed, answer);
                }
            }
        }
    }
    assert_eq!(differences.len(), DIFFERENCES.len(), "each difference was met");
    assert_eq!(refused_key_sets, REFUSED_KEY_SETS);
    assert!(asked > 800, "{asked}");
    println!("{asked} decisions of Envoy 1.40.0 checked, {} differ on purpose", differences.len());
}

fn check_denial(measured: &Measured, label: &str, denial: &Denial, answer: &Value) {
    assert_eq!(answer["status"].as_u64(), Some(u64::from(denial.status().as_u16())), "{label}: {denial:?}");
    assert_eq!(answer["body"], denial.body(), "{label}");
    let standard = r#"Bearer realm="http://svc.example/", error="invalid_token""#;
    let challenge = measured.filled(&text(answer, "www_authenticate", standard));
    assert_eq!(denial.www_authenticate(), challenge, "{label}");
}

fn check_admission(
    measured: &Measured,
    label: &str,
    admission: &Admission,
    request: Request,
    answer: &Value,
) {
    if answer["status"] == 503 {
        // A claim that no header can carry: Envoy fails the request, we leave the header out.
        assert_eq!(answer["body"], "invalid header value for: x-c-s", "{label}");
        assert!(admission.added_headers().is_empty(), "{label}");
        return;
    }
    assert_eq!(answer["status"], 200, "{label}: allowed, but Envoy says {}", answer["body"]);
    let Request { mut headers, mut uri, .. } = request;
    admission.apply(&mut headers, &mut uri);

    let path = measured.filled(&text(answer, "path", "/"));
    assert_eq!(query_of(&uri.to_string()), query_of(&path), "{label}");

    let mut theirs: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (name, value) in measured.pairs(list(answer, "headers")) {
        let value: Vec<u8> = value.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        theirs.entry(name).or_default().push(value.trim_ascii().to_vec());
    }
    // The one header that only looks like a rule's own goes with us.
    theirs.remove("x_a");
    headers.remove("host");
    let ours = headers.keys().map(|name| {
        let values = headers.get_all(name).iter().map(|v| v.as_bytes().trim_ascii().to_vec());
        (name.to_string(), values.collect())
    });
    let ours: BTreeMap<String, Vec<Vec<u8>>> = ours.collect();
    assert_eq!(ours, theirs, "{label}");

    if label.starts_with("claims to headers") || label.starts_with("nested claims") {
        assert!(!label.contains("(all)") || admission.request_auth().is_some());
        return;
    }
    match (admission.request_auth(), answer.get("payload")) {
        (None, None) => {}
        (Some(auth), Some(payload)) => check_payload(label, auth, payload),
        (ours, theirs) => panic!("{label}: {ours:?} is not {theirs:?}"),
    }
}

/// What policies see: Envoy's dynamic metadata against ours.
fn check_payload(label: &str, auth: &RequestAuth, payload: &Value) {
    let members = payload.as_object().unwrap();
    assert_eq!(auth.claims().unwrap().len(), members.len(), "{label}");
    for (name, claim) in members {
        let theirs: Vec<&str> = match claim {
            Value::String(s) => vec![s],
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        assert_eq!(auth.strings(&[name]).collect::<Vec<_>>(), theirs, "{label}: {name}");
        if let Some(nested) = claim.as_object() {
            for (inner, claim) in nested {
                let theirs: Vec<&str> = claim.as_str().into_iter().collect();
                assert_eq!(
                    auth.strings(&[name, inner]).collect::<Vec<_>>(),
                    theirs,
                    "{label}: {name}.{inner}"
                );
            }
        }
    }
    let word = |name: &str| payload.get(name).and_then(Value::as_str).filter(|s| !s.is_empty());
    assert_eq!(auth.issuer(), word("iss"), "{label}");
    assert_eq!(auth.subject(), word("sub"), "{label}");
    assert_eq!(auth.presenter(), word("azp"), "{label}");
}

/// Path, and the decoded parameters in the order of their names, which is how Envoy writes them again.
fn query_of(target: &str) -> (String, Vec<(String, String)>) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let decoded = |s: &str| percent_encoding::percent_decode_str(s).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut pairs: Vec<_> = pairs.map(|(name, value)| (decoded(name), decoded(value))).collect();
    pairs.sort();
    (path.to_owned(), pairs)
}
