//! What serde_json reads, nothing merged: the second opinion. Also used by the fuzz target `json`.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value with all of an object's members, also those of one name.
#[derive(Debug)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    /// Whether an object in it names a member twice.
    pub(crate) fn has_duplicates(&self) -> bool {
        match self {
            Self::Array(items) => items.iter().any(Self::has_duplicates),
            Self::Object(members) => {
                let mut names = HashSet::new();
                members.iter().any(|(name, value)| !names.insert(name) || value.has_duplicates())
            }
            _ => false,
        }
    }

    /// Whether a number in it is at the end of the range of doubles, where rounding decides over refusal.
    pub(crate) fn has_extreme_number(&self) -> bool {
        match self {
            Self::Double(d) => d.abs() > 1.797e308,
            Self::Array(items) => items.iter().any(Self::has_extreme_number),
            Self::Object(members) => members.iter().any(|(_, value)| value.has_extreme_number()),
            _ => false,
        }
    }

    /// Whether two doubles are one number: serde_json's parser is fast and may be off in the last place.
    pub(crate) fn same_double(a: f64, b: f64) -> bool {
        a == b || (a - b).abs() <= a.abs() * 4.0 * f64::EPSILON || (a.abs() < 1e-300 && b.abs() < 1e-300)
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Build)
    }
}

struct Build;

impl<'de> Visitor<'de> for Build {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(b))
    }

    fn visit_i64<E>(self, i: i64) -> Result<Tree, E> {
        Ok(Tree::Int(i))
    }

    fn visit_u64<E>(self, u: u64) -> Result<Tree, E> {
        Ok(i64::try_from(u).map_or(Tree::Uint(u), Tree::Int))
    }

    fn visit_f64<E>(self, d: f64) -> Result<Tree, E> {
        Ok(Tree::Double(d))
    }

    fn visit_str<E>(self, s: &str) -> Result<Tree, E> {
        Ok(Tree::String(s.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Object(members))
    }
}
