//! The ceiling, and what scopes mean.

use std::sync::Arc;

use mcp_auth_discovery::Secret;
use mcp_auth_discovery::provider::ProviderKind;
use serde_json::{Value, json};

use super::issued::{read, ruled, with};
use crate::ClientCredential;
use crate::plan::{AudienceRule, ExchangePlan, IssuedRules, Step};
use crate::provider::ExchangeProfile;
use crate::testing::{answer, endpoint, exchange, json_response, jwt, scopes};

#[test]
fn row_215_every_claim_that_is_a_scope_is_held_against_the_ceiling() {
    let ceiling = ruled(|r| r.ceiling(&scopes("mcp:invoke")));
    for (scope, scp, is) in [
        (json!("mcp:invoke"), json!(["mcp:invoke"]), "token"),
        (json!("mcp:invoke"), Value::Null, "token"),
        (json!("mcp:invoke"), json!(["mcp:admin"]), "unusable ceiling"),
        (json!("mcp:admin"), json!(["mcp:invoke"]), "unusable ceiling"),
        (json!(""), json!(["mcp:admin"]), "unusable ceiling"),
        (json!("mcp:invoke"), json!("mcp:invoke mcp:admin"), "unusable ceiling"),
        (json!("mcp:invoke"), json!(["mcp:invoke mcp:admin"]), "unusable ceiling"),
        (json!("mcp:invoke"), json!(["mcp:invoke", 7]), "unusable ceiling"),
        (json!("mcp:invoke"), json!({"mcp:admin": true}), "unusable ceiling"),
        (json!(7), json!(["mcp:invoke"]), "unusable ceiling"),
    ] {
        let mut claims = with("scope", scope);
        claims["scp"] = scp;
        assert_eq!(read(&ceiling, &answer(&claims)), is, "{claims}");
        assert_eq!(read(&ruled(|r| r), &answer(&claims)), "token", "nobody asked");
    }
}

const GRAPH: &str = "https://graph.microsoft.com";

fn entra(asked: &str, change: impl FnOnce(IssuedRules) -> IssuedRules) -> Arc<ExchangePlan> {
    let client = ClientCredential::client_secret_post("app", Secret::new("hunter2"));
    let profile = ExchangeProfile::of(ProviderKind::EntraV2);
    let step = Step::new(profile, endpoint("https://login.microsoftonline.com/t/oauth2/v2.0/token"), client);
    Arc::new(ExchangePlan::new("p", [step.scope(&scopes(asked))]).unwrap().rules(change))
}

/// As Entra answers: with the resource in `scope`, and without it in `scp`.
fn issued(said: Option<&str>, aud: &str, scp: &str) -> Value {
    let claims =
        json!({"sub": "pairwise", "oid": "0000-alice", "aud": aud, "scp": scp, "exp": 1_700_000_300});
    let mut body = json!({"access_token": jwt(&claims), "token_type": "Bearer", "expires_in": 300});
    if let Some(said) = said {
        body["scope"] = json!(said);
    }
    body
}

