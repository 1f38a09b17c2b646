//! The `cors` policy, with what MCP clients in browsers need.

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, WWW_AUTHENTICATE};
use http::{HeaderValue, Method};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, Any, CorsLayer, ExposeHeaders};

use crate::config::{Cors, Names};

/// A preflight is answered before authentication: browsers send it without a token.
///
/// The lists people copy lack what a client needs to follow a challenge; `authorization`, the MCP headers, and
/// reading `WWW-Authenticate` are therefore always allowed to the origins that are. With credentials, `*` is
/// what browsers refuse: the request's own origin, headers and method are echoed instead.
pub(super) fn layer(cors: &Cors) -> CorsLayer {
    let mut layer = CorsLayer::new().allow_credentials(cors.allow_credentials);
    layer = match &cors.allow_origins {
        Names::Any if cors.allow_credentials => layer.allow_origin(AllowOrigin::mirror_request()),
        Names::Any => layer.allow_origin(Any),
        Names::These(origins) => layer
            .allow_origin(AllowOrigin::list(origins.iter().filter_map(|o| HeaderValue::from_str(o).ok()))),
    };
    layer = match &cors.allow_methods {
        Names::Any => layer.allow_methods(AllowMethods::mirror_request()),
        Names::These(names) if names.is_empty() => {
            layer.allow_methods([Method::GET, Method::POST, Method::DELETE])
        }
        Names::These(names) => {
            layer.allow_methods(AllowMethods::list(names.iter().filter_map(|m| m.parse().ok())))
        }
    };
    layer = match &cors.allow_headers {
        Names::Any => layer.allow_headers(AllowHeaders::mirror_request()),
        Names::These(names) => layer.allow_headers(AllowHeaders::list(with(
            names,
            &[
                AUTHORIZATION,
                CONTENT_TYPE,
                HeaderName::from_static("mcp-protocol-version"),
                HeaderName::from_static("mcp-session-id"),
                HeaderName::from_static("mcp-method"),
                HeaderName::from_static("mcp-name"),
                HeaderName::from_static("last-event-id"),
            ],
        ))),
    };
    let exposed = [
        WWW_AUTHENTICATE,
        HeaderName::from_static("mcp-session-id"),
        HeaderName::from_static("mcp-protocol-version"),
    ];
    layer = match &cors.expose_headers {
        Names::Any if !cors.allow_credentials => layer.expose_headers(Any),
        Names::Any => layer.expose_headers(exposed),
        Names::These(names) => layer.expose_headers(ExposeHeaders::list(with(names, &exposed))),
    };
    match cors.max_age {
        Some(age) => layer.max_age(age),
        None => layer,
    }
}

fn with(names: &[String], always: &[HeaderName]) -> Vec<HeaderName> {
    let mut all: Vec<HeaderName> = names.iter().filter_map(|n| n.parse().ok()).collect();
    all.extend(always.iter().cloned());
    all.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    all.dedup();
    all
}
