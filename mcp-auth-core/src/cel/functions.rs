//! The functions of the language, by value. Names and types are in [`Function::named`] and
//! [`Function::signature`].

use regex::{Regex, RegexBuilder};

use super::error::EvalErrorKind;
use super::types::Type;
use super::value::{Items, List, Shared, Value};

/// Largest string, and largest sequence of bytes, that an expression may make.
pub const MAX_OUTPUT_BYTES: usize = 1024 * 1024;
/// Largest compiled regular expression, in bytes.
pub const MAX_PATTERN_BYTES: usize = 1024 * 1024;
/// Most arguments of a function, the receiver included.
pub(super) const MAX_ARGUMENTS: usize = 4;

type Outcome<'a> = Result<Value<'a>, EvalErrorKind>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    StartsWith,
    EndsWith,
    Contains,
    Matches,
    ToInt,
    ToUint,
    ToDouble,
    ToText,
    ToBool,
    ToBytes,
    ToDyn,
    TypeOf,
    LowerAscii,
    UpperAscii,
    Trim,
    Split,
    Join,
    Replace,
    IndexOf,
    LastIndexOf,
    Substring,
    CharAt,
    Reverse,
}

/// How a function may be called.
pub(super) struct Signature {
    pub(super) global: bool,
    pub(super) method: bool,
    /// The receiver, where there is one, is the first.
    pub(super) parameters: &'static [Parameter],
    /// How many of them must be given.
    pub(super) required: usize,
    pub(super) result: Type,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    Any,
    Text,
    Int,
    List,
    /// What `size` takes.
    Sized,
    Number,
    /// What converts to a string.
    Printable,
    TextOrBool,
    TextOrBytes,
}

impl Parameter {
    pub(super) fn accepts(self, argument: &Type) -> bool {
        use Type::{Bool, Bytes, Double, Int, List, Map, String, Uint};
        let any = matches!(self, Self::Any) || matches!(argument, Type::Dyn);
        any || matches!(
            (self, argument),
            (Self::Text, String)
                | (Self::Int, Int)
                | (Self::List, List(_))
                | (Self::Sized, String | Bytes | List(_) | Map(..))
                | (Self::Number, Int | Uint | Double | String)
                | (Self::Printable, Int | Uint | Double | String | Bytes | Bool)
                | (Self::TextOrBool, String | Bool)
                | (Self::TextOrBytes, String | Bytes)
        )
    }
}

