//! Functions on strings. Positions count characters.

use super::{MAX_OUTPUT_BYTES, Outcome, int};
use crate::cel::error::EvalErrorKind;
use crate::cel::value::{List, Shared, Value};

/// A part of a string: borrowed when the string is.
pub(super) fn part<'a>(text: &Shared<'a, str>, cut: impl Fn(&str) -> &str) -> Value<'a> {
    match text {
        Shared::Borrowed(s) => Value::String(Shared::Borrowed(cut(s))),
        Shared::Owned(s) => Value::String(Shared::Owned(cut(s).into())),
    }
}

pub(super) fn split<'a>(text: &Shared<'a, str>, by: &str, limit: i64) -> Value<'a> {
    let limit = if limit < 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
    if limit == 0 {
        return Value::from(Vec::<Value<'a>>::new());
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

pub(super) fn join<'a>(list: &List<'_>, by: &str) -> Outcome<'a> {
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

pub(super) fn replace<'a>(text: &str, old: &str, new: &str, limit: i64) -> Outcome<'a> {
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

pub(super) fn index_of<'a>(text: &str, wanted: &str, from: i64) -> Outcome<'a> {
    let from = offset(text, from)?;
    let found = text.get(from..).and_then(|rest| rest.find(wanted));
    Ok(found.map_or(Value::Int(-1), |at| characters_before(text, from + at)))
}

pub(super) fn last_index_of<'a>(text: &str, wanted: &str, from: Option<i64>) -> Outcome<'a> {
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

pub(super) fn substring<'a>(text: &Shared<'a, str>, start: i64, end: Option<i64>) -> Outcome<'a> {
    let from = offset(text, start)?;
    let to = end.map_or(Ok(text.len()), |end| offset(text, end))?;
    if from > to {
        return Err(EvalErrorKind::IndexOutOfRange);
    }
    Ok(part(text, |s| s.get(from..to).unwrap_or_default()))
}

pub(super) fn char_at<'a>(text: &Shared<'a, str>, index: i64) -> Outcome<'a> {
    let from = offset(text, index)?;
    let length = text.get(from..).and_then(|s| s.chars().next()).map_or(0, char::len_utf8);
    Ok(part(text, |s| s.get(from..from + length).unwrap_or_default()))
}

/// The string as it would be written in an expression, between double quotes.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        let escape = match c {
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\u{b}' => 'v',
            '\\' => '\\',
            '"' => '"',
            c => {
                out.push(c);
                continue;
            }
        };
        out.push('\\');
        out.push(escape);
    }
    out.push('"');
    out
}
