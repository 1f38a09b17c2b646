//! Tokens that are bound to a key, and clients that prove themselves with a token of the workload.

use mcp_auth_core::dpop::{ProofContext, ProofRules, TargetUri};
use mcp_auth_exchange::dpop::DpopKey;

use super::*;

const DOWNSTREAM: &str = "https://tool.example/mcp";

fn key() -> Arc<DpopKey> {
    let signer = Arc::new(AwsLcSigner::generate(Algorithm::ES256).unwrap());
    Arc::new(DpopKey::new(signer, &AwsLc::new()).unwrap())
}

fn bound(key: &Arc<DpopKey>) -> Route {
    let plan = ExchangePlan::new("bound", [step(ENDPOINT, "tool").dpop(key.clone())]).unwrap();
    let route = Route::with(plan, |b| b, |s| s.downstream(DOWNSTREAM).unwrap(), |b| b);
    let (jkt, clock, count) = (key.thumbprint().to_base64url(), route.clock.clone(), AtomicUsize::new(0));
    route.provider.answers(move |request| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        let mut claims = claims(&subject_of(request), "tool", clock.secs() + LIFE, n);
        claims["cnf"] = json!({ "jkt": jkt });
        let mut answer = issued(&claims);
        answer["token_type"] = "DPoP".into();
        reply(200, &answer)
    });
    route
}

/// The token that a request presents, with a proof that holds for it, and the proof's nonce.
fn proven(head: &Parts) -> (String, Option<String>) {
    let token = single(&head.headers, "authorization").strip_prefix("DPoP ").unwrap().to_owned();
    let proof = single(&head.headers, "dpop");
    let target = TargetUri::parse(DOWNSTREAM).unwrap();
    let context = ProofContext { method: head.method.as_str(), target: &target, token: &token };
    let (now, crypto) = (UnixTime::from_secs(NOW), AwsLc::new());
    ProofRules::default().check(&proof, &context, now, &crypto).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(proof.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    (token, claims["nonce"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn mcp_d10_a_bound_token_comes_with_a_proof_for_each_call() {
    let key = key();
    let route = bound(&key);
    route.tool.answers(|_| json_answer("{}"));
    let token = route.token("bob");
    for _ in 0..2 {
        assert_eq!(route.status(&token).await, StatusCode::OK);
    }
    let seen = route.tool.seen.lock().unwrap();
    let proofs: Vec<_> = seen.iter().map(|(head, _)| single(&head.headers, "dpop")).collect();
    assert_eq!(proven(&seen[0].0), proven(&seen[1].0));
    assert_ne!(proofs[0], proofs[1], "a proof is good once");
    assert_eq!(route.provider.asked(), 1);
    assert!(route.provider.asked.lock().unwrap()[0].headers().contains_key("dpop"), "and to get it");
}

#[tokio::test]
async fn mcp_d10_nonces_of_both_servers_are_used_at_once_and_remembered() {
    let key = key();
    let route = bound(&key);
    let good = route.provider.handler.lock().unwrap().clone();
    route.provider.answers(move |request| {
        let proof = request.headers()["dpop"].to_str().unwrap().to_owned();
        let claims = URL_SAFE_NO_PAD.decode(proof.split('.').nth(1).unwrap()).unwrap();
        if String::from_utf8(claims).unwrap().contains("provider-nonce") {
            return good(request);
        }
        let mut answer = reply(400, &json!({"error": "use_dpop_nonce"}));
        answer.as_mut().unwrap().headers_mut().insert("dpop-nonce", "provider-nonce".parse().unwrap());
        answer
    });
    route.tool.answers(|head| match proven(head).1.as_deref() {
        Some("tool-nonce") => json_answer("{}"),
        _ => {
            let mut answer = unauthorized();
            answer.headers_mut().insert("dpop-nonce", "tool-nonce".parse().unwrap());
            answer
        }
    });
    let (parts, _) = route.call(&route.token("bob")).await;
    assert_eq!(parts.status, StatusCode::OK);
    assert!(!parts.headers.contains_key("dpop-nonce"), "it is not for the client");
    assert_eq!((route.provider.asked(), route.tool.calls()), (2, 2));
    assert_eq!(route.status(&route.token("alice")).await, StatusCode::OK);
    assert_eq!((route.provider.asked(), route.tool.calls()), (3, 3), "both are remembered");
}

/// A service that always asks for another nonce is not asked for ever.
#[tokio::test]
async fn mcp_d10_a_service_that_always_asks_for_a_nonce_is_a_502() {
    let key = key();
    let route = bound(&key);
    let count = AtomicUsize::new(0);
    route.tool.answers(move |_| {
        let mut answer = unauthorized();
        let nonce = format!("n{}", count.fetch_add(1, Ordering::SeqCst));
        answer.headers_mut().insert("dpop-nonce", nonce.parse().unwrap());
        answer
    });
    let (parts, _) = route.call(&route.token("bob")).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::BAD_GATEWAY, "exchange_refused_downstream"));
    assert_eq!((route.provider.asked(), route.tool.calls()), (1, 2));
}

/// A provider that does not look at proofs answers with a token that anybody could use.
#[tokio::test]
async fn mcp_d10_a_token_that_is_not_bound_is_not_used() {
    let route = bound(&key());
    *route.provider.handler.lock().unwrap() = issues(&route.clock, "tool");
    let (parts, _) = route.call(&route.token("bob")).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::BAD_GATEWAY, "exchange_unusable"));
    assert_eq!(route.tool.calls(), 0);
}

