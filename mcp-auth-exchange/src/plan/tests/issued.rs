//! What is accepted of an answer.

use std::sync::Arc;
use std::time::Duration;

use mcp_auth_core::UnixTime;
use mcp_auth_discovery::Secret;
use mcp_auth_discovery::provider::ProviderKind;
use serde_json::{Value, json};

use crate::dpop::NonceMemory;
use crate::plan::{
    ActorRule, ActorToken, AudienceRule, ExchangePlan, IssuedRules, Presentation, Progress, SendContext,
    Step, Subject, SubjectRule,
};
use crate::provider::ExchangeProfile;
use crate::testing::{
    Driver, INBOUND, NOW, answer, endpoint, exchange, issued_claims, json_response, jwt, plan, principal,
    response, scopes, secs, step, subject,
};
use crate::{ClientCredential, Outcome, TokenTypeUri};

pub(super) fn with(name: &str, value: Value) -> Value {
    let mut claims = issued_claims();
    match value {
        Value::Null => {
            claims.as_object_mut().unwrap().remove(name);
        }
        value => claims[name] = value,
    }
    claims
}

pub(super) fn answering(name: &str, value: Value) -> Value {
    let mut body = answer(&issued_claims());
    match value {
        Value::Null => {
            body.as_object_mut().unwrap().remove(name);
        }
        value => body[name] = value,
    }
    body
}

/// `token`, or the id of the diagnosis with the outcome's name.
pub(super) fn read(plan: &Arc<ExchangePlan>, body: &Value) -> String {
    match exchange(plan, json_response(200, body)) {
        Outcome::Token(_) => "token".to_owned(),
        other => format!("{} {}", other.as_str(), other.diagnosis().unwrap().id()),
    }
}

pub(super) fn ruled(change: impl FnOnce(IssuedRules) -> IssuedRules) -> Arc<ExchangePlan> {
    Arc::new(ExchangePlan::new("p", [step()]).unwrap().rules(change))
}

#[test]
fn attack_107_another_audience_user_type_life_or_document_is_refused() {
    let plan = plan();
    assert_eq!(read(&plan, &answer(&issued_claims())), "token");
    for (claims, id) in [
        (with("aud", json!("other-tool")), "audience"),
        (with("aud", json!(["other", "tools"])), "audience"),
        (with("aud", Value::Null), "audience"),
        (with("sub", json!("mallory")), "subject"),
        (with("sub", json!("Alice")), "subject"),
        (with("sub", Value::Null), "subject"),
        (with("exp", json!(1_700_000_000)), "expired"),
        (with("exp", json!(1_600_000_000)), "expired"),
        (with("exp", json!(1_700_086_461)), "lifetime"),
        (with("aud", json!(7)), "broken"),
        (with("exp", json!("soon")), "broken"),
    ] {
        assert_eq!(read(&plan, &answer(&claims)), format!("unusable {id}"), "{claims}");
    }
    for (body, id) in [
        (answering("token_type", json!("N_A")), "token_type"),
        (answering("token_type", json!("mac")), "token_type"),
        (answering("token_type", json!("DPoP")), "token_type"),
        (answering("token_type", Value::Null), "no_token"),
        (answering("issued_token_type", Value::Null), "no_issued_type"),
        (answering("issued_token_type", json!(TokenTypeUri::ID_TOKEN.as_str())), "issued_type"),
        (answering("issued_token_type", json!(TokenTypeUri::REFRESH_TOKEN.as_str())), "issued_type"),
        (answering("expires_in", json!(0)), "expired"),
        (answering("expires_in", json!(86_461)), "lifetime"),
        (answering("access_token", Value::Null), "no_token"),
        (answering("access_token", json!(INBOUND)), "same_token"),
    ] {
        assert_eq!(read(&plan, &body), format!("unusable {id}"), "{body}");
    }
    assert_eq!(read(&plan, &answering("token_type", json!("bEARER"))), "token");
    assert_eq!(read(&plan, &answering("expires_in", json!("300"))), "token");
    assert_eq!(read(&plan, &answering("issued_token_type", json!(TokenTypeUri::JWT.as_str()))), "token");
    for (status, media_type, body, outcome) in [
        (200, "text/html", "<html>login</html>", "unusable no_json"),
        (200, "application/json", "<html>login</html>", "unusable no_json"),
        (200, "application/json", "", "unusable no_json"),
        (302, "text/html", "", "misconfigured redirect"),
        (404, "text/html", "not found", "misconfigured no_endpoint"),
        (403, "text/html", "blocked", "misconfigured blocked"),
        (431, "text/plain", "", "misconfigured request_too_large"),
        (502, "text/html", "<html>", "transient unavailable"),
        (408, "text/plain", "", "transient unavailable"),
    ] {
        let outcome_ = exchange(&plan, response(status, media_type, body));
        let got = format!("{} {}", outcome_.as_str(), outcome_.diagnosis().unwrap().id());
        assert_eq!(got, outcome, "{status} {body}");
    }
}

