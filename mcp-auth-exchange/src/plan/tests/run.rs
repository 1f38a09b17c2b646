//! Requests and answers, one after the other.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner};
use mcp_auth_core::jwt::Algorithm;
use mcp_auth_discovery::Secret;
use serde_json::{Value, json};

use crate::dpop::DpopKey;
use crate::grant::Parameters;
use crate::grant::token_vault::TokenVaultRequest;
use crate::plan::{
    ActorToken, AudienceRule, ExchangePlan, Presentation, Progress, Step, Subject, SubjectRule,
};
use crate::provider::ExchangeProfile;
use crate::testing::{
    Driver, INBOUND, answer, endpoint, issued_claims, json_response, jwt, lines, plan, principal, response,
    step, subject,
};
use crate::{ClientAuthentication, ClientCredential, Outcome, Resource, TokenTypeUri};

fn key() -> Arc<DpopKey> {
    let signer = AwsLcSigner::generate(Algorithm::ES256).unwrap();
    Arc::new(DpopKey::new(Arc::new(signer), &AwsLc::new()).unwrap())
}

fn proof(header: &HeaderValue) -> Value {
    let payload = header.to_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn bound(key: &DpopKey) -> Value {
    let mut claims = issued_claims();
    claims["cnf"] = json!({"jkt": key.thumbprint().to_base64url()});
    let mut body = answer(&claims);
    body["token_type"] = json!("DPoP");
    body
}

#[test]
fn attack_107_an_answer_that_was_cut_off_is_not_tried_again() {
    let plan = Arc::new(ExchangePlan::new("p", [step().audience("tool")]).unwrap().attempts(3));
    let mut driver = Driver::new(&plan, subject(), None);
    assert_eq!(driver.run.step().and_then(|step| step.client().client_id()), Some("gateway"));
    driver.send().unwrap();
    let Progress::Done(Outcome::Unusable(diagnosis)) = driver.run.handle_too_large() else { panic!() };
    assert_eq!(diagnosis.id(), "too_large");
}

#[test]
fn attack_109_the_reason_of_the_transport_is_in_the_diagnosis_without_secrets() {
    let plan = Arc::new(ExchangePlan::new("p", [step().audience("tool")]).unwrap().attempts(2));
    let mut driver = Driver::new(&plan, subject(), None);
    let body = driver.send().unwrap();
    assert!(body.contains("s3cret-canary"));
    let reason = format!("{{audience}} dns error s3cret-canary\n{}", "long ".repeat(100));
    assert!(matches!(driver.run.handle_failure_because(&reason), Progress::Again { .. }));
    // Given up before another request: the reason is still the first one's.
    let Progress::Done(Outcome::Transient { diagnosis, .. }) = driver.run.handle_failure() else { panic!() };
    assert_eq!(diagnosis.id(), "unreachable");
    let text = diagnosis.text();
    assert!(text.starts_with("no answer: {audience} dns error [redacted] long"), "{text}");
    assert!(text.chars().count() < 300 && !text.contains('\n'), "{text}");
}

#[test]
fn mcp_d10_a_bound_token_with_the_nonce_that_the_server_asked_for() {
    let key = key();
    let plan = Arc::new(ExchangePlan::new("p", [step().dpop(key.clone())]).unwrap());
    let mut ask = json_response(400, &json!({"error": "use_dpop_nonce"}));
    ask.headers_mut().insert("dpop-nonce", HeaderValue::from_static("n-1"));
    let mut good = json_response(200, &bound(&key));
    good.headers_mut().insert("dpop-nonce", HeaderValue::from_static("n-2"));
    let mut driver = Driver::new(&plan, subject(), None);
    driver.send().unwrap();
    assert!(matches!(driver.receive(&ask), Progress::Again { after: Duration::ZERO }));
    driver.send().unwrap();
    let Progress::Done(outcome) = driver.receive(&good) else { panic!("not done") };
    assert_eq!(outcome.token().unwrap().presentation(), Presentation::DPoP(key.thumbprint()));
    assert!(outcome.token().unwrap().authorization().to_str().unwrap().starts_with("DPoP "));
    let proofs: Vec<Value> = driver.sent.iter().map(|r| proof(&r.headers()["dpop"])).collect();
    assert_eq!(proofs[0].get("nonce"), None);
    assert_eq!(proofs[1]["nonce"], "n-1");
    assert_ne!(proofs[0]["jti"], proofs[1]["jti"]);
    assert_eq!((&proofs[1]["htm"], &proofs[1]["htu"]), (&json!("POST"), &json!("https://idp.example/token")));
    assert_eq!(driver.nonces.get("https://idp.example").unwrap().as_str(), "n-2", "for the next exchange");

    // A server that always asks is asked twice.
    let (outcome, sent) = Driver::new(&plan, subject(), None).through(&[Some(ask.clone()), Some(ask)]);
    assert!(matches!(outcome, Outcome::Transient { .. }), "{outcome:?}");
    assert_eq!(sent.len(), 2);
}

#[test]
fn a_token_that_is_not_bound_although_it_was_asked_for_is_refused() {
    let (ours, other) = (key(), key());
    let plan = Arc::new(ExchangePlan::new("p", [step().dpop(ours.clone())]).unwrap());
    // A server that does not know DPoP answers with a token that anybody could use, here an opaque one.
    let mut opaque = answer(&issued_claims());
    opaque["access_token"] = json!("opaque");
    for body in [answer(&issued_claims()), bound(&other), opaque] {
        let (outcome, _) = Driver::new(&plan, subject(), None).through(&[Some(json_response(200, &body))]);
        assert_eq!(outcome.diagnosis().unwrap().id(), "not_bound");
    }
}

#[test]
fn attack_109_a_provider_that_is_down_is_tried_again_and_not_for_ever() {
    let down = || Some(response(503, "text/html", "<html>"));
    let good = || Some(json_response(200, &answer(&issued_claims())));
    let run = |plan: &Arc<ExchangePlan>, answers: &[_]| {
        let (outcome, sent) = Driver::new(plan, subject(), None).through(answers);
        (outcome.as_str(), sent.len())
    };
    assert_eq!(run(&plan(), &[down(), good()]), ("token", 2));
    assert_eq!(run(&plan(), &[None, good()]), ("token", 2));
    assert_eq!(run(&plan(), &[down(), None, good()]), ("transient", 2));
    let thrice = Arc::new((*plan()).clone().attempts(9));
    assert_eq!(run(&thrice, &[None, down(), None, good()]), ("transient", 3));

    let mut later = down().unwrap();
    later.headers_mut().insert("retry-after", HeaderValue::from_static("30"));
    let (outcome, sent) = Driver::new(&plan(), subject(), None).through(&[Some(later)]);
    let Outcome::Transient { retry_after, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(
        (retry_after, sent.len()),
        (Some(Duration::from_secs(30)), 1),
        "nobody waits that long for a client"
    );
}

#[test]
fn a_refusal_is_not_tried_again() {
    for (status, code) in
        [(400, "invalid_grant"), (401, "invalid_client"), (400, "invalid_request"), (400, "x")]
    {
        let refused = json_response(status, &json!({ "error": code }));
        let (_, sent) = Driver::new(&plan(), subject(), None).through(&[Some(refused)]);
        assert_eq!(sent.len(), 1);
    }
}

#[test]
fn what_has_expired_is_not_sent() {
    let old = principal(INBOUND, json!({"exp": 1_700_000_001}));
    let mut driver = Driver::new(&plan(), Subject::of(old).unwrap(), None);
    driver.send().unwrap();
    let context_later = crate::plan::SendContext {
        random: &[0; 32],
        workload_token: None,
        nonces: &driver.nonces,
        now: crate::testing::secs(1),
    };
    let outcome = driver.run.next_request(&context_later).unwrap_err();
    assert!(matches!(outcome, Outcome::SubjectRefused(_)));
    let actor = ActorToken::new(Secret::new("actor"), TokenTypeUri::JWT).until(crate::testing::NOW);
    let outcome = Driver::new(&plan(), subject(), Some(actor)).send().unwrap_err();
    assert!(outcome.diagnosis().unwrap().text().contains("actor"), "{outcome:?}");
}

fn two_steps() -> Arc<ExchangePlan> {
    let client = || ClientCredential::none("agent");
    let leg_1 = Step::new(ExchangeProfile::id_jag_issuer(), endpoint("https://idp.example/token"), client())
        .audience("https://as.example")
        .resource(Resource::parse("https://mcp.example/").unwrap());
    let leg_2 = Step::new(ExchangeProfile::jwt_bearer(), endpoint("https://as.example/token"), client());
    Arc::new(ExchangePlan::new("p", [leg_1, leg_2]).unwrap())
}

#[test]
fn the_first_step_has_to_bring_what_the_second_takes() {
    let jag = |issued: &str, token_type: &str, token: &str| {
        Some(json_response(
            200,
            &json!({"access_token": token, "issued_token_type": issued, "token_type": token_type}),
        ))
    };
    let (id_jag, access) = (TokenTypeUri::ID_JAG, TokenTypeUri::ACCESS_TOKEN);
    for bad in [
        jag(id_jag.as_str(), "Bearer", "j"),
        jag(access.as_str(), "N_A", "j"),
        jag(access.as_str(), "Bearer", "j"),
        jag(id_jag.as_str(), "N_A", INBOUND),
    ] {
        let (outcome, sent) = Driver::new(&two_steps(), subject(), None).through(&[bad]);
        assert!(matches!(outcome, Outcome::Unusable(_)), "{outcome:?}");
        assert_eq!(sent.len(), 1, "the second server heard nothing");
    }
    // What comes out at the end is none of what went in.
    for same in [INBOUND, "j.a.g"] {
        let last = Some(json_response(200, &json!({"access_token": same, "token_type": "Bearer"})));
        let (outcome, _) =
            Driver::new(&two_steps(), subject(), None).through(&[jag(id_jag.as_str(), "N_A", "j.a.g"), last]);
        assert_eq!(outcome.diagnosis().unwrap().id(), "same_token");
    }
    let refused = Some(json_response(400, &json!({"error": "invalid_grant"})));
    let (outcome, sent) =
        Driver::new(&two_steps(), subject(), None).through(&[jag(id_jag.as_str(), "N_A", "j.a.g"), refused]);
    assert_eq!((outcome.diagnosis().unwrap().step(), sent.len()), (2, 2));
    // Another login would not help.
    for code in ["invalid_grant", "login_required"] {
        let refused = Some(json_response(400, &json!({ "error": code })));
        let (outcome, _) = Driver::new(&two_steps(), subject(), None)
            .through(&[jag(id_jag.as_str(), "N_A", "j.a.g"), refused]);
        assert_eq!((outcome.as_str(), outcome.diagnosis().unwrap().id()), ("misconfigured", "chain_refused"));
        assert!(!outcome.diagnosis().unwrap().to_string().contains("j.a.g"));
    }
}

#[test]
fn attack_112_nothing_of_a_run_is_in_its_debug_text() {
    let actor = ActorToken::new(Secret::new(jwt(&json!({"sub": "actor-canary"}))), TokenTypeUri::JWT);
    let mut driver = Driver::new(&plan(), subject(), Some(actor));
    driver.send().unwrap();
    let text = format!("{:?}", driver.run);
    assert!(!text.contains("canary") && !text.contains("alice"), "{text}");
    assert!(!text.contains(&jwt(&json!({"sub": "actor-canary"}))));
    // Nor which of his accounts is meant.
    let account = step().login_hint("alice@example.com").parameter("api_key", "canary").unwrap();
    let text = format!("{account:?}");
    assert!(!text.contains("alice") && !text.contains("canary"), "{text}");
    let client = ClientAuthentication::none("gateway");
    let vault = TokenVaultRequest::new(Secret::new("canary"), TokenTypeUri::JWT, "google", client);
    let text = format!("{:?}", vault.login_hint(Some("alice@example.com")));
    assert!(!text.contains("alice") && !text.contains("canary"), "{text}");
}

#[test]
fn row_259_the_original_token_is_never_what_comes_out() {
    let echo = |token_type: &str| {
        let mut body = answer(&issued_claims());
        body["access_token"] = json!(INBOUND);
        body["token_type"] = json!(token_type);
        body
    };
    let unchecked =
        (*plan()).clone().rules(|r| r.audience(AudienceRule::Unchecked).subject(SubjectRule::Unchecked));
    for plan in [plan(), Arc::new(unchecked)] {
        for answer in [
            Some(json_response(200, &echo("Bearer"))),
            Some(json_response(200, &echo("N_A"))),
            Some(json_response(400, &json!({"error": "invalid_grant", "access_token": INBOUND}))),
            Some(response(200, "text/plain", INBOUND)),
            None,
        ] {
            let once = Arc::new((*plan).clone().attempts(1));
            let (outcome, _) = Driver::new(&once, subject(), None).through(&[answer]);
            assert!(
                outcome.token().is_none() && outcome.status().is_some_and(|s| s.as_u16() >= 400),
                "{outcome:?}"
            );
        }
    }
}

#[test]
fn an_actor_s_token_goes_to_the_first_server_only() {
    let step = |url: &str| {
        Step::new(ExchangeProfile::rfc8693(), endpoint(url), ClientCredential::none("gateway"))
            .audience("tool")
    };
    let plan =
        ExchangePlan::new("p", [step("https://a.example/token"), step("https://b.example/token")]).unwrap();
    assert!(plan.takes_actor());
    let actor = ActorToken::new(Secret::new("act.or"), TokenTypeUri::JWT);
    let mut first = answer(&issued_claims());
    first["access_token"] = json!("between");
    let (outcome, sent) = Driver::new(&Arc::new(plan), subject(), Some(actor))
        .through(&[Some(json_response(200, &first)), Some(json_response(200, &answer(&issued_claims())))]);
    assert!(outcome.token().is_some(), "{outcome:?}");
    let actors =
        |i: usize| lines(sent[i].body()).iter().filter(|line| line.starts_with("actor_token")).count();
    assert_eq!((actors(0), actors(1)), (2, 0));
    assert!(lines(sent[1].body()).contains(&"subject_token: between".to_owned()));
}

#[test]
fn attack_109_who_asks_too_often_does_not_ask_again_at_once() {
    let plan = Arc::new(ExchangePlan::new("p", [step().audience("tool")]).unwrap().attempts(3));
    let mut limited = json_response(429, &json!({"error": "slow_down"}));
    limited.headers_mut().insert("retry-after", HeaderValue::from_static("1"));
    let (outcome, sent) = Driver::new(&plan, subject(), None).through(&[Some(limited)]);
    assert_eq!((outcome.as_str(), sent.len()), ("transient", 1));
}

#[test]
fn parameters_of_a_request_go_to_the_first_server_only() {
    let step = |url: &str| {
        Step::new(ExchangeProfile::rfc8693(), endpoint(url), ClientCredential::none("gateway"))
            .audience("tool")
            .parameter("tier", "gold")
            .unwrap()
    };
    let plan =
        ExchangePlan::new("p", [step("https://a.example/token"), step("https://b.example/token")]).unwrap();
    let plan = Arc::new(plan);
    let of =
        |name: &str| subject().with_parameters(Parameters::default().with(name, "alice@acme.io").unwrap());
    let mut first = answer(&issued_claims());
    first["access_token"] = json!("between");
    let answers = [Some(json_response(200, &first)), Some(json_response(200, &answer(&issued_claims())))];
    let (outcome, sent) = Driver::new(&plan, of("login_hint"), None).through(&answers);
    assert!(outcome.token().is_some(), "{outcome:?}");
    let has = |i: usize, line: &str| lines(sent[i].body()).contains(&line.to_owned());
    assert!(has(0, "login_hint: alice@acme.io") && has(0, "tier: gold"));
    assert!(!has(1, "login_hint: alice@acme.io") && has(1, "tier: gold"));
    // Which of two would count, nobody can tell.
    let Err(Outcome::Misconfigured(diagnosis)) = Driver::new(&plan, of("tier"), None).send() else {
        panic!()
    };
    assert!(diagnosis.to_string().contains("`tier` is there already"), "{diagnosis}");
}

#[test]
fn a_step_s_jwt_goes_on_under_the_type_that_the_next_provider_takes() {
    let client = || ClientCredential::client_secret_post("gateway", Secret::new("s"));
    let first =
        Step::new(ExchangeProfile::zitadel(), endpoint("https://a.example/token"), client()).audience("b");
    let keycloak = ExchangeProfile::of(mcp_auth_discovery::provider::ProviderKind::Keycloak);
    let second = Step::new(keycloak, endpoint("https://b.example/token"), client()).audience("tool");
    let plan = Arc::new(ExchangePlan::new("p", [first, second]).unwrap());
    for issued in [TokenTypeUri::JWT, TokenTypeUri::ACCESS_TOKEN] {
        let mut between = answer(&issued_claims());
        between["access_token"] = json!("between");
        between["issued_token_type"] = json!(issued.as_str());
        let answers =
            [Some(json_response(200, &between)), Some(json_response(200, &answer(&issued_claims())))];
        let (outcome, sent) = Driver::new(&plan, subject(), None).through(&answers);
        assert!(outcome.token().is_some(), "{outcome:?}");
        let second = lines(sent[1].body());
        assert_eq!(
            second[1..3],
            ["subject_token: between", "subject_token_type: urn:ietf:params:oauth:token-type:access_token"]
        );
    }
}
