//! Validation of tokens: cold against the bare signature check, warm against cold, and how both grow.
//!
//! `cargo bench -p mcp-auth-core --bench validate`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark may fail, prints, and reads what the system says of its memory"
)]

mod support;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, CryptoProvider as _, Signer as _};
use mcp_auth_core::jwk::{KeyMatch, KeySet};
use mcp_auth_core::jwt::{Algorithm, Checks, Issuer, TokenCache, Validator};
use mcp_auth_core::{Principal, UnixTime};

const NOW: UnixTime = UnixTime::from_secs(1_794_990_000);
const ISSUER: &str = "https://login.example.com/realms/agents";
const AUDIENCE: &str = "https://mcp.example.com/mcp";
const SECRET: &[u8] = b"a secret of more than thirty-two bytes, for speed";

/// An access token's claims as Keycloak writes them: 21 claims, so that a token under RS256 has 1.3 KB.
fn claims(subject: &str) -> String {
    format!(
        concat!(
            r#"{{"iss":"{}","sub":"{}","aud":["{}","account"],"exp":1794990300,"iat":1794990000,"#,
            r#""nbf":1794990000,"jti":"1f0a9f3e-6f6b-4c0c-8a3e-b6b1a3c6a9d7","typ":"Bearer","azp":"agent","#,
            r#""sid":"0b7f2d52-5a7a-4d1f","acr":"1","scope":"openid mcp:read mcp:write","#,
            r#""email":"alice@example.com","email_verified":true,"name":"Alice Example","#,
            r#""preferred_username":"alice","given_name":"Alice","family_name":"Example","#,
            r#""groups":["mcp-readers","mcp-writers","engineering"],"#,
            r#""realm_access":{{"roles":["user","offline_access","uma_authorization"]}},"#,
            r#""allowed-origins":["https://agent.example.com"]}}"#
        ),
        ISSUER, subject, AUDIENCE
    )
}

fn signed_part(algorithm: Algorithm, subject: &str) -> String {
    let header = format!(r#"{{"alg":"{algorithm}","kid":"2026-11-key-1","typ":"at+jwt"}}"#);
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims(subject)))
}

struct Fixture {
    validator: Validator,
    keys: KeySet,
    token: String,
}

/// A validator of `issuers` issuers, of which the last one made the token.
fn fixture(signer: &AwsLcSigner, issuers: usize) -> Fixture {
    let others = (1..issuers).map(|i| format!("https://login.example.com/realms/other-{i}"));
    let all = others.chain([ISSUER.to_owned()]).map(|name| Issuer::new(name).audience(AUDIENCE));
    let validator = Validator::new(all).unwrap();
    let jwks = format!("{{\"keys\":[{}]}}", signer.public_jwk("2026-11-key-1"));
    let keys = KeySet::parse(jwks.as_bytes(), &AwsLc::new(), Algorithm::DEFAULT).unwrap();
    let signed = signed_part(signer.algorithm(), "f:9d1c4c5e-0f0e-4d8e:alice");
    let signature = URL_SAFE_NO_PAD.encode(signer.sign(signed.as_bytes()).unwrap());
    Fixture { validator, keys, token: format!("{signed}.{signature}") }
}

impl Fixture {
    fn cold(&self) -> Principal {
        let parsed = self.validator.parse(black_box(&self.token)).unwrap();
        self.validator.verify(parsed, &self.keys, &Checks::at(NOW)).unwrap()
    }

    fn warm(&self, cache: &TokenCache) -> Arc<Principal> {
        let principal = cache.get(black_box(&self.token)).unwrap();
        self.validator.recheck(&principal, &self.keys, &Checks::at(NOW)).unwrap();
        principal
    }

    fn warmed(&self) -> TokenCache {
        let cache = TokenCache::new(64 << 20, 7);
        cache.insert(Arc::new(self.cold()), NOW);
        cache
    }
}

fn main() -> ExitCode {
    let mut bench = support::Bench::new();
    // First: later parts leave freed memory to the process.
    memory(&mut bench);
    let rsa = AwsLcSigner::generate(Algorithm::RS256).unwrap();

    for (algorithm, limit) in [(Algorithm::RS256, 1.15), (Algorithm::ES256, 1.06), (Algorithm::EdDSA, 1.06)] {
        let signer = AwsLcSigner::generate(algorithm).unwrap();
        let f = fixture(&signer, 1);
        let (signed, signature) = f.token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let KeyMatch::Found(key) = f.keys.find(Some("2026-11-key-1"), algorithm) else { panic!("no key") };
        let verifier = key.verifier(algorithm).unwrap();
        let peer = Peer::new(&signer);
        bench
            .race(&format!("cold {algorithm}, {} B", f.token.len()), 0)
            .case("bare check of a prepared key", || {
                verifier.verify(black_box(signed.as_bytes()), black_box(&signature)).unwrap();
            })
            .case("parse and verify", || f.cold())
            .case("parse only", || f.validator.parse(black_box(&f.token)).unwrap())
            .case("jsonwebtoken", || peer.decode(black_box(&f.token)))
            .at_most("parse and verify", limit, &["bare check of a prepared key"])
            .at_most("parse and verify", 1.0, &["jsonwebtoken"])
            .run();
    }

    let (one, hundred) = (fixture(&rsa, 1), fixture(&rsa, 100));
    let (one_cache, hundred_cache) = (one.warmed(), hundred.warmed());
    bench
        .race("warm RS256, and 1 to 100 issuers", 0)
        .case("cold, 1 issuer", || one.cold())
        .case("cold, 100 issuers", || hundred.cold())
        .case("warm, 1 issuer", || one.warm(&one_cache))
        .case("warm, 100 issuers", || hundred.warm(&hundred_cache))
        .at_most("warm, 1 issuer", 0.02, &["cold, 1 issuer"])
        .at_most("cold, 100 issuers", 1.05, &["cold, 1 issuer"])
        .at_most("warm, 100 issuers", 1.2, &["warm, 1 issuer"])
        .run();

    lookups(&mut bench);
    bench.finish()
}