/// Every function, for look-up and for suggestions.
pub(super) const NAMES: [(&str, Function); 24] = [
    ("size", Function::Size),
    ("startsWith", Function::StartsWith),
    ("endsWith", Function::EndsWith),
    ("contains", Function::Contains),
    ("matches", Function::Matches),
    ("int", Function::ToInt),
    ("uint", Function::ToUint),
    ("double", Function::ToDouble),
    ("string", Function::ToText),
    ("bool", Function::ToBool),
    ("bytes", Function::ToBytes),
    ("dyn", Function::ToDyn),
    ("type", Function::TypeOf),
    ("lowerAscii", Function::LowerAscii),
    ("upperAscii", Function::UpperAscii),
    ("trim", Function::Trim),
    ("split", Function::Split),
    ("join", Function::Join),
    ("replace", Function::Replace),
    ("indexOf", Function::IndexOf),
    ("lastIndexOf", Function::LastIndexOf),
    ("substring", Function::Substring),
    ("charAt", Function::CharAt),
    ("reverse", Function::Reverse),
];

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(n, _)| *n == name).map(|(_, f)| *f)
    }

    pub(super) fn signature(self) -> Signature {
        use Parameter::{Any, Int, List, Number, Printable, Sized, Text, TextOrBool, TextOrBytes};
        let global =
            |parameters, result| Signature { global: true, method: false, parameters, required: 1, result };
        let method = |parameters, required, result| Signature {
            global: false,
            method: true,
            parameters,
            required,
            result,
        };
        match self {
            Self::Size => Signature { method: true, ..global(&[Sized], Type::Int) },
            Self::Matches => Signature { global: true, ..method(&[Text, Text], 2, Type::Bool) },
            Self::StartsWith | Self::EndsWith | Self::Contains => method(&[Text, Text], 2, Type::Bool),
            Self::ToInt => global(&[Number], Type::Int),
            Self::ToUint => global(&[Number], Type::Uint),
            Self::ToDouble => global(&[Number], Type::Double),
            Self::ToText => global(&[Printable], Type::String),
            Self::ToBool => global(&[TextOrBool], Type::Bool),
            Self::ToBytes => global(&[TextOrBytes], Type::Bytes),
            Self::ToDyn => global(&[Any], Type::Dyn),
            Self::TypeOf => global(&[Any], Type::Type),
            Self::LowerAscii | Self::UpperAscii | Self::Trim | Self::Reverse => {
                method(&[Text], 1, Type::String)
            }
            Self::Split => method(&[Text, Text, Int], 2, Type::list(Type::String)),
            Self::Join => method(&[List, Text], 1, Type::String),
            Self::Replace => method(&[Text, Text, Text, Int], 3, Type::String),
            Self::IndexOf | Self::LastIndexOf => method(&[Text, Text, Int], 2, Type::Int),
            Self::Substring => method(&[Text, Int, Int], 2, Type::String),
            Self::CharAt => method(&[Text, Int], 2, Type::String),
        }
    }

    /// Calls the function.
    ///
    /// # Errors
    ///
    /// `NoSuchOverload` for types it does not take; what the single functions say otherwise.
    pub(super) fn call<'a>(self, args: &[Value<'a>]) -> Outcome<'a> {
        use Value::{Int, String as S};
        match (self, args) {
            (Self::Size, [value]) => size(value),
            (Self::StartsWith, [S(s), S(t)]) => Ok(Value::Bool(s.starts_with(&**t))),
            (Self::EndsWith, [S(s), S(t)]) => Ok(Value::Bool(s.ends_with(&**t))),
            (Self::Contains, [S(s), S(t)]) => Ok(Value::Bool(s.contains(&**t))),
            (Self::Matches, [S(s), S(t)]) => match pattern(t) {
                Some(regex) => Ok(Value::Bool(regex.is_match(s))),
                None => Err(EvalErrorKind::InvalidPattern),
            },
            (Self::ToInt, [value]) => to_int(value),
            (Self::ToUint, [value]) => to_uint(value),
            (Self::ToDouble, [value]) => to_double(value),
            (Self::ToText, [value]) => to_text(value),
            (Self::ToBool, [value]) => to_bool(value),
            (Self::ToBytes, [value]) => to_bytes(value),
            (Self::ToDyn, [value]) => Ok(value.clone()),
            (Self::TypeOf, [value]) => Ok(Value::Type(value.type_name())),
            (Self::LowerAscii, [S(s)]) => Ok(s.to_ascii_lowercase().into()),
            (Self::UpperAscii, [S(s)]) => Ok(s.to_ascii_uppercase().into()),
            (Self::Trim, [S(s)]) => Ok(part(s, |s| s.trim())),
            (Self::Reverse, [S(s)]) => Ok(s.chars().rev().collect::<String>().into()),
            (Self::Split, [S(s), S(by)]) => Ok(split(s, by, -1)),
            (Self::Split, [S(s), S(by), Int(limit)]) => Ok(split(s, by, *limit)),
            (Self::Join, [Value::List(list)]) => join(list, ""),
            (Self::Join, [Value::List(list), S(by)]) => join(list, by),
            (Self::Replace, [S(s), S(old), S(new)]) => replace(s, old, new, -1),
            (Self::Replace, [S(s), S(old), S(new), Int(limit)]) => replace(s, old, new, *limit),
            (Self::IndexOf, [S(s), S(t)]) => index_of(s, t, 0),
            (Self::IndexOf, [S(s), S(t), Int(from)]) => index_of(s, t, *from),
            (Self::LastIndexOf, [S(s), S(t)]) => last_index_of(s, t, None),
            (Self::LastIndexOf, [S(s), S(t), Int(from)]) => last_index_of(s, t, Some(*from)),
            (Self::Substring, [S(s), Int(start)]) => substring(s, *start, None),
            (Self::Substring, [S(s), Int(start), Int(end)]) => substring(s, *start, Some(*end)),
            (Self::CharAt, [S(s), Int(index)]) => char_at(s, *index),
            _ => Err(EvalErrorKind::NoSuchOverload),
        }
    }
}

