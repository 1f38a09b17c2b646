//! Parsing headers and claims into a `Document`, and reading claims from it.
//!
//! Cold validation of a token may cost 1.06 times a bare signature check (27 to 38 µs on the machine this was written
//! on), so header and claims together have to stay well under a microsecond.
#![allow(clippy::unwrap_used, reason = "a benchmark may stop")]

mod support;

use std::hint::black_box;
use std::process::ExitCode;

use mcp_auth_core::json::{Document, Limits, Value};
use serde::de::IgnoredAny;

const HEADER: &str = r#"{"alg":"ES256","kid":"2026-11-f81d4fae7dec11d0a76500a0c91e6bf6","typ":"at+jwt"}"#;

/// What an identity provider puts into an access token: 20 claims.
const CLAIMS: &str = concat!(
    r#"{"iss":"https://login.example.com/realms/agents","sub":"f:9d1c4c5e-0f0e-4d8e-9d53-5d2bb9bb2c11:alice","#,
    r#""aud":["https://mcp.example.com/mcp","account"],"exp":1794990300,"iat":1794990000,"nbf":1794990000,"#,
    r#""jti":"onrtac:1f0a9f3e-6f6b-4c0c-8a3e-b6b1a3c6a9d7","typ":"Bearer","azp":"agent-client","#,
    r#""sid":"0b7f2d52-5a7a-4d1f-9d67-8a1f0c3f6f02","acr":"1","#,
    r#""scope":"openid profile email offline_access mcp:read mcp:write mcp:admin","#,
    r#""email":"alice@example.com","email_verified":true,"name":"Alice Example","preferred_username":"alice","#,
    r#""given_name":"Alice","family_name":"Example","groups":["mcp-readers","mcp-writers","engineering"],"#,
    r#""realm_access":{"roles":["offline_access","uma_authorization","user"]}}"#
);

fn main() -> ExitCode {
    let mut bench = support::Bench::new();
    parse(&mut bench);
    read(&mut bench);
    duplicates(&mut bench);
    bench.finish()
}

fn parse(bench: &mut support::Bench) {
    let limits = Limits::default();
    let value: serde_json::Value = serde_json::from_str(CLAIMS).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let escaped = CLAIMS.replace('/', "\\/");
    for (title, text, wanted, of_tree) in [
        ("header", HEADER, 150.0, 0.7),
        ("claims", CLAIMS, 600.0, 0.3),
        ("claims, indented", &pretty, 800.0, 0.4),
        ("claims, escaped slashes", &escaped, 800.0, 0.4),
    ] {
        let bytes = text.as_bytes();
        let document = Document::parse(bytes, &limits).unwrap();
        let memory = document.memory_bytes() as f64 / bytes.len() as f64;
        bench
            .race(&format!("{title}: {} B, in memory {memory:.2} times that", bytes.len()), bytes.len())
            .case("Document", || Document::parse(black_box(bytes), &limits).unwrap())
            .case("serde_json::Value", || {
                serde_json::from_slice::<serde_json::Value>(black_box(bytes)).unwrap()
            })
            .case("IgnoredAny", || serde_json::from_slice::<IgnoredAny>(black_box(bytes)).unwrap())
            .case("from_utf8", || std::str::from_utf8(black_box(bytes)).unwrap())
            .at_most("Document", of_tree, &["serde_json::Value"])
            .nanoseconds_at_most("Document", wanted)
            .run();
    }
}

fn read(bench: &mut support::Bench) {
    let document = Document::parse(CLAIMS.as_bytes(), &Limits::default()).unwrap();
    let get = |name| document.as_object().and_then(|o| o.get(black_box(name)));
    bench
        .race("one claim of 20", 0)
        .case("the first", || get("iss"))
        .case("the ninth", || get("azp"))
        .case("the last", || get("realm_access"))
        .case("none", || get("tenant"))
        .case("all, one after the other", || {
            let members = document.as_object().unwrap().iter();
            members.map(|(name, value)| name.len() + value.as_str().map_or(0, str::len)).sum::<usize>()
        })
        .run();

    let groups = (0..100).map(|i| format!("\"group-{i}\"")).collect::<Vec<_>>().join(",");
    let document = Document::parse(format!("[{groups}]").as_bytes(), &Limits::default()).unwrap();
    let groups = document.root().as_array().unwrap();
    bench
        .race("one group of 100", 0)
        .case("the last", || groups.iter().any(|g| g == Value::String(black_box("group-99"))))
        .run();
}

/// Names that a hash would have to be lucky with, and that share all but their end.
fn duplicates(bench: &mut support::Bench) {
    let object = |members: usize| {
        let members: Vec<_> = (0..members).map(|i| format!("\"{}{i:05}\":0", "a".repeat(40))).collect();
        format!("{{{}}}", members.join(","))
    };
    let limits = Limits::default().max_bytes(1 << 20).max_nodes(1 << 16);
    let (small, large) = (object(400), object(4000));
    bench
        .race("unique names", 0)
        .case("400 names", || Document::parse(black_box(small.as_bytes()), &limits).unwrap())
        .case("4,000 names", || Document::parse(black_box(large.as_bytes()), &limits).unwrap())
        // Ten times as many: 10 would be linear, 100 quadratic.
        .at_most("4,000 names", 30.0, &["400 names"])
        .run();
}
