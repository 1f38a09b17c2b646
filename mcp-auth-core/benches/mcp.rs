//! Scanning `tools/call` messages of 1 KB, 64 KB and 1 MB: against a pass of serde_json that builds nothing and checks
//! less (`IgnoredAny` does not look at UTF-8), and against a tree.
//!
//! A tree costs by the value, a scan by the byte. Bodies of many small values (`rows`) must stay under a fifth of a
//! tree; where there are few values in many bytes (indentation, one long string) a tree is little more than a scan and
//! a copy, so there only half of it, or less than it, is asked for.
#![allow(clippy::unwrap_used, reason = "a benchmark may stop")]

mod support;

use std::hint::black_box;
use std::process::ExitCode;

use mcp_auth_core::mcp::peek;
use serde::de::IgnoredAny;

fn main() -> ExitCode {
    let mut bench = support::Bench::new();
    for (kind, arguments, of_tree) in [
        ("rows", rows as fn(usize) -> String, 0.2),
        ("indented rows", indented, 0.5),
        ("source text", source, 1.0),
        ("prose", prose, 1.0),
    ] {
        for (size, bytes) in [("1 KB", 1 << 10), ("64 KB", 64 << 10), ("1 MB", 1 << 20)] {
            let body = call(&arguments(bytes));
            let body = body.as_bytes();
            bench
                .race(&format!("{kind}, {size}"), body.len())
                .case("peek", || peek(black_box(body)).unwrap())
                .case("IgnoredAny", || serde_json::from_slice::<IgnoredAny>(black_box(body)).unwrap())
                .case("from_utf8", || std::str::from_utf8(black_box(body)).unwrap())
                .case("serde_json::Value", || {
                    serde_json::from_slice::<serde_json::Value>(black_box(body)).unwrap()
                })
                .at_most("peek", 1.5, &["IgnoredAny", "from_utf8"])
                .at_most("peek", of_tree, &["serde_json::Value"])
                .run();
        }
    }
    bench.finish()
}

fn call(arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":42,"method":"tools/call","params":{{"name":"import_records","arguments":{arguments},"_meta":{{"progressToken":7,"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}}}}"#
    )
}

/// Many small values, as a tool that takes rows gets them.
fn rows(bytes: usize) -> String {
    let mut text = r#"{"records":["#.to_owned();
    for i in 0.. {
        text += &format!(
            r#"{{"id":{},"name":"item-{i}","price":{}.{:02},"tags":["red","large"],"active":{},"note":null}},"#,
            1000 + i,
            i % 97,
            i % 100,
            i % 3 == 0
        );
        if text.len() + 220 > bytes {
            break;
        }
    }
    text.pop();
    text + "]}"
}

fn indented(bytes: usize) -> String {
    // Indentation doubles it.
    let value: serde_json::Value = serde_json::from_str(&rows(bytes * 55 / 100)).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

/// One long string with an escaped line break every 40 bytes or so, as a tool that writes files gets it.
fn source(bytes: usize) -> String {
    let line = r#"    let claims = parse(&token)?; // \"checked\"\n"#;
    let text = line.repeat((bytes.saturating_sub(220) / line.len()).max(1));
    format!(r#"{{"path":"src/main.rs","content":"{text}"}}"#)
}

/// One long string beyond ASCII.
fn prose(bytes: usize) -> String {
    let line = "Übergrößenträger und naïve Façaden: 東京都の天気は晴れ、気温は二十度です。";
    let text = line.repeat((bytes.saturating_sub(220) / line.len()).max(1));
    format!(r#"{{"language":"mixed","content":"{text}"}}"#)
}
