//! Our own cases in Wycheproof's manner, for every algorithm: tokens that are good, and what becomes of them when
//! one thing in their header, their signature or their key is changed. They always run.

use mcp_auth_core::jwt::Algorithm;
use serde_json::{Value, json};

use super::Case;
use crate::support::{TestKey, b64, compact, der_signature, providers, say, unb64};

#[test]
fn generated_cases_of_every_algorithm() {
    let cases: Vec<Case> =
        Algorithm::ALL.iter().flat_map(|algorithm| Generator::new(*algorithm).all()).collect();
    let valid = cases.iter().filter(|case| case.valid).count();
    let borrowed: Vec<&Case> = cases.iter().collect();
    for (name, provider) in providers() {
        let good = super::run(provider, &borrowed);
        say(&format!("wycheproof: generated {good}/{} ({name}; {valid} valid)", cases.len()));
        assert_eq!(good, cases.len(), "{name}");
    }
    assert!(cases.len() >= 100 && valid >= 50, "{} cases, {valid} valid", cases.len());
}

const PAYLOAD: &[u8] = b"not JSON, and nobody here minds";

struct Generator {
    key: TestKey,
    other: TestKey,
    cases: Vec<Case>,
}

impl Generator {
    fn new(algorithm: Algorithm) -> Self {
        Self { key: TestKey::new(algorithm), other: TestKey::another(algorithm), cases: Vec::new() }
    }

    fn all(mut self) -> Vec<Case> {
        self.valid();
        self.header();
        self.signature();
        self.keys();
        self.cases
    }

    fn add(&mut self, valid: bool, what: &str, jwk: Value, token: String) {
        let id = self.cases.len() as u64;
        let what = format!("{} / {what}", self.key.algorithm());
        self.cases.push(Case { id, jwk, token, valid, what });
    }

    fn genuine(&self) -> String {
        self.key.token(&self.key.header(), PAYLOAD)
    }

    /// The genuine token under this header text, signed by the genuine key.
    fn under(&self, header: impl AsRef<[u8]>) -> String {
        let signed = format!("{}.{}", b64(header), b64(PAYLOAD));
        format!("{signed}.{}", b64(self.key.sign(signed.as_bytes())))
    }

    fn header_with(&self, member: &str, value: Value) -> Value {
        let mut header = self.key.header();
        header[member] = value;
        header
    }

    fn valid(&mut self) {
        let alg = self.key.algorithm().name();
        let long = vec![0xa5; 4000];
        for (what, payload) in [
            ("plain", PAYLOAD),
            ("empty payload", b""),
            ("one byte", b"a"),
            ("zeros", &[0; 20]),
            ("not UTF-8", &[0xff, 0xfe]),
            ("long", &long),
        ] {
            let token = self.key.token(&self.key.header(), payload);
            self.add(true, what, self.key.jwk(), token);
        }
        for (what, header) in [
            ("white space", format!(" {{ \"alg\" : \"{alg}\" ,\n\t\"kid\":\"k1\" }} ")),
            ("escapes", format!("{{\"\\u0061lg\":\"{alg}\",\"kid\":\"\\u006b1\"}}")),
            ("no kid, one key", format!("{{\"alg\":\"{alg}\"}}")),
            (
                "foreign members",
                format!("{{\"alg\":\"{alg}\",\"x\":{{\"y\":[1]}},\"jku\":\"https://a.example\"}}"),
            ),
            ("foreign jwk", format!("{{\"alg\":\"{alg}\",\"kid\":\"k1\",\"jwk\":{}}}", self.other.jwk())),
            ("typ", format!("{{\"alg\":\"{alg}\",\"kid\":\"k1\",\"typ\":\"whatever\"}}")),
        ] {
            let token = self.under(&header);
            self.add(true, what, self.key.jwk(), token);
        }
        for (member, value) in
            [("x5t", json!("AAAA")), ("key_ops", json!(["verify"])), ("nobody", json!({"knows": 1}))]
        {
            let mut jwk = self.key.jwk();
            jwk[member] = value;
            let token = self.genuine();
            self.add(true, &format!("key with {member}"), jwk, token);
        }
        let mut plain = self.key.jwk();
        ["alg", "use"].into_iter().for_each(|member| drop(plain.as_object_mut().unwrap().remove(member)));
        let token = self.genuine();
        self.add(true, "key without alg and use", plain, token.clone());
        let set = json!({"keys": [self.key.jwk(), self.other.named("k2")]});
        self.add(true, "one of two keys", set, token);
    }

