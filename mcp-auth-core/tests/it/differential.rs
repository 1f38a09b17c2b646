//! Our verdict on random tokens against two others: a plain reading of the rules over `serde_json`, which has to
//! agree, and the library `jsonwebtoken`, which may only be laxer, and only for reasons that are listed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::SystemTime;

use jsonwebtoken::{DecodingKey, Validation};
use mcp_auth_core::UnixTime;
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Algorithm, Checks, Issuer, ValidationError, Validator};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::support::{TestKey, b64, providers, say};

const ISS: &str = "https://idp.example";
const AUD: &str = "https://mcp.example/mcp";
const JKT: &str = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
const LEEWAY: f64 = 30.0;
const MAX_LIFETIME: f64 = 30.0 * 86_400.0;

/// What we refuse and `jsonwebtoken` takes, and why we do.
const EXPLAINED: [(&str, &str); 9] = [
    ("claim_type", "types of registered claims it does not ask for, and `act`"),
    ("not_yet_valid", "`iat` in the future"),
    ("lifetime", "tokens for longer than 30 days"),
    ("header", "`crit`, `b64`, `zip`, `enc`, nested tokens and tokens for other purposes"),
    ("key", "`kid` is not the key's"),
    ("json", "duplicate claims: the last one wins there"),
    ("token_use", "Keycloak's other tokens"),
    ("bound_token", "a bound token as a bearer"),
    ("confirmation_method", "a binding nobody can check"),
];

/// A token as it is made: claims and header members that were chosen, and what is done to it afterwards.
#[derive(Clone, Debug)]
struct Recipe {
    header: Vec<(&'static str, Value)>,
    /// A date is a number of seconds from now.
    claims: Vec<(&'static str, Option<Value>)>,
    again: Option<&'static str>,
    forged: bool,
    damage: Option<(usize, u8)>,
}

/// Mostly the first, sometimes one of the others; `None` is a claim that is absent.
fn mostly(good: Value, others: Vec<Option<Value>>) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![20 => Just(Some(good)), 2 => select(others)]
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let text = || vec![None, Some(json!("x")), Some(json!(7)), Some(json!(null)), Some(json!(["x"]))];
    let date = |offsets: &[f64]| {
        let mut all: Vec<Option<Value>> =
            offsets.iter().map(|offset| Some(json!({ "now+": offset }))).collect();
        all.extend([
            None,
            Some(json!("1700000000")),
            Some(json!(-1)),
            Some(json!(1e300)),
            Some(json!(u64::MAX)),
        ]);
        all
    };
    let soon = |offset: f64| json!({ "now+": offset });
    let claims = (
        mostly(json!(ISS), vec![None, Some(json!([ISS])), Some(json!(format!("{ISS}/"))), Some(json!(42))]),
        mostly(
            json!(AUD),
            vec![
                None,
                Some(json!([AUD, "x"])),
                Some(json!(["x"])),
                Some(json!([AUD, 7])),
                Some(json!({})),
                Some(json!("x")),
            ],
        ),
        mostly(soon(300.0), date(&[-3600.0, -60.0, -10.0, 1.5, 86_400.0, 31.0 * 86_400.0])),
        mostly(soon(-100.0), date(&[10.0, 10.5, 100.0])),
        mostly(soon(-100.0), date(&[10.0, 100.0, -86_400.0])),
        mostly(json!("alice"), text()),
        mostly(json!("client"), text()),
        mostly(
            json!({"sub": "agent"}),
            vec![None, Some(json!("agent")), Some(json!({"sub": 7})), Some(json!(null))],
        ),
        select(vec![None, None, None, None, None, None, Some(json!({"jkt": JKT})), Some(json!({}))]),
        select(vec![None, None, None, None, None, Some(json!("Bearer")), Some(json!("ID")), Some(json!(7))]),
    );
    let header = select(vec![
        vec![],
        vec![],
        vec![],
        vec![],
        vec![],
        vec![("typ", json!("at+jwt"))],
        vec![("typ", json!("application/AT+JWT"))],
        vec![("typ", json!("dpop+jwt"))],
        vec![("kid", json!("k2"))],
        vec![("kid", json!(7))],
        vec![("alg", json!("none"))],
        vec![("alg", json!("ES256"))],
        vec![("crit", json!(["exp"]))],
        vec![("b64", json!(false))],
        vec![("zip", json!("DEF"))],
        vec![("cty", json!("JWT"))],
        vec![("x", json!({"y": [1, 2]}))],
    ]);
    let again = select(vec![None, None, None, None, None, None, None, None, Some("sub"), Some("groups")]);
    let damage = prop_oneof![9 => Just(None), 1 => (any::<usize>(), any::<u8>()).prop_map(Some)];
    (header, claims, again, prop::bool::weighted(0.05), damage).prop_map(
        |(header, claims, again, forged, damage)| {
            let (iss, aud, exp, nbf, iat, sub, client_id, act, cnf, typ) = claims;
            let claims = vec![
                ("iss", iss),
                ("aud", aud),
                ("exp", exp),
                ("nbf", nbf),
                ("iat", iat),
                ("sub", sub),
                ("client_id", client_id),
                ("act", act),
                ("cnf", cnf),
                ("typ", typ),
            ];
            Recipe { header, claims, again, forged, damage }
        },
    )
}

/// A date without a fraction is an integer.
fn whole(now: u64, offset: f64) -> Value {
    let text = format!("{:.0}", now as f64 + offset);
    json!(text.parse::<u64>().unwrap())
}

impl Recipe {
    fn header(&self) -> Value {
        let mut header = json!({"alg": "EdDSA", "kid": "k1"});
        self.header.iter().for_each(|(name, value)| header[*name] = value.clone());
        header
    }

