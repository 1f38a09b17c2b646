//! How long a fetched document may be kept, by its HTTP headers (RFC 9111 §5.2, §5.3).

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderName};

/// How long an answer with these headers stays fresh; `None` when they do not say.
///
/// `no-store` and `no-cache` are zero. `max-age` counts before `Expires`, and of several the shortest; `Age` is
/// subtracted. `Expires` counts from the answer's own `Date`, so that no clock is needed; without `Date`, or when
/// either cannot be read, it says nothing but for an unreadable `Expires`, which has passed (RFC 9111 §5.3).
///
/// ```
/// use std::time::Duration;
/// use http::HeaderMap;
/// use http::header::{CACHE_CONTROL, HeaderValue};
/// use mcp_auth_discovery::freshness::lifetime;
///
/// let mut headers = HeaderMap::new();
/// assert_eq!(lifetime(&headers), None);
/// headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
/// assert_eq!(lifetime(&headers), Some(Duration::from_secs(3600)));
/// ```
pub fn lifetime(headers: &HeaderMap) -> Option<Duration> {
    let mut max_age: Option<u64> = None;
    for directive in texts(headers, CACHE_CONTROL).flat_map(|line| line.split(',')) {
        let (name, value) = match directive.split_once('=') {
            Some((name, value)) => (name.trim(), value.trim().trim_matches('"')),
            None => (directive.trim(), ""),
        };
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return Some(Duration::ZERO);
        }
        if name.eq_ignore_ascii_case("max-age") {
            let seconds = seconds(value);
            max_age = Some(max_age.map_or(seconds, |earlier| earlier.min(seconds)));
        }
    }
    let age = texts(headers, AGE).map(seconds).max().unwrap_or(0);
    match max_age {
        Some(max_age) => Some(Duration::from_secs(max_age.saturating_sub(age))),
        None => expires(headers).map(|lifetime| lifetime.saturating_sub(Duration::from_secs(age))),
    }
}

fn expires(headers: &HeaderMap) -> Option<Duration> {
    let Some(expires) = texts(headers, EXPIRES).map(date).min()? else { return Some(Duration::ZERO) };
    let date = texts(headers, DATE).find_map(date)?;
    Some(expires.duration_since(date).unwrap_or(Duration::ZERO))
}

fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

/// Digits, and whatever else stands there is zero: the shorter life is the safe reading.
fn seconds(text: &str) -> u64 {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(u64::MAX)
}

fn texts(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(headers: &[(HeaderName, &'static str)]) -> Option<u64> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_static(value));
        }
        lifetime(&map).map(|lifetime| lifetime.as_secs())
    }

    #[test]
    fn the_shortest_of_what_the_headers_say_counts() {
        const NOW: &str = "Tue, 17 Nov 2026 10:00:00 GMT";
        const IN_A_MINUTE: &str = "Tue, 17 Nov 2026 10:01:00 GMT";
        for (headers, expected) in [
            (&[][..], None),
            (&[(CACHE_CONTROL, "public")], None),
            (&[(CACHE_CONTROL, "max-age=60")], Some(60)),
            (&[(CACHE_CONTROL, "public, MAX-AGE=\"60\"")], Some(60)),
            (&[(CACHE_CONTROL, "max-age=60"), (CACHE_CONTROL, "max-age=30")], Some(30)),
            (&[(CACHE_CONTROL, "max-age=60"), (AGE, "20")], Some(40)),
            (&[(CACHE_CONTROL, "max-age=60"), (AGE, "99")], Some(0)),
            (&[(CACHE_CONTROL, "max-age=60, no-store")], Some(0)),
            (&[(CACHE_CONTROL, "no-cache")], Some(0)),
            (&[(CACHE_CONTROL, "max-age=-1")], Some(0)),
            (&[(CACHE_CONTROL, "max-age=99999999999999999999")], Some(u64::MAX)),
            (&[(EXPIRES, IN_A_MINUTE), (DATE, NOW)], Some(60)),
            (&[(EXPIRES, NOW), (DATE, IN_A_MINUTE)], Some(0)),
            (&[(EXPIRES, "0"), (DATE, NOW)], Some(0)),
            (&[(EXPIRES, IN_A_MINUTE)], None),
            (&[(EXPIRES, IN_A_MINUTE), (DATE, NOW), (CACHE_CONTROL, "max-age=5")], Some(5)),
        ] {
            assert_eq!(of(headers), expected, "{headers:?}");
        }
    }
}
