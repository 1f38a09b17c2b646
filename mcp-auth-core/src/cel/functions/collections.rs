//! Functions on lists.

use super::{Outcome, items};
use crate::cel::error::EvalErrorKind;
use crate::cel::value::{Items, List, Shared, Value};

/// Joins two lists.
pub(in crate::cel) fn concatenate<'a>(left: &List<'a>, right: &List<'a>) -> List<'a> {
    let mut all = items(left);
    all.extend(items(right));
    List(Items::Values(Shared::Owned(all.into())))
}

/// The values of a list of optional values, without those that are absent.
pub(super) fn unwrap<'a>(list: &List<'a>) -> Outcome<'a> {
    let mut present = Vec::new();
    for item in items(list) {
        match item {
            Value::Optional(Some(value)) => present.push((*value).clone()),
            Value::Optional(None) => {}
            _ => return Err(EvalErrorKind::NoSuchOverload),
        }
    }
    Ok(present.into())
}

/// Compares at most so many pairs of values: the cost of these functions is the product of two lengths.
struct Pairs {
    left: u64,
}

impl Pairs {
    const fn new() -> Self {
        Self { left: 100_000 }
    }

    fn equal(&mut self, a: &Value<'_>, b: &Value<'_>) -> Result<bool, EvalErrorKind> {
        let verdict = a.equals(b, &mut |steps| match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        });
        verdict.ok_or(EvalErrorKind::BudgetExceeded)
    }

    fn find(&mut self, item: &Value<'_>, list: &[Value<'_>]) -> Result<bool, EvalErrorKind> {
        for candidate in list {
            if self.equal(item, candidate)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn all_in(&mut self, wanted: &[Value<'_>], list: &[Value<'_>]) -> Result<bool, EvalErrorKind> {
        for item in wanted {
            if !self.find(item, list)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether the first list has all items of the second.
pub(super) fn set_contains<'a>(list: &List<'_>, wanted: &List<'_>) -> Outcome<'a> {
    Pairs::new().all_in(&items(wanted), &items(list)).map(Value::Bool)
}

/// Whether the lists have an item in common.
pub(super) fn set_intersects<'a>(a: &List<'_>, b: &List<'_>) -> Outcome<'a> {
    let (mut pairs, b) = (Pairs::new(), items(b));
    for item in items(a) {
        if pairs.find(&item, &b)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// Whether each list has all items of the other.
pub(super) fn set_equivalent<'a>(a: &List<'_>, b: &List<'_>) -> Outcome<'a> {
    let (mut pairs, a, b) = (Pairs::new(), items(a), items(b));
    Ok(Value::Bool(pairs.all_in(&a, &b)? && pairs.all_in(&b, &a)?))
}

/// The items of a list, each once.
pub(super) fn distinct<'a>(list: &List<'a>) -> Outcome<'a> {
    let (mut pairs, mut kept) = (Pairs::new(), Vec::new());
    for item in items(list) {
        if !pairs.find(&item, &kept)? {
            kept.push(item);
        }
    }
    Ok(kept.into())
}
