//! Points in time and lengths of time. Calendar and time zones are jiff's, used without a clock or a system.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};

use super::error::EvalErrorKind;
use crate::UnixTime;

const NANOS: i64 = 1_000_000_000;
const DAY: i64 = 86_400;
/// 0001-01-01T00:00:00Z
const EARLIEST: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z
const LATEST: i64 = 253_402_300_799;

/// A point in time from the year 1 to the year 9999, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    // INVARIANT: from EARLIEST to LATEST.
    seconds: i64,
    // INVARIANT: below NANOS.
    nanos: u32,
}

/// A length of time in nanoseconds, at most about 292 years either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    nanos: i64,
}

/// A part of a date or of a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    FullYear,
    Month,
    Date,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

impl Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z and nanoseconds after them; `None` outside of the years 1 to 9999
    /// and for a second or more of nanoseconds.
    pub fn new(seconds: i64, nanos: u32) -> Option<Self> {
        let fits = (EARLIEST..=LATEST).contains(&seconds) && i64::from(nanos) < NANOS;
        fits.then_some(Self { seconds, nanos })
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after [`seconds`](Self::seconds).
    pub fn nanos(self) -> u32 {
        self.nanos
    }

    /// RFC 3339, for instance `2024-02-29T12:00:00.5+01:00`.
    pub(super) fn parse(text: &str) -> Result<Self, EvalErrorKind> {
        parse_rfc3339(text).ok_or(EvalErrorKind::InvalidConversion)?
    }

    pub(super) fn from_seconds(seconds: i64) -> Result<Self, EvalErrorKind> {
        Self::new(seconds, 0).ok_or(EvalErrorKind::Overflow)
    }

    fn from_nanos(nanos: i128) -> Result<Self, EvalErrorKind> {
        let second = i128::from(NANOS);
        let seconds = i64::try_from(nanos.div_euclid(second)).ok();
        let rest = u32::try_from(nanos.rem_euclid(second)).ok();
        seconds.zip(rest).and_then(|(s, n)| Self::new(s, n)).ok_or(EvalErrorKind::Overflow)
    }

    fn as_nanos(self) -> i128 {
        i128::from(self.seconds) * i128::from(NANOS) + i128::from(self.nanos)
    }

    pub(super) fn plus(self, duration: Duration) -> Result<Self, EvalErrorKind> {
        Self::from_nanos(self.as_nanos() + i128::from(duration.nanos))
    }

    pub(super) fn minus(self, duration: Duration) -> Result<Self, EvalErrorKind> {
        Self::from_nanos(self.as_nanos() - i128::from(duration.nanos))
    }

    pub(super) fn since(self, earlier: Self) -> Result<Duration, EvalErrorKind> {
        let nanos = i64::try_from(self.as_nanos() - earlier.as_nanos());
        nanos.map(|nanos| Duration { nanos }).map_err(|_| EvalErrorKind::Overflow)
    }

    /// The field in a time zone: a name of the IANA database, `UTC`, or an offset such as `-02:30`.
    pub(super) fn field(self, field: Field, zone: Option<&str>) -> Result<i64, EvalErrorKind> {
        let offset = zone.map_or(Ok(0), |zone| self.offset(zone))?;
        let local = self.seconds + offset;
        let second = local.rem_euclid(DAY);
        let date = date(local.div_euclid(DAY)).ok_or(EvalErrorKind::Overflow)?;
        Ok(match field {
            Field::FullYear => i64::from(date.year()),
            Field::Month => i64::from(date.month()) - 1,
            Field::Date => i64::from(date.day()),
            Field::DayOfMonth => i64::from(date.day()) - 1,
            Field::DayOfWeek => i64::from(date.weekday().to_sunday_zero_offset()),
            Field::DayOfYear => i64::from(date.day_of_year()) - 1,
            Field::Hours => second / 3600,
            Field::Minutes => second / 60 % 60,
            Field::Seconds => second % 60,
            Field::Milliseconds => i64::from(self.nanos) / 1_000_000,
        })
    }

    fn offset(self, zone: &str) -> Result<i64, EvalErrorKind> {
        if zone.contains(':') {
            return parse_offset(zone).ok_or(EvalErrorKind::InvalidConversion);
        }
        // jiff's range ends a day earlier, for the sake of offsets; zones do not change in that last day.
        let (least, most) = (jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
        let instant = jiff::Timestamp::from_second(self.seconds.clamp(least, most))
            .map_err(|_| EvalErrorKind::Overflow)?;
        let offset = time_zone(zone).ok_or(EvalErrorKind::InvalidConversion)?.to_offset(instant);
        Ok(i64::from(Offset::seconds(offset)))
    }
}

/// A named zone from the database that is compiled in. The one of the operating system is never asked.
#[cfg(feature = "time-zones")]
fn time_zone(name: &str) -> Option<TimeZone> {
    jiff::tz::TimeZoneDatabase::bundled().get(name).ok()
}

#[cfg(not(feature = "time-zones"))]
fn time_zone(name: &str) -> Option<TimeZone> {
    (name == "UTC").then_some(TimeZone::UTC)
}

impl Duration {
    /// A duration of so many nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self { nanos }
    }

    /// The whole duration in nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.nanos
    }

    /// Numbers with units, for instance `1h30m` or `-1.5s`.
    pub(super) fn parse(text: &str) -> Result<Self, EvalErrorKind> {
        parse_duration(text).ok_or(EvalErrorKind::InvalidConversion)?
    }

    pub(super) fn plus(self, other: Self) -> Result<Self, EvalErrorKind> {
        self.nanos.checked_add(other.nanos).map(Self::from_nanos).ok_or(EvalErrorKind::Overflow)
    }

    pub(super) fn minus(self, other: Self) -> Result<Self, EvalErrorKind> {
        self.nanos.checked_sub(other.nanos).map(Self::from_nanos).ok_or(EvalErrorKind::Overflow)
    }

    pub(super) fn negated(self) -> Result<Self, EvalErrorKind> {
        self.nanos.checked_neg().map(Self::from_nanos).ok_or(EvalErrorKind::Overflow)
    }

    /// The whole duration in this unit; milliseconds are those after the last whole second.
    pub(super) fn field(self, field: Field) -> Option<i64> {
        Some(match field {
            Field::Hours => self.nanos / (3600 * NANOS),
            Field::Minutes => self.nanos / (60 * NANOS),
            Field::Seconds => self.nanos / NANOS,
            Field::Milliseconds => self.nanos % NANOS / 1_000_000,
            _ => return None,
        })
    }
}

