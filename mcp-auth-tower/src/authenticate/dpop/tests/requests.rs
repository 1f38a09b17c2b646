use super::*;

#[tokio::test]
async fn mcp_d10_a_bound_token_with_its_proof_comes_through_with_ec_and_rsa_keys() {
    let setup = Setup::accepting();
    for algorithm in [
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
        Algorithm::Ed25519,
        Algorithm::RS256,
        Algorithm::PS256,
    ] {
        let key = KeyPair::new(algorithm);
        let token = setup.bound_to(&key);
        let answer = setup.send(dpop(&token, &key.proof(&token))).await;
        assert_eq!(answer.outcome(), (200, ""), "{algorithm}");
        assert_eq!(setup.subject().as_deref(), Some("bob"));
        let seen = setup.seen.lock().unwrap();
        let headers = &seen.last().unwrap().headers;
        assert!(
            !headers.contains_key(AUTHORIZATION) && !headers.contains_key("dpop"),
            "mcp_b6: neither goes on"
        );
        assert!(answer.header("dpop-nonce").is_none());
    }
}

/// Name, request, code, and the errors of the Bearer and the DPoP line.
type Refused<'a> = (&'a str, Request<()>, &'a str, Option<&'a str>, Option<&'a str>);

#[tokio::test]
async fn a_request_is_refused_unless_token_and_proof_belong_together() {
    let setup = Setup::accepting();
    let (key, thief) = (KeyPair::new(Algorithm::ES256), KeyPair::new(Algorithm::ES256));
    let rsa = KeyPair::new(Algorithm::RS256);
    let (bound, unbound) = (setup.bound_to(&key), setup.token(|_| {}));
    let other_bound = setup.token(|c| {
        c["cnf"] = json!({"jkt": key.thumbprint()});
        c["sub"] = "carol".into();
    });
    let expired = setup.token(|c| {
        c["cnf"] = json!({"jkt": key.thumbprint()});
        c["exp"] = (NOW - 31).into();
    });
    let proof = |change: fn(&mut Value)| key.proof_with(&bound, change);
    let (token_error, proof_error) = (Some("invalid_token"), Some("invalid_dpop_proof"));
    let get = |mut request: Request<()>| {
        *request.method_mut() = Method::GET;
        request
    };
    let path = |mut request: Request<()>, path: &str| {
        *request.uri_mut() = path.parse().unwrap();
        request
    };
    let cases: Vec<Refused<'_>> = vec![
        ("bound, as Bearer", bearer(&bound), "bound_token", token_error, token_error),
        (
            "bound, as Bearer with its proof",
            request(&format!("Bearer {bound}"), &[&key.proof(&bound)]),
            "bound_token",
            token_error,
            token_error,
        ),
        ("no proof", request(&format!("DPoP {bound}"), &[]), "proof_missing", None, proof_error),
        ("empty proof", dpop(&bound, ""), "proof_malformed", None, proof_error),
        (
            "two proofs",
            request(&format!("DPoP {bound}"), &[&key.proof(&bound), &key.proof(&bound)]),
            "proof_several",
            None,
            proof_error,
        ),
        (
            "two proofs on one line",
            dpop(&bound, &format!("{}, {}", key.proof(&bound), key.proof(&bound))),
            "proof_several",
            None,
            proof_error,
        ),
        ("unbound token", dpop(&unbound, &key.proof(&unbound)), "not_bound", token_error, token_error),
        ("another's key", dpop(&bound, &thief.proof(&bound)), "wrong_proof_key", token_error, token_error),
        (
            "another kind of key",
            dpop(&bound, &rsa.proof(&bound)),
            "wrong_proof_key",
            token_error,
            token_error,
        ),
        ("for another token", dpop(&bound, &key.proof(&other_bound)), "proof_token_hash", None, proof_error),
        ("the token as proof", dpop(&bound, &bound), "proof_type", None, proof_error),
        (
            "the proof as token",
            dpop(&key.proof(&bound), &key.proof(&bound)),
            "header",
            token_error,
            token_error,
        ),
        ("for GET", dpop(&bound, &proof(|c| c["htm"] = "GET".into())), "proof_method", None, proof_error),
        ("sent as GET", get(dpop(&bound, &key.proof(&bound))), "proof_method", None, proof_error),
        (
            "for another path",
            dpop(&bound, &proof(|c| c["htu"] = "https://mcp.example/other".into())),
            "proof_target",
            None,
            proof_error,
        ),
        (
            "sent elsewhere",
            path(dpop(&bound, &key.proof(&bound)), "/files/other"),
            "proof_target",
            None,
            proof_error,
        ),
        ("sent nowhere", path(dpop(&bound, &key.proof(&bound)), "*"), "proof_target", None, proof_error),
        (
            "for another host",
            dpop(&bound, &proof(|c| c["htu"] = "https://evil.example/files/mcp".into())),
            "proof_target",
            None,
            proof_error,
        ),
        (
            "for the host that the client names",
            {
                let proof = proof(|c| c["htu"] = "https://evil.example/files/mcp".into());
                let mut request = dpop(&bound, &proof);
                for name in ["host", "x-forwarded-host", "forwarded"] {
                    request.headers_mut().insert(name, "evil.example".parse().unwrap());
                }
                path(request, "https://evil.example/files/mcp")
            },
            "proof_target",
            None,
            proof_error,
        ),
        (
            "of yesterday",
            dpop(&bound, &proof(|c| c["iat"] = (NOW - 86_400).into())),
            "proof_time",
            None,
            proof_error,
        ),
        (
            "of tomorrow",
            dpop(&bound, &proof(|c| c["iat"] = (NOW + 86_400).into())),
            "proof_time",
            None,
            proof_error,
        ),
        ("expired token", dpop(&expired, &key.proof(&expired)), "expired", token_error, token_error),
        ("another scheme", request("Basic dTpw", &[&key.proof(&bound)]), "credential", None, None),
    ];
    for (name, request, code, bearer, dpop) in cases {
        let answer = setup.send(request).await;
        assert_eq!(answer.code(), code, "{name}");
        assert_eq!(answer.status(), 401, "{name}");
        assert_eq!(answer.errors(), lines(bearer, dpop), "{name}");
        assert_eq!(answer.0.headers.get_all(WWW_AUTHENTICATE).iter().count(), 2, "{name}: a line each");
        for challenge in answer.challenges() {
            let metadata = "https://mcp.example/.well-known/oauth-protected-resource/files/mcp";
            assert_eq!(challenge.parameter("resource_metadata"), Some(metadata), "{name}");
        }
        assert_eq!(
            answer.challenges()[1].parameter("algs"),
            Some("ES256 ES384 EdDSA Ed25519 PS256 RS256"),
            "{name}"
        );
        let printed = format!("{answer:?}");
        assert!(!printed.contains(&bound) && !printed.contains(&unbound), "attack_066 {name}");
    }
    assert_eq!(setup.calls(), 0);
    let no_token = setup.send(request("DPoP", &[&key.proof(&bound)])).await;
    assert_eq!((no_token.outcome(), setup.calls()), ((400, "credential"), 0), "malformed");
    let answer = setup.send(dpop(&bound, &key.proof(&bound))).await;
    assert_eq!(answer.outcome(), (200, ""), "and after all of that the good one");
}

