//! Anonymous registration of public clients (RFC 7591).

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use url::{Host, Url};

use super::state::{self, Client};
use super::{AuthorizationServer, Refusal, SCOPES, json as answer};

const MAX_REDIRECT_URIS: usize = 10;
const MAX_REDIRECT_URI_BYTES: usize = 2_048;
const MAX_NAME_CHARS: usize = 100;

/// `POST /register`.
pub(super) async fn register(
    State(server): State<AuthorizationServer>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let metadata: Value = serde_json::from_slice(&body)
        .map_err(|_| Refusal::new("invalid_client_metadata", "the body is not JSON"))?;
    let redirect_uris = redirect_uris(&metadata)?;
    let name = name(&metadata)?;
    // What a client would not get is refused; what it can do without is given in its place.
    for (member, needed) in [("grant_types", "authorization_code"), ("response_types", "code")] {
        let asked = metadata.get(member).filter(|value| !value.is_null());
        if asked.is_some_and(|v| !v.as_array().is_some_and(|a| a.iter().any(|v| v == needed))) {
            return Err(Refusal::new(
                "invalid_client_metadata",
                "only the authorization code flow is offered",
            ));
        }
    }
    let application_type = match metadata.get("application_type").and_then(Value::as_str) {
        None | Some("native") => "native",
        Some("web") => "web",
        Some(_) => return Err(Refusal::new("invalid_client_metadata", "unknown application_type")),
    };

    let now = state::now();
    let client_id = state::random()?;
    let mut registered = json!({
        "client_id": client_id,
        "client_id_issued_at": now,
        "redirect_uris": redirect_uris,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": application_type,
        "scope": SCOPES.join(" "),
    });
    if let (Some(name), Some(members)) = (&name, registered.as_object_mut()) {
        members.insert("client_name".to_owned(), name.as_str().into());
    }
    server.store().clients.insert(client_id, Client { name, redirect_uris }, now);
    Ok(answer(StatusCode::CREATED, &registered))
}

fn redirect_uris(metadata: &Value) -> Result<Vec<String>, Refusal> {
    let refused = |description| Refusal::new("invalid_redirect_uri", description);
    let listed = metadata
        .get("redirect_uris")
        .and_then(Value::as_array)
        .filter(|uris| (1..=MAX_REDIRECT_URIS).contains(&uris.len()))
        .ok_or_else(|| refused("redirect_uris must be a list of 1 to 10 URIs"))?;
    listed
        .iter()
        .map(|uri| {
            uri.as_str()
                .filter(|uri| redirect_target(uri).is_some())
                .map(str::to_owned)
                .ok_or_else(|| refused("each redirect URI must be https, or http to a loopback address"))
        })
        .collect()
}

fn name(metadata: &Value) -> Result<Option<String>, Refusal> {
    match metadata.get("client_name") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) if name.chars().count() <= MAX_NAME_CHARS => {
            Ok(Some(name.clone()).filter(|name| !name.trim().is_empty()))
        }
        Some(_) => {
            Err(Refusal::new("invalid_client_metadata", "client_name is not a text of 100 characters"))
        }
    }
}

/// The URI as a place to send someone to; none when it is not fit for it.
fn redirect_target(uri: &str) -> Option<Url> {
    if uri.len() > MAX_REDIRECT_URI_BYTES || !uri.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let url = Url::parse(uri).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let fit = match url.scheme() {
        "https" => url.host().is_some(),
        "http" => is_loopback(&url),
        _ => false,
    };
    (plain && fit).then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Where `asked` leads, when it is one of the `registered`: to the letter, but for the port of an `http`
/// loopback address (RFC 8252 §7.3).
pub(super) fn find_redirect(registered: &[String], asked: &str) -> Option<Url> {
    let target = redirect_target(asked)?;
    let portless = |url: &Url| {
        let mut url = url.clone();
        (url.scheme() == "http" && is_loopback(&url) && url.set_port(None).is_ok()).then_some(url)
    };
    let matches = |known: &String| {
        known == asked
            || Url::parse(known)
                .is_ok_and(|known| portless(&known).is_some_and(|known| portless(&target) == Some(known)))
    };
    registered.iter().any(matches).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_match_to_the_letter_but_for_a_loopback_port() {
        let registered = ["https://app.example/cb".to_owned(), "http://127.0.0.1:1234/cb".to_owned()];
        let finds = |asked: &str| find_redirect(&registered, asked).is_some();
        assert!(finds("https://app.example/cb"));
        assert!(finds("http://127.0.0.1:1234/cb"));
        assert!(finds("http://127.0.0.1:9/cb"));
        assert!(finds("http://127.0.0.1/cb"));
        for other in [
            "https://app.example:8443/cb",
            "https://app.example/cb/",
            "https://app.example/cb?x=1",
            "https://APP.example/cb",
            "https://app.example.evil.example/cb",
            "http://localhost:1234/cb",
            "http://127.0.0.2:1234/cb",
            "http://127.0.0.1:1234/other",
            "http://127.0.0.1:1234/cb#f",
            "http://u@127.0.0.1:1234/cb",
            "https://127.0.0.1:1234/cb",
            "http://127.0.0.1:1234/cb?x=1",
        ] {
            assert!(!finds(other), "{other}");
        }
    }

    #[test]
    fn redirects_that_are_never_registered() {
        for uri in [
            "http://app.example/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "cursor://callback",
            "https://u:p@app.example/cb",
            "https://app.example/cb#x",
            "http://127.0.0.1.evil.example/cb",
            "https://app.example/a b",
            "",
        ] {
            assert!(redirect_target(uri).is_none(), "{uri}");
        }
        assert!(redirect_target("http://[::1]:1/cb").is_some());
    }
}
