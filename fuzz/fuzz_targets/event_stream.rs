//! Invariant: how the bytes were split changes nothing: same events to the filter, same output. With a small limit
//! the output is a beginning of the unlimited one.
//!
//! The first byte is the number of pieces, the next so many bytes are their lengths, the rest is the stream.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mcp_auth_core::mcp::{EventStreamFilter, EventTooLong, Filtered};

/// The output, the data of each event, and whether the stream went to its end.
fn run<'p>(pieces: impl Iterator<Item = &'p [u8]>, limit: usize) -> (Vec<u8>, Vec<Vec<u8>>, bool) {
    let (mut out, mut seen) = (Vec::new(), Vec::new());
    let mut stream = EventStreamFilter::new(limit);
    for piece in pieces {
        let mut filter = |data: &[u8]| -> Result<Filtered, EventTooLong> {
            seen.push(data.to_vec());
            Ok(match data.contains(&b'w') {
                true if data.contains(&b'x') => Filtered::Dropped,
                true => Filtered::Replaced(b"hidden\nline".to_vec()),
                false => Filtered::Unchanged,
            })
        };
        if stream.push(piece, &mut out, &mut filter).is_err() {
            return (out, seen, false);
        }
    }
    (out, seen, true)
}

fn pieces<'b>(lengths: &'b [u8], stream: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
    let mut rest = stream;
    let mut lengths = lengths.iter();
    std::iter::from_fn(move || {
        let take = lengths.next().map_or(rest.len(), |&n| usize::from(n).min(rest.len()));
        let (piece, after) = rest.split_at(take);
        rest = after;
        (take > 0 || !rest.is_empty()).then_some(piece)
    })
}

fuzz_target!(|data: &[u8]| {
    let Some((&count, rest)) = data.split_first() else { return };
    let (lengths, stream) = rest.split_at(usize::from(count).min(rest.len()));
    let whole = run(std::iter::once(stream), usize::MAX);
    assert!(whole.2);
    assert_eq!(whole, run(pieces(lengths, stream), usize::MAX), "split by lengths");
    assert_eq!(whole, run(stream.chunks(1), usize::MAX), "split into bytes");
    let limited = run(pieces(lengths, stream), 16);
    assert!(whole.0.starts_with(&limited.0) && whole.1.starts_with(&limited.1));
    // An event holding a `w` in its data was replaced or dropped: what is left was seen by the filter and let through.
    let again = run(std::iter::once(whole.0.as_slice()), usize::MAX);
    assert!(again.1.iter().all(|data| !data.contains(&b'w')), "unfiltered data in the output");
});
