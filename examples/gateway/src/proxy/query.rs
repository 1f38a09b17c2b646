//! The query that is passed on.

use std::borrow::Cow;

/// The query without every parameter `access_token` (RFC 6750 §2.3, which MCP forbids); `None` when nothing is left.
///
/// Names are compared after percent-decoding. `;` separates like `&`: some servers read it so. What stays, stays byte
/// for byte.
pub(super) fn without_access_token(query: &str) -> Option<Cow<'_, str>> {
    if !query.split(['&', ';']).any(is_access_token) {
        return Some(Cow::Borrowed(query));
    }
    let mut kept = String::with_capacity(query.len());
    for part in query.split_inclusive(['&', ';']) {
        let parameter = part.strip_suffix(['&', ';']).unwrap_or(part);
        if !is_access_token(parameter) {
            kept.push_str(part);
        }
    }
    // The last parameter is gone, and with it what its separator stood for.
    if query.rsplit(['&', ';']).next().is_some_and(is_access_token) {
        kept.pop();
    }
    (!kept.is_empty()).then_some(Cow::Owned(kept))
}

fn is_access_token(parameter: &str) -> bool {
    let name = parameter.split('=').next().unwrap_or_default();
    let mut bytes = name.bytes();
    let decoded = std::iter::from_fn(|| match bytes.next()? {
        b'%' => Some(decode(&mut bytes).unwrap_or(b'%')),
        byte => Some(byte),
    });
    decoded.eq(*b"access_token")
}

/// The byte that two hexadecimal digits stand for; takes them only if they are there.
fn decode(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let mut ahead = bytes.clone();
    let mut digit = || char::from(ahead.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = digit()? << 4 | digit()?;
    *bytes = ahead;
    Some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_057_a_token_in_the_query_is_cut_out_and_nothing_else() {
        for (query, kept) in [
            ("", Some("")),
            ("a=b", Some("a=b")),
            ("a=b&&c", Some("a=b&&c")),
            ("access_token=x", None),
            ("access_token", None),
            ("access_token=", None),
            ("access_token=x&access_token=y", None),
            ("access_token=x&a=b", Some("a=b")),
            ("a=b&access_token=x", Some("a=b")),
            ("a=b&access_token=x&c=%2F", Some("a=b&c=%2F")),
            ("a=b;access_token=x;c=d", Some("a=b;c=d")),
            ("a=b&c=d;access_token=x", Some("a=b&c=d")),
            ("%61ccess_token=x", None),
            ("access%5Ftoken=x&a", Some("a")),
            ("access%5ftoken=x", None),
            ("%61%63%63%65%73%73%5f%74%6f%6b%65%6e=x", None),
            ("access_token=a=b", None),
            ("access_token=x%26a=b&c", Some("c")),
            ("ACCESS_TOKEN=x", Some("ACCESS_TOKEN=x")),
            ("my_access_token=x", Some("my_access_token=x")),
            ("access_tokens=x", Some("access_tokens=x")),
            ("access%_token=x", Some("access%_token=x")),
            ("access_token%=x", Some("access_token%=x")),
            ("a=access_token", Some("a=access_token")),
            ("%", Some("%")),
        ] {
            assert_eq!(without_access_token(query).as_deref(), kept, "{query}");
        }
    }
}
