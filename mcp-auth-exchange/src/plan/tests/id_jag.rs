//! An ID-JAG before it is redeemed, and the token that it is redeemed for.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_discovery::Secret;
use serde_json::{Value, json};

use crate::plan::{AudienceRule, ExchangePlan, Step, SubjectRule};
use crate::provider::ExchangeProfile;
use crate::testing::{Driver, INBOUND, NOW, endpoint, json_response, jwt, subject};
use crate::{ClientCredential, Outcome, Resource, TokenTypeUri};

const MCP: &str = "https://mcp.chat.example/";
const AS: &str = "https://as.chat.example";

fn client(id: &str) -> ClientCredential {
    ClientCredential::client_secret_post(id, Secret::new("hunter2"))
}

fn plan_of(issuer: ExchangeProfile, resources: &[&str], own_resource: Option<&str>) -> ExchangePlan {
    let first =
        Step::new(issuer, endpoint("https://idp.example/token"), client("agent@idp")).audience(AS.to_owned());
    let first = resources.iter().fold(first, |step, text| step.resource(Resource::parse(text).unwrap()));
    let second = Step::new(
        ExchangeProfile::jwt_bearer(),
        endpoint("https://as.chat.example/token"),
        client("agent@chat"),
    );
    let second = own_resource.into_iter().fold(second, |s, text| s.resource(Resource::parse(text).unwrap()));
    ExchangePlan::new("chat", [first, second]).unwrap()
}

fn plan() -> ExchangePlan {
    plan_of(ExchangeProfile::id_jag_issuer(), &[MCP], None)
}

/// What a good identity provider issues.
fn claims() -> Value {
    json!({"iss": "https://idp.example", "sub": "alice", "aud": AS, "client_id": "agent@chat", "jti": "1",
        "iat": NOW.as_secs(), "exp": NOW.as_secs() + 300, "resource": MCP, "scope": "chat.read"})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => {
            claims.as_object_mut().unwrap().remove(name);
        }
        value => claims[name] = value,
    }
    claims
}

fn typed(typ: Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = match typ {
        Value::Null => json!({"alg": "RS256"}),
        typ => json!({"alg": "RS256", "typ": typ}),
    };
    format!("{}.{}.c2ln", part(&header), part(claims))
}

fn jag(claims: &Value) -> String {
    typed(json!("oauth-id-jag+jwt"), claims)
}

/// `token`, or the diagnosis, and how many requests were made.
fn run(plan: &ExchangePlan, jag: &str, token: &str) -> (String, usize) {
    let first =
        json!({"access_token": jag, "issued_token_type": TokenTypeUri::ID_JAG.as_str(), "token_type": "N_A"});
    let second = json!({"access_token": token, "token_type": "Bearer", "expires_in": 300});
    let answers = [Some(json_response(200, &first)), Some(json_response(200, &second))];
    let (outcome, sent) = Driver::new(&Arc::new(plan.clone()), subject(), None).through(&answers);
    let text = match &outcome {
        Outcome::Token(_) => "token".to_owned(),
        other => {
            let diagnosis = other.diagnosis().unwrap();
            assert_eq!(diagnosis.step(), sent.len(), "the server that issued it is the one that is named");
            for secret in [jag, token, INBOUND, "hunter2", "alice", "mallory"] {
                assert!(!diagnosis.to_string().contains(secret), "{diagnosis}");
            }
            format!("{} {}: {}", other.as_str(), diagnosis.id(), diagnosis.text())
        }
    };
    (text, sent.len())
}

#[test]
fn mcp_d8_a_wrong_id_jag_is_said_at_once_and_redeemed_nowhere() {
    for (token, why) in [
        (jag(&with("aud", json!("https://as.other.example"))), "is not `https://as.chat.example` alone"),
        (jag(&with("aud", json!("https://as.chat.example/"))), "alone"),
        (jag(&with("aud", json!([AS, "https://as.other.example"]))), "alone"),
        (jag(&with("aud", Value::Null)), "alone"),
        (jag(&with("client_id", json!("agent@idp"))), "under which id `agent@idp` is registered"),
        (jag(&with("client_id", Value::Null)), "`client_id`"),
        (
            jag(&with("resource", json!("https://mcp.other.example/"))),
            "is not among `https://mcp.chat.example/`",
        ),
        (jag(&with("resource", json!([MCP, "https://mcp.other.example/"]))), "`resource`"),
        (jag(&with("resource", json!(7))), "`resource`"),
        (jag(&with("sub", json!("mallory"))), "`sub`"),
        (jag(&with("sub", Value::Null)), "`sub`"),
        (jag(&with("exp", Value::Null)), "no `exp`"),
        (jag(&with("exp", json!(NOW.as_secs()))), "expired already"),
        (jag(&with("exp", json!(NOW.as_secs() + 3601))), "longer than an hour"),
        (jwt(&claims()), "`typ`"),
        (typed(Value::Null, &claims()), "`typ`"),
        (typed(json!("JWT"), &claims()), "`typ`"),
        (jag(&with("aud", json!(7))), "cannot be read"),
    ] {
        let (text, sent) = run(&plan(), &token, "opaque");
        assert!(text.starts_with("unusable id_jag: the ID-JAG") && text.contains(why), "{why}: {text}");
        assert_eq!(sent, 1, "the second server heard nothing: {text}");
    }
}