    fn header(&mut self) {
        let alg = self.key.algorithm().name();
        for (member, value) in [
            ("alg", json!("none")),
            ("alg", json!("NONE")),
            ("alg", json!("")),
            ("alg", json!(alg.to_lowercase())),
            ("alg", json!(format!("{alg} "))),
            ("alg", json!(1)),
            ("alg", json!([alg])),
            ("alg", Value::Null),
            ("kid", json!("k2")),
            ("kid", json!("K1")),
            ("kid", json!("")),
            ("kid", json!(1)),
            ("kid", Value::Null),
            ("typ", json!(1)),
            ("cty", json!("JWT")),
            ("cty", json!("application/jwt")),
            ("crit", json!(["exp"])),
            ("crit", json!([])),
            ("b64", json!(true)),
            ("b64", json!(false)),
            ("zip", json!("DEF")),
            ("enc", json!("A128GCM")),
        ] {
            let header = self.header_with(member, value);
            let token = self.under(header.to_string());
            self.add(false, &format!("header {header}"), self.key.jwk(), token);
        }
        for &wrong in Algorithm::ALL.iter().filter(|a| a.name() != alg) {
            let token = self.under(self.header_with("alg", wrong.name().into()).to_string());
            self.add(false, &format!("says {wrong}"), self.key.jwk(), token);
        }
        for (what, header) in [
            ("no alg", "{\"kid\":\"k1\"}".to_owned()),
            ("alg twice", format!("{{\"alg\":\"{alg}\",\"kid\":\"k1\",\"alg\":\"{alg}\"}}")),
            ("alg twice by escape", format!("{{\"alg\":\"{alg}\",\"kid\":\"k1\",\"al\\u0067\":\"{alg}\"}}")),
            ("kid twice", format!("{{\"alg\":\"{alg}\",\"kid\":\"k1\",\"kid\":\"k1\"}}")),
            ("other member twice", format!("{{\"alg\":\"{alg}\",\"kid\":\"k1\",\"x\":1,\"x\":1}}")),
            ("an array", format!("[\"{alg}\"]")),
            ("a string", format!("\"{alg}\"")),
            ("byte-order mark", format!("\u{feff}{{\"alg\":\"{alg}\",\"kid\":\"k1\"}}")),
            ("two documents", format!("{{\"alg\":\"{alg}\",\"kid\":\"k1\"}}{{}}")),
            ("cut", format!("{{\"alg\":\"{alg}\",\"kid\":\"k1\"")),
        ] {
            let token = self.under(&header);
            self.add(false, what, self.key.jwk(), token);
        }
    }

