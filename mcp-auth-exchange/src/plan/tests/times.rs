//! When tokens begin and end, with clocks that differ and answers that take a second.

use std::sync::Arc;

use mcp_auth_core::UnixTime;
use mcp_auth_discovery::Secret;
use mcp_auth_discovery::provider::ProviderKind;
use serde_json::{Value, json};

use super::issued::{answering, read, ruled, with};
use crate::dpop::NonceMemory;
use crate::plan::{ActorRule, ExchangePlan, Progress, SendContext, Step};
use crate::provider::ExchangeProfile;
use crate::testing::{NOW, answer, endpoint, json_response, plan, secs, subject};
use crate::{ClientCredential, Outcome};

/// What becomes of an answer that is read at this time.
fn read_at(plan: &Arc<ExchangePlan>, now: UnixTime, body: &Value) -> &'static str {
    let nonces = NonceMemory::default();
    let mut run = plan.begin(subject(), None);
    let context = SendContext { random: &[1; 32], workload_token: None, nonces: &nonces, now };
    let _request = run.next_request(&context).unwrap();
    match run.handle_response(&json_response(200, body), &nonces, now) {
        Progress::Done(Outcome::Token(_)) => "token",
        Progress::Done(outcome) => outcome.diagnosis().unwrap().id(),
        Progress::Again { .. } => panic!("again"),
    }
}

fn lasting(exp: u64, expires_in: u64) -> Value {
    let mut body = answer(&with("exp", json!(exp)));
    body["expires_in"] = json!(expires_in);
    body
}

#[test]
fn row_095_auth0_s_default_lifetime_is_no_mistake_whatever_the_clocks() {
    let client = ClientCredential::client_secret_post("c", Secret::new("s"));
    let auth0 = ExchangeProfile::of(ProviderKind::Auth0);
    let step = Step::new(auth0, endpoint("https://acme.eu.auth0.com/oauth/token"), client).audience("tool");
    let plan = Arc::new(ExchangePlan::new("p", [step]).unwrap());
    for (ahead, id) in [(0, "token"), (1, "token"), (60, "token"), (61, "lifetime")] {
        let body = lasting(NOW.as_secs() + 86_400 + ahead, 86_400);
        assert_eq!(read_at(&plan, NOW, &body), id, "{ahead} s ahead");
    }
}

#[test]
fn a_provider_that_caps_exactly_is_not_refused_because_its_answer_was_late() {
    let plan = ruled(|r| r.within_subject());
    let end = NOW.as_secs() + 3600;
    for late in [0, 1, 60, 600] {
        assert_eq!(read_at(&plan, secs(late), &lasting(end, 3600)), "token", "its own `exp`, {late} s late");
    }
    assert_eq!(read_at(&plan, NOW, &lasting(end + 60, 3600)), "token");
    assert_eq!(read_at(&plan, NOW, &lasting(end + 61, 3600)), "lifetime");
    let mut opaque = answering("access_token", json!("opaque"));
    for (expires_in, id) in [(3600, "token"), (3660, "token"), (3661, "lifetime")] {
        opaque["expires_in"] = json!(expires_in);
        assert_eq!(read_at(&plan, NOW, &opaque), id, "{expires_in}");
    }
    opaque.as_object_mut().unwrap().remove("expires_in");
    assert_eq!(read_at(&plan, NOW, &opaque), "lifetime", "nothing says when it ends");
}

#[test]
fn attack_107_what_cannot_be_read_is_not_taken_for_short_or_narrow() {
    // A JWT whose `exp` is no number.
    let broken = answer(&with("exp", json!("soon")));
    let unchecked = |r: crate::plan::IssuedRules| {
        r.audience(crate::plan::AudienceRule::Unchecked).subject(crate::plan::SubjectRule::Unchecked)
    };
    assert_eq!(read(&ruled(unchecked), &broken), "token");
    assert_eq!(read(&ruled(|r| unchecked(r).within_subject()), &broken), "unusable broken");
    let ceiling = crate::testing::scopes("mcp:invoke");
    assert_eq!(read(&ruled(|r| unchecked(r).ceiling(&ceiling)), &broken), "unusable broken");
}

#[test]
fn attack_107_a_token_of_the_future_is_refused() {
    for (from, id) in [(0, "token"), (60, "token"), (61, "unusable not_yet"), (9_999, "unusable not_yet")] {
        let body = answer(&with("nbf", json!(NOW.as_secs() + from)));
        assert_eq!(read(&plan(), &body), id, "{from}");
    }
}

#[test]
fn row_262_a_chain_of_more_than_16_actors_is_refused() {
    let chain = |actors: usize| {
        let mut act = json!({"sub": "a"});
        for _ in 1..actors {
            act = json!({"sub": "a", "act": act});
        }
        answer(&with("act", act))
    };
    for plan in [plan(), ruled(|r| r.actor(ActorRule::Required(Some("a".to_owned()))))] {
        assert_eq!(read(&plan, &chain(16)), "token");
        assert_eq!(read(&plan, &chain(17)), "unusable actor");
    }
}
