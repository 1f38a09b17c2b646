//! What the server says about itself (RFC 8414, OpenID Connect Discovery), and its key.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use mcp_auth_core::crypto::Signer as _;
use serde_json::json;

use super::{AuthorizationServer, SCOPES, json as answer};

/// The name of the only key.
pub(super) const KID: &str = "demo";

/// `GET /.well-known/oauth-authorization-server` and `/.well-known/openid-configuration`.
pub(super) async fn metadata(State(server): State<AuthorizationServer>) -> Response {
    let issuer = server.issuer();
    answer(
        StatusCode::OK,
        &json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "registration_endpoint": format!("{issuer}/register"),
            "jwks_uri": format!("{issuer}/jwks"),
            "scopes_supported": SCOPES,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            // There are no ID tokens, but clients refuse a discovery document without these two.
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }),
    )
}

/// `GET /jwks`.
pub(super) async fn jwks(State(server): State<AuthorizationServer>) -> Response {
    let key: serde_json::Value =
        serde_json::from_str(&server.0.signer.public_jwk(KID)).unwrap_or(serde_json::Value::Null);
    answer(StatusCode::OK, &json!({ "keys": [key] }))
}