#[tokio::test]
async fn a_workload_token_is_read_again_when_it_was_replaced() {
    let path = std::env::temp_dir().join(format!("mcp-auth-workload-{}", std::process::id()));
    std::fs::write(&path, "first.workload.token\n").unwrap();
    let step = || {
        let endpoint = TokenEndpoint::new(&ENDPOINT.parse().unwrap()).unwrap();
        let client = ClientCredential::workload_identity("gateway");
        Step::new(ExchangeProfile::rfc8693(), endpoint, client).audience("tool")
    };
    let plan = || ExchangePlan::new("tool", [step()]).unwrap();
    let file = path.clone();
    let logs = Arc::new(Written::default());
    let _guard = Logs::of(&logs);
    let route = Route::with(plan(), |b| b.workload_token_file("gateway", file), |s| s, |b| b);
    assert_eq!(route.status(&route.token("a")).await, StatusCode::OK);
    // As a kubelet does it: another file under the same name.
    let next = path.with_extension("next");
    std::fs::write(&next, "second.workload.token\n").unwrap();
    std::fs::rename(&next, &path).unwrap();
    assert_eq!(route.status(&route.token("b")).await, StatusCode::OK);
    {
        let asked = route.provider.asked.lock().unwrap();
        let assertions: Vec<_> = asked.iter().map(|r| form(r, "client_assertion").unwrap()).collect();
        assert_eq!(assertions, ["first.workload.token", "second.workload.token"]);
    }
    assert!(!logs.text().contains("workload.token"));
    // Gone, or no token: nobody is asked, and the operator is told which file it is.
    for content in [None, Some("two words".to_owned()), Some("x".repeat(70_000))] {
        match &content {
            None => std::fs::remove_file(&path).unwrap(),
            Some(text) => std::fs::write(&path, text).unwrap(),
        }
        let user = format!("u{}", content.map_or(0, |c| c.len()));
        let (parts, _) = route.call(&route.token(&user)).await;
        assert_eq!((parts.status.as_u16(), code(&parts)), (500, "exchange_misconfigured"));
    }
    assert_eq!(route.provider.asked(), 2);
    assert!(logs.text().contains(&path.display().to_string()), "{}", logs.text());
    std::fs::remove_file(&path).unwrap();
}
