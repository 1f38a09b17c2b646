//! In which headers a token can go.

use http::header::HeaderName;

/// The issued token cannot go in this header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a token cannot go in the header `{header}`: {reason}; use `authorization`, or a name of its own such as `x-token`"
)]
#[non_exhaustive]
pub struct TokenHeaderError {
    /// The header.
    pub header: String,
    /// What it is there for.
    pub reason: &'static str,
}

/// Names, or their beginnings with `*`, and what they are there for.
const TAKEN: [(&str, &[&str]); 7] = [
    (
        "it is about one connection, and is removed on the way",
        &[
            "connection",
            "keep-alive",
            "proxy-*",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "http2-settings",
        ],
    ),
    (
        "it says what the message is, or where it goes",
        &[
            "host",
            "content-*",
            "expect",
            "date",
            "max-forwards",
            "x-http-method*",
            "x-original-*",
            "x-rewrite-url",
            "x-method-override",
        ],
    ),
    ("it is a part of the protocol between client and server", &["mcp-*", "last-event-id", "sec-*"]),
    (
        "it says which answer is wanted, and caches read it",
        &["accept*", "range", "if-*", "cache-control", "pragma", "prefer", "priority", "age", "vary"],
    ),
    (
        "it is a browser's, and is looked at where requests are let in",
        &["origin", "referer", "cookie*", "set-cookie*", "user-agent", "access-control-*"],
    ),
    (
        "it says from where and by whom a request came, and is rewritten on the way or logged",
        &[
            "forwarded",
            "x-forwarded*",
            "x-real-ip",
            "x-client-ip",
            "via",
            "client-cert*",
            "traceparent",
            "tracestate",
            "baggage",
            "x-request-id",
            "x-correlation-id",
        ],
    ),
    (
        "it has the proof for a token or a challenge",
        &["dpop*", "www-authenticate", "authentication-info", "signature*"],
    ),
];

/// Whether an issued token can go in this header: not in one that breaks the message, is read for something else, or is
/// rewritten on the way. `_` counts as `-`, since servers read both as the same.
///
/// # Errors
///
/// [`TokenHeaderError`] with the reason.
pub fn check_token_header(header: &HeaderName) -> Result<(), TokenHeaderError> {
    let name = header.as_str().replace('_', "-");
    let is = |taken: &&str| match taken.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *taken,
    };
    match TAKEN.iter().find(|(_, names)| names.iter().any(is)) {
        Some((reason, _)) => Err(TokenHeaderError { header: header.to_string(), reason }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_in_no_header_that_means_something_else() {
        for taken in [
            "connection",
            "keep-alive",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "proxy-authorization",
            "proxy-connection",
            "expect",
            "content-length",
            "content-type",
            "content_length",
            "host",
            "mcp-session-id",
            "Mcp-Protocol-Version",
            "mcp_method",
            "accept",
            "accept-encoding",
            "origin",
            "cookie",
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-access-token",
            "via",
            "dpop",
            "date",
            "range",
            "if-match",
            "last-event-id",
            "sec-websocket-protocol",
            "x-http-method-override",
            "client-cert",
        ] {
            let header = HeaderName::from_bytes(taken.as_bytes()).unwrap();
            let told = check_token_header(&header).unwrap_err().to_string();
            assert!(told.contains(header.as_str()) && told.contains("`authorization`"), "{told}");
        }
        for free in [
            "authorization",
            "x-token",
            "x-api-key",
            "api-key",
            "private-token",
            "tea",
            "hosts",
            "x-mcp-token",
        ] {
            check_token_header(&HeaderName::from_static(free)).unwrap();
        }
    }
}
