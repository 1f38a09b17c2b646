//! A second try of the step that redeems an ID-JAG, and the tries of several steps.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response};
use serde_json::json;

use super::bound::key;
use crate::plan::{ExchangePlan, Progress, Step};
use crate::provider::ExchangeProfile;
use crate::testing::{Driver, answer, endpoint, issued_claims, json_response, lines, response, subject};
use crate::{ClientCredential, Outcome, Resource, TokenTypeUri};

const IDP: &str = "https://idp.example/token";
const AS: &str = "https://as.example/token";

fn jag_steps() -> [Step; 2] {
    let client = || ClientCredential::none("agent");
    let leg_1 = Step::new(ExchangeProfile::id_jag_issuer(), endpoint(IDP), client())
        .audience("https://as.example")
        .resource(Resource::parse("https://mcp.example/").unwrap());
    [leg_1, Step::new(ExchangeProfile::jwt_bearer(), endpoint(AS), client())]
}

fn plan(attempts: u8) -> Arc<ExchangePlan> {
    Arc::new(ExchangePlan::new("p", jag_steps()).unwrap().attempts(attempts))
}

fn jag(token: &str) -> Option<Response<Bytes>> {
    let issued_type = TokenTypeUri::ID_JAG;
    Some(json_response(
        200,
        &json!({"access_token": token, "issued_token_type": issued_type.as_str(), "token_type": "N_A"}),
    ))
}

fn down() -> Option<Response<Bytes>> {
    Some(response(503, "text/plain", ""))
}

fn good() -> Option<Response<Bytes>> {
    Some(json_response(200, &json!({"access_token": "opaque", "token_type": "Bearer"})))
}

fn refused() -> Option<Response<Bytes>> {
    Some(json_response(400, &json!({"error": "invalid_grant", "error_description": "jti was used"})))
}

/// The outcome, and of each request where it went and with which assertion.
fn run(plan: &Arc<ExchangePlan>, answers: &[Option<Response<Bytes>>]) -> (String, Vec<String>) {
    let (outcome, sent) = Driver::new(plan, subject(), None).through(answers);
    let of = |request: &http::Request<Bytes>| {
        let assertion = lines(request.body())
            .into_iter()
            .find_map(|line| line.strip_prefix("assertion: ").map(|assertion| format!("as {assertion}")));
        assertion.unwrap_or_else(|| "idp".to_owned())
    };
    let id = outcome.diagnosis().map_or("", |diagnosis| diagnosis.id());
    (format!("{} {id}", outcome.as_str()), sent.iter().map(of).collect())
}

#[test]
fn mcp_d8_an_id_jag_whose_answer_was_lost_is_not_sent_again() {
    for lost in [None, down()] {
        let answers = [jag("first"), lost.clone(), jag("second"), good()];
        let (outcome, sent) = run(&plan(2), &answers);
        assert_eq!((outcome.as_str(), sent.join(", ").as_str()), ("token ", "idp, as first, idp, as second"));
        // Once, however often steps are tried.
        let answers = [jag("first"), lost.clone(), jag("second"), lost.clone()];
        let (outcome, sent) = run(&plan(3), &answers);
        assert!(outcome.starts_with("transient") && sent.len() == 4, "{outcome} {sent:?}");
        // Not at all where steps are tried once.
        let (outcome, sent) = run(&plan(1), &[jag("first"), lost]);
        assert!(outcome.starts_with("transient") && sent.len() == 2, "{outcome} {sent:?}");
    }
    // The identity provider may be down for a moment, too.
    let answers = [down(), jag("first"), down(), None, jag("second"), good()];
    assert_eq!(run(&plan(2), &answers).0, "token ");
    // What the second one is refused for is no lost answer.
    let (outcome, sent) = run(&plan(3), &[jag("first"), None, jag("second"), refused()]);
    assert_eq!((outcome.as_str(), sent.len()), ("misconfigured chain_refused", 4));
    // A pause that the server asks for is kept before the way back.
    let mut pause = response(503, "text/plain", "");
    pause.headers_mut().insert("retry-after", HeaderValue::from_static("1"));
    let mut driver = Driver::new(&plan(2), subject(), None);
    driver.send().unwrap();
    assert!(matches!(driver.receive(&jag("first").unwrap()), Progress::Again { after: Duration::ZERO }));
    driver.send().unwrap();
    let Progress::Again { after } = driver.receive(&pause) else { panic!() };
    assert_eq!(
        (after, driver.run.step().map(|step| step.endpoint().without_query())),
        (Duration::from_secs(1), Some(IDP.to_owned()))
    );
}

