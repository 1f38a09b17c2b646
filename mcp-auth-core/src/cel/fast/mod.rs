//! Shortcuts for the shapes that rules have: a claim compared with a literal, membership, tests on strings.

use std::sync::Arc;

use regex::Regex;

use super::environment::Numbers;
use super::eval::Machine;
use super::op::{Op, OpKind, Step};
use super::program::Variables;
use super::value::{Entries, Items, List, Map, Shared, Value};
use crate::json;

mod shape;

pub(super) use shape::specialize;

/// A variable and the names of fields below it.
#[derive(Clone, Debug)]
pub(super) struct StaticPath {
    variable: Arc<str>,
    fields: Box<[Arc<str>]>,
    number: Number,
}

/// How the caller finds a path faster than by names.
#[derive(Clone, Copy, Debug)]
enum Number {
    None,
    /// The string at the end of the path.
    Text(u32),
    /// The JSON object that is the variable.
    Object(u32),
}

/// A test that is made without the general machinery. It says nothing where values are not of the types that
/// the shape expects.
#[derive(Clone, Debug)]
pub(super) enum Fast {
    /// `path == "text"`, or `!=` when not `equal`.
    Equal { path: StaticPath, text: Arc<str>, equal: bool },
    /// `path in ["a", "b"]`
    OneOf { path: StaticPath, texts: Texts },
    /// `"text" in path`, `path.exists(x, x == "text")`
    Member { path: StaticPath, texts: Texts },
    /// `path.startsWith("text")` and the like.
    Text { path: StaticPath, test: TextTest, text: Arc<str> },
    /// `path.matches("literal")`
    Matches { path: StaticPath, pattern: Regex },
    /// `has(path)`
    Has { path: StaticPath },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

/// A set of strings.
#[derive(Clone, Debug)]
pub(super) struct Texts(Box<[Arc<str>]>);

impl Texts {
    fn new(mut texts: Vec<Arc<str>>) -> Self {
        texts.sort();
        texts.dedup();
        Self(texts.into())
    }

    /// A few are compared one by one, which is faster than looking for them.
    #[inline]
    fn contains(&self, text: &str) -> bool {
        match &*self.0 {
            [one] => same(one, text),
            few if few.len() <= 8 => few.iter().any(|t| same(t, text)),
            many => many.binary_search_by(|t| (**t).cmp(text)).is_ok(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter()
    }
}

/// Whether two strings are the same. Most that rules compare are so short that a call takes longer than the rest.
#[inline(always)]
fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        0..4 => a.iter().eq(b),
        4..8 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
        8..=16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        _ => a == b,
    }
}

impl Fast {
    fn path(&self) -> &StaticPath {
        match self {
            Self::Equal { path, .. }
            | Self::OneOf { path, .. }
            | Self::Member { path, .. }
            | Self::Text { path, .. }
            | Self::Matches { path, .. }
            | Self::Has { path } => path,
        }
    }

    fn path_mut(&mut self) -> &mut StaticPath {
        match self {
            Self::Equal { path, .. }
            | Self::OneOf { path, .. }
            | Self::Member { path, .. }
            | Self::Text { path, .. }
            | Self::Matches { path, .. }
            | Self::Has { path } => path,
        }
    }

    /// The answer, when the values are as the shape expects.
    #[inline(always)]
    pub(super) fn test(&self, machine: &Machine<'_>) -> Option<bool> {
        match self {
            Self::Equal { path, text, equal } => Some(same(path.text(machine)?, text) == *equal),
            Self::OneOf { path, texts } => Some(texts.contains(path.text(machine)?)),
            Self::Member { path, texts } => match path.number {
                Number::Object(number) => in_array(path.json(number, machine)?.as_array()?, texts, machine),
                _ => in_list(&path.by_names(machine)?, texts, machine),
            },
            Self::Text { path, test: TextTest::StartsWith, text } => {
                Some(path.text(machine)?.starts_with(&**text))
            }
            other => other.test_rarer(machine),
        }
    }

