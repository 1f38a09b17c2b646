//! Server-sent events, one at a time, however the bytes were split.
//!
//! Whole events go in and out; the `data` of each is handed to a filter. An event that the filter leaves alone
//! is passed on byte for byte. What stands behind the last blank line when the stream ends is no event
//! (WHATWG HTML §9.2.6) and is dropped: nothing unjudged gets through.

use std::borrow::Cow;

use super::list::Filtered;

/// Gets the data of an event; answers what to make of it.
pub type DataFilter<'f, E> = dyn FnMut(&[u8]) -> Result<Filtered, E> + 'f;

/// Holds at most one incomplete event.
#[derive(Debug)]
pub struct EventStreamFilter {
    pending: Vec<u8>,
    /// Where the line being read starts in `pending`.
    line: usize,
    /// Bytes of `pending` that were looked at.
    seen: usize,
    max: usize,
    /// Nothing of the stream was passed on yet.
    at_start: bool,
}

/// An event is longer than the limit; the stream has to be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a server-sent event exceeds {limit} bytes")]
#[non_exhaustive]
pub struct EventTooLong {
    /// The limit in bytes.
    pub limit: usize,
}

/// Memory that a filter keeps after a long event, in bytes.
const KEPT_BYTES: usize = 16 * 1024;

impl EventStreamFilter {
    /// A filter that holds at most `max_event_bytes` of one event.
    pub fn new(max_event_bytes: usize) -> Self {
        Self { pending: Vec::new(), line: 0, seen: 0, max: max_event_bytes, at_start: true }
    }

    /// Takes the next bytes of the stream and appends what may go on to `out`.
    ///
    /// `filter` gets the data of each event. Of an event that it drops, only what is not data stays: comments, `id` and
    /// `retry`.
    ///
    /// # Errors
    ///
    /// The filter's own error, or [`EventTooLong`]. The stream cannot go on after either.
    pub fn push<E: From<EventTooLong>>(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        filter: &mut DataFilter<'_, E>,
    ) -> Result<(), E> {
        self.pending.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(end) = self.next_event_end() {
            let event = self.pending.get(start..end).unwrap_or_default();
            if event.len() > self.max {
                return Err(EventTooLong { limit: self.max }.into());
            }
            rewrite(event, std::mem::take(&mut self.at_start), out, filter)?;
            start = end;
        }
        if start > 0 {
            self.pending.drain(..start);
            self.line -= start;
            self.seen -= start;
            if self.pending.len() < KEPT_BYTES {
                self.pending.shrink_to(KEPT_BYTES);
            }
        }
        if self.pending.len() > self.max { Err(EventTooLong { limit: self.max }.into()) } else { Ok(()) }
    }

    /// How many bytes of memory it holds now.
    pub fn memory_bytes(&self) -> usize {
        self.pending.capacity()
    }

    /// The end of the next event: behind a blank line. Lines end in LF, CR, or CR LF.
    fn next_event_end(&mut self) -> Option<usize> {
        loop {
            let unseen = self.pending.get(self.seen..)?;
            let Some(end) = line_end(unseen) else {
                self.seen = self.pending.len();
                return None;
            };
            let end = self.seen + end;
            let after = match self.pending.get(end..)? {
                [b'\r', b'\n', ..] => end + 2,
                // The LF may be in the next chunk.
                [b'\r'] => {
                    self.seen = end;
                    return None;
                }
                _ => end + 1,
            };
            let blank = self.line == end;
            self.seen = after;
            self.line = after;
            if blank {
                return Some(after);
            }
        }
    }
}

fn line_end(text: &[u8]) -> Option<usize> {
    memchr::memchr2(b'\n', b'\r', text)
}

fn lines(event: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = event;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = line_end(rest).unwrap_or(rest.len());
        let line = rest.get(..end)?;
        let step = if rest.get(end..end + 2) == Some(b"\r\n") { 2 } else { 1 };
        rest = rest.get(end + step..).unwrap_or_default();
        Some(line)
    })
}

/// The value of a field line, one leading space removed.
fn field<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    match line.strip_prefix(name)? {
        [] => Some(&[]),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

/// Whether a line is one of these fields.
fn is_field(line: &[u8], names: &[&str]) -> bool {
    names.iter().any(|name| field(line, name.as_bytes()).is_some())
}

fn rewrite<E>(
    event: &[u8],
    at_start: bool,
    out: &mut Vec<u8>,
    filter: &mut DataFilter<'_, E>,
) -> Result<(), E> {
    // A byte-order mark may stand before the first line of a stream, and only there (WHATWG HTML §9.2.5).
    let body = if at_start { event.strip_prefix(b"\xef\xbb\xbf").unwrap_or(event) } else { event };
    let mut data: Option<Cow<'_, [u8]>> = None;
    for value in lines(body).filter_map(|l| field(l, b"data")) {
        match &mut data {
            None => data = Some(Cow::Borrowed(value)),
            Some(data) => {
                let data = data.to_mut();
                data.push(b'\n');
                data.extend_from_slice(value);
            }
        }
    }
    let filtered = match data {
        Some(data) if !data.is_empty() => filter(&data)?,
        _ => Filtered::Unchanged,
    };
    // Only lines that mean something: one that means nothing here must not come to mean something by standing in
    // another place. A comment is one wherever it stands.
    let known = |line: &[u8], fields: &[&str]| line.starts_with(b":") || is_field(line, fields);
    let copy = |out: &mut Vec<u8>, fields: &[&str]| {
        for line in lines(body).filter(|line| known(line, fields)) {
            out.extend_from_slice(line);
            out.push(b'\n');
        }
    };
    match filtered {
        Filtered::Unchanged => out.extend_from_slice(event),
        Filtered::Replaced(new) => {
            copy(out, &["event", "id", "retry"]);
            for line in lines(&new) {
                out.extend_from_slice(b"data: ");
                out.extend_from_slice(line);
                out.push(b'\n');
            }
            out.push(b'\n');
        }
        // Without data it is no event, and its id still counts.
        Filtered::Dropped => {
            let before = out.len();
            copy(out, &["id", "retry"]);
            // Something has to stand at the start: what comes next must not become the first line, before which a
            // byte-order mark is skipped.
            if out.len() > before || at_start {
                out.push(b'\n');
            }
        }
    }
    Ok(())
}
