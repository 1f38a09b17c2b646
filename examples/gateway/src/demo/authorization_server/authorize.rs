//! The authorization endpoint: checks the request, shows the login page, issues the code (RFC 6749 §4.1).

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, COOKIE, LOCATION, REFERRER_POLICY, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use mcp_auth_core::crypto::SigningFailed;
use mcp_auth_exchange::grant::authorization_code::PkceChallenge;
use url::Url;

use super::state::{self, Code, Login, Request};
use super::{AuthorizationServer, DEFAULT_SCOPE, Parameters, SCOPES, pages, register};

/// Binds a login page to the browser that asked for it.
const COOKIE_NAME: &str = "mcp-auth-demo-login";
/// Wrong passwords until the login page is spent.
const MAX_FAILURES: u8 = 5;
const MAX_STATE_BYTES: usize = 2_048;

/// `GET /authorize`.
pub(super) async fn ask(
    State(server): State<AuthorizationServer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes());
    if parameters.check_once().is_err() {
        return pages::error(StatusCode::BAD_REQUEST, "A parameter of the request stands twice.");
    }
    let now = state::now();
    let client = parameters.get("client_id").and_then(|id| server.store().clients.get_mut(id, now).cloned());
    let (Some(client), Some(client_id)) = (client, parameters.get("client_id")) else {
        return pages::error(
            StatusCode::BAD_REQUEST,
            "The client is not registered here (invalid_client). Let it register again.",
        );
    };
    let asked = parameters.get("redirect_uri").unwrap_or_default();
    let Some(redirect) = register::find_redirect(&client.redirect_uris, asked) else {
        return pages::error(
            StatusCode::BAD_REQUEST,
            "The redirect URI is not one that the client registered.",
        );
    };
    // From here on the client is told.
    let client_state = parameters.get("state").filter(|state| state.len() <= MAX_STATE_BYTES);
    match checked(&parameters, server.resource()) {
        Err((error, description)) => {
            let answer = [("error", error), ("error_description", description)];
            send_back(&server, &redirect, client_state, &answer)
        }
        Ok((challenge, scope)) => {
            let request = Request {
                client_id: client_id.to_owned(),
                client_name: client.name,
                redirect_uri: asked.to_owned(),
                redirect,
                state: client_state.map(str::to_owned),
                challenge,
                scope,
            };
            open_login(&server, request, &headers, now).unwrap_or_else(|SigningFailed| no_randomness())
        }
    }
}

type Answered = (&'static str, &'static str);

fn checked(parameters: &Parameters, resource: &str) -> Result<(PkceChallenge, String), Answered> {
    match parameters.get("response_type") {
        Some("code") => {}
        Some(_) => return Err(("unsupported_response_type", "only `code` is offered")),
        None => return Err(("invalid_request", "response_type is missing")),
    }
    if parameters.get("state").is_some_and(|state| state.len() > MAX_STATE_BYTES) {
        return Err(("invalid_request", "state is too long"));
    }
    if parameters.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(("invalid_request", "response_mode is not `query`"));
    }
    let challenge = parameters
        .get("code_challenge")
        .and_then(|c| PkceChallenge::parse(c, parameters.get("code_challenge_method")).ok())
        .ok_or(("invalid_request", "PKCE with a code challenge of method S256 is required"))?;
    if parameters.get("resource").is_some_and(|asked| asked != resource) {
        return Err(("invalid_target", "this server issues tokens for another resource only"));
    }
    let scope = scope(parameters.get("scope")).ok_or(("invalid_scope", "none of the scopes is known"))?;
    // Nobody is ever logged in already.
    if parameters.get("prompt") == Some("none") {
        return Err(("login_required", "there is always a login page"));
    }
    Ok((challenge, scope))
}

/// The known ones of the scopes asked for (RFC 6749 §3.3).
pub(super) fn scope(asked: Option<&str>) -> Option<String> {
    let Some(asked) = asked else {
        return Some(DEFAULT_SCOPE.to_owned());
    };
    let known: Vec<&str> =
        SCOPES.iter().filter(|&&scope| asked.split(' ').any(|a| a == scope)).copied().collect();
    (!known.is_empty()).then(|| known.join(" "))
}

