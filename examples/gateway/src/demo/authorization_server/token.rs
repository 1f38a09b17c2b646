//! The token endpoint: codes and refresh tokens for access tokens (RFC 6749 §4.1.3, §6; RFC 9068).

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_core::crypto::{Signer as _, SigningFailed};
use mcp_auth_exchange::grant::authorization_code::PkceVerifier;
use serde_json::json;

use super::metadata::KID;
use super::state::{self, Grant};
use super::{AuthorizationServer, Parameters, Refusal, User, authorize, json as answer};

/// Life of an access token.
const ACCESS_TOKEN_SECONDS: u64 = 300;

const NOT_A_FORM: Refusal =
    Refusal::new("invalid_request", "the body is not a form, or a parameter stands twice");
const INVALID_CLIENT: Refusal = Refusal {
    status: StatusCode::UNAUTHORIZED,
    error: "invalid_client",
    description: "unknown client, or one that authenticates; register again",
};
const CODE_REFUSED: Refusal =
    Refusal::new("invalid_grant", "the code is unknown, spent, too old or not this client's");
const REFRESH_REFUSED: Refusal =
    Refusal::new("invalid_grant", "the refresh token is unknown, spent, too old or not this client's");

/// `POST /token`.
pub(super) async fn token(
    State(server): State<AuthorizationServer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match redeem(&server, &headers, &body) {
        Ok(response) => response,
        Err(refusal) => {
            let mut response = refusal.into_response();
            if refusal.status == StatusCode::UNAUTHORIZED && headers.contains_key(AUTHORIZATION) {
                // RFC 6749 §5.2: answer in the scheme that the client used.
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
            }
            response
        }
    }
}

fn redeem(server: &AuthorizationServer, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    let form = form(headers, body)?;
    let now = state::now();
    let client_id = form.get("client_id").unwrap_or_default();
    let known = server.store().clients.get_mut(client_id, now).is_some();
    // All clients are public: one that authenticates is none of ours.
    if !known || headers.contains_key(AUTHORIZATION) || form.get("client_secret").is_some() {
        return Err(INVALID_CLIENT);
    }
    if form.get("resource").is_some_and(|asked| asked != server.resource()) {
        return Err(Refusal::new("invalid_target", "this server issues tokens for another resource only"));
    }
    let (grant, refresh_token) = match form.get("grant_type") {
        Some("authorization_code") => redeem_code(server, &form, client_id, now)?,
        Some("refresh_token") => refresh(server, &form, client_id, now)?,
        Some(_) => {
            return Err(Refusal::new("unsupported_grant_type", "only authorization_code and refresh_token"));
        }
        None => return Err(Refusal::new("invalid_request", "grant_type is missing")),
    };
    let access_token = server.access_token(&grant.user, client_id, &grant.scope, now)?;
    Ok(issued(&access_token, &grant.scope, Some(&refresh_token)))
}

fn form(headers: &HeaderMap, body: &[u8]) -> Result<Parameters, Refusal> {
    Parameters::of_form(headers, body).filter(|form| form.check_once().is_ok()).ok_or(NOT_A_FORM)
}

struct Granted {
    user: User,
    scope: String,
}

fn redeem_code(
    server: &AuthorizationServer,
    form: &Parameters,
    client_id: &str,
    now: u64,
) -> Result<(Granted, String), Refusal> {
    let needed = |name| form.get(name).ok_or(Refusal::new("invalid_request", "a parameter is missing"));
    let (code, verifier) = (needed("code")?, needed("code_verifier")?);
    let redirect_uri = needed("redirect_uri")?;
    let (grant_id, secret) = (state::random()?, state::random()?);

    let mut store = server.store();
    let code = store.codes.get_mut(code, now).ok_or(CODE_REFUSED)?;
    if code.spent {
        // RFC 6749 §4.1.2: the code leaked, so what was issued for it goes.
        if let Some(grant) = code.grant.take() {
            store.grants.remove(&grant);
        }
        return Err(CODE_REFUSED);
    }
    // One try, right or wrong.
    code.spent = true;
    let request = &code.request;
    let verified = PkceVerifier::parse(verifier).is_ok_and(|verifier| request.challenge.matches(&verifier));
    if now >= code.expires
        || request.client_id != client_id
        || request.redirect_uri != redirect_uri
        || !verified
    {
        return Err(CODE_REFUSED);
    }
    let granted = Granted { user: code.user.clone(), scope: request.scope.clone() };
    code.grant = Some(grant_id.clone());
    let refresh_token = format!("{grant_id}.{secret}");
    let grant = Grant {
        client_id: client_id.to_owned(),
        user: granted.user.clone(),
        scope: granted.scope.clone(),
        secret,
    };
    store.grants.insert(grant_id, grant, now);
    Ok((granted, refresh_token))
}

