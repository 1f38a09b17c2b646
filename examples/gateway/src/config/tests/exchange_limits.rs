//! What `outbound.exchanges` means. What is refused, and how, stands in `tests/config/bad`.

use mcp_auth_tower::exchange::Exchanger;

use super::*;

fn applied(outbound: &str) -> String {
    let (config, _) = parse(&format!("{outbound}\n{}", document("")), "x.yaml").unwrap();
    format!("{:?}", config.outbound.exchanges.apply(Exchanger::builder()))
}

#[test]
fn what_is_not_written_is_as_the_exchanger_has_it() {
    let usual = format!("{:?}", Exchanger::builder());
    for outbound in ["", "outbound: {caFiles: [a.pem]}", "outbound: {exchanges: {}}"] {
        assert_eq!(applied(outbound), usual, "{outbound}");
    }
    // The table of `docs/token-exchange.md`.
    let text = std::fs::read_to_string(manifest().join("../../docs/token-exchange.md")).unwrap();
    let (_, from) = text.split_once("```yaml\noutbound:\n  exchanges:\n").unwrap();
    let (shown, _) = from.split_once("```").unwrap();
    assert_eq!(applied(&format!("outbound:\n  exchanges:\n{shown}")), usual);
}

#[test]
fn every_setting_reaches_the_exchanger() {
    let usual = applied("");
    for (fields, said) in [
        ("concurrent: 7", "concurrent: 7,"),
        ("waiting: 8", "waiting: 8,"),
        ("wait: 250ms", "wait: 250ms"),
        ("timeout: 3", "timeout: 3s"),
        ("deadline: 40s", "deadline: 40s"),
        ("breaker: {failures: 9}", "failures: 9,"),
        ("breaker: {subjects: 2}", "subjects: 2,"),
        ("breaker: {openFor: 6s}", "open_for: 6s"),
        ("breaker: {openAtMost: 5m}", "open_at_most: 300s"),
        ("remember: {subjectRefused: 31s}", "subject_refused: 31s"),
        ("remember: {misconfigured: 11s}", "misconfigured: 11s"),
        ("remember: {transient: 1500ms}", "transient: 1.5s"),
        ("remember: {transientAtMost: 61s}", "transient_at_most: 61s"),
        ("remember: {userAction: 1h}", "user_action: 3600s"),
        ("cacheBytes: 1048576", "max_bytes: 1048576"),
    ] {
        let set = applied(&format!("outbound: {{exchanges: {{{fields}}}}}"));
        assert!(set.contains(said) && !usual.contains(said), "{fields}: {set}");
    }
}
