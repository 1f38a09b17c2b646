//! Functions on numbers.

use std::cmp::Ordering;

use super::{Function, Outcome, items};
use crate::cel::error::EvalErrorKind;
use crate::cel::value::{Order, Value};

/// The result, or `None` for functions that are not on numbers and types they do not take.
pub(super) fn call<'a>(function: Function, args: &[Value<'a>]) -> Option<Outcome<'a>> {
    use Function as F;
    use Value::{Bool, Double, Int, Uint};
    Some(Ok(match (function, args) {
        (F::Ceil, [Double(d)]) => Double(d.ceil()),
        (F::Floor, [Double(d)]) => Double(d.floor()),
        (F::Round, [Double(d)]) => Double(d.round()),
        (F::Trunc, [Double(d)]) => Double(d.trunc()),
        (F::Sqrt, [Double(d)]) => Double(d.sqrt()),
        (F::Sqrt, [Int(i)]) => Double((*i as f64).sqrt()),
        (F::Sqrt, [Uint(u)]) => Double((*u as f64).sqrt()),
        (F::Abs, [Double(d)]) => Double(d.abs()),
        (F::Abs, [Int(i)]) => return Some(i.checked_abs().map(Int).ok_or(EvalErrorKind::Overflow)),
        (F::Abs, [Uint(u)]) => Uint(*u),
        (F::Sign, [Double(d)]) => Double(if *d == 0.0 || d.is_nan() { *d } else { d.signum() }),
        (F::Sign, [Int(i)]) => Int(i.signum()),
        (F::Sign, [Uint(u)]) => Uint(u64::from(*u > 0)),
        (F::IsNan, [Double(d)]) => Bool(d.is_nan()),
        (F::IsInf, [Double(d)]) => Bool(d.is_infinite()),
        (F::IsFinite, [Double(d)]) => Bool(d.is_finite()),
        (F::BitAnd, [Int(a), Int(b)]) => Int(a & b),
        (F::BitAnd, [Uint(a), Uint(b)]) => Uint(a & b),
        (F::BitOr, [Int(a), Int(b)]) => Int(a | b),
        (F::BitOr, [Uint(a), Uint(b)]) => Uint(a | b),
        (F::BitXor, [Int(a), Int(b)]) => Int(a ^ b),
        (F::BitXor, [Uint(a), Uint(b)]) => Uint(a ^ b),
        (F::BitNot, [Int(a)]) => Int(!a),
        (F::BitNot, [Uint(a)]) => Uint(!a),
        // The sign is a bit like the others: numbers are shifted as if they had none.
        (F::ShiftLeft | F::ShiftRight, [Int(a), Int(by)]) => {
            return Some(shift(function, a.cast_unsigned(), *by).map(|n| Int(n.cast_signed())));
        }
        (F::ShiftLeft | F::ShiftRight, [Uint(a), Int(by)]) => {
            return Some(shift(function, *a, *by).map(Uint));
        }
        _ => return None,
    }))
}

fn shift(function: Function, number: u64, by: i64) -> Result<u64, EvalErrorKind> {
    if by < 0 {
        return Err(EvalErrorKind::InvalidArgument);
    }
    let by = u32::try_from(by).unwrap_or(u32::MAX);
    let shifted =
        if function == Function::ShiftLeft { number.checked_shl(by) } else { number.checked_shr(by) };
    Ok(shifted.unwrap_or(0))
}

/// The least or greatest of numbers, or of a list of them.
pub(super) fn choose<'a>(args: &[Value<'a>], wanted: Ordering) -> Outcome<'a> {
    match args {
        [Value::List(list)] => extreme(&items(list), wanted),
        args => extreme(args, wanted),
    }
}

fn extreme<'a>(numbers: &[Value<'a>], wanted: Ordering) -> Outcome<'a> {
    let number = |v: &&Value<'_>| matches!(v, Value::Int(_) | Value::Uint(_) | Value::Double(_));
    if !numbers.iter().all(|v| number(&v)) {
        return Err(EvalErrorKind::NoSuchOverload);
    }
    let mut numbers = numbers.iter();
    let mut best = numbers.next().ok_or(EvalErrorKind::InvalidArgument)?;
    for candidate in numbers {
        if matches!(candidate.order(best), Some(Order::Known(order)) if order == wanted) {
            best = candidate;
        }
    }
    Ok(best.clone())
}