/// Compiles a regular expression under [`MAX_PATTERN_BYTES`].
pub(super) fn pattern(text: &str) -> Option<Regex> {
    let limit = MAX_PATTERN_BYTES;
    RegexBuilder::new(text).size_limit(limit).dfa_size_limit(limit).build().ok()
}

fn int(n: usize) -> Value<'static> {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

fn size<'a>(value: &Value<'a>) -> Outcome<'a> {
    Ok(int(match value {
        Value::String(s) => s.chars().count(),
        Value::Bytes(b) => b.len(),
        Value::List(l) => l.len(),
        Value::Map(m) => m.len(),
        _ => return Err(EvalErrorKind::NoSuchOverload),
    }))
}

// === conversions ===

fn to_int<'a>(value: &Value<'_>) -> Outcome<'a> {
    match value {
        Value::Int(i) => Ok(Value::Int(*i)),
        Value::Uint(u) => i64::try_from(*u).map(Value::Int).map_err(|_| EvalErrorKind::Overflow),
        // The bounds are exact in `f64`; both ends are out, as in the other implementations.
        #[expect(clippy::cast_possible_truncation, reason = "in range by the guard; the fraction is dropped")]
        Value::Double(d) if d.abs() < 9_223_372_036_854_775_808.0 => Ok(Value::Int(*d as i64)),
        Value::Double(_) => Err(EvalErrorKind::Overflow),
        Value::String(s) => s.parse().map(Value::Int).map_err(|_| EvalErrorKind::InvalidConversion),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

fn to_uint<'a>(value: &Value<'_>) -> Outcome<'a> {
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

fn to_double<'a>(value: &Value<'_>) -> Outcome<'a> {
    match value {
        Value::Double(d) => Ok(Value::Double(*d)),
        Value::Int(i) => Ok(Value::Double(*i as f64)),
        Value::Uint(u) => Ok(Value::Double(*u as f64)),
        Value::String(s) => s.parse().map(Value::Double).map_err(|_| EvalErrorKind::InvalidConversion),
        _ => Err(EvalErrorKind::NoSuchOverload),
    }
}

fn to_text<'a>(value: &Value<'a>) -> Outcome<'a> {
    Ok(match value {
        Value::String(_) => value.clone(),
        Value::Int(i) => i.to_string().into(),
        Value::Uint(u) => u.to_string().into(),
        Value::Double(d) => double_text(*d).into(),
        Value::Bool(b) => Value::from(if *b { "true" } else { "false" }),
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

fn to_bool<'a>(value: &Value<'_>) -> Outcome<'a> {
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

fn to_bytes<'a>(value: &Value<'a>) -> Outcome<'a> {
    Ok(match value {
        Value::Bytes(_) => value.clone(),
        Value::String(Shared::Borrowed(s)) => Value::from(s.as_bytes()),
        Value::String(Shared::Owned(s)) => Value::Bytes(Shared::Owned(s.as_bytes().into())),
        _ => return Err(EvalErrorKind::NoSuchOverload),
    })
}

// === text ===

/// A part of a string: borrowed when the string is.
fn part<'a>(text: &Shared<'a, str>, cut: impl Fn(&str) -> &str) -> Value<'a> {
    match text {
        Shared::Borrowed(s) => Value::String(Shared::Borrowed(cut(s))),
        Shared::Owned(s) => Value::String(Shared::Owned(cut(s).into())),
    }
}

fn split<'a>(text: &Shared<'a, str>, by: &str, limit: i64) -> Value<'a> {
    let limit = if limit < 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
    if limit == 0 {
        return Value::from(Vec::new());
    }
    if by.is_empty() {
        return split_characters(text, limit);
    }
    match text {
        Shared::Borrowed(s) => s.splitn(limit, by).collect(),
        Shared::Owned(s) => s.splitn(limit, by).map(|p| Value::from(p.to_owned())).collect::<Vec<_>>().into(),
    }
}

