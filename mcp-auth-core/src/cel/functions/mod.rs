//! The functions of the language, by value. Their names and types are in [`signature`].

mod collections;
mod convert;
mod format;
mod math;
mod net;
pub(super) mod signature;
mod text;

use regex::{Regex, RegexBuilder};

use super::error::EvalErrorKind;
use super::time::Field;
use super::value::{List, Value};
pub(super) use collections::concatenate;

/// Largest string, and largest sequence of bytes, that an expression may make.
pub const MAX_OUTPUT_BYTES: usize = 1024 * 1024;
/// Largest compiled regular expression, in bytes.
pub const MAX_PATTERN_BYTES: usize = 1024 * 1024;
/// Longest text of a regular expression, in bytes.
const MAX_PATTERN_TEXT_BYTES: usize = 4096;
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
    ToTimestamp,
    ToDuration,
    TimeField(Field),
    OptionalOf,
    OptionalOfNonZero,
    OptionalNone,
    OptionalUnwrap,
    HasValue,
    ValueOf,
    Or,
    OrValue,
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
    Format,
    Quote,
    Base64Encode,
    Base64Decode,
    Greatest,
    Least,
    Ceil,
    Floor,
    Round,
    Trunc,
    Sqrt,
    Abs,
    Sign,
    IsNan,
    IsInf,
    IsFinite,
    BitAnd,
    BitOr,
    BitXor,
    BitNot,
    ShiftLeft,
    ShiftRight,
    ToAddress,
    ToRange,
    IsAddress,
    IsRange,
    IsCanonical,
    Family,
    IsUnspecified,
    IsLoopback,
    IsGlobalUnicast,
    IsLinkLocalUnicast,
    IsLinkLocalMulticast,
    ContainsAddress,
    ContainsRange,
    Masked,
    PrefixLength,
    SetContains,
    SetIntersects,
    SetEquivalent,
    Distinct,
}

impl Function {
    /// Calls the function.
    ///
    /// # Errors
    ///
    /// `NoSuchOverload` for types it does not take; what the single functions say otherwise.
    pub(super) fn call<'a>(self, args: &[Value<'a>]) -> Outcome<'a> {
        use Value::{Bytes, Int, List as L, String as S};
        match (self, args) {
            (Self::Size, [value]) => size(value),
            (Self::StartsWith, [S(s), S(t)]) => Ok(Value::Bool(s.starts_with(&**t))),
            (Self::EndsWith, [S(s), S(t)]) => Ok(Value::Bool(s.ends_with(&**t))),
            (Self::Contains, [S(s), S(t)]) => Ok(Value::Bool(s.contains(&**t))),
            (Self::Matches, [S(s), S(t)]) => match pattern(t) {
                Ok(regex) => Ok(Value::Bool(regex.is_match(s))),
                Err(_) => Err(EvalErrorKind::InvalidPattern),
            },
            (Self::ToInt, [value]) => convert::to_int(value),
            (Self::ToUint, [value]) => convert::to_uint(value),
            (Self::ToDouble, [value]) => convert::to_double(value),
            (Self::ToText, [value]) => convert::to_text(value),
            (Self::ToBool, [value]) => convert::to_bool(value),
            (Self::ToBytes, [value]) => convert::to_bytes(value),
            (Self::ToDyn, [value]) => Ok(value.clone()),
            (Self::TypeOf, [value]) => Ok(Value::Type(value.type_name())),
            (Self::ToTimestamp, [value]) => convert::to_timestamp(value),
            (Self::ToDuration, [value]) => convert::to_duration(value),
            (Self::TimeField(field), [Value::Timestamp(t)]) => t.field(field, None).map(Int),
            (Self::TimeField(field), [Value::Timestamp(t), S(zone)]) => t.field(field, Some(zone)).map(Int),
            (Self::TimeField(field), [Value::Duration(d)]) => {
                d.field(field).map(Int).ok_or(EvalErrorKind::NoSuchOverload)
            }
            (Self::OptionalOf, [value]) => Ok(Value::Optional(Some(value.clone().into()))),
            (Self::OptionalOfNonZero, [value]) => {
                Ok(Value::Optional((!value.is_zero()).then(|| value.clone().into())))
            }
            (Self::OptionalNone, []) => Ok(Value::Optional(None)),
            (Self::OptionalUnwrap, [L(list)]) => collections::unwrap(list),
            (Self::LowerAscii, [S(s)]) => Ok(s.to_ascii_lowercase().into()),
            (Self::UpperAscii, [S(s)]) => Ok(s.to_ascii_uppercase().into()),
            (Self::Trim, [S(s)]) => Ok(text::part(s, |s| s.trim())),
            (Self::Reverse, [S(s)]) => Ok(s.chars().rev().collect::<String>().into()),
            (Self::Split, [S(s), S(by)]) => Ok(text::split(s, by, -1)),
            (Self::Split, [S(s), S(by), Int(limit)]) => Ok(text::split(s, by, *limit)),
            (Self::Join, [L(list)]) => text::join(list, ""),
            (Self::Join, [L(list), S(by)]) => text::join(list, by),
            (Self::Replace, [S(s), S(old), S(new)]) => text::replace(s, old, new, -1),
            (Self::Replace, [S(s), S(old), S(new), Int(limit)]) => text::replace(s, old, new, *limit),
            (Self::IndexOf, [S(s), S(t)]) => text::index_of(s, t, 0),
            (Self::IndexOf, [S(s), S(t), Int(from)]) => text::index_of(s, t, *from),
            (Self::LastIndexOf, [S(s), S(t)]) => text::last_index_of(s, t, None),
            (Self::LastIndexOf, [S(s), S(t), Int(from)]) => text::last_index_of(s, t, Some(*from)),
            (Self::Substring, [S(s), Int(start)]) => text::substring(s, *start, None),
            (Self::Substring, [S(s), Int(start), Int(end)]) => text::substring(s, *start, Some(*end)),
            (Self::CharAt, [S(s), Int(index)]) => text::char_at(s, *index),
            (Self::Format, [S(s), L(list)]) => format::format(s, list),
            (Self::Quote, [S(s)]) => Ok(text::quote(s).into()),
            (Self::Base64Encode, [Bytes(b)]) => Ok(convert::base64_encode(b).into()),
            (Self::Base64Decode, [S(s)]) => convert::base64_decode(s),
            (Self::SetContains, [L(a), L(b)]) => collections::set_contains(a, b),
            (Self::SetIntersects, [L(a), L(b)]) => collections::set_intersects(a, b),
            (Self::SetEquivalent, [L(a), L(b)]) => collections::set_equivalent(a, b),
            (Self::Distinct, [L(a)]) => collections::distinct(a),
            (Self::Greatest, args) => math::choose(args, std::cmp::Ordering::Greater),
            (Self::Least, args) => math::choose(args, std::cmp::Ordering::Less),
            (_, args) => math::call(self, args).or_else(|| net::call(self, args)).unwrap_or(NO_OVERLOAD),
        }
    }
}

