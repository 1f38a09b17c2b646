use super::super::*;

#[derive(Debug, PartialEq)]
enum Fault {
    TooLong,
    List,
}

impl From<EventTooLong> for Fault {
    fn from(_: EventTooLong) -> Self {
        Self::TooLong
    }
}

fn stream<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Result<Vec<u8>, Fault> {
    let mut filter = EventStreamFilter::new(10_000);
    let mut out = Vec::new();
    for chunk in chunks {
        filter.push(chunk, &mut out, &mut |data| {
            filter_message(data, &mut |i| !i.name.contains("write")).map_err(|_| Fault::List)
        })?;
    }
    Ok(out)
}

#[test]
fn attack_089_a_stream_is_filtered_alike_however_it_is_split() {
    let list = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"write"},{"name":"réad"}]}}"#;
    let (a, b) = list.split_at(list.find("\"result").unwrap());
    for end in ["\n", "\r\n", "\r"] {
        let text = [
            ": ping",
            "",
            "event: message",
            "id: 7",
            &format!("data: {list}"),
            "",
            "data:{\"id\":2,\"result\":{}}",
            "",
            &format!("data: {a}"),
            &format!("data: {b}"),
            "",
            "data: unfinished",
        ]
        .join(end);
        let whole = stream([text.as_bytes()]).unwrap();
        let shown = String::from_utf8(whole.clone()).unwrap();
        assert!(!shown.contains("write") && !shown.contains("unfinished"), "{shown}");
        assert_eq!(shown.matches("réad").count(), 2);
        assert!(shown.contains("id: 7\n") && shown.contains("event: message\n"));
        assert!(
            shown.contains(&format!("data:{{\"id\":2,\"result\":{{}}}}{end}{end}")),
            "untouched events keep their bytes"
        );
        for size in [1, 2, 3, 7, 64] {
            assert_eq!(stream(text.as_bytes().chunks(size)).unwrap(), whole, "chunks of {size}, {end:?}");
        }
    }
}

/// Found by fuzzing: a line that is no field inside the stream became the first line of the output, where its
/// byte-order mark is skipped and it is one.
#[test]
fn a_byte_order_mark_counts_at_the_start_only() {
    let list = r#"{"id":1,"result":{"tools":[{"name":"write"}]}}"#;
    let first = stream([format!("\u{feff}data: {list}\n\n").as_bytes()]).unwrap();
    assert_eq!(first, b"data: {\"id\":1,\"result\":{\"tools\":[]}}\n\n");
    let hidden = stream([format!("data: {list}\n\u{feff}data: {list}\n\n").as_bytes()]).unwrap();
    assert_eq!(hidden, first);
}

#[test]
fn a_stream_that_cannot_be_judged_is_cut() {
    assert_eq!(stream([&b"data: <html>\n\n"[..]]), Err(Fault::List));
    let long = format!("data: {}", "x".repeat(20_000));
    assert_eq!(stream([long.as_bytes()]), Err(Fault::TooLong));
    let whole = format!("data: {{\"x\":\"{long}\"}}\n\n");
    assert_eq!(stream([whole.as_bytes()]), Err(Fault::TooLong), "whole in one chunk, too");
    let many = "data: {\"id\":1,\"result\":{}}\n\n".repeat(5_000);
    assert!(stream([many.as_bytes()]).is_ok(), "many small events are no long event");
}

const DENIED: &str = r#"{"method":"notifications/resources/updated","params":{"uri":"a:write"}}"#;

#[test]
fn attack_088_a_dropped_event_leaves_what_is_not_data() {
    let text = format!(
        "data: 1\n\nevent: message\ndata: {DENIED}\n\n: comment\nid: 7\nretry: 10\ndata: {DENIED}\nodd\n\n"
    );
    let text = text.replace("data: 1", r#"data: {"id":1}"#);
    let out = String::from_utf8(stream([text.as_bytes()]).unwrap()).unwrap();
    assert_eq!(out, "data: {\"id\":1}\n\n: comment\nid: 7\nretry: 10\n\n");
    for size in [1, 2, 5] {
        assert_eq!(stream(text.as_bytes().chunks(size)).unwrap(), out.as_bytes());
    }
}

/// What follows a dropped first event must not become the first line, before which a byte-order mark is skipped.
#[test]
fn attack_089_nothing_moves_to_the_start_of_the_stream() {
    let list = r#"{"id":1,"result":{"tools":[{"name":"write"}]}}"#;
    let out = stream([format!("data: {DENIED}\n\n\u{feff}data: {list}\n\n").as_bytes()]).unwrap();
    assert!(out.starts_with(b"\n"), "{:?}", String::from_utf8_lossy(&out));
}

#[test]
fn memory_stays_bounded_while_a_long_stream_passes() {
    let mut filter = EventStreamFilter::new(100_000);
    let mut out = Vec::new();
    let big = format!("data: {{\"id\":1,\"x\":\"{}\"}}\n\n", "x".repeat(90_000));
    let small = "data: {\"id\":1}\n\n: ping\n\n";
    let mut passed = 0;
    for round in 0..2_000 {
        let event = if round % 500 == 0 { big.as_str() } else { small };
        for chunk in event.as_bytes().chunks(1_000) {
            let mut pass = |data: &[u8]| filter_message(data, &mut |_| true).map_err(|_| Fault::List);
            filter.push(chunk, &mut out, &mut pass).unwrap();
            assert!(filter.memory_bytes() <= 200_000, "{}", filter.memory_bytes());
            passed += out.len();
            out.clear();
        }
        assert!(filter.memory_bytes() <= 16 * 1024, "after an event: {}", filter.memory_bytes());
    }
    assert_eq!(passed, 4 * big.len() + 1_996 * small.len());
}
