//! `format`: text with clauses such as `%s` and `%.2f`.

use std::fmt::Write as _;

use super::{MAX_OUTPUT_BYTES, Outcome, items};
use crate::cel::error::EvalErrorKind;
use crate::cel::value::{List, Value};

/// Most digits after the point.
const MAX_PRECISION: usize = 100;
const DEFAULT_PRECISION: usize = 6;

pub(super) fn format<'a>(text: &str, arguments: &List<'_>) -> Outcome<'a> {
    let mut out = String::new();
    let mut arguments = items(arguments).into_iter();
    let mut rest = text;
    while let Some((plain, clause)) = rest.split_once('%') {
        out.push_str(plain);
        if let Some(after) = clause.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let (precision, clause) = precision(clause)?;
        let mut clause = clause.chars();
        let kind = clause.next().ok_or(EvalErrorKind::InvalidFormat)?;
        rest = clause.as_str();
        if precision.is_some() && !matches!(kind, 'f' | 'e') {
            return Err(EvalErrorKind::InvalidFormat);
        }
        let argument = arguments.next().ok_or(EvalErrorKind::InvalidFormat)?;
        write_clause(kind, precision.unwrap_or(DEFAULT_PRECISION), &argument, &mut out)?;
        within_limit(&out)?;
    }
    out.push_str(rest);
    within_limit(&out)?;
    Ok(out.into())
}

fn within_limit(out: &str) -> Result<(), EvalErrorKind> {
    if out.len() > MAX_OUTPUT_BYTES { Err(EvalErrorKind::OutputTooLarge) } else { Ok(()) }
}

fn precision(clause: &str) -> Result<(Option<usize>, &str), EvalErrorKind> {
    let Some(after) = clause.strip_prefix('.') else { return Ok((None, clause)) };
    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    let (digits, rest) = after.split_at_checked(end).ok_or(EvalErrorKind::InvalidFormat)?;
    match digits.parse() {
        Ok(precision) if precision <= MAX_PRECISION => Ok((Some(precision), rest)),
        _ => Err(EvalErrorKind::InvalidFormat),
    }
}

fn write_clause(
    kind: char,
    precision: usize,
    argument: &Value<'_>,
    out: &mut String,
) -> Result<(), EvalErrorKind> {
    let written = match (kind, argument) {
        ('s', value) => return write_value(value, out),
        ('d', Value::Int(i)) => write!(out, "{i}"),
        ('d', Value::Uint(u)) => write!(out, "{u}"),
        ('d', Value::Double(d)) => return write_double(*d, out),
        ('f', number) => {
            let number = double(number)?;
            if number.is_finite() {
                write!(out, "{number:.precision$}")
            } else {
                return write_double(number, out);
            }
        }
        ('e', number) => return write_scientific(double(number)?, precision, out),
        ('b', Value::Bool(b)) => write!(out, "{}", u8::from(*b)),
        ('b', Value::Int(i)) => write!(out, "{}{:b}", sign(*i), i.unsigned_abs()),
        ('b', Value::Uint(u)) => write!(out, "{u:b}"),
        ('o', Value::Int(i)) => write!(out, "{}{:o}", sign(*i), i.unsigned_abs()),
        ('o', Value::Uint(u)) => write!(out, "{u:o}"),
        ('x', Value::Int(i)) => write!(out, "{}{:x}", sign(*i), i.unsigned_abs()),
        ('X', Value::Int(i)) => write!(out, "{}{:X}", sign(*i), i.unsigned_abs()),
        ('x', Value::Uint(u)) => write!(out, "{u:x}"),
        ('X', Value::Uint(u)) => write!(out, "{u:X}"),
        ('x' | 'X', Value::String(s)) => write_hex(s.as_bytes(), kind == 'X', out),
        ('x' | 'X', Value::Bytes(b)) => write_hex(b, kind == 'X', out),
        ('d' | 'b' | 'o' | 'x' | 'X', _) => return Err(EvalErrorKind::NoSuchOverload),
        _ => return Err(EvalErrorKind::InvalidFormat),
    };
    written.map_err(|_| EvalErrorKind::InvalidFormat)
}

fn sign(number: i64) -> &'static str {
    if number < 0 { "-" } else { "" }
}

fn double(value: &Value<'_>) -> Result<f64, EvalErrorKind> {
    match value {
        Value::Double(d) => Ok(*d),
        Value::Int(i) => Ok(*i as f64),
        Value::Uint(u) => Ok(*u as f64),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

fn write_hex(bytes: &[u8], upper: bool, out: &mut String) -> std::fmt::Result {
    if bytes.len() > MAX_OUTPUT_BYTES {
        return Err(std::fmt::Error);
    }
    bytes.iter().try_for_each(|b| if upper { write!(out, "{b:02X}") } else { write!(out, "{b:02x}") })
}

fn write_double(number: f64, out: &mut String) -> Result<(), EvalErrorKind> {
    let written = if number.is_nan() {
        out.write_str("NaN")
    } else if number.is_infinite() {
        out.write_str(if number > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        write!(out, "{number}")
    };
    written.map_err(|_| EvalErrorKind::InvalidFormat)
}

/// Like `1.052033e+03`: the exponent has a sign and at least two digits.
fn write_scientific(number: f64, precision: usize, out: &mut String) -> Result<(), EvalErrorKind> {
    if !number.is_finite() {
        return write_double(number, out);
    }
    let text = format!("{number:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').ok_or(EvalErrorKind::InvalidFormat)?;
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    write!(out, "{mantissa}e{sign}{digits:0>2}").map_err(|_| EvalErrorKind::InvalidFormat)
}

fn write_value(value: &Value<'_>, out: &mut String) -> Result<(), EvalErrorKind> {
    within_limit(out)?;
    let written = match value {
        Value::Null => out.write_str("null"),
        Value::Bool(b) => write!(out, "{b}"),
        Value::Int(i) => write!(out, "{i}"),
        Value::Uint(u) => write!(out, "{u}"),
        Value::Double(d) => return write_double(*d, out),
        Value::String(s) => out.write_str(s),
        Value::Bytes(b) => out.write_str(&String::from_utf8_lossy(b)),
        Value::Type(name) => out.write_str(name),
        Value::Timestamp(t) => write!(out, "{t}"),
        Value::Duration(d) => write!(out, "{d}"),
        Value::IpAddress(a) => write!(out, "{a}"),
        Value::Cidr(c) => write!(out, "{c}"),
        Value::List(list) => {
            out.push('[');
            for (i, item) in items(list).iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                write_value(item, out)?;
            }
            out.write_str("]")
        }
        Value::Map(map) => {
            let mut entries = Vec::with_capacity(map.len());
            let mut verdict = Ok(());
            let mut length = out.len();
            map.visit(|key, value| {
                let mut entry = (String::new(), String::new());
                verdict = write_value(&key, &mut entry.0).and_then(|()| write_value(&value, &mut entry.1));
                length += entry.0.len() + entry.1.len();
                if length > MAX_OUTPUT_BYTES {
                    verdict = Err(EvalErrorKind::OutputTooLarge);
                }
                entries.push(entry);
                verdict.is_ok()
            });
            verdict?;
            entries.sort();
            let text: Vec<_> = entries.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            write!(out, "{{{}}}", text.join(", "))
        }
        Value::Struct(_) | Value::Optional(_) => return Err(EvalErrorKind::NoSuchOverload),
    };
    written.map_err(|_| EvalErrorKind::InvalidFormat)
}
