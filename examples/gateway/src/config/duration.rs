//! Durations: `86400s`, `1h30m`, or a number of seconds.

use std::time::Duration;

use super::error::Fault;
use super::node::{Kind, Node};

/// Reads the value of `field`: a whole number of seconds, or numbers with units (`ms`, `s`, `m`, `h`, `d`).
pub(super) fn read(node: Node, field: &str) -> Result<Duration, Fault> {
    const EXPECTED: &str = "a duration such as `30s`, or a number of seconds";
    let at = node.at;
    match node.kind {
        Kind::Integer(seconds) => u64::try_from(seconds).ok().map(Duration::from_secs),
        Kind::Text(text) => parse(&text),
        other => return Err(other.wrong_type(at, field, EXPECTED)),
    }
    .ok_or_else(|| Fault::invalid(at, format!("`{field}` must be {EXPECTED}")))
}

/// Reads the value of `field` like [`read`], and refuses zero.
pub(super) fn read_filled(node: Node, field: &str) -> Result<Duration, Fault> {
    let at = node.at;
    let duration = read(node, field)?;
    if duration.is_zero() {
        Err(Fault::invalid(at, format!("`{field}` must not be zero")))
    } else {
        Ok(duration)
    }
}

fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at_checked(end)?;
        let number: u64 = number.parse().ok()?;
        let part = match unit {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(60 * 60)?),
            "d" => Duration::from_secs(number.checked_mul(24 * 60 * 60)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = next;
    }
    Some(total)
}