    fn signature(&mut self) {
        let token = self.genuine();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let good = unb64(signature);
        let mut changed: Vec<(&str, Vec<u8>)> = vec![
            ("zeros", vec![0; good.len()]),
            ("ones", vec![0xff; good.len()]),
            ("cut by one", good[..good.len() - 1].to_vec()),
            ("first half", good[..good.len() / 2].to_vec()),
            ("zero in front", [&[0], &good[..]].concat()),
            ("zero behind", [&good[..], &[0]].concat()),
            ("twice", good.repeat(2)),
            ("halves swapped", [&good[good.len() / 2..], &good[..good.len() / 2]].concat()),
            ("one byte", vec![1]),
            ("of another message", self.key.sign(b"another message")),
            ("of the payload alone", self.key.sign(PAYLOAD)),
            ("of another key", self.other.sign(signed.as_bytes())),
        ];
        for (what, at, bit) in [
            ("first bit", 0, 0x80),
            ("second byte", 1, 1),
            ("middle", good.len() / 2, 0x10),
            ("last but one", good.len() - 2, 4),
            ("last bit", good.len() - 1, 1),
        ] {
            let mut flipped = good.clone();
            flipped[at] ^= bit;
            changed.push((what, flipped));
        }
        if matches!(self.key.algorithm(), Algorithm::ES256 | Algorithm::ES384 | Algorithm::ES512) {
            changed.push(("as DER", der_signature(&good)));
        }
        for (what, signature) in changed {
            self.add(
                false,
                &format!("signature: {what}"),
                self.key.jwk(),
                format!("{signed}.{}", b64(signature)),
            );
        }
        let (header, payload) = signed.split_once('.').unwrap();
        for (what, token) in [
            ("another payload", format!("{header}.{}.{signature}", b64("x"))),
            ("no payload", format!("{header}..{signature}")),
            ("no signature", format!("{signed}.")),
            ("no third part", signed.to_owned()),
            ("a fourth part", format!("{token}.")),
            ("padding", format!("{header}.{payload}.{signature}=")),
            ("white space", format!("{header}.{payload}.{signature} ")),
            ("new line", format!("{header}.{payload}\n.{signature}")),
            ("the other alphabet", format!("{header}.{payload}.{signature}+/")),
            ("percent-encoding", format!("{header}.{payload}.%41{signature}")),
        ] {
            self.add(false, what, self.key.jwk(), token);
        }
    }

    fn keys(&mut self) {
        let token = self.genuine();
        let jwk = self.key.jwk();
        let alg = self.key.algorithm();
        self.add(false, "another key of the name", self.other.jwk(), token.clone());
        for (member, value) in [
            ("kid", json!("k2")),
            ("kid", json!(1)),
            ("kty", json!("AKP")),
            ("kty", json!(if alg.is_symmetric() { "EC" } else { "oct" })),
            ("kty", Value::Null),
            ("use", json!("enc")),
            ("use", json!(["sig"])),
            ("key_ops", json!(["sign"])),
            ("key_ops", json!([])),
            ("key_ops", json!("verify")),
            ("alg", json!("dir")),
            ("alg", json!("A256GCM")),
            ("alg", json!("none")),
            ("alg", json!(if alg == Algorithm::ES384 { "ES256" } else { "ES384" })),
            ("issuer", json!(7)),
        ] {
            let mut changed = jwk.clone();
            changed[member] = value.clone();
            self.add(false, &format!("key with {member} {value}"), changed, token.clone());
        }
        let number = ["n", "x", "k"].into_iter().find(|name| jwk.get(*name).is_some()).unwrap();
        let bytes = unb64(jwk[number].as_str().unwrap());
        for (what, value) in [
            ("absent", Value::Null),
            ("empty", json!("")),
            ("a number", json!(7)),
            ("padded", json!(format!("{}=", jwk[number].as_str().unwrap()))),
            ("cut", json!(b64(&bytes[..bytes.len() - 1]))),
            ("short", json!(b64(&bytes[..16]))),
            ("longer", json!(b64([&bytes[..], &[7]].concat()))),
            ("zeros", json!(b64(vec![0; bytes.len()]))),
        ] {
            let mut changed = jwk.clone();
            changed[number] = value;
            self.add(false, &format!("key's number {number}: {what}"), changed, token.clone());
        }
        if !alg.is_symmetric() {
            let mut private = jwk.clone();
            private["d"] = "AAAA".into();
            self.add(false, "private key", private, token.clone());
        }
        let twice = json!({"keys": [jwk, self.other.jwk()]});
        self.add(false, "two keys of one name", twice, token.clone());
        let nameless = compact(&json!({"alg": alg.name()}), PAYLOAD, |message| self.key.sign(message));
        let two = json!({"keys": [self.key.jwk(), self.other.named("k2")]});
        self.add(false, "no kid, two keys", two, nameless);
        let secret = json!({"kty": "oct", "kid": "k2", "k": b64([7; 64])});
        let public = TestKey::new(Algorithm::EdDSA).named("k2");
        let mixed = json!({"keys": [self.key.jwk(), if alg.is_symmetric() { public } else { secret }]});
        self.add(false, "public keys and secrets in one set", mixed, token);
    }
}
