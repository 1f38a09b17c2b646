//! The seam to a shared store.

use std::sync::Arc;

use serde_json::json;

use super::token;
use crate::AuthorizationDetails;
use crate::cache::{SharedEntry, SharedEntryError};
use crate::plan::{ExchangePlan, Subject};
use crate::testing::{answer, exchange, issued_claims, json_response, plan, principal, secs, step};

#[test]
fn a_token_comes_back_as_it_was() {
    let token = token();
    let key = |user: &str| plan().cache_key("", &Subject::of(principal(user, json!({}))).unwrap(), None);
    let entry = SharedEntry::of(&key("a"), &token);
    let read = SharedEntry::read(&entry.plaintext).unwrap();
    assert_eq!(read.expose(), token.expose());
    assert_eq!(
        (read.presentation(), read.scope(), read.usable_until(), read.refresh_at(), read.issued_at()),
        (token.presentation(), token.scope(), token.usable_until(), token.refresh_at(), token.issued_at())
    );
    assert_eq!(entry.expires_at, secs(285));
    // Where it is stored and what its seal is bound to depend on the key and say nothing.
    let other = SharedEntry::of(&key("b"), &token);
    assert_ne!((&entry.name, &entry.associated_data), (&other.name, &other.associated_data));
    assert_eq!(entry.name.len(), "mcp-auth:exchange:1:".len() + 64);
    assert!(!format!("{entry:?}").contains(token.expose()));
    assert_eq!(Arc::new(read).memory_bytes(), token.memory_bytes());
}

#[test]
fn a_token_that_json_escapes_comes_back_too() {
    let key = plan().cache_key("", &Subject::of(principal("a", json!({}))).unwrap(), None);
    for text in [r#"a"b"#, r"a\b", r"\", r#"\u0061""#, "plain"] {
        let mut body = answer(&issued_claims());
        body["access_token"] = json!(text);
        let outcome = exchange(&plan(), json_response(200, &body));
        let entry = SharedEntry::of(&key, outcome.token().unwrap());
        assert_eq!(SharedEntry::read(&entry.plaintext).unwrap().expose(), text);
    }
}

#[test]
fn that_details_are_other_ones_is_not_forgotten() {
    let details = AuthorizationDetails::parse(r#"[{"type":"a"}]"#).unwrap();
    let asking = Arc::new(ExchangePlan::new("p", [step().authorization_details(details)]).unwrap());
    for plan in [plan(), asking] {
        let outcome = exchange(&plan, json_response(200, &answer(&issued_claims())));
        let key = plan.cache_key("", &Subject::of(principal("a", json!({}))).unwrap(), None);
        let entry = SharedEntry::of(&key, outcome.token().unwrap());
        let read = SharedEntry::read(&entry.plaintext).unwrap();
        assert_eq!(read.has_other_details(), outcome.token().unwrap().has_other_details());
        assert_eq!(read.has_other_details(), plan.name() == "p");
    }
}

#[test]
fn what_is_none_of_ours_is_refused() {
    let good = json!({"v": 1, "token": "t", "missing": [], "beyond": [], "issued_at": 1, "usable_until": 2, "refresh_at": 2});
    assert!(SharedEntry::read(good.to_string().as_bytes()).is_ok());
    for (name, value) in [
        ("v", json!(2)),
        ("token", json!("")),
        ("token", json!("a\r\nb")),
        ("jkt", json!("short")),
        ("usable_until", json!(-1)),
        ("unknown", json!(1)),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert_eq!(SharedEntry::read(bad.to_string().as_bytes()).err(), Some(SharedEntryError), "{name}");
    }
    for bad in ["", "{}", "null", &" ".repeat(200_000)] {
        assert!(SharedEntry::read(bad.as_bytes()).is_err());
    }
}
