//! The table of S0 (rows 83 to 111), the exchange's columns: grant, block, audience, what is said at start.

use std::sync::Arc;

use mcp_auth_discovery::provider::{Provider, ProviderKind, TokenExchange};
use mcp_auth_discovery::{AuthorizationServerMetadata, Secret};
use serde_json::json;

use crate::plan::{ExchangePlan, Finding, PlanError, Severity, Step};
use crate::provider::{ExchangeGrant, ExchangeProfile, Need};
use crate::testing::{answer, endpoint, exchange, issued_claims, json_response, scopes};
use crate::{AuthorizationDetails, ClientCredential, Outcome, Resource, TokenTypeUri};

fn client() -> ClientCredential {
    ClientCredential::client_secret_post("agentgateway-exchange", Secret::new("hunter2"))
}

fn of(provider: &Provider) -> Step {
    Step::new(ExchangeProfile::of(provider.kind()), endpoint(provider.token_endpoint().unwrap()), client())
}

fn ids(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(Finding::id).collect()
}

fn error(plan: Result<ExchangePlan, PlanError>) -> String {
    let error = plan.unwrap_err();
    assert!(error.findings().iter().all(|f| f.severity() == Severity::Error));
    error.to_string()
}

#[test]
fn row_083_to_111_the_table_of_s0() {
    let tenant = "11111111-2222-3333-4444-555555555555";
    // Provider, where the exchange goes, the grant, S0's audience for the downstream, subject token type.
    let rows = [
        (
            Provider::entra_v1(tenant).unwrap(),
            "/oauth2/v2.0/token",
            ExchangeGrant::OnBehalfOf,
            None,
            "access_token",
        ),
        (
            Provider::keycloak("https://keycloak.acme.io", "acme").unwrap(),
            "/realms/acme/protocol/openid-connect/token",
            ExchangeGrant::TokenExchange,
            Some("tool"),
            "access_token",
        ),
        (
            Provider::auth0("acme.eu.auth0.com").unwrap(),
            "/oauth/token",
            ExchangeGrant::TokenExchange,
            Some("https://acme-api/agentgateway"),
            "access_token",
        ),
        (
            Provider::okta("acme.okta.com", "aus1a2b3c4D5e6F7g8").unwrap(),
            "/oauth2/aus1a2b3c4D5e6F7g8/v1/token",
            ExchangeGrant::TokenExchange,
            Some("api://acme"),
            "access_token",
        ),
        (
            Provider::frontegg("acme.frontegg.com").unwrap(),
            "/oauth/token",
            ExchangeGrant::TokenExchange,
            Some("a1b2"),
            "jwt",
        ),
    ];
    for (provider, path, grant, audience, subject_type) in rows {
        let profile = ExchangeProfile::of(provider.kind());
        assert_eq!(profile.grant(), grant, "{provider:?}");
        assert_eq!(
            grant == ExchangeGrant::OnBehalfOf,
            provider.kind().token_exchange() == TokenExchange::OnBehalfOf
        );
        assert!(profile.subject_token_type().as_str().ends_with(subject_type), "{provider:?}");
        assert!(provider.token_endpoint().unwrap().ends_with(path), "{provider:?}");
        // The block is the same for all but Entra (row 81): client, scope, audience.
        let mut step = of(&provider).scope(&scopes("mcp:invoke"));
        if let Some(audience) = audience {
            step = step.audience(audience);
        }
        let plan = Arc::new(ExchangePlan::new("tool", [step]).unwrap());
        let mut claims = issued_claims();
        claims["aud"] = json!(audience.unwrap_or("graph"));
        claims["oid"] = json!("0000-alice");
        let mut body = answer(&claims);
        if grant == ExchangeGrant::OnBehalfOf {
            body.as_object_mut().unwrap().remove("issued_token_type");
        }
        let outcome = exchange(&plan, json_response(200, &body));
        assert!(matches!(outcome, Outcome::Token(_)), "{provider:?}: {outcome:?}");
    }
}

#[test]
fn row_095_auth0_needs_an_audience() {
    let auth0 = Provider::auth0("acme.eu.auth0.com").unwrap();
    let text = error(ExchangePlan::new("p", [of(&auth0).scope(&scopes("mcp:invoke"))]));
    assert!(text.contains("Auth0 needs `audience`"), "{text}");
}

