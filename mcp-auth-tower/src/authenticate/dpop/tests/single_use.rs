use super::*;

#[tokio::test]
async fn attack_039_a_token_is_good_once_where_that_is_asked_for() {
    for cache_bytes in [0, 1 << 20] {
        let setup = Setup::with(|layer| layer.token_cache_bytes(cache_bytes).single_use_tokens(1 << 20));
        let token = setup.token(|_| {});
        assert_eq!(setup.send(bearer(&token)).await.outcome(), (200, ""));
        let answer = setup.send(bearer(&token)).await;
        assert_eq!(answer.outcome(), (401, "token_used"));
        assert_eq!(answer.errors(), [("Bearer".to_owned(), Some("invalid_token".to_owned()))]);
        // The `jti` counts, not the text.
        let same_jti = setup.token(|c| c["sub"] = "carol".into());
        assert_eq!(setup.send(bearer(&same_jti)).await.outcome(), (401, "token_used"));
        let other = setup.token(|c| c["jti"] = "token-2".into());
        assert_eq!(setup.send(bearer(&other)).await.outcome(), (200, ""));
        assert_eq!(setup.calls(), 2);
    }
}

#[tokio::test]
async fn attack_039_what_cannot_be_told_apart_or_remembered_is_refused() {
    let danger = Issuer::new(ISSUER).audience(RESOURCE).danger_accept_without_expiry();
    let setup = Setup::of(vec![danger], |layer| layer.single_use_tokens(1 << 20));
    let nameless = setup.token(|c| drop(c.as_object_mut().unwrap().remove("jti")));
    assert_eq!(setup.send(bearer(&nameless)).await.outcome(), (401, "claim_missing"));
    let endless = setup.token(|c| drop(c.as_object_mut().unwrap().remove("exp")));
    assert_eq!(setup.send(bearer(&endless)).await.outcome(), (401, "claim_missing"));
    assert_eq!(setup.calls(), 0);

    let full = Setup::with(|layer| layer.single_use_tokens(0));
    let answer = full.send(bearer(&full.token(|_| {}))).await;
    assert_eq!((answer.outcome(), full.calls()), ((503, "replay_store_full"), 0));
}

#[tokio::test]
async fn a_used_token_stays_used_to_its_last_second() {
    let setup = Setup::with(|layer| layer.single_use_tokens(1 << 20));
    let token = setup.token(|_| {});
    assert_eq!(setup.send(bearer(&token)).await.outcome(), (200, ""));
    setup.at(NOW + 3600 + 29);
    assert_eq!(setup.send(bearer(&token)).await.outcome(), (401, "token_used"), "within the leeway");
    let late = setup.token(|c| c["jti"] = "late".into());
    assert_eq!(setup.send(bearer(&late)).await.outcome(), (200, ""), "late, and the first time");
    assert_eq!(setup.send(bearer(&late)).await.outcome(), (401, "token_used"));
    setup.at(NOW + 3600 + 30);
    assert_eq!(setup.send(bearer(&token)).await.outcome(), (401, "expired"));
}

#[tokio::test]
async fn a_refused_request_does_not_use_the_token_up() {
    let setup = Setup::with(|layer| {
        let layer = layer.single_use_tokens(1 << 20);
        layer.dpop(DpopSettings::new(DpopMode::Accepted, &resource())).unwrap()
    });
    let (key, thief) = (KeyPair::new(Algorithm::ES256), KeyPair::new(Algorithm::ES256));
    let token = setup.bound_to(&key);
    for request in [bearer(&token), dpop(&token, &thief.proof(&token)), dpop(&token, "x")] {
        assert_eq!(setup.send(request).await.status(), 401);
    }
    assert_eq!(setup.send(dpop(&token, &key.proof(&token))).await.outcome(), (200, ""));
    let answer = setup.send(dpop(&token, &key.proof(&token))).await;
    assert_eq!(answer.outcome(), (401, "token_used"));
    assert_eq!(answer.errors(), lines(Some("invalid_token"), Some("invalid_token")));
}