#[test]
fn row_076_to_079_the_user_is_kept_the_audience_is_the_tool_s() {
    let outcome = exchange(&plan(), json_response(200, &answer(&issued_claims())));
    let token = outcome.token().unwrap();
    assert_eq!(token.expose(), jwt(&issued_claims()));
    assert_eq!(token.authorization(), format!("Bearer {}", jwt(&issued_claims())));
    assert!(token.authorization().is_sensitive());
    assert_eq!((token.presentation(), token.scope()), (Presentation::Bearer, Some("mcp:invoke")));
    assert!(!format!("{token:?} {outcome:?}").contains(&jwt(&issued_claims())));
}

#[test]
fn row_077_and_262_act_is_required_or_forbidden_where_somebody_says_so() {
    let delegated = with("act", json!({"sub": "gateway", "act": {"sub": "agent"}}));
    let any = ruled(|r| r);
    let named = |name: Option<&str>| ruled(|r| r.actor(ActorRule::Required(name.map(str::to_owned))));
    for claims in [&issued_claims(), &delegated] {
        assert_eq!(read(&any, &answer(claims)), "token");
    }
    assert_eq!(read(&named(None), &answer(&delegated)), "token");
    assert_eq!(read(&named(Some("gateway")), &answer(&delegated)), "token");
    // RFC 8693 §4.1: earlier actors are no reason for anything.
    assert_eq!(read(&named(Some("agent")), &answer(&delegated)), "unusable actor");
    assert_eq!(read(&named(None), &answer(&issued_claims())), "unusable actor");
    assert_eq!(read(&named(None), &answering("access_token", json!("opaque"))), "unusable opaque");
    // An `act` that names nobody is no actor.
    for act in [json!({}), json!({"x": 1}), json!({"sub": ""}), json!({"act": {"sub": "agent"}})] {
        assert_eq!(read(&named(None), &answer(&with("act", act.clone()))), "unusable actor", "{act}");
    }
    assert_eq!(read(&named(None), &answer(&with("act", json!({"client_id": "gateway"})))), "token");
    let forbidden = ruled(|r| r.actor(ActorRule::Forbidden));
    assert_eq!(read(&forbidden, &answering("access_token", json!("opaque"))), "unusable opaque");
    assert_eq!(read(&forbidden, &answer(&delegated)), "unusable actor");
    assert_eq!(read(&forbidden, &answer(&issued_claims())), "token");
}

#[test]
fn row_215_a_scope_beyond_the_ceiling_is_refused_where_there_is_one() {
    let more = answering("scope", json!("mcp:invoke mcp:admin"));
    let outcome = exchange(&plan(), json_response(200, &more));
    assert_eq!(outcome.token().unwrap().beyond().collect::<Vec<_>>(), ["mcp:admin"]);
    let ceiling = ruled(|r| r.ceiling(&scopes("mcp:invoke mcp:read")));
    assert_eq!(read(&ceiling, &more), "unusable ceiling");
    assert_eq!(read(&ceiling, &answer(&issued_claims())), "token");
    // Where the answer does not say, the token does: `scope` or Okta's `scp`.
    let mut body = answer(&with("scope", json!("mcp:admin")));
    body.as_object_mut().unwrap().remove("scope");
    assert_eq!(read(&ceiling, &body), "unusable ceiling");
    let mut claims = with("scope", Value::Null);
    claims["scp"] = json!(["mcp:invoke", "mcp:admin"]);
    let mut body = answer(&claims);
    body.as_object_mut().unwrap().remove("scope");
    assert_eq!(read(&ceiling, &body), "unusable ceiling");
}

