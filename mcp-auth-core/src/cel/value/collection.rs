//! Lists and maps: JSON as it is, or values.

use std::fmt;

use super::compare::same_key;
use super::{Shared, Value};
use crate::json;

/// A list: a JSON array as it is, or values.
#[derive(Clone)]
pub struct List<'a>(pub(in crate::cel) Items<'a>);

#[derive(Clone)]
pub(in crate::cel) enum Items<'a> {
    Json(json::Array<'a>),
    Values(Shared<'a, [Value<'a>]>),
}

/// A map: a JSON object as it is, or entries.
#[derive(Clone)]
pub struct Map<'a>(pub(in crate::cel) Entries<'a>);

#[derive(Clone)]
pub(in crate::cel) enum Entries<'a> {
    Json(json::Object<'a>),
    Values(Shared<'a, [(Value<'a>, Value<'a>)]>),
}

impl<'a> List<'a> {
    /// Number of items.
    pub fn len(&self) -> usize {
        match &self.0 {
            Items::Json(a) => a.len(),
            Items::Values(v) => v.len(),
        }
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at `index`.
    pub fn get(&self, index: usize) -> Option<Value<'a>> {
        match &self.0 {
            Items::Json(a) => a.get(index).map(Value::from),
            Items::Values(v) => v.get(index).cloned(),
        }
    }

    /// Calls `visit` with each item in order until it gives `false`.
    pub fn visit(&self, mut visit: impl FnMut(Value<'a>) -> bool) {
        match &self.0 {
            Items::Json(a) => {
                let _stopped = a.iter().all(|v| visit(v.into()));
            }
            Items::Values(v) => {
                let _stopped = v.iter().all(|v| visit(v.clone()));
            }
        }
    }

    pub(super) fn equals(&self, other: &Self, steps: &mut dyn FnMut(u64) -> bool) -> Option<bool> {
        if self.len() != other.len() {
            return Some(false);
        }
        // Side by side: to find an item of JSON by its index is linear.
        match (&self.0, &other.0) {
            (Items::Json(a), Items::Json(b)) => {
                all_equal(a.iter().map(Value::from), b.iter().map(Value::from), steps)
            }
            (Items::Values(a), Items::Values(b)) => all_equal(a.iter().cloned(), b.iter().cloned(), steps),
            (Items::Json(a), Items::Values(b)) | (Items::Values(b), Items::Json(a)) => {
                all_equal(a.iter().map(Value::from), b.iter().cloned(), steps)
            }
        }
    }
}

fn all_equal<'a>(
    a: impl Iterator<Item = Value<'a>>,
    b: impl Iterator<Item = Value<'a>>,
    steps: &mut dyn FnMut(u64) -> bool,
) -> Option<bool> {
    for (a, b) in a.zip(b) {
        match a.equals(&b, steps) {
            Some(true) => {}
            verdict => return verdict,
        }
    }
    Some(true)
}

impl List<'_> {
    pub(super) fn to_static(&self, left: &mut usize) -> Option<Vec<Value<'static>>> {
        let mut items = Vec::with_capacity(self.len());
        self.visit(|item| item.to_static(left).map(|item| items.push(item)).is_some());
        (items.len() == self.len()).then_some(items)
    }
}

impl<'a> Map<'a> {
    /// Number of entries.
    pub fn len(&self) -> usize {
        match &self.0 {
            Entries::Json(o) => o.len(),
            Entries::Values(v) => v.len(),
        }
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value under the string key `name`.
    pub fn get_str(&self, name: &str) -> Option<Value<'a>> {
        match &self.0 {
            Entries::Json(o) => o.get(name).map(Value::from),
            Entries::Values(v) => {
                v.iter().find(|(k, _)| k.as_str() == Some(name)).map(|(_, value)| value.clone())
            }
        }
    }

    /// The value under `key`; numbers match by value whatever their type.
    pub fn get(&self, key: &Value<'_>) -> Option<Value<'a>> {
        if let Value::String(s) = key {
            return self.get_str(s);
        }
        match &self.0 {
            Entries::Json(_) => None,
            Entries::Values(v) => v.iter().find(|(k, _)| same_key(k, key)).map(|(_, value)| value.clone()),
        }
    }

    /// Calls `visit` with each key and value until it gives `false`.
    pub fn visit(&self, mut visit: impl FnMut(Value<'a>, Value<'a>) -> bool) {
        match &self.0 {
            Entries::Json(o) => {
                let _stopped =
                    o.iter().all(|(k, v)| visit(Value::String(Shared::Borrowed(k)), Value::from(v)));
            }
            Entries::Values(v) => {
                let _stopped = v.iter().all(|(k, v)| visit(k.clone(), v.clone()));
            }
        }
    }

    pub(super) fn equals(&self, other: &Self, steps: &mut dyn FnMut(u64) -> bool) -> Option<bool> {
        if self.len() != other.len() {
            return Some(false);
        }
        let mut verdict = Some(true);
        self.visit(|key, value| {
            // A lookup is linear in the other map.
            if !steps(other.len() as u64 / 8) {
                verdict = None;
                return false;
            }
            verdict = match other.get(&key) {
                Some(pair) => value.equals(&pair, steps),
                None => Some(false),
            };
            verdict == Some(true)
        });
        verdict
    }
}

impl Map<'_> {
    pub(super) fn to_static(&self, left: &mut usize) -> Option<Vec<(Value<'static>, Value<'static>)>> {
        let mut entries = Vec::with_capacity(self.len());
        self.visit(|key, value| {
            let entry = key.to_static(left).zip(value.to_static(left));
            entry.map(|entry| entries.push(entry)).is_some()
        });
        (entries.len() == self.len()).then_some(entries)
    }
}

impl fmt::Debug for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "List({})", self.len())
    }
}

impl fmt::Debug for Map<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Map({})", self.len())
    }
}
