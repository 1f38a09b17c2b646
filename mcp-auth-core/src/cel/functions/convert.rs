//! Conversions between types.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD as STANDARD, BASE64_STANDARD_NO_PAD as STANDARD_NO_PAD};

use super::Outcome;
use crate::cel::error::EvalErrorKind;
use crate::cel::time::{Duration, Timestamp};
use crate::cel::value::{Shared, Value};

pub(super) fn to_int<'a>(value: &Value<'_>) -> Outcome<'a> {
    match value {
        Value::Int(i) => Ok(Value::Int(*i)),
        Value::Uint(u) => i64::try_from(*u).map(Value::Int).map_err(|_| EvalErrorKind::Overflow),
        // The bounds are exact in `f64`; both ends are out, as in the other implementations.
        #[expect(clippy::cast_possible_truncation, reason = "in range by the guard; the fraction is dropped")]
        Value::Double(d) if d.abs() < 9_223_372_036_854_775_808.0 => Ok(Value::Int(*d as i64)),
        Value::Double(_) => Err(EvalErrorKind::Overflow),
        Value::Timestamp(t) => Ok(Value::Int(t.seconds())),
        Value::String(s) => s.parse().map(Value::Int).map_err(|_| EvalErrorKind::InvalidConversion),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

pub(super) fn to_uint<'a>(value: &Value<'_>) -> Outcome<'a> {
    match value {
        Value::Uint(u) => Ok(Value::Uint(*u)),
        Value::Int(i) => u64::try_from(*i).map(Value::Uint).map_err(|_| EvalErrorKind::Overflow),
        #[expect(clippy::cast_possible_truncation, reason = "in range by the guard; the fraction is dropped")]
        #[expect(clippy::cast_sign_loss, reason = "not negative by the guard")]
        Value::Double(d) if *d >= 0.0 && *d < 18_446_744_073_709_551_616.0 => Ok(Value::Uint(*d as u64)),
        Value::Double(_) => Err(EvalErrorKind::Overflow),
        Value::String(s) => s.parse().map(Value::Uint).map_err(|_| EvalErrorKind::InvalidConversion),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

pub(super) fn to_double<'a>(value: &Value<'_>) -> Outcome<'a> {
    match value {
        Value::Double(d) => Ok(Value::Double(*d)),
        Value::Int(i) => Ok(Value::Double(*i as f64)),
        Value::Uint(u) => Ok(Value::Double(*u as f64)),
        Value::String(s) => s.parse().map(Value::Double).map_err(|_| EvalErrorKind::InvalidConversion),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

pub(super) fn to_text<'a>(value: &Value<'a>) -> Outcome<'a> {
    Ok(match value {
        Value::String(_) => value.clone(),
        Value::Int(i) => i.to_string().into(),
        Value::Uint(u) => u.to_string().into(),
        Value::Double(d) => double_text(*d).into(),
        Value::Bool(b) => Value::from(if *b { "true" } else { "false" }),
        Value::Timestamp(t) => t.to_string().into(),
        Value::Duration(d) => d.to_string().into(),
        Value::IpAddress(a) => a.to_string().into(),
        Value::Cidr(c) => c.to_string().into(),
        Value::Bytes(Shared::Borrowed(b)) => match std::str::from_utf8(b) {
            Ok(s) => s.into(),
            Err(_) => return Err(EvalErrorKind::InvalidConversion),
        },
        Value::Bytes(b) => match std::str::from_utf8(b) {
            Ok(s) => s.to_owned().into(),
            Err(_) => return Err(EvalErrorKind::InvalidConversion),
        },
        _ => return Err(EvalErrorKind::NoSuchOverload),
    })
}

/// Shortest text that reads back as the same number, with an exponent where digits alone would be long.
fn double_text(d: f64) -> String {
    if d.is_infinite() {
        return if d > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if d != 0.0 && !(1e-4..1e21).contains(&d.abs()) { format!("{d:e}") } else { d.to_string() }
}

pub(super) fn to_bool<'a>(value: &Value<'_>) -> Outcome<'a> {
    match value {
        Value::Bool(b) => Ok(Value::Bool(*b)),
        Value::String(s) => match &**s {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => Err(EvalErrorKind::InvalidConversion),
        },
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

pub(super) fn to_bytes<'a>(value: &Value<'a>) -> Outcome<'a> {
    Ok(match value {
        Value::Bytes(_) => value.clone(),
        Value::String(Shared::Borrowed(s)) => Value::from(s.as_bytes()),
        Value::String(Shared::Owned(s)) => Value::Bytes(Shared::Owned(s.as_bytes().into())),
        _ => return Err(EvalErrorKind::NoSuchOverload),
    })
}

pub(super) fn to_timestamp<'a>(value: &Value<'_>) -> Outcome<'a> {
    match value {
        Value::Timestamp(t) => Ok(*t),
        Value::Int(i) => Timestamp::from_seconds(*i),
        Value::String(s) => Timestamp::parse(s),
        _ => return Err(EvalErrorKind::NoSuchOverload),
    }
    .map(Value::Timestamp)
}

pub(super) fn to_duration<'a>(value: &Value<'_>) -> Outcome<'a> {
    match value {
        Value::Duration(d) => Ok(*d),
        Value::String(s) => Duration::parse(s),
        _ => return Err(EvalErrorKind::NoSuchOverload),
    }
    .map(Value::Duration)
}

pub(super) fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Padding may be missing.
pub(super) fn base64_decode<'a>(text: &str) -> Outcome<'a> {
    match STANDARD_NO_PAD.decode(text.trim_end_matches('=')) {
        Ok(bytes) => Ok(Value::Bytes(Shared::Owned(bytes.into()))),
        Err(_) => Err(EvalErrorKind::InvalidConversion),
    }
}
