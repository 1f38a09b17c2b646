//! The table of S0 (rows 83 to 111), the exchange's columns: grant, block, audience, what is said at start.

use std::sync::Arc;

use mcp_auth_core::crypto::{AwsLc, AwsLcSigner};
use mcp_auth_core::jwk::Thumbprint;
use mcp_auth_core::jwt::Algorithm;
use mcp_auth_discovery::provider::{Provider, ProviderKind, TokenExchange};
use mcp_auth_discovery::{AuthorizationServerMetadata, Secret};
use serde_json::json;

use crate::client_auth::{AssertionAudience, AssertionKey};
use crate::grant::Parameters;
use crate::plan::{ActorRule, ExchangePlan, Finding, PlanError, Severity, Step};
use crate::provider::{ExchangeGrant, ExchangeProfile, Need};
use crate::testing::{
    Driver, answer, endpoint, exchange, issued_claims, json_response, lines, scopes, subject,
};
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
    // Another version of it may have mended its ways.
    let ours = |profile: ExchangeProfile| profile.ignore_known_refusals();
    let _ = plan(at(ours(ExchangeProfile::auth0_custom())).audience("a")).unwrap();
    let _ = plan(at(ours(ExchangeProfile::google_sts())).audience("a")).unwrap();
    let _ = plan(Step::new(ours(entra()), url(), ClientCredential::none("c")).scope(&scopes("s"))).unwrap();
    assert!(error(plan(at(ours(entra())).audience("a"))).contains("refuses requests with `audience`"));
    let org = || endpoint("https://acme.okta.com/oauth2/v1/token");
    let okta =
        |profile: ExchangeProfile| Step::new(profile, org(), client()).audience("a").scope(&scopes("s"));
    assert!(error(plan(okta(ExchangeProfile::of(ProviderKind::Okta)))).contains("org"));
    let _ = plan(okta(ours(ExchangeProfile::of(ProviderKind::Okta)))).unwrap();
    let keycloak = |profile: ExchangeProfile| plan(at(profile).audience("a")).unwrap().findings(&["other"]);
    let keycloak = [
        keycloak(ExchangeProfile::of(ProviderKind::Keycloak)),
        keycloak(ours(ExchangeProfile::of(ProviderKind::Keycloak))),
    ];
    let said = keycloak.map(|all| all.iter().any(|finding| finding.id() == "not_in_subject_audience"));
    assert_eq!(said, [true, false]);
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

#[test]
fn what_each_profile_says_beyond_the_standard_decides() {
    let url = || endpoint("https://h/token");
    let at = |profile: ExchangeProfile| Step::new(profile, url(), client()).scope(&scopes("s")).audience("a");
    let of = |kind| at(ExchangeProfile::of(kind));
    let found = |step: Step| ids(&ExchangePlan::new("p", [step]).unwrap().findings(&[])).join(" ");
    for kind in [ProviderKind::Auth0, ProviderKind::Okta, ProviderKind::Authentik] {
        let text = error(ExchangePlan::new("p", [of(kind).audience("b")]));
        assert!(text.contains("one `audience`"), "{text}");
    }
    assert!(ExchangePlan::new("p", [of(ProviderKind::Keycloak).audience("b")]).is_ok());
    for kind in [ProviderKind::Keycloak, ProviderKind::Auth0, ProviderKind::Okta, ProviderKind::Authentik] {
        let text = error(ExchangePlan::new("p", [of(kind).with_client(ClientCredential::none("c"))]));
        assert!(text.contains("`none`"), "{text}");
    }
    assert_eq!(found(at(ExchangeProfile::rfc8693())), "");
    assert_eq!(found(at(ExchangeProfile::ping_federate())), "audience_unchecked");
    assert_eq!(found(at(ExchangeProfile::authentik())), "");
    let no_scope = Step::new(ExchangeProfile::authentik(), url(), client()).audience("a");
    assert_eq!(found(no_scope), "missing_parameter");
    let own = TokenTypeUri::new("https://acme.example/t").unwrap();
    let custom = at(ExchangeProfile::auth0_custom().takes_subject_token(own));
    assert!(ExchangePlan::new("p", [custom]).unwrap().takes_actor());
    assert!(!ExchangePlan::new("p", [of(ProviderKind::Auth0)]).unwrap().takes_actor());
}

#[test]
fn a_reserved_namespace_is_not_every_name_that_begins_so() {
    let of = |text: &str| {
        let own = TokenTypeUri::new(text.to_owned()).unwrap();
        let profile = ExchangeProfile::auth0_custom().takes_subject_token(own);
        ExchangePlan::new("p", [Step::new(profile, endpoint("https://h/t"), client()).audience("a")])
    };
    for own in [
        "https://okta.com.acme.example/t",
        "https://auth0.community.example/t",
        "https://okta.company/t",
        "urn:ietfx:t",
        "urn:acme:okta",
    ] {
        assert!(of(own).is_ok(), "{own}");
    }
    for reserved in [
        "urn:ietf:params:oauth:token-type:jwt",
        "urn:ietf",
        "URN:Auth0:t",
        "https://okta.com",
        "https://okta.com/t",
        "https://OKTA.com:443/t",
        "http://auth0.com/t",
        "https://auth0.com?x",
    ] {
        assert!(error(of(reserved)).contains("reserved at Auth0"), "{reserved}");
    }
}

