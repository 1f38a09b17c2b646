//! Choosing a route.
//!
//! 1. The host chooses one listener of the bind: the one of exactly this name, else the longest `*.` name above it,
//!    else the one without a name. What other listeners have does not count, however well it fits.
//! 2. Among the listener's routes: an exact path before a prefix, a longer prefix before a shorter one, more
//!    conditions before fewer, then the file's order.

use std::collections::HashMap;

use http::Request;
use mcp_auth_discovery::well_known::OAUTH_PROTECTED_RESOURCE;
use regex::{Regex, RegexBuilder};

use super::Front;
use super::place::Place;
use crate::config;

/// The listeners of one bind.
#[derive(Clone, Debug)]
pub(crate) struct Listeners<T> {
    exact: HashMap<String, Listener<T>>,
    /// What the host has to end with, its dot included; the longest first.
    wildcards: Vec<(String, Listener<T>)>,
    any: Option<Listener<T>>,
}

/// What is behind one host.
#[derive(Clone, Debug)]
pub(crate) struct Listener<T> {
    front: Front,
    routes: Vec<Target<T>>,
}

/// A route with its conditions.
#[derive(Clone, Debug)]
pub(crate) struct Target<T> {
    matches: Vec<Match>,
    /// Paths of metadata that the route serves whatever its matches say.
    well_known: Vec<String>,
    /// Where its resource is: its metadata is there and nowhere else.
    place: Option<Place>,
    to: T,
}

/// A compiled match.
#[derive(Clone, Debug)]
struct Match {
    path: Path,
    headers: Vec<(String, Value)>,
    method: Option<String>,
}

#[derive(Clone, Debug)]
enum Path {
    Exact(String),
    Prefix(String),
    Regex(Regex),
}

#[derive(Clone, Debug)]
enum Value {
    Exact(String),
    Regex(Regex),
}

/// How well a request fits; greater is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    exact: bool,
    length: usize,
    conditions: usize,
}

impl Match {
    fn compile(from: &config::RouteMatch) -> Result<Self, (config::Position, regex::Error)> {
        let path = match &from.path {
            config::PathMatch::Exact(path) => Path::Exact(path.clone()),
            config::PathMatch::Prefix(path) => Path::Prefix(path.trim_end_matches('/').to_owned()),
            config::PathMatch::Regex(text) => Path::Regex(whole(text)?),
        };
        let mut headers = Vec::new();
        for header in &from.headers {
            let value = match &header.value {
                config::ValueMatch::Exact(value) => Value::Exact(value.clone()),
                config::ValueMatch::Regex(text) => Value::Regex(whole(text)?),
            };
            headers.push((header.name.clone(), value));
        }
        Ok(Self { path, headers, method: from.method.clone() })
    }

    /// The match of a route without matches.
    fn everything() -> Self {
        Self { path: Path::Prefix(String::new()), headers: Vec::new(), method: None }
    }

    fn fit<B>(&self, request: &Request<B>) -> Option<Fit> {
        let path = request.uri().path();
        let (exact, length) = match &self.path {
            Path::Exact(p) => (path == p).then_some((true, p.len()))?,
            Path::Prefix(p) => {
                let rest = path.strip_prefix(p.as_str())?;
                (rest.is_empty() || rest.starts_with('/')).then_some((false, p.len()))?
            }
            Path::Regex(regex) => regex.is_match(path).then_some((false, 0))?,
        };
        if self.method.as_ref().is_some_and(|m| m != request.method().as_str()) {
            return None;
        }
        let holds = |(name, value): &(String, Value)| {
            let mut found = request.headers().get_all(name).iter().peekable();
            // Each value of a repeated header has to fit: none can hide behind another.
            found.peek().is_some()
                && found.all(|v| {
                    v.to_str().is_ok_and(|v| match value {
                        Value::Exact(expected) => v == expected,
                        Value::Regex(regex) => regex.is_match(v),
                    })
                })
        };
        let conditions = self.headers.len() + usize::from(self.method.is_some());
        self.headers.iter().all(holds).then_some(Fit { exact, length, conditions })
    }
}

/// The whole text has to match; the compiled size is bounded.
fn whole(text: &config::Spanned<String>) -> Result<Regex, (config::Position, regex::Error)> {
    RegexBuilder::new(&format!("^(?:{})$", text.value))
        .size_limit(1 << 20)
        .build()
        .map_err(|error| (text.at, error))
}

impl<T> Default for Listeners<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), wildcards: Vec::new(), any: None }
    }
}

impl<T> Listeners<T> {
    /// Adds a listener: the name of its host (`*.` in front for every name below), what comes before its routes, and
    /// these. The configuration has no name twice.
    pub(crate) fn add(&mut self, hostname: Option<&str>, front: Front, routes: Vec<Target<T>>) {
        let listener = Listener { front, routes };
        match hostname {
            None => self.any = Some(listener),
            Some(name) => match name.strip_prefix('*') {
                Some(suffix) => {
                    self.wildcards.push((suffix.to_owned(), listener));
                    self.wildcards.sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));
                }
                None => {
                    self.exact.insert(name.to_owned(), listener);
                }
            },
        }
    }

    /// Where a request to `host` goes; the host is in the spelling of
    /// [`normalise_host`](mcp_auth_core::request_target::normalise_host).
    pub(crate) fn find<B>(&self, host: Option<&str>, request: &Request<B>) -> Option<&T> {
        self.listener(host)?.find(request)
    }

    /// The one listener that serves `host`. The others do not exist for the request.
    pub(crate) fn listener(&self, host: Option<&str>) -> Option<&Listener<T>> {
        let named = host.and_then(|host| {
            let below =
                |(suffix, _): &&(String, _)| host.len() > suffix.len() && host.ends_with(suffix.as_str());
            self.exact.get(host).or_else(|| self.wildcards.iter().find(below).map(|(_, listener)| listener))
        });
        named.or(self.any.as_ref())
    }
}

impl<T> Listener<T> {
    /// What comes before the routes.
    pub(crate) fn front(&self) -> &Front {
        &self.front
    }

    /// The route that takes a request.
    pub(crate) fn find<B>(&self, request: &Request<B>) -> Option<&T> {
        let mut best: Option<(Fit, &Target<T>)> = None;
        for target in &self.routes {
            if let Some(found) = target.fit(request)
                && best.as_ref().is_none_or(|(b, _)| found > *b)
            {
                best = Some((found, target));
            }
        }
        best.map(|(_, target)| &target.to)
    }
}

impl<T> Target<T> {
    /// A route with no `matches` takes everything.
    pub(super) fn new(
        matches: &[config::RouteMatch],
        well_known: Vec<String>,
        place: Option<Place>,
        to: T,
    ) -> Result<Self, (config::Position, regex::Error)> {
        let mut matches = matches.iter().map(Match::compile).collect::<Result<Vec<_>, _>>()?;
        if matches.is_empty() {
            matches.push(Match::everything());
        }
        Ok(Self { matches, well_known, place, to })
    }

    fn fit<B>(&self, request: &Request<B>) -> Option<Fit> {
        let path = request.uri().path();
        let metadata = path
            .strip_prefix(OAUTH_PROTECTED_RESOURCE)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if metadata && self.place.as_ref().is_some_and(|place| !place.is_asked(request)) {
            return None;
        }
        if self.well_known.iter().any(|p| p == path) {
            return Some(Fit { exact: true, length: path.len(), conditions: 0 });
        }
        self.matches.iter().filter_map(|m| m.fit(request)).max()
    }
}
