//! Scanning `tools/call` messages of 1 KB, 64 KB and 1 MB: against a pass of serde_json that builds nothing and checks
//! less (`IgnoredAny` does not look at UTF-8), and against a tree. Filtering lists of 10 to 10,000 tools: against what
//! no filter can do without, one scan of the answer and one copy of it. Server-sent events passing through.
//!
//! A tree costs by the value, a scan by the byte. Where a call holds values, as most do (`rows`, `mixed`), a scan must
//! stay under a fifth of a tree. Where there are few values in many bytes (indentation, one long string) a tree is
//! little more than a scan and a copy; and of 1 KB, a quarter of the time goes to the four strings that outlive the
//! body. There a scan is held to what it has been seen to reach.
#![allow(clippy::unwrap_used, reason = "a benchmark may stop")]

mod support;

use std::hint::black_box;
use std::process::ExitCode;

use mcp_auth_core::mcp::{EventStreamFilter, EventTooLong, Filtered, filter_message, peek, read_body};
use serde::de::IgnoredAny;

fn main() -> ExitCode {
    let mut bench = support::Bench::new();
    calls(&mut bench);
    batches(&mut bench);
    lists(&mut bench);
    events(&mut bench);
    bench.finish()
}

fn calls(bench: &mut support::Bench) {
    const SIZES: [(&str, usize); 3] = [("1 KB", 1 << 10), ("64 KB", 64 << 10), ("1 MB", 1 << 20)];
    for (kind, arguments, of_tree) in [
        ("rows", rows as fn(usize) -> String, [0.2, 0.2, 0.2]),
        ("mixed", mixed, [0.25, 0.2, 0.2]),
        ("indented rows", indented, [0.35, 0.25, 0.25]),
        ("source text", source, [0.5, 0.6, 0.6]),
        ("prose", prose, [0.4, 0.25, 0.25]),
    ] {
        for ((size, bytes), of_tree) in SIZES.into_iter().zip(of_tree) {
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
}

/// A batch costs what its messages cost.
fn batches(bench: &mut support::Bench) {
    let one = call(&rows(1 << 10));
    let batch: Vec<String> = (0..100).map(|i| one.replacen("\"id\":42", &format!("\"id\":{i}"), 1)).collect();
    let batch = format!("[{}]", batch.join(","));
    let peek_all = || {
        for _ in 0..100 {
            black_box(peek(black_box(one.as_bytes())).unwrap());
        }
    };
    bench
        .race("batch of 100", batch.len())
        .case("read_body", || read_body(black_box(batch.as_bytes())).unwrap())
        .case("peek, 100 times", peek_all)
        .at_most("read_body", 1.2, &["peek, 100 times"])
        .run();
}

/// Answers to `tools/list`: every second tool hidden, none hidden. The floor reads the answer once, with the same
/// scanner, and copies it once.
fn lists(bench: &mut support::Bench) {
    for tools in [10, 100, 1_000, 10_000] {
        let answer = answer(tools);
        let answer = answer.as_bytes();
        let mut half = 0;
        let mut every_second = || {
            half += 1;
            half % 2 == 0
        };
        bench
            .race(&format!("list of {tools} tools"), answer.len())
            .case("filter, half hidden", || {
                filter_message(black_box(answer), &mut |_| every_second()).unwrap()
            })
            .case("filter, all shown", || filter_message(black_box(answer), &mut |_| true).unwrap())
            .case("scan", || peek(black_box(answer)).unwrap())
            .case("copy", || black_box(answer).to_vec())
            .case("IgnoredAny", || serde_json::from_slice::<IgnoredAny>(black_box(answer)).unwrap())
            .at_most("filter, half hidden", 1.5, &["scan", "copy"])
            .at_most("filter, all shown", 1.5, &["scan", "copy"])
            .run();
    }
    let (small, large) = (answer(1_000), answer(10_000));
    bench
        .race("lists grow in proportion", 0)
        .case("10,000 tools", || {
            filter_message(black_box(large.as_bytes()), &mut |i| i.name.len() % 2 == 0).unwrap()
        })
        .case("1,000 tools", || {
            filter_message(black_box(small.as_bytes()), &mut |i| i.name.len() % 2 == 0).unwrap()
        })
        .at_most("10,000 tools", 13.0, &["1,000 tools"])
        .run();
}

/// A stream that says progress, in chunks of 4 KB.
fn events(bench: &mut support::Bench) {
    let event = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":42,"message":"copying records"}}"#;
    let stream = format!("event: message\ndata: {event}\n\n").repeat(1_000);
    let stream = stream.as_bytes();
    let pass = |stream: &[u8]| {
        let mut filter = EventStreamFilter::new(1 << 20);
        let mut out = Vec::with_capacity(stream.len());
        for chunk in stream.chunks(4096) {
            let mut judge = |data: &[u8]| -> Result<Filtered, EventTooLong> {
                Ok(filter_message(data, &mut |_| true).unwrap())
            };
            filter.push(chunk, &mut out, &mut judge).unwrap();
        }
        out
    };
    let scan = || {
        for _ in 0..1_000 {
            black_box(peek(black_box(event.as_bytes())).unwrap());
        }
    };
    bench
        .race("1,000 events", stream.len())
        .case("filter", || pass(black_box(stream)))
        .case("scan", scan)
        .case("copy", || black_box(stream).to_vec())
        .at_most("filter", 1.0, &["scan", "copy"])
        .run();
}

/// What a server with this many tools answers: schemas and descriptions, half a kilobyte each.
fn answer(tools: usize) -> String {
    let tool = |i: usize| {
        format!(
            r#"{{"name":"tool_{i}","title":"Tool number {i}","description":"Reads the records of table {i} and returns those that match the given filter, newest first.","inputSchema":{{"type":"object","properties":{{"filter":{{"type":"string","description":"An expression over the columns"}},"limit":{{"type":"integer","minimum":1,"maximum":1000,"default":50}},"columns":{{"type":"array","items":{{"type":"string"}}}}}},"required":["filter"]}},"annotations":{{"readOnlyHint":true}}}}"#
        )
    };
    let tools: Vec<String> = (0..tools).map(tool).collect();
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{}],"ttlMs":300000,"cacheScope":"private"}}}}"#,
        tools.join(",")
    )
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

/// Values and text: rows, each with a sentence or two.
fn mixed(bytes: usize) -> String {
    let mut text = r#"{"documents":["#.to_owned();
    for i in 0.. {
        text += &format!(
            r#"{{"id":{i},"author":"user-{}","score":{}.5,"labels":["a","b"],"draft":false,"text":"The quarterly report was reviewed by the team; see \"Appendix {i}\" for the figures."}},"#,
            i % 13,
            i % 7
        );
        if text.len() + 300 > bytes {
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