fn refresh(
    server: &AuthorizationServer,
    form: &Parameters,
    client_id: &str,
    now: u64,
) -> Result<(Granted, String), Refusal> {
    let token =
        form.get("refresh_token").ok_or(Refusal::new("invalid_request", "refresh_token is missing"))?;
    let (grant_id, secret) = token.split_once('.').ok_or(REFRESH_REFUSED)?;
    let next = state::random()?;

    let mut store = server.store();
    let grant = store.grants.get_mut(grant_id, now).ok_or(REFRESH_REFUSED)?;
    if grant.client_id != client_id {
        return Err(REFRESH_REFUSED);
    }
    if !state::same_secret(&grant.secret, secret) {
        // A refresh token whose turn is over: either its thief or its owner holds the next one (RFC 9700 §4.14.2).
        store.grants.remove(grant_id);
        return Err(REFRESH_REFUSED);
    }
    // A narrower scope is for this access token; the grant stays as it is (RFC 6749 §6).
    let scope = match form.get("scope") {
        None => grant.scope.clone(),
        Some(asked) if asked.split(' ').all(|a| grant.scope.split(' ').any(|g| g == a)) => asked.to_owned(),
        Some(_) => return Err(Refusal::new("invalid_scope", "more than was granted")),
    };
    let refresh_token = format!("{grant_id}.{next}");
    grant.secret = next;
    Ok((Granted { user: grant.user.clone(), scope }, refresh_token))
}

/// `POST /demo/token`: an access token for a name and password, for the command lines that the demonstration
/// prints. No real authorization server has this: a client must never see a password.
pub(super) async fn demo(
    State(server): State<AuthorizationServer>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form = form(&headers, &body)?;
    let (name, password) = (form.get("user").unwrap_or_default(), form.get("password").unwrap_or_default());
    let user =
        server.log_in(name, password).ok_or(Refusal::new("invalid_grant", "wrong user or password"))?;
    let scope = authorize::scope(form.get("scope"))
        .ok_or(Refusal::new("invalid_scope", "none of the scopes is known"))?;
    let access_token = server.access_token(&user, "demo-curl", &scope, state::now())?;
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if !accept.contains("text/plain") {
        return Ok(issued(&access_token, &scope, None));
    }
    let mut response = Response::new(Body::from(access_token));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn issued(access_token: &str, scope: &str, refresh_token: Option<&str>) -> Response {
    let mut body = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": ACCESS_TOKEN_SECONDS,
        "scope": scope,
    });
    if let (Some(token), Some(members)) = (refresh_token, body.as_object_mut()) {
        members.insert("refresh_token".to_owned(), token.into());
    }
    answer(StatusCode::OK, &body)
}

impl AuthorizationServer {
    /// The resource that all tokens are for.
    pub(super) fn resource(&self) -> &str {
        &self.0.resource
    }

    fn access_token(
        &self,
        user: &User,
        client_id: &str,
        scope: &str,
        now: u64,
    ) -> Result<String, SigningFailed> {
        let signer = &self.0.signer;
        let header = json!({ "alg": signer.algorithm().name(), "typ": "at+jwt", "kid": KID });
        let claims = json!({
            "iss": self.issuer(),
            "sub": user.name,
            "aud": self.resource(),
            "client_id": client_id,
            "iat": now,
            "exp": now.saturating_add(ACCESS_TOKEN_SECONDS),
            "jti": state::random()?,
            "scope": scope,
            "email": user.email,
            "groups": user.groups,
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = signer.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