/// `jsonwebtoken` on the same backend, with as many checks as it has.
struct Peer {
    key: jsonwebtoken::DecodingKey,
    validation: jsonwebtoken::Validation,
}

impl Peer {
    fn new(signer: &AwsLcSigner) -> Self {
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_str(&signer.public_jwk("k")).unwrap();
        let algorithm = signer.algorithm().name().parse().unwrap();
        let mut validation = jsonwebtoken::Validation::new(algorithm);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        // The tokens' dates are fixed; this peer reads the clock by itself.
        validation.validate_exp = false;
        Self { key: jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap(), validation }
    }

    fn decode(&self, token: &str) -> serde_json::Value {
        jsonwebtoken::decode(token, &self.key, &self.validation).unwrap().claims
    }
}

/// Principals of distinct tokens; HMAC, because a million of them are wanted.
struct Many {
    validator: Validator,
    keys: KeySet,
}

impl Many {
    fn new() -> Self {
        let issuer = Issuer::new(ISSUER).audience(AUDIENCE).algorithms(&[Algorithm::HS256]);
        Self {
            validator: Validator::new([issuer]).unwrap(),
            keys: KeySet::secret(SECRET, &AwsLc::new(), Algorithm::HS256).unwrap(),
        }
    }

    fn token(&self, number: usize) -> String {
        let signed = signed_part(Algorithm::HS256, &format!("user-{number}"));
        let tag = AwsLc::new().hmac_sha256(SECRET, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    fn principal(&self, token: &str) -> Arc<Principal> {
        let parsed = self.validator.parse(token).unwrap();
        Arc::new(self.validator.verify(parsed, &self.keys, &Checks::at(NOW)).unwrap())
    }
}

const PROBES: usize = 100_000;

fn lookups(bench: &mut support::Bench) {
    let many = Many::new();
    let filled = |count: usize| {
        let cache = TokenCache::new(2 << 30, 7);
        for i in 0..count {
            cache.insert(many.principal(&many.token(i)), NOW);
        }
        assert_eq!(cache.len(), count, "all of them are resident");
        // As many requests in both cases, so that what a request's own bytes cost is the same in both.
        (cache, (0..PROBES).map(|i| many.token(i % count)).collect::<Vec<String>>())
    };
    let ((few, few_tokens), (lots, lots_tokens)) = (filled(100), filled(100_000));
    // A stride that is prime to the count visits every request, far from the one before.
    let next = |at: &mut usize| {
        *at = (*at + 61_803) % PROBES;
        *at
    };
    let (mut i, mut j) = (0, 0);
    bench
        .race("look-up among resident tokens", 0)
        .case("100", || few.get(&few_tokens[next(&mut i)]).unwrap())
        .case("100,000", || lots.get(&lots_tokens[next(&mut j)]).unwrap())
        .at_most("100,000", 4.0, &["100"])
        .run();
}

/// A million distinct tokens offered to a cache of 64 MiB; what the process holds in addition is read from the
/// system.
fn memory(bench: &mut support::Bench) {
    const BOUND: usize = 64 << 20;
    let Some(before) = resident_bytes() else {
        println!("\nmemory: NOT RUN (no /proc/self/statm)");
        return;
    };
    let many = Many::new();
    let cache = TokenCache::new(BOUND, 7);
    let mut most = 0;
    for i in 0..1_000_000 {
        cache.insert(many.principal(&many.token(i)), NOW);
        most = most.max(cache.memory_bytes());
    }
    let grown = resident_bytes().unwrap_or(before).saturating_sub(before);
    println!(
        "\n1,000,000 distinct tokens, bound {BOUND} B\n  {} remembered, at most {most} B by count, {grown} B more resident",
        cache.len()
    );
    bench.check("counted bytes stay within the bound", usize::try_from(most).is_ok_and(|most| most <= BOUND));
    bench.check("resident bytes stay within the bound", grown <= BOUND);
}

fn resident_bytes() -> Option<usize> {
    let pages: usize = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
