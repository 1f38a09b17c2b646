//! Routes: which request goes through which policies to which backend.

mod build;
mod cors;
mod credential;
mod diagnosis;
mod exchange;
mod facade;
mod matching;
mod param_headers;
mod place;
mod rules;
mod signing_key;
#[cfg(test)]
mod tests;

use std::convert::Infallible;

use http::{Request, Response};
use tower::util::BoxCloneSyncService;

pub(crate) use build::{BuildError, authenticated, built, metadata_findings, route, target};
pub(crate) use exchange::Exchanges;
pub(crate) use facade::{Facades, Front};
pub(crate) use matching::Listeners;
pub(crate) use rules::{Finding, Levels, Set};

use crate::proxy::BoxBody;
use crate::server::RequestBody;

/// Everything behind a match: CORS, authentication, authorization, proxy.
pub(crate) type RouteService = BoxCloneSyncService<Request<RequestBody>, Response<BoxBody>, Infallible>;