impl From<UnixTime> for Timestamp {
    fn from(time: UnixTime) -> Self {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(LATEST).clamp(EARLIEST, LATEST);
        Self { seconds, nanos: 0 }
    }
}

/// RFC 3339 in UTC with as many digits after the second as it has.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = self.seconds.rem_euclid(DAY);
        let Some(date) = date(self.seconds.div_euclid(DAY)) else { return Err(fmt::Error) };
        let (year, month, day) = (date.year(), date.month(), date.day());
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        fraction(f, self.nanos)?;
        f.write_str("Z")
    }
}

/// Seconds, for instance `90s` or `-1.5s`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.nanos.unsigned_abs();
        let second = NANOS.unsigned_abs();
        write!(f, "{}{}", if self.nanos < 0 { "-" } else { "" }, nanos / second)?;
        fraction(f, u32::try_from(nanos % second).unwrap_or(0))?;
        f.write_str("s")
    }
}

fn fraction(f: &mut fmt::Formatter<'_>, nanos: u32) -> fmt::Result {
    if nanos == 0 {
        return Ok(());
    }
    let digits = format!("{nanos:09}");
    write!(f, ".{}", digits.trim_end_matches('0'))
}

/// The date so many days after 1970-01-01.
fn date(days: i64) -> Option<Date> {
    Date::new(1970, 1, 1).ok()?.checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}

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