#[test]
fn mcp_d8_a_good_id_jag_is_redeemed() {
    for token in [
        jag(&claims()),
        typed(json!("OAuth-ID-JAG+jwt"), &claims()),
        typed(json!("application/oauth-id-jag+jwt"), &claims()),
        jag(&with("aud", json!([AS]))),
        jag(&with("resource", json!([MCP]))),
        // The draft lets it out; the second server decides.
        jag(&with("resource", Value::Null)),
        jag(&with("exp", json!(NOW.as_secs() + 3600))),
        // Not for us to read: encrypted for the second server.
        "a.b.c.d.e".to_owned(),
        "opaque".to_owned(),
    ] {
        assert_eq!(run(&plan(), &token, "opaque-token"), ("token".to_owned(), 2), "{token}");
    }
    // Nothing was asked for: the identity provider chooses.
    let unnamed = plan_of(ExchangeProfile::id_jag_issuer(), &[], None);
    assert_eq!(run(&unnamed, &jag(&claims()), "opaque-token").1, 2);
    // The claims of an identity provider that gives each client other names for users.
    let pairwise = plan_of(ExchangeProfile::id_jag_issuer().keeps_subject_in(None), &[MCP], None);
    assert_eq!(run(&pairwise, &jag(&with("sub", json!("x"))), "opaque-token").1, 2);
}

#[test]
fn mcp_d8_the_token_of_the_second_server_is_for_what_the_id_jag_was_asked_for() {
    let token = |aud: Value| {
        let mut claims = json!({"iss": AS, "sub": "u-4711", "exp": NOW.as_secs() + 300});
        if aud != Value::Null {
            claims["aud"] = aud;
        }
        jwt(&claims)
    };
    let read = |plan: &ExchangePlan, aud: Value| run(plan, &jag(&claims()), &token(aud)).0;
    assert_eq!(read(&plan(), json!(MCP)), "token", "`sub` is the second server's affair");
    assert_eq!(read(&plan(), json!(["https://api.chat.example", MCP])), "token");
    for aud in
        [json!("https://mcp.other.example/"), json!(AS), json!("https://mcp.chat.example"), Value::Null]
    {
        assert!(read(&plan(), aud.clone()).starts_with("unusable audience"), "{aud}");
    }
    // What the second request names counts before what the first one did.
    let own = plan_of(ExchangeProfile::id_jag_issuer(), &[MCP], Some("https://api.chat.example/"));
    assert_eq!(read(&own, json!("https://api.chat.example/")), "token");
    assert!(read(&own, json!(MCP)).starts_with("unusable audience"));
    // Told otherwise.
    let api = plan().rules(|r| r.audience(AudienceRule::AnyOf(vec!["chat".to_owned()])));
    assert_eq!(read(&api, json!("chat")), "token");
    assert!(read(&api, json!(MCP)).starts_with("unusable audience"));
    assert_eq!(read(&plan().rules(|r| r.audience(AudienceRule::Unchecked)), json!("x")), "token");
    let same = plan().rules(|r| r.subject(SubjectRule::Same("sub".to_owned())));
    assert!(read(&same, json!(MCP)).starts_with("unusable subject"));
    // Nothing says which resource: the second server decides, and that is said beforehand.
    let unnamed = plan_of(ExchangeProfile::id_jag_issuer(), &[], None);
    assert_eq!(read(&unnamed, json!("x")), "token");
}

#[test]
fn what_is_not_asked_of_the_second_server_s_token_is_said_beforehand() {
    let found = |plan: &ExchangePlan| -> Vec<(&str, String)> {
        plan.findings(&[]).iter().map(|f| (f.id(), f.text().to_owned())).collect()
    };
    let all = found(&plan());
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].0 == "subject_unchecked" && all[0].1.contains("by the ID-JAG, whose `sub`"), "{all:?}");
    assert_eq!(found(&plan().rules(|r| r.subject(SubjectRule::Same("sub".to_owned())))), []);
    let pairwise = plan_of(ExchangeProfile::id_jag_issuer().keeps_subject_in(None), &[MCP], None);
    assert!(found(&pairwise)[0].1.starts_with("neither the user of the ID-JAG"), "{:?}", found(&pairwise));
    let ids: Vec<_> =
        found(&plan_of(ExchangeProfile::id_jag_issuer(), &[], None)).iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, ["missing_parameter", "audience_unchecked", "subject_unchecked"]);
}

/// A chain that brings something else in between is not one of ID-JAGs.
#[test]
fn other_chains_are_as_they_were() {
    let step = |url: &str| Step::new(ExchangeProfile::rfc8693(), endpoint(url), client("gateway"));
    let first = step("https://a.example/token").resource(Resource::parse(MCP).unwrap());
    let plan = ExchangePlan::new("p", [first, step("https://b.example/token")]).unwrap();
    let ids: Vec<_> = plan.findings(&[]).iter().map(|f| f.id()).collect();
    assert_eq!(ids, ["audience_unchecked", "subject_unchecked"]);
}