#[tokio::test]
async fn no_token_and_two_tokens_are_what_they_were() {
    let setup = Setup::accepting();
    let mut nobody = bearer("x");
    nobody.headers_mut().remove(AUTHORIZATION);
    let answer = setup.send(nobody).await;
    assert_eq!((answer.outcome(), answer.errors()), ((401, "missing_token"), lines(None, None)));
    assert_eq!(answer.challenges()[0].parameter("scope"), Some("mcp:read"));

    let key = KeyPair::new(Algorithm::ES256);
    let token = setup.bound_to(&key);
    let mut twice = dpop(&token, &key.proof(&token));
    twice.headers_mut().append(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    let answer = setup.send(twice).await;
    assert_eq!((answer.outcome(), answer.challenges().len()), ((400, "credential"), 1));
}

#[tokio::test]
async fn attack_060_dpop_is_no_scheme_of_ours_unless_it_is_set_up() {
    use mcp_auth_core::credential::TokenSource;
    for setup in [
        Setup::with(|layer| layer),
        // The source alone does not check proofs, so it does not let tokens through either.
        Setup::with(|layer| layer.token_sources(&[TokenSource::bearer_or_dpop()])),
        Setup::with(|layer| layer.dpop(DpopSettings::new(DpopMode::Off, &resource())).unwrap()),
    ] {
        let key = KeyPair::new(Algorithm::ES256);
        for token in [setup.bound_to(&key), setup.token(|_| {})] {
            let answer = setup.send(dpop(&token, &key.proof(&token))).await;
            assert_eq!((answer.outcome(), answer.challenges().len()), ((401, "credential"), 1));
        }
        assert_eq!(setup.send(bearer(&setup.bound_to(&key))).await.outcome(), (401, "bound_token"));
        assert_eq!(setup.send(bearer(&setup.token(|_| {}))).await.outcome(), (200, ""));
        assert_eq!(setup.calls(), 1);
    }
}

#[tokio::test]
async fn a_remembered_token_needs_a_proof_for_each_request() {
    let setup = Setup::accepting();
    let (key, thief) = (KeyPair::new(Algorithm::ES256), KeyPair::new(Algorithm::ES256));
    let token = setup.bound_to(&key);
    let proof = key.proof(&token);
    assert_eq!(setup.send(dpop(&token, &proof)).await.outcome(), (200, ""));
    assert_eq!(setup.layer.token_cache().unwrap().len(), 1, "the token is remembered");
    for (request, code) in [
        (bearer(&token), "bound_token"),
        (request(&format!("DPoP {token}"), &[]), "proof_missing"),
        (dpop(&token, &proof), "proof_replayed"),
        (dpop(&token, &thief.proof(&token)), "wrong_proof_key"),
        (dpop(&token, &key.proof("another.token.text")), "proof_token_hash"),
    ] {
        assert_eq!(setup.send(request).await.outcome(), (401, code));
        assert_eq!(setup.layer.token_cache().unwrap().len(), 1, "{code}");
    }
    assert_eq!(setup.calls(), 1);
    assert_eq!(setup.send(dpop(&token, &key.proof(&token))).await.outcome(), (200, ""));
}

#[tokio::test]
async fn attack_039_a_proof_is_good_once_even_for_many_at_the_same_time() {
    let setup = Arc::new(Setup::accepting());
    let key = KeyPair::new(Algorithm::ES256);
    let token = setup.bound_to(&key);
    let proof = key.proof(&token);
    let all: Vec<_> = (0..20)
        .map(|_| {
            let (setup, request) = (setup.clone(), dpop(&token, &proof));
            tokio::spawn(async move { setup.send(request).await.outcome() })
        })
        .collect();
    let mut good = 0;
    for one in all {
        match one.await.unwrap() {
            (200, "") => good += 1,
            refused => assert_eq!(refused, (401, "proof_replayed")),
        }
    }
    assert_eq!((good, setup.calls()), (1, 1));
    let answer = setup.send(dpop(&token, &proof)).await;
    let rejection = answer.0.extensions.get::<Arc<Rejection>>().unwrap();
    assert_eq!(rejection.principal().unwrap().subject(), Some("bob"), "the audit says whose token it was");
    // Another spelling of the same URI is the same use.
    let respelled = key.sign(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk()}), &{
        let text = URL_SAFE_NO_PAD.decode(proof.split('.').nth(1).unwrap()).unwrap();
        let mut claims: Value = serde_json::from_slice(&text).unwrap();
        claims["htu"] = "HTTPS://MCP.example:443/x/../files/mcp?y".into();
        claims
    });
    assert_eq!(setup.send(dpop(&token, &respelled)).await.outcome(), (401, "proof_replayed"));
}

