//! Numbers: the grammar of RFC 8259 §6, and what value a spelling has.

use super::Value;
use super::error::Problem;

/// A number as the scanner met it. It is known to be finite as an `f64`.
#[derive(Clone, Copy)]
pub(crate) struct Number<'t> {
    pub(crate) start: usize,
    pub(crate) spelled: &'t [u8],
    /// It has neither fraction nor exponent.
    pub(crate) whole: bool,
}

/// Longest spelling of a number: it is read again each time somebody asks for its value.
const MAX_NUMBER_BYTES: usize = 1024;

/// No number of 17 digits needs more than 57 bits.
const SMALL_DIGITS: usize = 17;

/// A number with fewer digits, and without an exponent, is far below `f64::MAX`.
const SURELY_FINITE: usize = 300;

/// Reads the number that stands at `start`.
#[inline(always)]
pub(super) fn scan(text: &[u8], start: usize) -> Result<Number<'_>, Problem> {
    let byte = |at: usize| text.get(at).copied().unwrap_or(0);
    let first = start + usize::from(byte(start) == b'-');
    let mut end = digits(text, first);
    if end == first || (end > first + 1 && byte(first) == b'0') {
        return Err(Problem::Number);
    }
    let mut whole = true;
    let mut sure = true;
    if byte(end) == b'.' {
        whole = false;
        end = fraction(text, end + 1)?;
    }
    if matches!(byte(end), b'e' | b'E') {
        whole = false;
        sure = false;
        end = fraction(text, end + 1 + usize::from(matches!(byte(end + 1), b'+' | b'-')))?;
    }
    let spelled = text.get(start..end).unwrap_or_default();
    if (!sure || spelled.len() > SURELY_FINITE) && !is_finite(spelled) {
        return Err(Problem::Range);
    }
    Ok(Number { start, spelled, whole })
}

/// The end of at least one digit.
#[inline(always)]
fn fraction(text: &[u8], at: usize) -> Result<usize, Problem> {
    let end = digits(text, at);
    if end > at { Ok(end) } else { Err(Problem::Number) }
}

/// Where the digits from `at` on end.
#[inline(always)]
fn digits(text: &[u8], at: usize) -> usize {
    let Some(mut rest) = text.get(at..) else { return at };
    while let [b'0'..=b'9', tail @ ..] = rest {
        rest = tail;
    }
    text.len() - rest.len()
}

#[inline(never)]
fn is_finite(spelled: &[u8]) -> bool {
    spelled.len() <= MAX_NUMBER_BYTES
        && std::str::from_utf8(spelled).ok().and_then(|s| s.parse::<f64>().ok()).is_some_and(f64::is_finite)
}

impl Number<'_> {
    /// The value where it is whole and of at most [`SMALL_DIGITS`] digits. `-0` is a double.
    #[inline(always)]
    pub(super) fn small(&self) -> Option<i64> {
        let (negative, digits) = match self.spelled {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        if !self.whole || digits.len() > SMALL_DIGITS {
            return None;
        }
        let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit & 15));
        match (negative, value) {
            (false, _) => Some(value),
            (true, 0) => None,
            (true, _) => Some(-value),
        }
    }
}

/// The value of a spelled number: whole numbers as they are where they fit, all others as the nearest double.
pub(super) fn value(spelled: &str) -> Option<Value<'static>> {
    if spelled == "-0" {
        return Some(Value::Double(-0.0));
    }
    if let Ok(int) = spelled.parse::<i64>() {
        return Some(Value::Int(int));
    }
    if let Ok(uint) = spelled.parse::<u64>() {
        return Some(Value::Uint(uint));
    }
    spelled.parse::<f64>().ok().map(Value::Double)
}