#[test]
fn row_096_a_silently_dropped_scope_is_seen() {
    let auth0 = Provider::auth0("acme.eu.auth0.com").unwrap();
    let step = || of(&auth0).audience("tool").scope(&scopes("mcp:invoke mcp:write"));
    let plan = ExchangePlan::new("p", [step()]).unwrap();
    let outcome = exchange(&Arc::new(plan.clone()), json_response(200, &answer(&issued_claims())));
    assert_eq!(outcome.token().unwrap().missing().collect::<Vec<_>>(), ["mcp:write"]);
    let strict = Arc::new(plan.rules(|rules| rules.all_scopes()));
    let outcome = exchange(&strict, json_response(200, &answer(&issued_claims())));
    assert_eq!(outcome.diagnosis().unwrap().id(), "scope_dropped");
}

#[test]
fn row_100_okta_s_org_server_is_refused_but_for_id_jags() {
    let org = endpoint("https://acme.okta.com/oauth2/v1/token");
    let step = Step::new(ExchangeProfile::of(ProviderKind::Okta), org, client())
        .audience("api://acme")
        .scope(&scopes("s"));
    let text = error(ExchangePlan::new("p", [step.clone()]));
    assert!(text.contains("org authorization server"), "{text}");
    let profile = ExchangeProfile::id_jag_issuer().named("Okta");
    let leg_1 = Step::new(profile, endpoint("https://acme.okta.com/oauth2/v1/token"), client())
        .audience("https://as.chat.example")
        .resource(Resource::parse("https://mcp.chat.example/").unwrap());
    let leg_2 = Step::new(ExchangeProfile::jwt_bearer(), endpoint("https://as.chat.example/token"), client());
    assert!(ExchangePlan::new("p", [leg_1, leg_2]).is_ok());
}

#[test]
fn row_107_what_the_metadata_says_against_it() {
    let metadata = |more: serde_json::Value| {
        let mut text = json!({"issuer": "https://acme.frontegg.com", "response_types_supported": ["code"],
            "token_endpoint": "https://acme.frontegg.com/oauth/token"});
        for (name, value) in more.as_object().unwrap() {
            text[name] = value.clone();
        }
        AuthorizationServerMetadata::parse(text.to_string().as_bytes(), "https://acme.frontegg.com").unwrap()
    };
    let frontegg = Provider::frontegg("acme.frontegg.com").unwrap();
    let plan = ExchangePlan::new("p", [of(&frontegg).audience("tool").scope(&scopes("mcp:invoke"))]).unwrap();
    let found = |more| plan.findings_with_metadata(0, &metadata(more));
    assert_eq!(found(json!({})), []);
    let grants = json!({"grant_types_supported": ["authorization_code"]});
    assert_eq!(ids(&found(grants)), ["grant"]);
    let all = found(json!({"grant_types_supported": ["urn:ietf:params:oauth:grant-type:token-exchange"],
        "token_endpoint": "https://elsewhere.frontegg.com/oauth/token",
        "token_endpoint_auth_methods_supported": ["client_secret_basic"], "scopes_supported": ["openid"]}));
    assert_eq!(ids(&all), ["endpoint", "client_method", "scope"]);
    assert!(all[1].text().contains("`client_secret_post`: it has client_secret_basic"), "{}", all[1]);
}

#[test]
fn keycloak_s_403_is_said_before_it_happens() {
    let keycloak = Provider::keycloak("https://keycloak.acme.io", "acme").unwrap();
    let plan = ExchangePlan::new("p", [of(&keycloak).audience("tool")]).unwrap();
    let found = plan.findings(&["agentgateway"]);
    assert_eq!(ids(&found), ["not_in_subject_audience"]);
    assert!(found[0].text().contains("add an audience mapper"), "{}", found[0]);
    assert_eq!(plan.findings(&["agentgateway", "agentgateway-exchange"]), []);

    let entra = of(&Provider::entra_v1("t").unwrap()).scope(&scopes("https://graph.microsoft.com/.default"));
    let entra = ExchangePlan::new("p", [entra]).unwrap();
    assert_eq!(ids(&entra.findings(&["api://other"])), ["not_in_subject_audience", "audience_unchecked"]);
    assert_eq!(ids(&entra.findings(&["api://agentgateway-exchange"])), ["audience_unchecked"]);
}