#[tokio::test]
async fn a_full_store_is_503_in_every_mode_and_who_has_no_good_token_cannot_fill_it() {
    use crate::authenticate::Mode;
    for mode in [Mode::Strict, Mode::Optional, Mode::DangerPermissive] {
        let settings = DpopSettings::new(DpopMode::Accepted, &resource()).replay_bytes(1200);
        let setup = Setup::with(|layer| layer.mode(mode).dpop(settings).unwrap());
        let (key, thief) = (KeyPair::new(Algorithm::ES256), KeyPair::new(Algorithm::ES256));
        let token = setup.bound_to(&key);
        for _ in 0..100 {
            setup.send(dpop(&token, &thief.proof(&token))).await;
        }
        let mut good = 0;
        let full = loop {
            let answer = setup.send(dpop(&token, &key.proof(&token))).await;
            if answer.status() != 200 || good > 100 {
                break answer;
            }
            good += 1;
        };
        assert_eq!((good, full.outcome()), (32, (503, "replay_store_full")), "{mode:?}");
        assert_eq!(full.header("retry-after"), Some("5"));
        assert!(full.challenges().is_empty());
        // Only time makes room.
        setup.at(NOW + 60);
        let late = key.proof_with(&token, |c| c["iat"] = (NOW + 60).into());
        assert_eq!(setup.send(dpop(&token, &late)).await.outcome(), (503, "replay_store_full"));
        setup.at(NOW + 61);
        assert_eq!(setup.send(dpop(&token, &late)).await.outcome(), (200, ""), "{mode:?}");
    }
}