    /// The rest of [`test`](Self::test), apart so that the common shapes stay short.
    #[inline(never)]
    fn test_rarer(&self, machine: &Machine<'_>) -> Option<bool> {
        match self {
            Self::Text { path, test, text } => {
                let value = path.text(machine)?;
                machine.spend(value.len() as u64 / 64).then(|| match test {
                    TextTest::StartsWith => value.starts_with(&**text),
                    TextTest::EndsWith => value.ends_with(&**text),
                    TextTest::Contains => value.contains(&**text),
                })
            }
            Self::Matches { path, pattern } => {
                let value = path.text(machine)?;
                machine.spend(1 + value.len() as u64 / 8).then(|| pattern.is_match(value))
            }
            Self::Has { path } => match path.number {
                Number::Text(_) => path.text(machine).map(|_| true),
                Number::Object(number) => path.json(number, machine).map(|_| true),
                Number::None => path.by_names(machine).map(|_| true),
            },
            _ => None,
        }
    }
}

#[inline(never)]
fn below<'a>(object: json::Object<'a>, names: &[Arc<str>], machine: &Machine<'a>) -> Option<json::Value<'a>> {
    let mut value = json::Value::Object(object);
    for name in names {
        value = member(value.as_object()?, name, machine)?;
    }
    Some(value)
}

/// A look-up is linear; only large objects are worth a step.
#[inline]
fn member<'a>(object: json::Object<'a>, name: &str, machine: &Machine<'a>) -> Option<json::Value<'a>> {
    if object.len() < 64 || machine.spend(object.len() as u64 / 16) { object.get(name) } else { None }
}

fn in_array(array: json::Array<'_>, texts: &Texts, machine: &Machine<'_>) -> Option<bool> {
    let found = || array.iter().any(|item| matches!(item, json::Value::String(s) if texts.contains(s)));
    machine.spend(array.len() as u64).then(found)
}

fn in_list(list: &Value<'_>, texts: &Texts, machine: &Machine<'_>) -> Option<bool> {
    match list {
        Value::List(List(Items::Json(array))) => in_array(*array, texts, machine),
        Value::List(List(Items::Values(values))) => {
            let found = || values.iter().any(|item| item.as_str().is_some_and(|s| texts.contains(s)));
            machine.spend(values.len() as u64).then(found)
        }
        _ => None,
    }
}

impl StaticPath {
    /// A string, when one is there that is borrowed.
    #[inline(always)]
    fn text<'a>(&self, machine: &Machine<'a>) -> Option<&'a str> {
        match self.number {
            Number::Text(number) => machine.variables().text(number),
            Number::Object(number) => self.json(number, machine)?.as_str(),
            Number::None => match self.by_names(machine)? {
                Value::String(Shared::Borrowed(text)) => Some(text),
                _ => None,
            },
        }
    }

    /// The value in a JSON object that has a number.
    #[inline(always)]
    fn json<'a>(&self, number: u32, machine: &Machine<'a>) -> Option<json::Value<'a>> {
        let variables: &'a dyn Variables = machine.variables();
        let object = variables.object(number)?;
        match &*self.fields {
            [name] => member(object, name, machine),
            names => below(object, names, machine),
        }
    }

    #[inline(never)]
    fn by_names<'a>(&self, machine: &Machine<'a>) -> Option<Value<'a>> {
        let variables: &'a dyn Variables = machine.variables();
        let mut value = variables.get(&self.variable)?;
        for name in &self.fields {
            value = match &value {
                Value::Map(Map(Entries::Json(object))) => member(*object, name, machine)?.into(),
                Value::Struct(object) => object.field(name).ok()??,
                Value::Map(map) => map.get_str(name)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// The path that an operation reads, when it does nothing else.
    fn of(op: &Op) -> Option<Self> {
        match &op.kind {
            OpKind::Variable(_) => Self::from_parts(op, &[]),
            OpKind::Path { base, steps } => Self::from_parts(base, steps),
            _ => None,
        }
    }

    fn from_parts(base: &Op, steps: &[Step]) -> Option<Self> {
        let OpKind::Variable(variable) = &base.kind else { return None };
        let fields = steps.iter().map(|step| step.kind.static_name().filter(|_| !step.kind.is_optional()));
        let fields = fields.collect::<Option<_>>()?;
        Some(Self { variable: Arc::clone(variable), fields, number: Number::None })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.variable).chain(self.fields.iter().map(AsRef::as_ref))
    }

    fn look_up(&mut self, numbers: &Numbers) {
        let path = self.names().collect::<Vec<_>>().join(".");
        self.number = match (numbers.texts.get(&*path), numbers.objects.get(&*self.variable)) {
            (Some(number), _) => Number::Text(*number),
            (None, Some(number)) if !self.fields.is_empty() => Number::Object(*number),
            _ => Number::None,
        };
    }

    fn same(&self, other: &Self) -> bool {
        self.names().eq(other.names())
    }

    /// Whether this is `path`, names joined by dots.
    pub(super) fn is(&self, path: &str) -> bool {
        self.names().flat_map(|name| name.split('.')).eq(path.split('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_told_apart() {
        for length in 0..24 {
            let text = "a".repeat(length);
            assert!(same(&text, &text.clone()));
            assert!(!same(&text, &format!("{text}a")), "{length}");
            for at in 0..length {
                let other = format!("{}b{}", "a".repeat(at), "a".repeat(length - at - 1));
                assert!(!same(&text, &other) && !same(&other, &text), "{text} {other}");
                assert!(Texts::new(vec![text.as_str().into(), other.as_str().into()]).contains(&other));
                assert!(!Texts::new(vec![text.as_str().into()]).contains(&other));
            }
        }
    }
}
