//! Where the tokens of a rule stand, and how they are found there.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, COOKIE, HeaderName};
use percent_encoding::percent_decode_str;

use super::working::WorkingRequest;

/// The locations of one rule, in the order in which Envoy looks: headers by name and prefix, then parameters, then
/// cookies, each by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Locations {
    headers: Vec<(HeaderName, Box<str>)>,
    params: Vec<Box<str>>,
    cookies: Vec<Box<str>>,
}

/// A token as it was found.
pub(super) struct Found<'r, 'p> {
    pub(super) text: Cow<'r, [u8]>,
    pub(super) place: Place<'p>,
}

/// What goes when the token goes.
#[derive(Clone, Copy)]
pub(super) enum Place<'p> {
    Header(&'p HeaderName),
    Param(&'p str),
    /// Cookies stay.
    Cookie,
}

const DEFAULT_PREFIX: &str = "Bearer ";
const DEFAULT_PARAM: &str = "access_token";

impl Locations {
    pub(super) fn add_header(&mut self, name: HeaderName, prefix: &str) {
        self.headers.push((name, prefix.into()));
        // Envoy sorts by name and prefix written as one word.
        self.headers.sort_by_cached_key(|(name, prefix)| format!("{name}{prefix}"));
        self.headers.dedup();
    }

    pub(super) fn add_param(&mut self, name: &str) {
        self.params.push(name.into());
        self.params.sort();
        self.params.dedup();
    }

    pub(super) fn add_cookie(&mut self, name: &str) {
        self.cookies.push(name.into());
        self.cookies.sort();
        self.cookies.dedup();
    }

    /// All tokens of the request that stand where this rule looks.
    pub(super) fn find<'r, 'p>(&'p self, request: &WorkingRequest<'r>) -> Vec<Found<'r, 'p>> {
        let mut found = Vec::new();
        let is_default = self.headers.is_empty() && self.params.is_empty() && self.cookies.is_empty();
        if is_default {
            in_header(request, &AUTHORIZATION, DEFAULT_PREFIX, &mut found);
            in_param(request, DEFAULT_PARAM, &mut found);
        }
        for (name, prefix) in &self.headers {
            in_header(request, name, prefix, &mut found);
        }
        for name in &self.params {
            in_param(request, name, &mut found);
        }
        for name in &self.cookies {
            in_cookie(request, name, &mut found);
        }
        found
    }
}

fn in_header<'r, 'p>(
    request: &WorkingRequest<'r>,
    name: &'p HeaderName,
    prefix: &str,
    found: &mut Vec<Found<'r, 'p>>,
) {
    for value in request.header(name) {
        let begin = if prefix.is_empty() { Some(0) } else { behind_prefix(&value, prefix.as_bytes()) };
        let Some(begin) = begin else { continue };
        let text = match value {
            Cow::Borrowed(value) => Cow::Borrowed(value.get(begin..).unwrap_or_default()),
            Cow::Owned(value) => Cow::Owned(value.get(begin..).unwrap_or_default().to_vec()),
        };
        found.push(Found { text, place: Place::Header(name) });
    }
}

/// Where the token begins: at the first character behind the prefix that a token may have. Where there is none the
/// whole value is taken, prefix included. `None` without the prefix.
fn behind_prefix(value: &[u8], prefix: &[u8]) -> Option<usize> {
    let end = value.windows(prefix.len()).position(|window| window == prefix)? + prefix.len();
    let of_token = |b: &u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
    let rest = value.get(end..).unwrap_or_default();
    Some(rest.iter().position(of_token).map_or(0, |at| end + at))
}

/// The first parameter of this name.
fn in_param<'r, 'p>(request: &WorkingRequest<'r>, name: &'p str, found: &mut Vec<Found<'r, 'p>>) {
    let Some(query) = request.query_with(name) else { return };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    if let Some((_, value)) = pairs.find(|(raw, _)| percent_decode_str(raw).eq(name.bytes())) {
        found.push(Found { text: percent_decode_str(value).into(), place: Place::Param(name) });
    }
}

/// The first cookie of this name.
fn in_cookie<'r, 'p>(request: &WorkingRequest<'r>, name: &str, found: &mut Vec<Found<'r, 'p>>) {
    for field in request.header(&COOKIE) {
        let value = field.split(|b| *b == b';').find_map(|pair| {
            let spaces = pair.iter().take_while(|b| **b == b' ').count();
            let mut halves = pair.get(spaces..)?.splitn(2, |b| *b == b'=');
            let value = halves.next().filter(|key| *key == name.as_bytes()).and_then(|_| halves.next())?;
            Some(value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value))
        });
        if let Some(value) = value {
            found.push(Found { text: Cow::Owned(value.to_vec()), place: Place::Cookie });
            return;
        }
    }
}
