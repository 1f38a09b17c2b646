//! Routes: which request goes through which policies to which backend.

mod build;
mod cors;
mod matching;
#[cfg(test)]
mod tests;

use std::convert::Infallible;

use http::{Request, Response};
use hyper::body::Incoming;
use tower::util::BoxCloneSyncService;

pub(crate) use build::{BuildError, route};
pub(crate) use matching::Listeners;

use crate::proxy::BoxBody;

/// Everything behind a match: CORS, authentication, authorization, proxy.
pub(crate) type RouteService = BoxCloneSyncService<Request<Incoming>, Response<BoxBody>, Infallible>;