    fn claims(&self, now: u64) -> Value {
        let mut claims = json!({"groups": ["readers"]});
        for (name, value) in self.claims.iter().filter_map(|(name, value)| Some((*name, value.as_ref()?))) {
            claims[name] = match value.get("now+").and_then(Value::as_f64) {
                Some(offset) if offset.fract() == 0.0 => whole(now, offset),
                Some(offset) => json!(now as f64 + offset),
                None => value.clone(),
            };
        }
        claims
    }

    /// The token, and whether it is what its header and claims say, signed by the issuer's key.
    fn token(&self, now: u64, key: &TestKey, attacker: &TestKey) -> (String, bool) {
        let mut payload = self.claims(now).to_string();
        if let Some(name) = self.again {
            payload = format!("{},\"{name}\":\"x\"}}", payload.strip_suffix('}').unwrap());
        }
        let signed = format!("{}.{}", b64(self.header().to_string()), b64(&payload));
        let signer = if self.forged { attacker } else { key };
        let token = format!("{signed}.{}", b64(signer.sign(signed.as_bytes())));
        let mut bytes = token.clone().into_bytes();
        if let Some((at, byte)) = self.damage {
            let at = at % bytes.len();
            bytes[at] = byte & 0x7f;
        }
        let damaged = String::from_utf8(bytes).unwrap();
        let twice = self.again.is_some_and(|name| self.claims(now).get(name).is_some());
        let intact = damaged == token && !twice && !self.forged;
        (damaged, intact)
    }
}

/// The rules once more, as they would be told to somebody.
fn plain(header: &Value, claims: &Value, now: f64) -> bool {
    let text_or_absent = |set: &Value, name: &str| set.get(name).is_none_or(Value::is_string);
    let typ = header["typ"].as_str().map(|typ| typ.to_lowercase().replace("application/", ""));
    let header_is_good = header["alg"] == "EdDSA"
        && header["kid"] == "k1"
        && typ.is_none_or(|typ| typ == "jwt" || typ == "at+jwt")
        && !["crit", "b64", "zip", "enc", "cty"].iter().any(|name| header.get(name).is_some());
    let date = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => {
            value.as_f64().filter(|date| (0.0..253_402_300_800.0).contains(date)).map(Some).ok_or(())
        }
    };
    let (Ok(Some(exp)), Ok(nbf), Ok(iat)) = (date("exp"), date("nbf"), date("iat")) else { return false };
    let time_is_good = exp.floor() + LEEWAY > now
        && nbf.is_none_or(|nbf| nbf.ceil() <= now + LEEWAY)
        && iat.is_none_or(|iat| iat.floor() <= now + LEEWAY)
        && exp.floor() - iat.map_or(now, f64::floor) <= MAX_LIFETIME;
    let aud_is_good = match &claims["aud"] {
        Value::String(aud) => aud == AUD,
        Value::Array(all) => all.iter().all(Value::is_string) && all.iter().any(|aud| aud == AUD),
        _ => false,
    };
    let act_is_good = claims.get("act").is_none_or(|act| act.is_object() && text_or_absent(act, "sub"));
    let typ = claims["typ"].as_str().unwrap_or_default();
    header_is_good
        && time_is_good
        && aud_is_good
        && act_is_good
        && claims["iss"] == ISS
        && text_or_absent(claims, "sub")
        && text_or_absent(claims, "client_id")
        && claims.get("cnf").is_none()
        && typ != "ID"
}

