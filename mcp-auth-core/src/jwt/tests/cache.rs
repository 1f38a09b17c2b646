//! Remembered tokens: what a hit is worth, and how much memory it takes.

use std::sync::Arc;

use super::*;
use crate::credential::AccessToken;
use crate::principal::Evidence;

struct Remembered {
    idp: Idp,
    validator: Validator,
    cache: TokenCache,
    token: String,
}

impl Remembered {
    fn new(claims: &Value) -> Self {
        let (idp, validator) = (Idp::new(Algorithm::ES256), validator());
        let token = idp.sign(claims);
        let cache = TokenCache::new(1 << 20, 7);
        cache.insert(Arc::new(check_at(&validator, &idp, &token, NOW).unwrap()), UnixTime::from_secs(NOW));
        Self { idp, validator, cache, token }
    }

    /// What a second request with the token meets.
    fn again(&self, keys: &KeySet, checks: &Checks<'_>) -> &'static str {
        let hit = self.cache.get(&self.token).expect("remembered");
        assert_eq!(hit.token().unwrap().expose(), self.token);
        code(self.validator.recheck(&hit, keys, checks))
    }
}

#[test]
fn a_hit_is_checked_again() {
    let it = Remembered::new(&with("jti", "t-1".into()));
    let keys = &it.idp.keys;
    let at = |secs: u64| Checks::at(UnixTime::from_secs(secs));
    assert_eq!(it.again(keys, &at(NOW)), "ok");
    assert_eq!(it.again(keys, &at(NOW + 329)), "ok");
    assert_eq!(it.again(keys, &at(NOW + 330)), "expired");
    assert_eq!(it.again(keys, &at(u64::MAX)), "expired");
    assert_eq!(it.again(keys, &at(NOW - 31)), "not_yet_valid", "the clock went back");
    let list = Revocations::default().token(ISS, "t-1");
    assert_eq!(it.again(keys, &at(NOW).revocations(&list)), "revoked");
    let proof = Possession::default().dpop_key(crate::jwk::Thumbprint::from_bytes([1; 32]));
    assert_eq!(it.again(keys, &at(NOW).possession(proof)), "not_bound");
}

#[test]
fn attack_052_a_hit_lasts_as_long_as_its_key() {
    let it = Remembered::new(&claims());
    let checks = Checks::at(now());
    let jwk = it.idp.signer.public_jwk("k1");
    let another = AwsLcSigner::generate(Algorithm::ES256).unwrap();
    let fetched = |jwks: &[String]| key_set(jwks).keeping_identity_of(&it.idp.keys);
    assert_eq!(it.again(&fetched(std::slice::from_ref(&jwk)), &checks), "ok", "the same key fetched again");
    assert_eq!(
        it.again(&fetched(&[another.public_jwk("k2"), jwk.clone()]), &checks),
        "ok",
        "and another one"
    );
    assert_eq!(it.again(&fetched(&[another.public_jwk("k1")]), &checks), "key", "another key of the name");
    assert_eq!(it.again(&fetched(&[it.idp.signer.public_jwk("k2")]), &checks), "key", "another name");
    assert_eq!(it.again(&fetched(&[jwk.replace(r#""use":"sig""#, r#""use":"enc""#)]), &checks), "key");
    assert_eq!(it.again(&KeySet::default(), &checks), "key");
    assert_eq!(it.again(&key_set(&[jwk]), &checks), "key", "identity is kept by asking for it");
}

#[test]
fn a_hit_is_for_exactly_its_token() {
    let it = Remembered::new(&claims());
    let token = &it.token;
    assert!(it.cache.get(token).is_some());
    for end in 0..token.len() {
        assert!(it.cache.get(token.get(..end).unwrap()).is_none(), "cut to {end}");
        assert!(it.cache.get(token.get(end + 1..).unwrap()).is_none(), "without its first {end}");
        let mut other = token.clone().into_bytes();
        other[end] = if other[end] == b'A' { b'B' } else { b'A' };
        assert!(it.cache.get(std::str::from_utf8(&other).unwrap()).is_none(), "another byte at {end}");
    }
    assert!(it.cache.get(&format!("{token}A")).is_none());
    assert!(it.cache.get(&format!(" {token}")).is_none());
    // One header and one payload, two signatures: two tokens.
    let same_claims = it.idp.sign(&claims());
    assert_ne!(&same_claims, token);
    assert!(it.cache.get(&same_claims).is_none());
}

#[test]
fn tokens_are_forgotten_when_asked() {
    let it = Remembered::new(&claims());
    assert_eq!((it.cache.len(), it.cache.is_empty()), (1, false));
    it.cache.remove(&it.token);
    assert!(it.cache.get(&it.token).is_none() && it.cache.memory_bytes() == 0);
    let it = Remembered::new(&claims());
    it.cache.clear();
    assert!(it.cache.get(&it.token).is_none());
    let unsigned = Principal::danger_from_unverified_claims(b"{}").unwrap();
    it.cache.insert(Arc::new(unsigned), UnixTime::from_secs(NOW));
    assert!(it.cache.is_empty(), "a principal without a token has nothing to be found by");
    assert!(!format!("{:?}", it.cache).contains(it.token.get(..20).unwrap()));
}

/// A principal as validation makes them, without the cost of a signature.
fn principal(claims: &Claims, token: &str) -> Arc<Principal> {
    let evidence = Evidence {
        issuer: Arc::new(issuer()),
        issuer_index: 0,
        confirmation: None,
        token: AccessToken::new(token),
        key: None,
    };
    Arc::new(Principal::new(claims.clone(), evidence))
}

#[test]
fn memory_is_bounded_whatever_is_offered() {
    const MAX: usize = 2 << 20;
    let cache = TokenCache::new(MAX, 1);
    let filler = "x".repeat(500);
    let claims = Claims::parse(with("groups", json!([filler])).to_string().as_bytes()).unwrap();
    let token = |number: usize| format!("{number:08}.{filler}");
    let mut most = 0;
    for number in 0..100_000 {
        let principal = principal(&claims, &token(number));
        assert!(principal.memory_bytes() > 2 * filler.len(), "claims and token both count");
        cache.insert(principal, UnixTime::from_secs(NOW));
        most = most.max(cache.memory_bytes());
        assert!(cache.memory_bytes() <= MAX as u64);
    }
    assert!(cache.len() < 100_000 && most > MAX as u64 / 2, "{} tokens, {most} bytes at most", cache.len());
    // What is found was offered under that very name, is all that is counted, and is not more than it says.
    let found = (0..100_000).filter_map(|number| {
        let token = token(number);
        cache.get(&token).filter(|hit| hit.token().unwrap().expose() == token)
    });
    let (tokens, bytes) = found.fold((0, 0), |(tokens, bytes), hit| (tokens + 1, bytes + hit.memory_bytes()));
    assert_eq!(tokens, cache.len());
    assert!(bytes as u64 <= cache.memory_bytes(), "{bytes} held, {} counted", cache.memory_bytes());
}

#[test]
fn what_is_bigger_than_the_room_is_not_kept() {
    let cache = TokenCache::new(16 << 10, 1);
    let claims = Claims::parse(claims().to_string().as_bytes()).unwrap();
    cache.insert(principal(&claims, "small"), UnixTime::from_secs(NOW));
    let big = "x".repeat(64 << 10);
    cache.insert(principal(&claims, &big), UnixTime::from_secs(NOW));
    assert!(cache.get(&big).is_none());
    assert!(cache.get("small").is_some() && cache.memory_bytes() < 16 << 10);
}

/// Tokens that ended are asked for by nobody: without a sweep a full cache keeps them, and each new token is verified
/// again and again.
#[test]
fn a_cache_that_is_full_of_ended_tokens_keeps_the_new_ones() {
    let cache = TokenCache::new(4 << 20, 1);
    let of = |exp: u64| Claims::parse(with("exp", json!(exp)).to_string().as_bytes()).unwrap();
    let (old, new) = (of(NOW + 300), of(NOW + 5_000));
    for number in 0..10_000 {
        let token = format!("old {number}");
        cache.insert(principal(&old, &token), UnixTime::from_secs(NOW));
        assert!(cache.get(&token).is_some());
    }
    let room = cache.len();
    assert!((1_000..10_000).contains(&room), "{room}");
    let mut misses = 0;
    for round in 0..4 {
        for number in 0..800 {
            let token = format!("new {number}");
            if cache.get(&token).is_none() {
                misses += 1;
                cache.insert(principal(&new, &token), UnixTime::from_secs(NOW + 1_000 + round));
            }
        }
    }
    assert!(misses <= 1_600, "{misses} of 3200 were not there any more; room for {room}");
}