#[test]
fn row_051_entra_takes_scopes_of_one_resource() {
    let plan = |scope: &str| {
        let entra =
            Step::new(ExchangeProfile::of(ProviderKind::EntraV2), endpoint("https://h/token"), client());
        ExchangePlan::new("p", [entra.scope(&scopes(scope))])
    };
    for two in [
        "api://a/.default https://graph.microsoft.com/.default",
        "https://graph.microsoft.com/User.Read api://a/.default",
        "User.Read api://a/run",
        "api://a/run api://b/run",
        "22222222-0000-0000-0000-000000000000/.default User.Read",
        "https://vault.azure.net/.default https://graph.microsoft.com/.default",
    ] {
        let text = error(plan(two));
        assert!(text.contains("one resource in a request"), "{two}: {text}");
    }
    for one in [
        "https://graph.microsoft.com/User.Read https://graph.microsoft.com/Mail.Send",
        "User.Read https://graph.microsoft.com/Mail.Send 00000003-0000-0000-c000-000000000000/Mail.Read",
        "openid profile offline_access api://a/run",
        "api://a/run api://A/walk api://a/read/all",
        "https://management.core.windows.net//.default",
        "openid",
    ] {
        assert!(plan(one).is_ok(), "{one}: {:?}", plan(one));
    }
}

#[test]
fn row_049_entra_takes_assertions_of_a_certificate_s_rsa_key() {
    let plan = |algorithm, certificate: bool| {
        let signer = Arc::new(AwsLcSigner::generate(algorithm).unwrap());
        let mut key = AssertionKey::new(signer, AssertionAudience::TokenEndpoint);
        if certificate {
            key = key.x5t_s256(Thumbprint::of_certificate(b"der", &AwsLc::new()));
        }
        let client = ClientCredential::private_key_jwt("app", key);
        let entra =
            Step::new(ExchangeProfile::of(ProviderKind::EntraV2), endpoint("https://h/token"), client);
        ExchangePlan::new("p", [entra.scope(&scopes("api://a/.default"))])
    };
    assert!(error(plan(Algorithm::ES256, true)).contains("with PS256, not with ES256"));
    let found = |plan: Result<ExchangePlan, PlanError>| ids(&plan.unwrap().findings(&[])).join(" ");
    assert_eq!(found(plan(Algorithm::PS256, true)), "audience_unchecked");
    assert_eq!(found(plan(Algorithm::PS256, false)), "client_certificate audience_unchecked");
}

#[test]
fn row_077_an_actor_that_can_never_be_there_is_said_beforehand() {
    let plan = |profile: ExchangeProfile, rule: ActorRule| {
        let step =
            Step::new(profile, endpoint("https://h/token"), client()).audience("a").scope(&scopes("s"));
        let plan = ExchangePlan::new("p", [step]).unwrap().rules(|r| r.actor(rule));
        ids(&plan.findings(&[])).join(" ")
    };
    let keycloak = || ExchangeProfile::of(ProviderKind::Keycloak);
    assert_eq!(plan(keycloak(), ActorRule::Required(None)), "actor");
    assert_eq!(plan(keycloak(), ActorRule::Required(Some("gateway".to_owned()))), "actor");
    assert_eq!(plan(keycloak(), ActorRule::Any), "");
    assert_eq!(plan(keycloak(), ActorRule::Forbidden), "");
    assert_eq!(plan(keycloak().takes_actor(Need::Optional), ActorRule::Required(None)), "");
    assert_eq!(plan(ExchangeProfile::rfc8693(), ActorRule::Required(None)), "");
    // Auth0 names the client by itself.
    assert_eq!(plan(ExchangeProfile::of(ProviderKind::Auth0), ActorRule::Required(None)), "");
}

#[test]
fn a_setting_of_a_step_is_not_among_its_parameters_too() {
    let vault = || {
        let profile = ExchangeProfile::auth0_token_vault();
        Step::new(profile, endpoint("https://h/oauth/token"), client()).connection("google-oauth2")
    };
    let text = error(ExchangePlan::new("p", [vault().parameter("connection", "other").unwrap()]));
    assert!(text.contains("`connection` is set"), "{text}");
    let twice = vault().parameter("login_hint", "2").unwrap().login_hint("1");
    assert!(error(ExchangePlan::new("p", [twice])).contains("`login_hint` is set"));
    // Where the step has no such setting, a parameter is the way to say it.
    let once = ExchangePlan::new("p", [vault().parameter("login_hint", "2").unwrap()]).unwrap();
    let body = Driver::new(&Arc::new(once), subject(), None).send().unwrap();
    assert_eq!(lines(body.as_bytes()).iter().filter(|line| line.starts_with("login_hint")).count(), 1);
    let other = Step::new(ExchangeProfile::rfc8693(), endpoint("https://h/t"), client());
    assert!(ExchangePlan::new("p", [other.parameter("login_hint", "2").unwrap()]).is_ok());
    // What a request adds is looked at when it is sent.
    let plan = Arc::new(ExchangePlan::new("p", [vault().login_hint("1")]).unwrap());
    for name in ["login_hint", "connection"] {
        let more = Parameters::default().with(name, "mallory").unwrap();
        let outcome = Driver::new(&plan, subject().with_parameters(more), None).send().unwrap_err();
        assert!(matches!(outcome, Outcome::Misconfigured(_)), "{outcome:?}");
    }
}

#[test]
fn attack_112_no_finding_has_an_endpoint_s_query() {
    let step = Step::new(ExchangeProfile::rfc8693(), endpoint("https://h/token?code=canary"), client());
    let plan = ExchangePlan::new("p", [step.audience("a")]).unwrap();
    let metadata =
        br#"{"issuer":"https://h","response_types_supported":["code"],"token_endpoint":"https://h/other"}"#;
    let metadata = AuthorizationServerMetadata::parse(metadata, "https://h").unwrap();
    let found = plan.findings_with_metadata(0, &metadata);
    assert_eq!(ids(&found), ["endpoint"]);
    assert!(found[0].text().contains("`https://h/token`") && !found[0].text().contains("canary"));
    assert!(!format!("{plan:?}").contains("canary"));
}