fn open_login(
    server: &AuthorizationServer,
    request: Request,
    headers: &HeaderMap,
    now: u64,
) -> Result<Response, SigningFailed> {
    // A browser keeps its cookie, so that two login pages can be open at one time.
    let browser = match cookie(headers) {
        Some(cookie) => cookie.to_owned(),
        None => state::random()?,
    };
    let transaction = state::random()?;
    let login = Login { request, csrf: state::random()?, browser, failures: 0 };
    let mut page = pages::login(&login, &transaction, &server.0.users, server.resource(), false);
    let secure = if server.issuer().starts_with("https:") { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE_NAME}={}; Path=/authorize; HttpOnly; SameSite=Strict{secure}", login.browser);
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        page.headers_mut().insert(SET_COOKIE, cookie);
    }
    server.store().logins.insert(transaction, login, now);
    Ok(page)
}

/// The browser's cookie, if it looks like one of ours.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| {
            let ours = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            *name == COOKIE_NAME && value.len() == 43 && value.bytes().all(ours)
        })
        .map(|(_, value)| value)
}

/// `POST /authorize`: the login form.
pub(super) async fn answer(
    State(server): State<AuthorizationServer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Parameters::of_form(&headers, &body).filter(|form| form.check_once().is_ok());
    let Some(form) = form else {
        return pages::error(StatusCode::BAD_REQUEST, "This is not the login form.");
    };
    let now = state::now();
    let transaction = form.get("transaction").unwrap_or_default();
    let login = server.store().logins.get_mut(transaction, now).cloned();
    let Some(login) = login else {
        return pages::error(
            StatusCode::BAD_REQUEST,
            "The login page is too old. Start again at the client.",
        );
    };
    let ours = state::same_secret(&login.csrf, form.get("csrf").unwrap_or_default())
        & state::same_secret(&login.browser, cookie(&headers).unwrap_or_default());
    if !ours {
        return pages::error(
            StatusCode::FORBIDDEN,
            "The form does not come from the login page of this browser.",
        );
    }
    let (name, password) = (form.get("user").unwrap_or_default(), form.get("password").unwrap_or_default());
    let Some(user) = server.log_in(name, password) else {
        return wrong_password(&server, &login, transaction, now);
    };
    let Ok(code) = state::random() else {
        return no_randomness();
    };
    let issued = Code {
        request: login.request.clone(),
        user,
        expires: now.saturating_add(state::CODE_SECONDS),
        spent: false,
        grant: None,
    };
    {
        let mut store = server.store();
        // Of two forms sent at once, one gets a code.
        if store.logins.get_mut(transaction, now).is_none() {
            drop(store);
            return pages::error(StatusCode::BAD_REQUEST, "The login page was used already.");
        }
        store.logins.remove(transaction);
        store.codes.insert(code.clone(), issued, now);
    }
    let Request { redirect, state, .. } = &login.request;
    send_back(&server, redirect, state.as_deref(), &[("code", &code)])
}

fn wrong_password(server: &AuthorizationServer, login: &Login, transaction: &str, now: u64) -> Response {
    let spent = {
        let mut store = server.store();
        let spent = store.logins.get_mut(transaction, now).is_none_or(|login| {
            login.failures = login.failures.saturating_add(1);
            login.failures >= MAX_FAILURES
        });
        if spent {
            store.logins.remove(transaction);
        }
        spent
    };
    if spent {
        let answer = [("error", "access_denied"), ("error_description", "too many wrong passwords")];
        return send_back(server, &login.request.redirect, login.request.state.as_deref(), &answer);
    }
    pages::login(login, transaction, &server.0.users, server.resource(), true)
}

fn no_randomness() -> Response {
    pages::error(StatusCode::INTERNAL_SERVER_ERROR, "The server has no randomness.")
}

/// Sends the browser to the client, with `state` and `iss` (RFC 9207). 303: a form is not to be sent along.
fn send_back(
    server: &AuthorizationServer,
    redirect: &Url,
    state: Option<&str>,
    answer: &[(&str, &str)],
) -> Response {
    let mut to = redirect.clone();
    {
        let mut query = to.query_pairs_mut();
        query.extend_pairs(answer);
        if let Some(state) = state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", server.issuer());
    }
    // INVARIANT: a serialized URL is ASCII without control characters.
    let Ok(location) = HeaderValue::try_from(String::from(to)) else {
        return pages::error(StatusCode::BAD_REQUEST, "The redirect URI cannot be sent.");
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
