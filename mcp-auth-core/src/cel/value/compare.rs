//! Equality and order of values.

use std::cmp::Ordering;

use super::Value;
use crate::cel::network::same_address;

impl Value<'_> {
    /// Equality of the language: numbers compare by value across types, everything else of different types
    /// is unequal. `steps` counts the comparisons made, `None` when it ran out.
    pub(in crate::cel) fn equals(&self, other: &Self, steps: &mut dyn FnMut(u64) -> bool) -> Option<bool> {
        if !steps(1) {
            return None;
        }
        Some(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::String(a), Self::String(b)) => {
                return (a.len() != b.len() || steps(a.len() as u64 / 64)).then(|| **a == **b);
            }
            (Self::Bytes(a), Self::Bytes(b)) => {
                return (a.len() != b.len() || steps(a.len() as u64 / 64)).then(|| **a == **b);
            }
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Struct(a), Self::Struct(b)) => std::ptr::addr_eq(*a, *b),
            (Self::Timestamp(a), Self::Timestamp(b)) => a == b,
            (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::IpAddress(a), Self::IpAddress(b)) => same_address(*a, *b),
            (Self::Cidr(a), Self::Cidr(b)) => a == b,
            (Self::Optional(None), Self::Optional(None)) => true,
            (Self::Optional(Some(a)), Self::Optional(Some(b))) => return a.equals(b, steps),
            (Self::List(a), Self::List(b)) => return a.equals(b, steps),
            (Self::Map(a), Self::Map(b)) => return a.equals(b, steps),
            (a, b) => compare_numbers(a, b) == Some(Ordering::Equal),
        })
    }

    /// Order of the language, or `None` when there is none between these two.
    pub(in crate::cel) fn order(&self, other: &Self) -> Option<Order> {
        Some(match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Order::Known(a.cmp(b)),
            (Self::String(a), Self::String(b)) => Order::Known((**a).cmp(&**b)),
            (Self::Bytes(a), Self::Bytes(b)) => Order::Known((**a).cmp(&**b)),
            (Self::Timestamp(a), Self::Timestamp(b)) => Order::Known(a.cmp(b)),
            (Self::Duration(a), Self::Duration(b)) => Order::Known(a.cmp(b)),
            (a, b) if a.is_number() && b.is_number() => {
                compare_numbers(a, b).map_or(Order::NotANumber, Order::Known)
            }
            _ => return None,
        })
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Uint(_) | Self::Double(_))
    }
}

/// The outcome of comparing two values of comparable types.
pub(in crate::cel) enum Order {
    Known(Ordering),
    /// One of them is NaN: every order is false.
    NotANumber,
}

/// Whether two map keys are the same key.
pub(in crate::cel) fn same_key(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => **a == **b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (a, b) => compare_numbers(a, b) == Some(Ordering::Equal),
    }
}

/// Comparison of two numbers of any type; `None` for NaN and for values that are no numbers. An integer is
/// compared with a double as a double, rounded, as the conformance tests have it.
fn compare_numbers(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    Some(match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Uint(a), Value::Uint(b)) => a.cmp(b),
        (Value::Double(a), Value::Double(b)) => return a.partial_cmp(b),
        (Value::Int(a), Value::Uint(b)) => i128::from(*a).cmp(&i128::from(*b)),
        (Value::Uint(a), Value::Int(b)) => i128::from(*a).cmp(&i128::from(*b)),
        (Value::Int(a), Value::Double(b)) => return (*a as f64).partial_cmp(b),
        (Value::Uint(a), Value::Double(b)) => return (*a as f64).partial_cmp(b),
        (Value::Double(a), Value::Int(b)) => return a.partial_cmp(&(*b as f64)),
        (Value::Double(a), Value::Uint(b)) => return a.partial_cmp(&(*b as f64)),
        _ => return None,
    })
}
