#![cfg(feature = "aws-lc-rs")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::crypto::AwsLc;
use crate::seal::SealKey;

fn ids() -> SessionIds {
    let sealer = Sealer::new(&SealKey::from_bytes([7; 32]), Arc::new(AwsLc::new())).unwrap();
    SessionIds::new(sealer, "https://mcp.example/mcp")
}

fn caller(claims: &Value) -> Principal {
    Principal::danger_from_unverified_claims(claims.to_string().as_bytes()).unwrap()
}

fn id(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap()
}

#[test]
fn attack_091_a_session_is_for_one_issuer_subject_and_client() {
    let callers = [
        json!({"iss": "a", "sub": "bob", "client_id": "c"}),
        json!({"iss": "b", "sub": "bob", "client_id": "c"}),
        json!({"iss": "a", "sub": "eve", "client_id": "c"}),
        json!({"iss": "a", "sub": "bob", "client_id": "d"}),
        json!({"iss": "a", "sub": "bob"}),
        json!({"iss": "a", "client_id": "c"}),
        json!({"iss": "a", "client_id": "bob"}),
        json!({"iss": "a"}),
        json!({"sub": "bob", "client_id": "c"}),
        // What would be the same bytes if parts had no lengths, or absent were empty.
        json!({"iss": "ab", "sub": "ob", "client_id": "c"}),
        json!({"iss": "a", "sub": "bobc"}),
        json!({"iss": "a", "sub": "bob", "client_id": ""}),
        json!({"iss": "a", "sub": "", "client_id": "c"}),
        json!({"iss": "anonymous"}),
    ];
    let callers: Vec<_> = callers.iter().map(|claims| Some(caller(claims))).chain([None]).collect();
    for owner in &callers {
        let given = ids().seal(&id("server-id"), owner.as_ref()).unwrap();
        for other in &callers {
            let opened = ids().open(&given, other.as_ref());
            if std::ptr::eq(owner, other) {
                assert_eq!(opened.unwrap(), "server-id");
            } else {
                assert_eq!(opened, Err(SessionProblem::Foreign), "{owner:?} {other:?}");
            }
        }
    }
}

#[test]
fn other_claims_and_the_name_of_the_client_claim_do_not_matter() {
    let owner = caller(&json!({"iss": "a", "sub": "bob", "azp": "c", "exp": 1, "jti": "1", "scope": "x"}));
    let later = caller(&json!({"iss": "a", "sub": "bob", "client_id": "c", "exp": 2, "groups": ["g"]}));
    let given = ids().seal(&id("server-id"), Some(&owner)).unwrap();
    assert_eq!(ids().open(&given, Some(&later)).unwrap(), "server-id");
    assert_eq!(ids().seal(&id("server-id"), Some(&later)).unwrap(), given, "the value is stable");
}

#[test]
fn attack_091_of_another_resource_or_purpose_or_key() {
    let given = ids().seal(&id("server-id"), None).unwrap();
    let sealer = |key| Sealer::new(&SealKey::from_bytes([key; 32]), Arc::new(AwsLc::new())).unwrap();
    let elsewhere = SessionIds::new(sealer(7), "https://mcp.example/other");
    assert_eq!(elsewhere.open(&given, None), Err(SessionProblem::Unreadable(SealErrorKind::Forged)));
    let rotated = SessionIds::new(sealer(8), "https://mcp.example/mcp");
    assert_eq!(rotated.open(&given, None), Err(SessionProblem::Unreadable(SealErrorKind::UnknownKey)));
    let resource: [&[u8]; 1] = [b"https://mcp.example/mcp"];
    for content in [&b""[..], b"short", &[0; 31]] {
        let value = |purpose| {
            let text = sealer(7).seal(purpose, &resource, content, None, SealNonce::Derived).unwrap();
            ids().open(&id(&text), None).unwrap_err()
        };
        assert_eq!(value(Purpose::Session), SessionProblem::Unreadable(SealErrorKind::Malformed));
        assert_eq!(value(Purpose::Cookie), SessionProblem::Unreadable(SealErrorKind::Forged));
    }
}

#[test]
fn ids_of_servers_are_visible_ascii_and_bounded() {
    let seal = |bytes: &[u8]| ids().seal(&HeaderValue::from_bytes(bytes).unwrap(), None);
    for bytes in [&b""[..], b"a b", b"\t", "ä".as_bytes(), b"\xff"] {
        assert_eq!(seal(bytes), Err(SessionIdError::Characters), "{bytes:?}");
    }
    assert_eq!(seal(&[b'x'; MAX_SESSION_ID_BYTES + 1]), Err(SessionIdError::TooLong));
    let all: Vec<u8> = (0x21..=0x7e).collect();
    for good in [&b"1"[..], &all, &[b'x'; MAX_SESSION_ID_BYTES]] {
        let given = seal(good).unwrap();
        assert!(given.as_bytes().iter().all(u8::is_ascii_graphic));
        assert_eq!(ids().open(&given, None).unwrap().as_bytes(), good);
    }
}

#[test]
fn ids_do_not_show() {
    let given = ids().seal(&id("server-id"), None).unwrap();
    let own = ids().open(&given, None).unwrap();
    assert_eq!(format!("{given:?} {own:?}"), "Sensitive Sensitive");
    assert!(!given.to_str().unwrap().contains("server-id"));
}

#[test]
fn what_cgi_reads_as_a_session_id_is_removed() {
    let mut headers = HeaderMap::new();
    let kept = ["mcp-session-id", "mcp-session-id2", "mcp-session", "xcp-session-id", "mcp_session_ix"];
    for name in kept.into_iter().chain(["mcp_session_id", "mcp-session_id", "mcp_session-id"]) {
        headers.append(name, id("x"));
        headers.append(name, id("y"));
    }
    remove_look_alikes(&mut headers);
    assert_eq!(headers.len(), 2 * kept.len());
    assert!(kept.iter().all(|name| headers.contains_key(*name)));
}

#[test]
fn versions_with_sessions() {
    let with = |versions: &[&[u8]]| {
        let mut headers = HeaderMap::new();
        for version in versions {
            headers.append("mcp-protocol-version", HeaderValue::from_bytes(version).unwrap());
        }
        has_sessions(&headers)
    };
    for modern in [&b"2026-07-28"[..], b"2026-07-29", b"2027-01-01", b"9999-99-99"] {
        assert!(!with(&[modern]) && !with(&[modern, modern]));
        // Whoever says both is looked at closely.
        assert!(with(&[modern, b"2025-11-25"]) && with(&[b"2025-11-25", modern]));
    }
    assert!(with(&[]));
    let legacy: [&[u8]; 9] = [
        b"2024-11-05",
        b"2025-11-25",
        b"2026-07-27",
        b"",
        b"9",
        b"latest",
        b"2026-07-28x",
        b"2026/07/28",
        b"\xff026-07-28",
    ];
    for version in legacy {
        assert!(with(&[version]), "{version:?}");
    }
}
