//! Server-sent events, one at a time, however the bytes were split.
//!
//! Whole events go in and out; the `data` of each is handed to a filter. An event that the filter leaves alone
//! is passed on byte for byte. What stands behind the last blank line when the stream ends is no event
//! (WHATWG HTML §9.2.6) and is dropped: nothing unjudged gets through.

/// Gets the data of an event; answers `Ok(None)` to leave the event as it is, or the new data.
pub type DataFilter<'f, E> = dyn FnMut(&[u8]) -> Result<Option<Vec<u8>>, E> + 'f;

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

impl EventStreamFilter {
    /// A filter that holds at most `max_event_bytes` of one event.
    pub fn new(max_event_bytes: usize) -> Self {
        Self { pending: Vec::new(), line: 0, seen: 0, max: max_event_bytes, at_start: true }
    }

    /// Takes the next bytes of the stream and appends what may go on to `out`.
    ///
    /// `filter` gets the data of each event; it answers `Ok(None)` to leave the event as it is, or the new
    /// data.
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
        }
        if self.pending.len() > self.max { Err(EventTooLong { limit: self.max }.into()) } else { Ok(()) }
    }

    /// The end of the next event: behind a blank line. Lines end in LF, CR, or CR LF.
    fn next_event_end(&mut self) -> Option<usize> {
        while let Some(&byte) = self.pending.get(self.seen) {
            let after = match byte {
                b'\n' => self.seen + 1,
                b'\r' => match self.pending.get(self.seen + 1) {
                    Some(b'\n') => self.seen + 2,
                    Some(_) => self.seen + 1,
                    // The LF may be in the next chunk.
                    None => return None,
                },
                _ => {
                    self.seen += 1;
                    continue;
                }
            };
            let blank = self.line == self.seen;
            self.seen = after;
            self.line = after;
            if blank {
                return Some(after);
            }
        }
        None
    }
}

fn lines(event: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = event;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
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

fn rewrite<E>(
    event: &[u8],
    at_start: bool,
    out: &mut Vec<u8>,
    filter: &mut DataFilter<'_, E>,
) -> Result<(), E> {
    // A byte-order mark may stand before the first line of a stream, and only there (WHATWG HTML §9.2.5).
    let body = if at_start { event.strip_prefix(b"\xef\xbb\xbf").unwrap_or(event) } else { event };
    let mut data: Option<Vec<u8>> = None;
    for value in lines(body).filter_map(|l| field(l, b"data")) {
        match &mut data {
            None => data = Some(value.to_vec()),
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
        }
    }
    let replaced = match data {
        Some(data) if !data.is_empty() => filter(&data)?,
        _ => None,
    };
    let Some(new) = replaced else {
        out.extend_from_slice(event);
        return Ok(());
    };
    // Only fields that mean something: a line that means nothing here must not come to mean something by standing
    // in another place.
    let known = |l: &&[u8]| [&b"event"[..], b"id", b"retry"].iter().any(|name| field(l, name).is_some());
    for line in lines(body).filter(known) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    for line in lines(&new) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
    Ok(())
}