/// `jsonwebtoken` with everything on that it has.
#[expect(clippy::disallowed_methods, reason = "the very thing we compare with")]
fn library(token: &str, key: &DecodingKey) -> bool {
    let mut validation = Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.leeway = 30;
    validation.validate_nbf = true;
    validation.set_issuer(&[ISS]);
    validation.set_audience(&[AUD]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    jsonwebtoken::decode::<Value>(token, key, &validation).is_ok()
}

#[derive(Default)]
struct Count {
    both: usize,
    neither: usize,
    ours_refused: BTreeMap<&'static str, usize>,
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the library that we compare with reads the clock")]
fn random_tokens_are_judged_as_the_rules_say_and_never_more_laxly_than_elsewhere() {
    let (key, attacker) = (TestKey::new(Algorithm::EdDSA), TestKey::new(Algorithm::EdDSA));
    let jwks = json!({"keys": [key.jwk()]}).to_string();
    let theirs = DecodingKey::from_jwk(&serde_json::from_value(key.jwk()).unwrap()).unwrap();
    let validator = Validator::new([Issuer::new(ISS).audience(AUD)]).unwrap();
    let keys = providers()
        .map(|(_, provider)| KeySet::parse(jwks.as_bytes(), provider, &[Algorithm::EdDSA]).unwrap());
    let count = RefCell::new(Count::default());
    let config = Config { cases: 2_000, failure_persistence: None, ..Config::default() };
    // The same tokens every time: the fuzzer looks for new ones.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, rng).run(&recipe(), |recipe| {
        // Every date is far enough from its limit that the seconds a slow machine loses decide nothing.
        let now = UnixTime::from(SystemTime::now());
        let (token, intact) = recipe.token(now.as_secs(), &key, &attacker);
        let verdicts = keys.each_ref().map(|keys| {
            let parsed = validator.parse(&token)?;
            validator.verify(parsed, keys, &Checks::at(now)).map(|_| ())
        });
        prop_assert_eq!(&verdicts[0], &verdicts[1], "the backends disagree");
        let [ours, _]: [Result<(), ValidationError>; 2] = verdicts;
        let expected = intact && plain(&recipe.header(), &recipe.claims(now.as_secs()), now.as_secs() as f64);
        prop_assert_eq!(ours.is_ok(), expected, "{:?}", ours);
        let mut count = count.borrow_mut();
        match (ours, library(&token, &theirs)) {
            (Ok(()), accepted) => {
                prop_assert!(accepted, "we accept what the library refuses");
                count.both += 1;
            }
            (Err(error), true) => {
                let code = error.code();
                prop_assert!(EXPLAINED.iter().any(|(known, _)| *known == code), "not explained: {}", error);
                *count.ours_refused.entry(code).or_insert(0) += 1;
            }
            (Err(_), false) => count.neither += 1,
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let Count { both, neither, ours_refused } = count.into_inner();
    let stricter: usize = ours_refused.values().sum();
    say(&format!(
        "differential: 2,000 random tokens, {both} accepted by us and by jsonwebtoken, {neither} refused by both, \
         {stricter} refused by us only {ours_refused:?}, none accepted by us only"
    ));
    for (code, why) in EXPLAINED {
        assert!(ours_refused.contains_key(code), "a reason that explains nothing any more: {code}, {why}");
    }
    assert!(both > 200, "{both} accepted: too few to mean anything");
}