#[test]
fn mcp_d8_an_id_jag_that_was_used_up_while_a_nonce_was_asked_for_is_renewed() {
    let [leg_1, leg_2] = jag_steps();
    let plan = Arc::new(ExchangePlan::new("p", [leg_1, leg_2.dpop(key())]).unwrap());
    let mut ask = json_response(400, &json!({"error": "use_dpop_nonce"}));
    ask.headers_mut().insert("dpop-nonce", HeaderValue::from_static("n-1"));
    let answers = [jag("first"), Some(ask), refused(), jag("second"), refused()];
    let (outcome, sent) = run(&plan, &answers);
    assert_eq!(outcome, "misconfigured chain_refused");
    assert_eq!(sent.join(", "), "idp, as first, as first, idp, as second");
}

#[test]
fn mcp_d8_in_the_middle_of_three_steps_the_way_back_has_what_went_in_there() {
    let [leg_1, leg_2] = jag_steps();
    let before = Step::new(
        ExchangeProfile::rfc8693().requests(Some(TokenTypeUri::ID_TOKEN)).says_issued_token_type(false),
        endpoint("https://sso.example/token"),
        ClientCredential::none("agent"),
    );
    // What comes in between has no claims to be compared.
    let leg_1 = Step::new(
        leg_1.profile().clone().keeps_subject_in(None),
        endpoint(IDP),
        ClientCredential::none("agent"),
    )
    .audience("https://as.example");
    let plan = Arc::new(ExchangePlan::new("p", [before, leg_1, leg_2]).unwrap());
    let between = || Some(json_response(200, &json!({"access_token": "id.token", "token_type": "N_A"})));
    let answers = [between(), jag("first"), None, jag("second"), good()];
    let (outcome, sent) = Driver::new(&plan, subject(), None).through(&answers);
    assert!(outcome.token().is_some(), "{outcome:?}");
    let subjects = |i: usize| lines(sent[i].body())[1].clone();
    assert_eq!(
        (subjects(1), subjects(3)),
        ("subject_token: id.token".to_owned(), "subject_token: id.token".to_owned())
    );
    assert_eq!(subjects(4), "assertion: second");
}

#[test]
fn attack_109_each_step_has_its_own_tries() {
    let step = |url: &str| {
        Step::new(ExchangeProfile::rfc8693(), endpoint(url), ClientCredential::none("gateway"))
            .audience("tool")
    };
    let steps = [step("https://a.example/token"), step("https://b.example/token")];
    let plan = Arc::new(ExchangePlan::new("p", steps).unwrap().attempts(2));
    let mut between = answer(&issued_claims());
    between["access_token"] = json!("between");
    let answers = [
        down(),
        Some(json_response(200, &between)),
        down(),
        Some(json_response(200, &answer(&issued_claims()))),
    ];
    let (outcome, sent) = Driver::new(&plan, subject(), None).through(&answers);
    assert!(matches!(outcome, Outcome::Token(_)), "{outcome:?}");
    // What is no ID-JAG is sent again as it is.
    assert_eq!(lines(sent[2].body())[1], "subject_token: between");
    assert_eq!(lines(sent[3].body())[1], "subject_token: between");
}
