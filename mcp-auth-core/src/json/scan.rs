//! The one reader of JSON from outside: RFC 8259, strict, one pass, no recursion.
//!
//! [`Scanner::value`] walks a value of any depth and tells a [`Sink`] what it meets; with [`Nothing`] as the sink
//! it only skips. [`Scanner::object`] and [`Scanner::array`] hand over one level at a time. The scanner stands at the
//! offending byte when it refuses.

use std::borrow::Cow;

use super::error::Problem;
use super::number::{self, Number};
use super::sink::{Container, Nothing, Sink, Span};
use super::string;

/// Arrays and objects inside each other that a scanner can remember: one bit each.
const MAX_DEPTH: usize = 128;

/// Reads tokens off a text that is known to be UTF-8.
#[derive(Clone, Copy)]
pub(crate) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// From an offset on; those it tells are still those of the text.
    pub(crate) fn starting_at(text: &'t str, at: usize) -> Self {
        Self { text, at }
    }

    /// The offset of the byte to come.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    #[inline(always)]
    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The next byte that is no white space, not taken. 0 at the end: no token starts with it.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> u8 {
        let text = self.text.as_bytes();
        match text.get(self.at) {
            Some(&byte) if byte > b' ' => byte,
            _ => {
                let (at, byte) = behind_space(text, self.at);
                self.at = at;
                byte
            }
        }
    }

    /// Takes the byte that [`next`](Self::next) showed.
    #[inline(always)]
    pub(super) fn take(&mut self) {
        self.at += 1;
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), Problem> {
        self.next();
        if self.at >= self.text.len() { Ok(()) } else { Err(Problem::Trailing) }
    }

    /// One value, with at most `max_depth` containers inside each other.
    #[inline]
    pub(crate) fn value<S: Sink>(&mut self, sink: &mut S, max_depth: usize) -> Result<(), Problem> {
        // A copy stays in registers.
        let mut here = *self;
        let outcome = here.walk(sink, max_depth);
        self.at = here.at;
        outcome
    }

    #[inline(always)]
    fn walk<S: Sink>(&mut self, sink: &mut S, max_depth: usize) -> Result<(), Problem> {
        let max_depth = max_depth.min(MAX_DEPTH);
        // The innermost container is the lowest bit: 1 for an object.
        let mut nest: u128 = 0;
        let mut depth = 0;
        'value: loop {
            match self.next() {
                b'"' => {
                    let text = self.string()?;
                    sink.string(text)?;
                }
                b'-' | b'0'..=b'9' => {
                    let number = self.number()?;
                    sink.number(number)?;
                }
                b'{' => {
                    depth = deeper(depth, max_depth)?;
                    self.take();
                    sink.open(Container::Object)?;
                    if self.next() != b'}' {
                        nest = nest << 1 | 1;
                        let name = self.name()?;
                        sink.name(name)?;
                        continue 'value;
                    }
                    self.take();
                    sink.close(Container::Object);
                    depth -= 1;
                }
                b'[' => {
                    depth = deeper(depth, max_depth)?;
                    self.take();
                    sink.open(Container::Array)?;
                    if self.next() != b']' {
                        nest <<= 1;
                        continue 'value;
                    }
                    self.take();
                    sink.close(Container::Array);
                    depth -= 1;
                }
                _ => {
                    let literal = self.literal()?;
                    sink.literal(literal)?;
                }
            }
            while depth > 0 {
                if nest & 1 == 1 {
                    match self.next() {
                        b',' => {
                            self.take();
                            let name = self.name()?;
                            sink.name(name)?;
                            continue 'value;
                        }
                        b'}' => sink.close(Container::Object),
                        _ => return Err(Problem::ObjectEnd),
                    }
                } else {
                    match self.next() {
                        b',' => {
                            self.take();
                            continue 'value;
                        }
                        b']' => sink.close(Container::Array),
                        _ => return Err(Problem::ArrayEnd),
                    }
                }
                self.take();
                depth -= 1;
                nest >>= 1;
            }
            return Ok(());
        }
    }

    /// One value, checked and passed over.
    pub(crate) fn skip(&mut self, max_depth: usize) -> Result<(), Problem> {
        self.value(&mut Nothing, max_depth)
    }

    /// A name and the colon behind it.
    #[inline(always)]
    pub(super) fn name(&mut self) -> Result<Span, Problem> {
        if self.next() != b'"' {
            return Err(Problem::Name);
        }
        let name = self.string()?;
        if self.next() != b':' {
            return Err(Problem::Colon);
        }
        self.take();
        Ok(name)
    }

    /// A string; stands before its opening quote.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<Span, Problem> {
        let text = self.text.as_bytes();
        let start = self.at + 1;
        self.at = start;
        let mut escaped = false;
        loop {
            let (end, byte) = string::plain_end(text, self.at);
            self.at = end;
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(Span { start, end, escaped });
                }
                b'\\' => {
                    escaped = true;
                    self.at += match text.get(end + 1) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                        _ => string::escape(self.rest())?,
                    };
                }
                _ if end >= text.len() => return Err(Problem::Unclosed),
                _ => return Err(Problem::Control),
            }
        }
    }

    #[inline(always)]
    fn number(&mut self) -> Result<Number<'t>, Problem> {
        let number = number::scan(self.text.as_bytes(), self.at)?;
        self.at += number.spelled.len();
        Ok(number)
    }

    #[inline(always)]
    fn literal(&mut self) -> Result<Option<bool>, Problem> {
        let (literal, len) = match self.rest() {
            [b't', b'r', b'u', b'e', ..] => (Some(true), 4),
            [b'f', b'a', b'l', b's', b'e', ..] => (Some(false), 5),
            [b'n', b'u', b'l', b'l', ..] => (None, 4),
            [] => return Err(Problem::End),
            [0xef, 0xbb, 0xbf, ..] if self.at == 0 => return Err(Problem::ByteOrderMark),
            _ => return Err(Problem::Value),
        };
        self.at += len;
        Ok(literal)
    }

    /// The text from `start` to here.
    pub(crate) fn since(&self, start: usize) -> Result<&'t str, Problem> {
        self.text.get(start..self.at).ok_or(Problem::Utf8)
    }

    /// A string's value: borrowed where it has no escapes.
    pub(crate) fn decode(&self, span: Span) -> Result<Cow<'t, str>, Problem> {
        let raw = self.text.get(span.start..span.end).ok_or(Problem::Utf8)?;
        if span.escaped {
            string::decode(raw).map(Cow::Owned).ok_or(Problem::Escape)
        } else {
            Ok(Cow::Borrowed(raw))
        }
    }
}

fn deeper(depth: usize, max_depth: usize) -> Result<usize, Problem> {
    if depth < max_depth { Ok(depth + 1) } else { Err(Problem::TooDeep) }
}

/// Where white space ends, from `at` on, and the byte there; 0 at the end. Takes and gives offsets, so that the
/// scanner's own can stay in a register.
#[inline(never)]
fn behind_space(text: &[u8], at: usize) -> (usize, u8) {
    let mut at = at;
    loop {
        match text.get(at) {
            Some(b' ' | b'\n' | b'\r' | b'\t') => at += 1 + blanks(text, at + 1),
            Some(&byte) => return (at, byte),
            None => return (at, 0),
        }
    }
}

/// How many of the next eight bytes are blanks, up to the first that is not: indentation.
#[inline(always)]
fn blanks(text: &[u8], at: usize) -> usize {
    match text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(word) => (u64::from_le_bytes(*word) ^ 0x2020_2020_2020_2020).trailing_zeros() as usize / 8,
        None => 0,
    }
}