#[test]
fn row_215_neither_the_answer_nor_the_token_may_go_beyond_the_ceiling() {
    let ceiling = ruled(|r| r.ceiling(&scopes("mcp:invoke")));
    // The answer says less than the token has.
    assert_eq!(read(&ceiling, &answer(&with("scope", json!("mcp:invoke mcp:admin")))), "unusable ceiling");
    // Nobody says anything: it is what was asked for.
    let silent = |plan: &Arc<ExchangePlan>| {
        let mut body = answering("access_token", json!("opaque"));
        body.as_object_mut().unwrap().remove("scope");
        read(plan, &body)
    };
    assert_eq!(silent(&ceiling), "token");
    assert_eq!(silent(&ruled(|r| r.ceiling(&scopes("other")))), "unusable ceiling");
    let nothing_asked = ExchangePlan::new("p", [step().scope(&scopes(""))]).unwrap();
    assert_eq!(
        silent(&Arc::new(nothing_asked.rules(|r| r.ceiling(&scopes("mcp:invoke"))))),
        "unusable ceiling"
    );
}

/// The ceiling is the backend's, whatever was asked for: another one is another answer to the same token.
#[test]
fn row_215_another_ceiling_is_another_decision() {
    let token = answering("scope", json!("mcp:invoke mcp:read"));
    let with_ceiling = |ceiling: &str| read(&ruled(|r| r.ceiling(&scopes(ceiling))), &token);
    for (ceiling, expected) in [
        ("mcp:invoke mcp:read", "token"),
        ("mcp:invoke mcp:read mcp:admin", "token"),
        ("mcp:invoke mcp:admin", "unusable ceiling"),
        ("mcp:read", "unusable ceiling"),
        ("", "unusable ceiling"),
    ] {
        assert_eq!(with_ceiling(ceiling), expected, "{ceiling}");
    }
    // The last one that is set is the one that holds.
    let moved =
        |from: &str, to: &str| read(&ruled(|r| r.ceiling(&scopes(from)).ceiling(&scopes(to))), &token);
    assert_eq!(moved("mcp:read", "mcp:invoke mcp:read"), "token");
    assert_eq!(moved("mcp:invoke mcp:read", "mcp:read"), "unusable ceiling");
}

#[test]
fn row_270_a_login_s_scope_becomes_the_tool_s() {
    // S1: `aud: my-spa-app`, `scope: openid email` in; `aud: snowflake-mcp`, `scope: snowflake.query.read` out.
    let client = ClientCredential::none("gateway");
    let step = Step::new(ExchangeProfile::rfc8693(), endpoint("https://sts.example/oauth/token"), client)
        .audience("snowflake-mcp")
        .scope(&scopes("snowflake.query.read"));
    let plan = Arc::new(
        ExchangePlan::new("p", [step]).unwrap().rules(|r| r.ceiling(&scopes("snowflake.query.read"))),
    );
    let mut claims = with("aud", json!("snowflake-mcp"));
    claims["scope"] = json!("snowflake.query.read");
    let mut body = answer(&claims);
    body["scope"] = json!("snowflake.query.read");
    assert_eq!(read(&plan, &body), "token");
    body["scope"] = json!("openid email");
    assert_eq!(read(&plan, &body), "unusable ceiling");
}

#[test]
fn row_268_a_shared_account_s_token_is_not_the_user_s() {
    let shared = with("sub", json!("service-account-gateway"));
    assert_eq!(read(&plan(), &answer(&shared)), "unusable subject");
    let unchecked = ruled(|r| r.subject(SubjectRule::Unchecked));
    assert_eq!(read(&unchecked, &answer(&shared)), "token");
}

