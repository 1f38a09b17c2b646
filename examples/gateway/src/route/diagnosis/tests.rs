use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Response;

use crate::check;
use crate::config;
use crate::proxy::full;
use crate::server::Gateway;
use crate::test::{Folder, Log, Running, Upstream};

fn route(first: &str, provider: &str, exchange: &str) -> String {
    format!(
        "    - {first}\n      backends: [{{host: '127.0.0.1:4200'}}]\n      policies:\n        mcpAuthentication:\n          \
         issuer: https://login.example.com\n          jwks: {{url: https://127.0.0.1:9/jwks}}\n          resourceMetadata: \
         {{resource: https://api.example.com/mcp}}\n        backendAuth:\n          oauthTokenExchange:\n            host: \
         {provider}\n            path: /token\n            audiences: [tool]\n            scopes: [a]\n            clientAuth: \
         {{clientId: gw, clientSecret: hunter2}}\n{exchange}"
    )
}

fn file(routes: &[String]) -> String {
    format!(
        "binds:\n- port: 0\n  listeners:\n  - hostname: api.example.com\n    routes:\n{}",
        routes.concat()
    )
}

/// A provider that cannot do what the plans ask of it.
async fn provider() -> Upstream {
    let issuer = Arc::new(OnceLock::new());
    let own = issuer.clone();
    let provider = Upstream::answering(move || {
        let issuer: String = own.get().cloned().unwrap_or_default();
        async move {
            let document = serde_json::json!({"issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/other"), "jwks_uri": format!("{issuer}/jwks"),
                "response_types_supported": ["code"], "grant_types_supported": ["authorization_code"]});
            let mut response = Response::new(full(document.to_string()));
            response.headers_mut().insert("content-type", "application/json".parse().unwrap());
            response
        }
    })
    .await;
    issuer.set(format!("http://{}", provider.address)).unwrap();
    provider
}

async fn waited_for(log: &Log, text: &str) -> String {
    for _ in 0..600 {
        if log.text().contains(text) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = log.text();
    assert!(log.contains(text), "{text}: {log}");
    log
}

#[tokio::test]
async fn a_named_issuer_is_read_once_for_all_routes_wherever_the_token_endpoint_is() {
    let (log, _guard) = Log::start();
    let provider = provider().await;
    let elsewhere = "https://tokens.example.com";
    let issuer = format!("            issuer: http://{}\n", provider.address);
    let routes = [
        route("name: a", elsewhere, &issuer),
        route("name: b", elsewhere, &issuer),
        route("matches: [{path: {exact: /c}}]", elsewhere, &issuer),
        route("name: d", elsewhere, ""),
    ];
    let gateway = Running::start(&file(&routes)).await;
    let log = waited_for(&log, "`a`, `b`, `route api.example.com/c`: ").await;
    let lines = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(lines("`a`, `b`, `route api.example.com/c`: "), lines(" id=\""), "{log}");
    assert_eq!(lines(" id=\"grant\""), 1, "{log}");
    assert_eq!(lines("exchange plan `d`: nobody is known who could be asked"), 1, "{log}");
    assert_eq!(provider.seen().len(), 1);
    gateway.stop().await;
}

/// The name of a plan is a part of the keys that replicas share.
#[test]
fn a_route_without_a_name_is_called_by_what_it_takes() {
    let routes = file(&[
        route(
            "matches: [{path: {pathPrefix: /records}}, {path: {exact: /x}}]",
            "https://idp.example.com",
            "",
        ),
        route("matches: [{path: {regex: '/a.*'}}]", "https://idp.example.com", ""),
        route("matches: []", "https://idp.example.com", ""),
    ]);
    for text in [routes.clone(), format!("# A comment\n{routes}"), routes.replace("port: 0", "port: 1234")] {
        let (config, _) = config::parse(&text, "x.yaml").unwrap();
        let titles: Vec<_> = config.binds[0].listeners[0].routes.iter().map(config::Route::title).collect();
        let host = "route api.example.com";
        assert_eq!(titles, [format!("{host}/records"), format!("{host}/a.*"), format!("{host}/")]);
    }
}

/// The file is built twice at a start: to look at it, and to serve.
#[test]
fn what_may_fail_is_logged_once_at_a_start() {
    let (log, _guard) = Log::start();
    let folder = Folder::new("logged-once");
    let keycloak = route("name: a", "https://idp.example.com", "            provider: keycloak\n");
    let path = folder.file("x.yaml", &file(&[keycloak]));
    let (config, warnings) = check::load(path.as_ref()).unwrap();
    assert!(warnings.iter().any(|warning| warning.message().contains("audience")), "{warnings:?}");
    assert!(!log.text().contains("an exchange may fail"), "{}", log.text());
    Gateway::new(&config).unwrap();
    assert_eq!(log.text().matches("an exchange may fail").count(), 1, "{}", log.text());
}