/// `None`: not RFC 3339; an error: outside of the range.
fn parse_rfc3339(text: &str) -> Option<Result<Timestamp, EvalErrorKind>> {
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
    let offset = if at.eat(b'Z').is_some() {
        0
    } else {
        let rest = std::str::from_utf8(at.0).ok()?;
        at.0 = &[];
        rest.starts_with(['+', '-']).then(|| parse_offset(rest))??
    };
    if !at.0.is_empty() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let date = Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    let seconds = days_before(date)? * DAY + hour * 3600 + minute * 60 + second - offset;
    Some(Timestamp::new(seconds, u32::try_from(nanos).ok()?).ok_or(EvalErrorKind::Overflow))
}

/// `+01:00`, `-02:30` or `02:00`, in seconds.
fn parse_offset(text: &str) -> Option<i64> {
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
fn parse_duration(text: &str) -> Option<Result<Duration, EvalErrorKind>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> Option<String> {
        Timestamp::parse(text).ok().map(|t| t.to_string())
    }

    #[test]
    fn timestamps_are_strict_rfc3339() {
        for (text, expected) in [
            ("2024-02-29T12:00:00.5+01:00", Some("2024-02-29T11:00:00.5Z")),
            ("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00Z")),
            ("9999-12-31T23:59:59.999999999Z", Some("9999-12-31T23:59:59.999999999Z")),
            ("0001-01-01T00:00:00+00:01", None),
            ("2023-02-29T12:00:00Z", None),
            ("2024-02-29t12:00:00z", None),
            ("2024-02-29 12:00:00Z", None),
            ("2024-02-29T12:00:00", None),
            ("2024-02-29T12:00:60Z", None),
            ("2024-02-29T12:00:00.Z", None),
            ("2024-02-29T12:00:00.0000000001Z", None),
            ("2024-02-29T12:00:00Z ", None),
            ("2024-02-29T12:00:00+0100", None),
            ("+024-02-29T12:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(show(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, expected) in [
            ("1h30m", Some("5400s")),
            ("-1.5s", Some("-1.5s")),
            ("1.5h", Some("5400s")),
            ("100ms", Some("0.1s")),
            ("1µs", Some("0.000001s")),
            (".5s", Some("0.5s")),
            ("+0", Some("0s")),
            ("9223372036.854775807s", Some("9223372036.854775807s")),
            ("9223372036.854775808s", None),
            ("999999999999999999999999999999999999999999999999999h", None),
            ("1", None),
            ("s", None),
            (".s", None),
            ("1.2.3s", None),
            ("1d", None),
            ("", None),
            ("-", None),
            ("1s ", None),
        ] {
            assert_eq!(Duration::parse(text).ok().map(|d| d.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn zones() {
        let time = Timestamp::parse("2024-07-01T23:30:00Z").unwrap();
        let hours = |zone| time.field(Field::Hours, Some(zone));
        assert_eq!(hours("UTC"), Ok(23));
        assert_eq!(hours("+01:00"), Ok(0));
        #[cfg(feature = "time-zones")]
        assert_eq!((hours("Europe/Zurich"), hours("America/St_Johns")), (Ok(1), Ok(21)));
        for zone in ["", "Europe/Nowhere", "../../etc/passwd", "+1:00", "24:00", "10:60", "local"] {
            assert_eq!(hours(zone), Err(EvalErrorKind::InvalidConversion), "{zone}");
        }
        let last = Timestamp::new(LATEST, 999_999_999).unwrap();
        assert_eq!(last.field(Field::FullYear, Some("+14:00")), Err(EvalErrorKind::Overflow));
        assert_eq!(last.field(Field::FullYear, Some("-14:00")), Ok(9999));
    }
}
