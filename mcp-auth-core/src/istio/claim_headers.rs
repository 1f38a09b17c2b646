//! Claims as header values, in Envoy's spelling.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::HeaderValue;

use super::token::{Token, number};
use crate::json::Value;

/// The value for a header that is set to a claim. Dots in `path` lead into nested objects.
///
/// `None` where the claim is absent, null or an empty string, and for text that no header can carry: Envoy sends
/// such a request nowhere, here the header is left out.
pub(super) fn value(token: &Token, path: &str) -> Option<HeaderValue> {
    let mut names = path.split('.');
    let first = token.claim(names.next()?)?;
    let claim = names.try_fold(first, |value, name| value.as_object()?.get(name))?;
    let text = match claim {
        Value::Null | Value::String("") => return None,
        Value::String(text) => return HeaderValue::from_bytes(text.as_bytes()).ok(),
        Value::Bool(b) => b.to_string(),
        Value::Int(_) | Value::Uint(_) | Value::Double(_) => decimal(number(claim)?),
        Value::Array(_) | Value::Object(_) => STANDARD.encode(claim.to_json()),
    };
    HeaderValue::from_str(&text).ok()
}

/// Whole numbers from 0 to 2^64 as such, everything else with six digits after the point.
fn decimal(number: f64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "u64::MAX becomes 2^64")]
    let whole = number >= 0.0 && number < u64::MAX as f64 && number.fract() == 0.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
    if whole { (number as u64).to_string() } else { format!("{number:.6}") }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn numbers_as_envoy_prints_them() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (42.0, "42"),
            (1.5, "1.500000"),
            (-3.0, "-3.000000"),
            (1.25e-7, "0.000000"),
            (9_223_372_036_854_775_808.0, "9223372036854775808"),
            (18_446_744_073_709_551_616.0, "18446744073709551616.000000"),
            (1e20, "100000000000000000000.000000"),
        ] {
            assert_eq!(decimal(number), text);
        }
    }
}
