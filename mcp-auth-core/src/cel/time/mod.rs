//! Points in time and lengths of time. Calendar and time zones are jiff's, used without a clock or a system.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};

use super::error::EvalErrorKind;
use crate::UnixTime;

mod parse;
#[cfg(test)]
mod tests;

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
        parse::timestamp(text).ok_or(EvalErrorKind::InvalidConversion)?
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
            return parse::offset(zone).ok_or(EvalErrorKind::InvalidConversion);
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
        parse::duration(text).ok_or(EvalErrorKind::InvalidConversion)?
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
