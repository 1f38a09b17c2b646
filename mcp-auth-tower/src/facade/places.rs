//! What stands where.

use http::Uri;
use http::header::HeaderMap;
use mcp_auth_discovery::facade::FacadeEndpoint;
use mcp_auth_exchange::facade::Facade;
use url::Url;

use crate::authority::Place;

/// The paths that are ours. Every request is held against them, so that they are written out once.
#[derive(Debug)]
pub(super) struct Places {
    /// `None`: whatever host is asked for.
    host: Option<Place>,
    endpoints: Vec<(Box<str>, FacadeEndpoint)>,
    documents: Vec<Url>,
}

/// What a request is for.
pub(super) enum Found<'p> {
    Endpoint(FacadeEndpoint),
    /// The metadata document at this URL.
    Document(&'p Url),
}

const ENDPOINTS: [FacadeEndpoint; 6] = [
    FacadeEndpoint::Authorize,
    FacadeEndpoint::Callback,
    FacadeEndpoint::Token,
    FacadeEndpoint::Register,
    FacadeEndpoint::Revoke,
    FacadeEndpoint::Keys,
];

impl Places {
    pub(super) fn of(facade: &Facade, any_host: bool) -> Self {
        let metadata = facade.metadata();
        let registers = metadata.authorization_server(None).registration_endpoint.is_some();
        let offered = |endpoint: &FacadeEndpoint| *endpoint != FacadeEndpoint::Register || registers;
        let endpoints = ENDPOINTS.into_iter().filter(offered);
        Self {
            host: if any_host { None } else { Place::of(facade.callback()) },
            endpoints: endpoints.map(|endpoint| (metadata.url(endpoint).path().into(), endpoint)).collect(),
            documents: metadata.issuer().metadata_urls().collect(),
        }
    }

    /// Paths are compared as they stand: another spelling is another place.
    pub(super) fn find(&self, uri: &Uri, headers: &HeaderMap) -> Option<Found<'_>> {
        let path = uri.path();
        let endpoint = self.endpoints.iter().find(|(own, _)| **own == *path).map(|(_, found)| *found);
        let found = match endpoint {
            Some(endpoint) => Found::Endpoint(endpoint),
            None if uri.query().is_some() => return None,
            None => Found::Document(self.documents.iter().find(|own| own.path() == path)?),
        };
        let here = self.host.as_ref().is_none_or(|host| host.is_asked(uri, headers));
        here.then_some(found)
    }
}