#[test]
fn what_a_provider_is_known_to_refuse_is_no_plan() {
    let plan = |step: Step| ExchangePlan::new("p", [step]);
    let url = || endpoint("https://h/token");
    let resource = || Resource::parse("https://tool/mcp").unwrap();
    let at = |profile: ExchangeProfile| Step::new(profile, url(), client()).scope(&scopes("s"));

    let entra = || ExchangeProfile::of(ProviderKind::EntraV2);
    assert!(error(plan(at(entra()).resource(resource()))).contains("refuses requests with `resource`"));
    assert!(error(plan(at(entra()).audience("a"))).contains("refuses requests with `audience`"));
    assert!(error(plan(Step::new(entra(), url(), client()))).contains("needs `scope`"));
    assert!(
        error(plan(Step::new(entra(), url(), ClientCredential::none("c")).scope(&scopes("s"))))
            .contains("`none`")
    );
    assert!(
        error(plan(at(ExchangeProfile::zitadel()).audience("a").resource(resource()))).contains("`resource`")
    );
    assert!(
        error(plan(at(ExchangeProfile::authentik()).audience("a").audience("b"))).contains("one `audience`")
    );
    assert!(error(plan(at(ExchangeProfile::google_sts()).audience("a"))).contains("client_secret_post"));
    assert!(error(plan(at(ExchangeProfile::auth0_custom()).audience("a"))).contains("reserved at Auth0"));
    assert!(error(plan(at(ExchangeProfile::auth0_token_vault()))).contains("needs `connection`"));
    let details = || AuthorizationDetails::parse(r#"[{"type":"a"}]"#).unwrap();
    assert!(
        error(plan(at(entra()).authorization_details(details())))
            .contains("no place for `authorization_details`")
    );
    assert!(
        error(plan(at(ExchangeProfile::rfc8693()).connection("google-oauth2")))
            .contains("no place for `connection`")
    );
    let assertion = at(ExchangeProfile::jwt_bearer().takes_audience(Need::Optional)).audience("a");
    assert!(error(plan(assertion)).contains("no place for `audience`"));
    // Another name changes nothing.
    let renamed = ExchangeProfile::auth0_custom().named("our tenant");
    assert!(error(plan(at(renamed).audience("a"))).contains("reserved at our tenant"));
    // Okta with S0's scopes less those it refuses: none is left.
    let okta = Step::new(ExchangeProfile::of(ProviderKind::Okta), url(), client()).audience("a");
    assert!(error(plan(okta.scope(&scopes("openid offline_access")))).contains("needs `scope`"));

    let jag = at(ExchangeProfile::id_jag_issuer()).audience("a").resource(resource());
    assert!(error(plan(jag.clone())).contains("a step is missing"));
    let redeem = at(ExchangeProfile::jwt_bearer());
    assert!(error(ExchangePlan::new("p", [jag.clone(), redeem])).contains("server that issued it"));
    let wrong = Step::new(ExchangeProfile::rfc8693(), endpoint("https://as/token"), client());
    assert!(error(ExchangePlan::new("p", [jag, wrong])).contains("JWT bearer"));
    assert!(error(ExchangePlan::new("p", [])).contains("1 to 3 steps"));
}

#[test]
fn everything_can_be_set_otherwise() {
    let profile =
        ExchangeProfile::of(ProviderKind::EntraV2).takes_resource(Need::Optional).takes_scope(Need::Optional);
    assert!(ExchangePlan::new("p", [Step::new(profile, endpoint("https://h/token"), client())]).is_ok());
    let profile = ExchangeProfile::of(ProviderKind::Keycloak)
        .takes_subject_token(TokenTypeUri::JWT)
        .requests(None)
        .drops_scopes(&scopes(""))
        .takes_several_audiences(false)
        .takes_audience(Need::Optional)
        .takes_actor(Need::Optional)
        .says_issued_token_type(false)
        .writes_audience(false)
        .keeps_subject_in(Some("preferred_username"))
        .named("our Keycloak");
    let plan = ExchangePlan::new("p", [Step::new(profile, endpoint("https://h/token"), client())]).unwrap();
    assert_eq!(ids(&plan.findings(&[])), ["audience_unchecked"]);
}