#[test]
fn row_215_entra_s_scopes_are_held_against_the_ceiling_by_what_they_mean() {
    let user_read = "https://graph.microsoft.com/User.Read";
    let ruled = |asked: &str, ceiling: &str| entra(asked, |r| r.ceiling(&scopes(ceiling)));
    let graph = |ceiling: &str| ruled(user_read, ceiling);
    for ceiling in
        [user_read, "User.Read", "https://graph.microsoft.com/.default", "User.Read https://h/other"]
    {
        for said in [Some(user_read), Some("User.Read"), None] {
            for aud in [GRAPH, "https://graph.microsoft.com/", "00000003-0000-0000-c000-000000000000"] {
                let body = issued(said, aud, "User.Read");
                assert_eq!(read(&graph(ceiling), &body), "token", "{ceiling} {said:?} {aud}");
            }
        }
    }
    for (said, aud, scp) in [
        (Some(user_read), GRAPH, "User.Read Mail.Send"),
        (
            Some("https://graph.microsoft.com/User.Read https://graph.microsoft.com/Mail.Send"),
            GRAPH,
            "User.Read",
        ),
        (Some("User.Read Mail.Send"), GRAPH, "User.Read"),
        (None, GRAPH, "Mail.Send"),
        // The same name of another resource.
        (Some(user_read), "https://vault.azure.net", "User.Read"),
        (Some("api://payroll/User.Read"), GRAPH, "User.Read"),
        (Some(user_read), "11111111-0000-0000-0000-000000000000", "User.Read"),
        // A name with its resource in it is no name of `scp`.
        (Some(user_read), "https://h", user_read),
        (Some(user_read), GRAPH, "user.read"),
        (Some(user_read), GRAPH, "openid"),
    ] {
        let body = issued(said, aud, scp);
        assert_eq!(read(&graph(user_read), &body), "unusable ceiling", "{body}");
        assert_eq!(read(&graph("User.Read"), &body), "unusable ceiling", "{body}");
    }
    // OpenID Connect's are of no resource, but in the token of another one they are its own.
    let with_email = |aud: &str| issued(Some(user_read), aud, "User.Read email");
    assert_eq!(read(&graph("User.Read email"), &with_email(GRAPH)), "token");
    let tool = |aud: &str| issued(Some("api://tool/run"), aud, "email");
    assert_eq!(
        read(&ruled("api://tool/run", "api://tool/run email"), &tool("api://tool")),
        "unusable ceiling"
    );
    // `.default` is all of its resource, and of no other.
    let all = graph("https://graph.microsoft.com/.default");
    assert_eq!(read(&all, &issued(None, GRAPH, "User.Read Mail.Send")), "token");
    assert_eq!(
        read(&all, &issued(None, "https://graph.microsoft.com/beta", "User.Read")),
        "unusable ceiling"
    );
    assert_eq!(read(&all, &issued(Some("api://tool/x"), GRAPH, "User.Read")), "unusable ceiling");
    // Nobody says anything: it is what was asked for.
    let mut silent = issued(None, GRAPH, "");
    silent["access_token"] = json!("opaque");
    assert_eq!(read(&graph("User.Read"), &silent), "token");
    assert_eq!(read(&graph("Mail.Send"), &silent), "unusable ceiling");
}

#[test]
fn row_215_an_application_s_id_is_its_uri_only_where_that_is_known() {
    let id = "22222222-0000-0000-0000-000000000000";
    let body = |said: &str| issued(Some(said), id, "run");
    // The URI that Entra proposes has the id in it.
    let asked = format!("api://{id}/run");
    let plan = entra(&asked, |r| r.ceiling(&scopes(&asked)));
    assert_eq!(read(&plan, &body(&asked)), "token");
    let named = format!("{id}/run");
    assert_eq!(read(&entra(&named, |r| r.ceiling(&scopes("run"))), &body(&named)), "token");
    // One of the operator's own has not: he says which id it is.
    let own = "api://tool/run";
    assert_eq!(read(&entra(own, |r| r.ceiling(&scopes("run"))), &body(own)), "unusable ceiling");
    let checked = |r: IssuedRules| r.audience(AudienceRule::AnyOf(vec![id.to_owned()])).ceiling(&scopes(own));
    assert_eq!(read(&entra(own, checked), &body(own)), "token");
    let mut several = body(own);
    let claims = json!({"oid": "0000-alice", "aud": [id, "x"], "scp": "run", "exp": 1_700_000_300});
    several["access_token"] = json!(jwt(&claims));
    assert_eq!(read(&entra(own, checked), &several), "unusable ceiling");
}

#[test]
fn row_096_what_entra_grants_is_compared_with_the_request_by_what_it_means() {
    let list = |asked: &str, body: &Value| {
        let outcome = exchange(&entra(asked, |r| r), json_response(200, body));
        let token = outcome.token().unwrap();
        let joined = |names: Vec<&str>| names.join(" ");
        (joined(token.missing().collect()), joined(token.beyond().collect()))
    };
    let none = || (String::new(), String::new());
    let user_read = "https://graph.microsoft.com/User.Read";
    assert_eq!(list(user_read, &issued(Some(user_read), GRAPH, "User.Read")), none());
    assert_eq!(list(user_read, &issued(None, GRAPH, "User.Read")), none());
    assert_eq!(list("User.Read", &issued(Some(user_read), GRAPH, "User.Read")), none());
    assert_eq!(
        list("https://graph.microsoft.com/.default", &issued(Some(user_read), GRAPH, "User.Read")),
        none()
    );
    let (missing, beyond) = list(user_read, &issued(None, GRAPH, "Mail.Send"));
    assert_eq!((missing.as_str(), beyond.as_str()), (user_read, "Mail.Send"));
}
