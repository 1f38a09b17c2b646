//! Functions on IP addresses and ranges.

use super::{Function, Outcome};
use crate::cel::error::EvalErrorKind;
use crate::cel::network::{self, Cidr};
use crate::cel::value::Value;

/// The result, or `None` for functions that are not on addresses and types they do not take.
pub(super) fn call<'a>(function: Function, args: &[Value<'a>]) -> Option<Outcome<'a>> {
    use Function as F;
    use Value::{Bool, Cidr as R, Int, IpAddress as A, String as S};
    let address = |text: &str| network::parse_address(text).ok_or(EvalErrorKind::InvalidConversion);
    let range = |text: &str| Cidr::parse(text).ok_or(EvalErrorKind::InvalidConversion);
    Some(Ok(match (function, args) {
        (F::ToAddress, [S(s)]) => return Some(address(s).map(A)),
        (F::ToAddress, [R(r)]) => A(r.address()),
        (F::ToRange, [S(s)]) => return Some(range(s).map(R)),
        (F::IsAddress, [S(s)]) => Bool(address(s).is_ok()),
        (F::IsRange, [S(s)]) => Bool(range(s).is_ok()),
        (F::IsCanonical, [S(s)]) => return Some(address(s).map(|a| Bool(a.to_string() == **s))),
        (F::Family, [A(a)]) => Int(if a.to_canonical().is_ipv4() { 4 } else { 6 }),
        (F::IsUnspecified, [A(a)]) => Bool(a.to_canonical().is_unspecified()),
        (F::IsLoopback, [A(a)]) => Bool(a.to_canonical().is_loopback()),
        (F::IsGlobalUnicast, [A(a)]) => Bool(network::is_global_unicast(*a)),
        (F::IsLinkLocalUnicast, [A(a)]) => Bool(network::is_link_local_unicast(*a)),
        (F::IsLinkLocalMulticast, [A(a)]) => Bool(network::is_link_local_multicast(*a)),
        (F::ContainsAddress, [R(r), A(a)]) => Bool(r.contains(*a)),
        (F::ContainsAddress, [R(r), S(s)]) => return Some(address(s).map(|a| Bool(r.contains(a)))),
        (F::ContainsRange, [R(r), R(other)]) => Bool(r.contains_range(*other)),
        (F::ContainsRange, [R(r), S(s)]) => return Some(range(s).map(|o| Bool(r.contains_range(o)))),
        (F::Masked, [R(r)]) => R(r.masked()),
        (F::PrefixLength, [R(r)]) => Int(r.length().into()),
        _ => return None,
    }))
}