#[tokio::test]
async fn attack_040_a_clock_that_jumps_opens_nothing() {
    let setup = Setup::accepting();
    let key = KeyPair::new(Algorithm::ES256);
    let token = setup.bound_to(&key);
    let proof = key.proof(&token);
    assert_eq!(setup.send(dpop(&token, &proof)).await.outcome(), (200, ""));
    for now in [NOW + 3600, NOW - 3600, 0, u64::MAX, NOW] {
        setup.at(now);
        let answer = setup.send(dpop(&token, &proof)).await;
        assert_eq!(answer.status(), 401, "{now}: {}", answer.code());
    }
    assert_eq!(setup.calls(), 1);
}

#[tokio::test]
async fn a_proof_that_waited_for_keys_is_still_good_once() {
    let setup = Setup::accepting();
    let jwks = format!("{{\"keys\":[{}]}}", setup.idp.0.public_jwk("k"));
    let app = axum::Router::new().route("/jwks", axum::routing::get(|| async { jwks }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let auth = crate::McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer(ISSUER, &format!("http://{address}/jwks"))
        .unwrap()
        .clock(setup.clock.clone())
        .dpop(DpopMode::Required)
        .build()
        .unwrap();
    let waiting = Setup { layer: auth.authenticate().clone(), ..setup };
    let key = KeyPair::new(Algorithm::ES256);
    let token = waiting.bound_to(&key);
    let proof = key.proof(&token);
    assert_eq!(waiting.send(dpop(&token, &proof)).await.outcome(), (200, ""), "no keys at first");
    assert_eq!(waiting.send(dpop(&token, &proof)).await.outcome(), (401, "proof_replayed"));
    assert_eq!(waiting.send(dpop(&token, &key.proof(&token))).await.outcome(), (200, ""));
}

#[tokio::test]
async fn permissive_mode_passes_nobody_and_no_proof_on() {
    use crate::authenticate::Mode;
    let setup = Setup::with(|layer| {
        let settings = DpopSettings::new(DpopMode::Accepted, &resource());
        layer.mode(Mode::DangerPermissive).dpop(settings).unwrap()
    });
    let (key, thief) = (KeyPair::new(Algorithm::ES256), KeyPair::new(Algorithm::ES256));
    let token = setup.bound_to(&key);
    for request in
        [dpop(&token, &thief.proof(&token)), request(&format!("DPoP {token}"), &[]), bearer(&token)]
    {
        assert_eq!(setup.send(request).await.outcome(), (200, ""));
        assert_eq!(setup.subject(), None);
        let seen = setup.seen.lock().unwrap();
        let headers = &seen.last().unwrap().headers;
        assert!(!headers.contains_key(AUTHORIZATION) && !headers.contains_key("dpop"));
    }
}

#[tokio::test]
async fn forwarding_forwards_both() {
    let setup = Setup::with(|layer| {
        layer.forward_token().dpop(DpopSettings::new(DpopMode::Required, &resource())).unwrap()
    });
    let key = KeyPair::new(Algorithm::ES256);
    let token = setup.bound_to(&key);
    let proof = key.proof(&token);
    assert_eq!(setup.send(dpop(&token, &proof)).await.outcome(), (200, ""));
    let seen = setup.seen.lock().unwrap();
    assert_eq!(seen[0].headers[AUTHORIZATION], format!("DPoP {token}"));
    assert_eq!(seen[0].headers["dpop"], proof);
}