#[test]
fn entra_s_user_is_known_by_oid() {
    let client = ClientCredential::client_secret_post("app", Secret::new("hunter2"));
    let step = Step::new(ExchangeProfile::of(ProviderKind::EntraV2), endpoint("https://h/token"), client)
        .scope(&scopes("https://graph.microsoft.com/.default"));
    let plan = Arc::new(ExchangePlan::new("p", [step]).unwrap());
    let token = |oid: &str| {
        let mut claims = with("sub", json!("pairwise"));
        claims["oid"] = json!(oid);
        json!({"access_token": jwt(&claims), "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599})
    };
    assert_eq!(read(&plan, &token("0000-alice")), "token");
    assert_eq!(read(&plan, &token("0000-bob")), "unusable subject");
    // What is missing is said, and where.
    let reason = |inbound: Value, issued: Value| {
        let mut run = plan.begin(Subject::of(principal(INBOUND, inbound)).unwrap(), None);
        let nonces = NonceMemory::default();
        let context = SendContext { random: &[1; 32], workload_token: None, nonces: &nonces, now: NOW };
        let _request = run.next_request(&context).unwrap();
        let body = json!({"access_token": jwt(&issued), "token_type": "Bearer"});
        let progress = run.handle_response(&json_response(200, &body), &nonces, NOW);
        let Progress::Done(Outcome::Unusable(diagnosis)) = progress else { panic!("{progress:?}") };
        diagnosis.to_string()
    };
    let issued = |oid: Value| with("oid", oid);
    let text = reason(json!({"oid": null}), issued(json!("0000-alice")));
    assert!(text.contains("the inbound token has no `oid`"), "{text}");
    let text = reason(json!({}), issued(Value::Null));
    assert!(text.contains("the issued token has no `oid`"), "{text}");
    let text = reason(json!({}), issued(json!("0000-bob")));
    assert!(text.contains("not the same user's (`oid`)"), "{text}");
}

#[test]
fn n_a_is_what_a_token_is_that_is_no_access_token() {
    // agentgateway refuses this answer, which RFC 8693 §2.2.1 requires of the server.
    let client = ClientCredential::none("gateway");
    let profile = ExchangeProfile::rfc8693().requests(Some(TokenTypeUri::ID_TOKEN));
    let plan = ExchangePlan::new("p", [Step::new(profile, endpoint("https://h/token"), client)]).unwrap();
    let mut body = answering("token_type", json!("N_A"));
    body["issued_token_type"] = json!(TokenTypeUri::ID_TOKEN.as_str());
    assert_eq!(read(&Arc::new(plan), &body), "token");
}

#[test]
fn attack_107_where_no_type_was_asked_for_it_is_still_an_access_token() {
    let profile = ExchangeProfile::rfc8693().requests(None);
    let step = || Step::new(profile.clone(), endpoint("https://h/token"), ClientCredential::none("gateway"));
    let one = Arc::new(ExchangePlan::new("p", [step()]).unwrap());
    let two = Arc::new(ExchangePlan::new("p", [step(), step()]).unwrap());
    let read = |plan, issued: &str| read(plan, &answering("issued_token_type", json!(issued)));
    for issued in
        [TokenTypeUri::ACCESS_TOKEN, TokenTypeUri::JWT, TokenTypeUri::new("urn:acme:token").unwrap()]
    {
        assert_eq!(read(&one, issued.as_str()), "token", "{issued}");
    }
    for issued in [
        TokenTypeUri::REFRESH_TOKEN,
        TokenTypeUri::ID_TOKEN,
        TokenTypeUri::ID_JAG,
        TokenTypeUri::SAML1,
        TokenTypeUri::SAML2,
    ] {
        assert_eq!(read(&one, issued.as_str()), "unusable issued_type", "{issued}");
        assert_eq!(read(&two, issued.as_str()), "unusable issued_type", "{issued}");
    }
}

#[test]
fn opaque_tokens_pass_unless_they_must_be_read() {
    for opaque in ["opaque", "a.b", "a.b.c", "a.b.c.d.e", "e30.a.x"] {
        let body = answering("access_token", json!(opaque));
        assert_eq!(read(&plan(), &body), "token", "{opaque}");
        assert_eq!(read(&ruled(|r| r.readable()), &body), "unusable opaque", "{opaque}");
    }
    let rules = ruled(|r| r.audience(AudienceRule::Unchecked).subject(SubjectRule::Unchecked));
    assert_eq!(read(&rules, &answer(&with("aud", json!(7)))), "token", "nothing is read of it");
}

/// Nothing would be checked of it, and a lax server behind may take it.
#[test]
fn attack_107_a_jwt_with_an_unreadable_header_is_not_opaque() {
    let token = jwt(&with("sub", json!("mallory")));
    let (_, rest) = token.split_once('.').unwrap();
    // `{}`, `{"typ":"JWT"}`, no JSON, no base64url.
    for header in ["e30", "eyJ0eXAiOiJKV1QifQ", "a", "$"] {
        for token in [format!("{header}.{rest}"), format!("{header}.e30.x"), format!("{header}.e30=.x")] {
            let body = answering("access_token", json!(token));
            assert_eq!(read(&plan(), &body), "unusable broken", "{token}");
        }
    }
}

fn times(plan: &Arc<ExchangePlan>, actor: Option<ActorToken>, body: &Value) -> (UnixTime, UnixTime) {
    let (outcome, _) = Driver::new(plan, subject(), actor).through(&[Some(json_response(200, body))]);
    let token = outcome.token().unwrap();
    (token.usable_until(), token.refresh_at())
}

#[test]
fn a_token_is_used_until_the_first_of_all_ends() {
    let plan = plan();
    // 300 s by the answer and by its `exp`, less the margin; renewed in the last fifth.
    assert_eq!(times(&plan, None, &answer(&issued_claims())), (secs(285), secs(228)));
    let longer = answering("expires_in", json!(600));
    assert_eq!(times(&plan, None, &longer).0, secs(285), "`exp` is nearer");
    let body = answer(&with("exp", json!(1_700_007_200)));
    assert_eq!(times(&plan, None, &body).0, secs(285), "`expires_in` is nearer");
    // Both say two hours; the user's own token ends in one.
    let mut body = answer(&with("exp", json!(1_700_007_200)));
    body["expires_in"] = json!(7200);
    assert_eq!(times(&plan, None, &body).0, secs(3600));
    let actor = ActorToken::new(Secret::new(jwt(&json!({"exp": 1_700_000_100}))), TokenTypeUri::JWT);
    assert_eq!(times(&plan, Some(actor), &body).0, secs(100), "the actor's token ends first");
    let actor = ActorToken::new(Secret::new("opaque-actor"), TokenTypeUri::JWT).until(secs(200));
    assert_eq!(times(&plan, Some(actor), &body).0, secs(200));
    let short = answering("expires_in", json!(10));
    assert_eq!(times(&plan, None, &short).0, secs(5), "the margin is at most half of its life");
    // Nobody says anything: an assumption, and never beyond the user's token.
    let mut body = answer(&with("exp", Value::Null));
    body.as_object_mut().unwrap().remove("expires_in");
    assert_eq!(times(&plan, None, &body).0, secs(285));
    let capped = Arc::new((*plan).clone().longest_use(Duration::from_secs(60)));
    assert_eq!(times(&capped, None, &answer(&issued_claims())).0, secs(45));
    assert!(times(&plan, None, &answer(&issued_claims())).0 > NOW);
}

#[test]
fn a_token_that_outlives_the_user_s_is_refused_where_the_rules_say_so() {
    let rules = ruled(|r| r.within_subject());
    assert_eq!(read(&rules, &answer(&issued_claims())), "token");
    assert_eq!(read(&rules, &answer(&with("exp", json!(1_700_003_661)))), "unusable lifetime");
    assert_eq!(
        read(&rules, &answer(&with("exp", Value::Null))),
        "unusable lifetime",
        "endless for the downstream"
    );
    assert_eq!(read(&ruled(|r| r.max_lifetime(None)), &answering("expires_in", json!(9_999_999))), "token");
}