fn split_characters<'a>(text: &str, limit: usize) -> Value<'a> {
    let mut parts: Vec<Value<'a>> = Vec::new();
    for (at, c) in text.char_indices() {
        if parts.len() + 1 == limit {
            parts.push(text.get(at..).unwrap_or_default().to_owned().into());
            break;
        }
        parts.push(c.to_string().into());
    }
    parts.into()
}

fn join<'a>(list: &List<'_>, by: &str) -> Outcome<'a> {
    let mut out = String::new();
    let mut verdict = Ok(());
    let mut first = true;
    list.visit(|item| {
        let Value::String(s) = &item else {
            verdict = Err(EvalErrorKind::NoSuchOverload);
            return false;
        };
        if !std::mem::take(&mut first) {
            out.push_str(by);
        }
        out.push_str(s);
        if out.len() > MAX_OUTPUT_BYTES {
            verdict = Err(EvalErrorKind::OutputTooLarge);
        }
        verdict.is_ok()
    });
    verdict.map(|()| out.into())
}

fn replace<'a>(text: &str, old: &str, new: &str, limit: i64) -> Outcome<'a> {
    let limit = if limit < 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
    let count = text.matches(old).take(limit).count();
    let removed = count.saturating_mul(old.len());
    let size = text.len().saturating_sub(removed).saturating_add(count.saturating_mul(new.len()));
    if size > MAX_OUTPUT_BYTES {
        return Err(EvalErrorKind::OutputTooLarge);
    }
    Ok(text.replacen(old, new, limit).into())
}

/// The byte offset of the character at `index`; the length counts as an index.
fn offset(text: &str, index: i64) -> Result<usize, EvalErrorKind> {
    let index = usize::try_from(index).map_err(|_| EvalErrorKind::IndexOutOfRange)?;
    let ends = text.char_indices().map(|(at, _)| at).chain(Some(text.len()));
    ends.into_iter().nth(index).ok_or(EvalErrorKind::IndexOutOfRange)
}

fn characters_before(text: &str, at: usize) -> Value<'static> {
    int(text.get(..at).map_or(0, |s| s.chars().count()))
}

fn index_of<'a>(text: &str, wanted: &str, from: i64) -> Outcome<'a> {
    let from = offset(text, from)?;
    let found = text.get(from..).and_then(|rest| rest.find(wanted));
    Ok(found.map_or(Value::Int(-1), |at| characters_before(text, from + at)))
}

fn last_index_of<'a>(text: &str, wanted: &str, from: Option<i64>) -> Outcome<'a> {
    let end = match from {
        Some(from) => offset(text, from)?.saturating_add(wanted.len()).min(text.len()),
        None => text.len(),
    };
    // Longest match that starts at or before `from`: cutting inside a character cannot lose a match.
    let end = (end..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let limit = from.map(|f| offset(text, f)).transpose()?.unwrap_or(text.len());
    let head = text.get(..end).unwrap_or(text);
    let found = head.rmatch_indices(wanted).map(|(at, _)| at).find(|at| *at <= limit);
    Ok(found.map_or(Value::Int(-1), |at| characters_before(text, at)))
}

fn substring<'a>(text: &Shared<'a, str>, start: i64, end: Option<i64>) -> Outcome<'a> {
    let from = offset(text, start)?;
    let to = end.map_or(Ok(text.len()), |end| offset(text, end))?;
    if from > to {
        return Err(EvalErrorKind::IndexOutOfRange);
    }
    Ok(part(text, |s| s.get(from..to).unwrap_or_default()))
}

fn char_at<'a>(text: &Shared<'a, str>, index: i64) -> Outcome<'a> {
    let from = offset(text, index)?;
    let length = text.get(from..).and_then(|s| s.chars().next()).map_or(0, char::len_utf8);
    Ok(part(text, |s| s.get(from..from + length).unwrap_or_default()))
}

/// Joins two lists.
pub(super) fn concatenate<'a>(left: &List<'a>, right: &List<'a>) -> List<'a> {
    let mut items = Vec::with_capacity(left.len().saturating_add(right.len()));
    for list in [left, right] {
        list.visit(|item| {
            items.push(item);
            true
        });
    }
    List(Items::Values(Shared::Owned(items.into())))
}
