//! Choosing a route: an exact path before a prefix, a longer prefix before a shorter one, then the file's order.

use http::Request;
use http::header::HOST;
use http::request::Parts;
use regex::{Regex, RegexBuilder};

use super::RouteService;
use crate::config;

/// The routes of one bind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    targets: Vec<Target>,
}

/// A route with its conditions.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) hostname: Option<String>,
    pub(crate) matches: Vec<Match>,
    /// Paths of metadata that the route serves whatever its matches say.
    pub(crate) well_known: Vec<String>,
    pub(crate) service: RouteService,
}

/// A compiled match.
#[derive(Clone, Debug)]
pub(crate) struct Match {
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
    pub(crate) fn compile(from: &config::RouteMatch) -> Result<Self, (config::Position, regex::Error)> {
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
    pub(crate) fn everything() -> Self {
        Self { path: Path::Prefix(String::new()), headers: Vec::new(), method: None }
    }

    fn fit(&self, parts: &Parts) -> Option<Fit> {
        let path = parts.uri.path();
        let (exact, length) = match &self.path {
            Path::Exact(p) => (path == p).then_some((true, p.len()))?,
            Path::Prefix(p) => {
                let rest = path.strip_prefix(p.as_str())?;
                (rest.is_empty() || rest.starts_with('/')).then_some((false, p.len()))?
            }
            Path::Regex(regex) => regex.is_match(path).then_some((false, 0))?,
        };
        if self.method.as_ref().is_some_and(|m| m != parts.method.as_str()) {
            return None;
        }
        let holds = |(name, value): &(String, Value)| {
            let mut found = parts.headers.get_all(name).iter().peekable();
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

impl Table {
    pub(crate) fn push(&mut self, target: Target) {
        self.targets.push(target);
    }

    /// The service for a request.
    pub(crate) fn find<B>(&self, request: Request<B>) -> (Request<B>, Option<RouteService>) {
        let (parts, body) = request.into_parts();
        let host = parts.uri.host().or_else(|| parts.headers.get(HOST)?.to_str().ok()).map(|h| {
            h.rsplit_once(':')
                .map_or(h, |(name, port)| if port.bytes().all(|b| b.is_ascii_digit()) { name } else { h })
        });
        let fits_host = |target: &&Target| match (&target.hostname, host) {
            (None, _) => true,
            (Some(wanted), Some(host)) => match wanted.strip_prefix("*.") {
                Some(suffix) => host
                    .len()
                    .checked_sub(suffix.len() + 1)
                    .and_then(|at| host.get(at..))
                    .and_then(|tail| tail.strip_prefix('.'))
                    .is_some_and(|tail| tail.eq_ignore_ascii_case(suffix)),
                None => wanted.eq_ignore_ascii_case(host),
            },
            (Some(_), None) => false,
        };
        let fit = |target: &Target| {
            let path = parts.uri.path();
            if target.well_known.iter().any(|p| p == path) {
                return Some(Fit { exact: true, length: path.len(), conditions: 0 });
            }
            target.matches.iter().filter_map(|m| m.fit(&parts)).max()
        };
        let mut best: Option<(Fit, &Target)> = None;
        for target in self.targets.iter().filter(fits_host) {
            if let Some(found) = fit(target)
                && best.as_ref().is_none_or(|(b, _)| found > *b)
            {
                best = Some((found, target));
            }
        }
        let service = best.map(|(_, target)| target.service.clone());
        (Request::from_parts(parts, body), service)
    }
}
