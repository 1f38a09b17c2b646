//! Times from text.

use jiff::civil::Date;

use super::{DAY, Duration, Timestamp};
use crate::cel::error::EvalErrorKind;

/// Days from 1970-01-01 to a date.
fn days_before(date: Date) -> Option<i64> {
    let epoch = Date::new(1970, 1, 1).ok()?;
    epoch.until(date).ok().map(|span| i64::from(span.get_days()))
}

struct Scanner<'t>(&'t [u8]);

impl Scanner<'_> {
    fn eat(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        (*first == byte).then(|| self.0 = rest)
    }

    /// So many digits as a number.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        head.iter().try_fold(0, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
    }
}

/// RFC 3339. `None`: it is not; an error: outside of the range.
pub(super) fn timestamp(text: &str) -> Option<Result<Timestamp, EvalErrorKind>> {
    let mut at = Scanner(text.as_bytes());
    let year = at.digits(4)?;
    at.eat(b'-')?;
    let month = at.digits(2)?;
    at.eat(b'-')?;
    let day = at.digits(2)?;
    at.eat(b'T')?;
    let hour = at.digits(2)?;
    at.eat(b':')?;
    let minute = at.digits(2)?;
    at.eat(b':')?;
    let second = at.digits(2)?;
    let mut nanos = 0;
    if at.eat(b'.').is_some() {
        let length = at.0.iter().take_while(|b| b.is_ascii_digit()).count();
        if length == 0 || length > 9 {
            return None;
        }
        nanos = at.digits(length)? * 10_i64.pow(9 - u32::try_from(length).ok()?);
    }
    let zone = if at.eat(b'Z').is_some() {
        0
    } else {
        let rest = std::str::from_utf8(at.0).ok()?;
        at.0 = &[];
        rest.starts_with(['+', '-']).then(|| offset(rest))??
    };
    if !at.0.is_empty() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let date = Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    let seconds = days_before(date)? * DAY + hour * 3600 + minute * 60 + second - zone;
    Some(Timestamp::new(seconds, u32::try_from(nanos).ok()?).ok_or(EvalErrorKind::Overflow))
}

/// `+01:00`, `-02:30` or `02:00`, in seconds.
pub(super) fn offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut at = Scanner(rest.as_bytes());
    let hours = at.digits(2)?;
    at.eat(b':')?;
    let minutes = at.digits(2)?;
    (at.0.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// `None`: malformed; an error: outside of the range.
pub(super) fn duration(text: &str) -> Option<Result<Duration, EvalErrorKind>> {
    const UNITS: [(&str, i128); 8] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("μs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(Ok(Duration::from_nanos(0)));
    }
    if rest.is_empty() || rest.len() > 128 {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(end)?;
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(end)?;
        rest = tail;
        let scale = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && decimals.is_empty()) || decimals.contains('.') {
            return None;
        }
        // Digits past 18 are below a nanosecond, and longer numbers are out of range.
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(i128::from(i64::MAX)) };
        let mut nanos = whole.saturating_mul(scale);
        let mut unit = scale;
        for digit in decimals.bytes().take(18) {
            unit /= 10;
            nanos = nanos.saturating_add(unit * i128::from(digit - b'0'));
        }
        total = total.saturating_add(nanos);
    }
    let total = if negative { -total } else { total };
    Some(i64::try_from(total).map(Duration::from_nanos).map_err(|_| EvalErrorKind::Overflow))
}