const NO_OVERLOAD: Outcome<'static> = Err(EvalErrorKind::NoSuchOverload);

/// Compiles a regular expression under [`MAX_PATTERN_BYTES`]. Matching takes linear time.
///
/// # Errors
///
/// What is wrong with the text, for whoever wrote it.
pub(super) fn pattern(text: &str) -> Result<Regex, String> {
    if text.len() > MAX_PATTERN_TEXT_BYTES {
        return Err(format!("regular expression is longer than {MAX_PATTERN_TEXT_BYTES} bytes"));
    }
    let limit = MAX_PATTERN_BYTES;
    RegexBuilder::new(&ascii_classes(text)).size_limit(limit).dfa_size_limit(limit).build().map_err(|error| {
        match error {
            regex::Error::CompiledTooBig(_) => {
                format!("regular expression takes more than {limit} bytes compiled")
            }
            // The last of several lines says it; those before show the text.
            error => {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default();
                format!("regular expression is malformed: {}", reason.trim_start_matches("error: "))
            }
        }
    })
}

/// `\d`, `\w`, `\s` and their opposites in the meaning of RE2, which the language names: ASCII. What is a class of
/// its own stands in the place of a class and inside of one.
fn ascii_classes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('D') => out.push_str("[^0-9]"),
            Some('w') => out.push_str("[0-9A-Za-z_]"),
            Some('W') => out.push_str("[^0-9A-Za-z_]"),
            Some('s') => out.push_str(r"[\t\n\f\r\x20]"),
            Some('S') => out.push_str(r"[^\t\n\f\r\x20]"),
            other => {
                out.push('\\');
                out.extend(other);
            }
        }
    }
    out
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

/// The items of a list.
fn items<'a>(list: &List<'a>) -> Vec<Value<'a>> {
    let mut items = Vec::with_capacity(list.len());
    list.visit(|item| {
        items.push(item);
        true
    });
    items
}
