//! Parameters of the query, found and removed by their exact name.

use std::borrow::Cow;

use http::Uri;
use http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;

/// The values of a parameter; `None` for one that is not UTF-8.
pub(super) fn values<'q>(query: Option<&'q str>, name: &str) -> impl Iterator<Item = Option<Cow<'q, str>>> {
    let pairs = query.unwrap_or_default().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(move |(n, _)| is(n, name)).map(|(_, value)| percent_decode_str(value).decode_utf8().ok())
}

/// Whether a raw name means `name`: percent-encoding counts as what it encodes.
fn is(raw: &str, name: &str) -> bool {
    raw == name || (raw.contains('%') && percent_decode_str(raw).eq(name.bytes()))
}

/// Removes every parameter of this name.
pub(crate) fn remove(uri: &mut Uri, name: &str) {
    let Some(query) = uri.query() else { return };
    if values(Some(query), name).next().is_none() {
        return;
    }
    let rest: Vec<&str> =
        query.split('&').filter(|pair| !is(pair.split_once('=').map_or(*pair, |(n, _)| n), name)).collect();
    let target =
        if rest.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), rest.join("&")) };
    let mut parts = std::mem::take(uri).into_parts();
    // INVARIANT: a part of a valid target, cut at `&` and `?`, is a valid target. Were it not, the target
    // without any query is: a token is never left where it was found.
    parts.path_and_query = Some(target.parse().unwrap_or_else(|_| PathAndQuery::from_static("/")));
    *uri = Uri::from_parts(parts).unwrap_or_default();
}
