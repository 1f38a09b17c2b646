use std::time::Duration;

use mcp_auth_core::dpop::{Nonces, ProofRules};

use super::*;

fn setup(change: impl FnOnce(DpopSettings) -> DpopSettings) -> Setup {
    let nonces = Nonces::new([5; 32]).period(Duration::from_secs(100)).unwrap();
    Setup::dpop(|settings| change(settings.rules(ProofRules::default().nonces(nonces))))
}

#[tokio::test]
async fn mcp_d10_a_client_is_given_a_nonce_uses_it_and_is_given_the_next_in_time() {
    let setup = setup(|s| s);
    let key = KeyPair::new(Algorithm::ES256);
    let token = setup.bound_to(&key);
    let proof = |now: u64, nonce: Option<&str>| {
        key.proof_with(&token, |c| {
            c["iat"] = now.into();
            if let Some(nonce) = nonce {
                c["nonce"] = nonce.into();
            }
        })
    };
    let answer = setup.send(dpop(&token, &proof(NOW, None))).await;
    assert_eq!(answer.outcome(), (401, "proof_nonce"));
    // Alone: clients such as oauth4webapi retry only when it is the only challenge.
    assert_eq!(answer.errors(), [("DPoP".to_owned(), Some("use_dpop_nonce".to_owned()))]);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let nonce = answer.header("dpop-nonce").unwrap().to_owned();

    let answer = setup.send(dpop(&token, &proof(NOW, Some(&nonce)))).await;
    assert_eq!((answer.outcome(), answer.header("dpop-nonce")), ((200, ""), None), "nothing new to say");

    // The next period: still good, and the response brings the next nonce.
    setup.at(NOW + 100);
    let answer = setup.send(dpop(&token, &proof(NOW + 100, Some(&nonce)))).await;
    let next = answer.header("dpop-nonce").unwrap().to_owned();
    assert_eq!((answer.outcome(), answer.header("cache-control")), ((200, ""), Some("no-store")));
    assert_ne!(next, nonce);

    // The period after: the first is over, the second is good.
    setup.at(NOW + 200);
    let answer = setup.send(dpop(&token, &proof(NOW + 200, Some(&nonce)))).await;
    assert_eq!(answer.outcome(), (401, "proof_nonce"));
    assert_eq!(setup.send(dpop(&token, &proof(NOW + 200, Some(&next)))).await.outcome(), (200, ""));
    assert_eq!(setup.calls(), 3);
}

#[tokio::test]
async fn renewal_can_be_left_to_refusals() {
    let setup = setup(DpopSettings::without_nonce_renewal);
    let key = KeyPair::new(Algorithm::ES256);
    let token = setup.bound_to(&key);
    let nonce =
        setup.send(request(&format!("DPoP {token}"), &[])).await.header("dpop-nonce").unwrap().to_owned();
    setup.at(NOW + 100);
    let proof = key.proof_with(&token, |c| {
        c["iat"] = (NOW + 100).into();
        c["nonce"] = nonce.into();
    });
    let answer = setup.send(dpop(&token, &proof)).await;
    assert_eq!((answer.outcome(), answer.header("dpop-nonce")), ((200, ""), None));
}

#[tokio::test]
async fn every_refusal_with_401_brings_a_nonce_and_plain_bearer_tokens_need_none() {
    let setup = setup(|s| s);
    let mut nobody = bearer("x");
    nobody.headers_mut().remove(AUTHORIZATION);
    let answer = setup.send(nobody).await;
    assert_eq!((answer.outcome(), answer.errors()), ((401, "missing_token"), lines(None, None)));
    assert!(answer.header("dpop-nonce").is_some(), "spares the client a refusal");
    let answer = setup.send(bearer(&setup.token(|_| {}))).await;
    assert_eq!((answer.outcome(), answer.header("dpop-nonce")), ((200, ""), None));
}

#[tokio::test]
async fn a_secret_is_made_where_none_is_given() {
    let setups = [(); 2].map(|()| Setup::dpop(DpopSettings::require_nonces));
    let mut nonces = Vec::new();
    for setup in &setups {
        let key = KeyPair::new(Algorithm::ES256);
        let token = setup.bound_to(&key);
        let answer = setup.send(dpop(&token, &key.proof(&token))).await;
        let nonce = answer.header("dpop-nonce").unwrap().to_owned();
        let proof = key.proof_with(&token, |c| c["nonce"] = nonce.clone().into());
        assert_eq!(setup.send(dpop(&token, &proof)).await.outcome(), (200, ""));
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
}
