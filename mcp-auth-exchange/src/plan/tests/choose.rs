//! Several providers in one process, and whose token goes where.

use std::sync::Arc;

use mcp_auth_core::Principal;
use serde_json::json;

use crate::ClientCredential;
use crate::plan::{ExchangePlan, ExchangePlans, Selector, Step, Subject};
use crate::provider::ExchangeProfile;
use crate::testing::{alice, endpoint, principal, step};

fn plan(name: &str) -> ExchangePlan {
    ExchangePlan::new(name.to_owned(), [step()]).unwrap()
}

fn name<'p>(plans: &'p ExchangePlans, principal: &Principal) -> Option<&'p str> {
    plans.choose(principal).map(|plan| plan.name())
}

#[test]
fn one_plan_is_for_everybody_and_a_selector_names_its_issuer() {
    let plans = ExchangePlans::from(plan("all"));
    assert_eq!(name(&plans, &alice(json!({}))), Some("all"));
    let issuers: Vec<_> = plans.iter().map(|(selector, _)| selector.wanted_issuer()).collect();
    assert_eq!(issuers, [None]);
    assert_eq!(Selector::any().issuer("https://a").wanted_issuer(), Some("https://a"));
}

#[test]
fn row_025_subjects_of_two_issuers_go_to_two_providers() {
    let plans = ExchangePlans::new()
        .for_issuer("https://okta.example/oauth2/default", plan("okta"))
        .for_issuer("https://sts.windows.net/t/", plan("entra"));
    let of = |iss: &str| principal("t", json!({ "iss": iss }));
    assert_eq!(name(&plans, &of("https://okta.example/oauth2/default")), Some("okta"));
    assert_eq!(name(&plans, &of("https://sts.windows.net/t/")), Some("entra"));
    assert_eq!(name(&plans, &of("https://sts.windows.net/t")), None, "byte for byte");
    assert_eq!(name(&plans, &of("https://other.example")), None);
    assert_eq!(name(&plans.otherwise(plan("rest")), &of("https://other.example")), Some("rest"));
}

#[test]
fn a_claim_chooses_a_plan_and_the_first_one_counts() {
    let plans = ExchangePlans::new()
        .when(Selector::any().claim("tenant", "acme").claim("groups", "admins"), plan("admins"))
        .when(Selector::any().claim("tenant", "acme"), plan("acme"));
    let of = |claims| name(&plans, &alice(claims)).map(str::to_owned);
    assert_eq!(of(json!({"tenant": "acme", "groups": ["users", "admins"]})).as_deref(), Some("admins"));
    assert_eq!(of(json!({"tenant": "acme", "groups": ["users"]})).as_deref(), Some("acme"));
    for none in
        [json!({}), json!({"tenant": "acm"}), json!({"tenant": ["other"]}), json!({"tenant": {"acme": 1}})]
    {
        assert_eq!(of(none), None);
    }
}

#[test]
fn row_075_without_a_validated_token_there_is_no_subject() {
    let unverified =
        Principal::danger_from_unverified_claims(br#"{"iss":"https://idp.example","sub":"alice"}"#).unwrap();
    assert!(Subject::of(Arc::new(unverified)).is_none());
    assert!(Subject::of(alice(json!({}))).is_some());
}

#[test]
fn row_009_two_backends_two_endpoints() {
    let at = |url: &str| {
        let client = ClientCredential::none("gateway");
        ExchangePlan::new("p", [Step::new(ExchangeProfile::rfc8693(), endpoint(url), client)]).unwrap()
    };
    let (a, b) = (at("https://a.example/token"), at("https://b.example/token"));
    let subject = Subject::of(alice(json!({}))).unwrap();
    assert_ne!(a.cache_key("", &subject, None), b.cache_key("", &subject, None));
    assert_ne!(a.steps()[0].endpoint(), b.steps()[0].endpoint());
}
