use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use http_body_util::BodyExt as _;
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::AwsLc;
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Issuer, Validator};
use mcp_auth_exchange::grant::authorization_code::PkceVerifier;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;

const ISSUER: &str = "http://127.0.0.1:9000";
const RESOURCE: &str = "http://127.0.0.1:8080/mcp";
const REDIRECT: &str = "http://127.0.0.1:3333/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn error(&self) -> String {
        assert_eq!(self.headers[CACHE_CONTROL], "no-store");
        self.json()["error"].as_str().unwrap().to_owned()
    }

    /// Where a redirect leads, with its parameters.
    fn redirect(&self) -> (String, Parameters) {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        let url = Url::parse(self.headers[LOCATION].to_str().unwrap()).unwrap();
        let to = Parameters::parse(url.query().unwrap().as_bytes());
        assert_eq!(to.get("iss"), Some(ISSUER));
        (url.as_str().split('?').next().unwrap().to_owned(), to)
    }

    fn field(&self, name: &str) -> String {
        let from = self.body.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
        from.split('"').next().unwrap().to_owned()
    }
}

struct Server(Router);

impl Server {
    fn new() -> Self {
        let server = AuthorizationServer::new(Url::parse(ISSUER).unwrap(), RESOURCE.into(), User::demo());
        Self(server.unwrap().router())
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.0.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], form: &[(&str, &str)]) -> Answer {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn register(&self, metadata: &Value) -> Answer {
        let request = Request::post("/register").header(CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(metadata.to_string())).unwrap()).await
    }

    async fn client(&self) -> String {
        let answer = self.register(&json!({ "client_name": "Editor", "redirect_uris": [REDIRECT] })).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        answer.json()["client_id"].as_str().unwrap().to_owned()
    }

    /// An authorization request that is good but for `changes`; an empty value takes a parameter out.
    async fn ask(&self, client: &str, changes: &[(&str, &str)]) -> Answer {
        let challenge = PkceVerifier::parse(VERIFIER).unwrap().challenge();
        let mut parameters = vec![
            ("client_id", client),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("state", "s&1"),
            ("resource", RESOURCE),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        parameters.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        parameters.extend_from_slice(changes);
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        self.get(&format!("/authorize?{query}")).await
    }

    async fn log_in(&self, page: &Answer, user: &str, password: &str) -> Answer {
        let cookie = page.headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap();
        let (transaction, csrf) = (page.field("transaction"), page.field("csrf"));
        let form = [("transaction", &*transaction), ("csrf", &*csrf), ("user", user), ("password", password)];
        self.post("/authorize", &[("cookie", cookie)], &form).await
    }

    async fn code(&self, client: &str) -> String {
        let page = self.ask(client, &[]).await;
        let (to, answer) = self.log_in(&page, "alice", "alice-demo").await.redirect();
        assert_eq!((to.as_str(), answer.get("state")), (REDIRECT, Some("s&1")));
        answer.get("code").unwrap().to_owned()
    }

    async fn redeem(&self, client: &str, code: &str, verifier: &str, redirect_uri: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", code),
            ("code_verifier", verifier),
            ("redirect_uri", redirect_uri),
        ];
        self.post("/token", &[], &form).await
    }

    async fn refresh(&self, client: &str, token: &str) -> Answer {
        let form = [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
        self.post("/token", &[], &form).await
    }

    /// The claims, checked as the gateway checks them.
    async fn verify(&self, token: &str) -> mcp_auth_core::Principal {
        let issuer = Issuer::new(ISSUER).audience(RESOURCE).access_token_profile();
        let validator = Validator::new([issuer]).unwrap();
        let jwks = self.get("/jwks").await;
        let keys =
            KeySet::parse(jwks.body.as_bytes(), &AwsLc::new(), validator.algorithms(0.into())).unwrap();
        let now = UnixTime::from_secs(state::now());
        validator
            .verify(validator.parse(token).unwrap(), &keys, &mcp_auth_core::jwt::Checks::at(now))
            .unwrap()
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_whole_flow_gives_a_token_that_the_key_set_verifies() {
    let server = Server::new();
    let client = server.client().await;
    let code = server.code(&client).await;
    let answer = server.redeem(&client, &code, VERIFIER, REDIRECT).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
    let tokens = answer.json();
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(300)));
    let principal = server.verify(&text(&tokens, "access_token")).await;
    assert_eq!((principal.subject(), principal.client_id()), (Some("alice"), Some(client.as_str())));
    assert_eq!(principal.scopes().collect::<Vec<_>>(), ["mcp:read", "mcp:write"]);
}

#[tokio::test]
async fn metadata_is_complete_and_open_to_any_origin() {
    let server = Server::new();
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let answer = server.get(path).await;
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        let metadata = answer.json();
        assert_eq!(metadata["issuer"], ISSUER);
        assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["none"]));
        assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    }
    let options = |path: &str| Request::options(path).body(Body::empty()).unwrap();
    for path in ["/token", "/register", "/jwks"] {
        let answer = server.send(options(path)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    }
    for path in ["/authorize", "/demo/token"] {
        assert!(!server.send(options(path)).await.headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn a_wrong_verifier_or_redirect_spends_the_code() {
    let server = Server::new();
    let client = server.client().await;
    let other = "x".repeat(43);
    for (verifier, redirect) in [(&*other, REDIRECT), (VERIFIER, "http://127.0.0.1:4444/cb")] {
        let code = server.code(&client).await;
        assert_eq!(server.redeem(&client, &code, verifier, redirect).await.error(), "invalid_grant");
        assert_eq!(server.redeem(&client, &code, VERIFIER, REDIRECT).await.error(), "invalid_grant");
    }
    let code = server.code(&client).await;
    let foreign = server.client().await;
    assert_eq!(server.redeem(&foreign, &code, VERIFIER, REDIRECT).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_code_that_comes_twice_takes_its_grant_along() {
    let server = Server::new();
    let client = server.client().await;
    let code = server.code(&client).await;
    let tokens = server.redeem(&client, &code, VERIFIER, REDIRECT).await.json();
    assert_eq!(server.redeem(&client, &code, VERIFIER, REDIRECT).await.error(), "invalid_grant");
    let refused = server.refresh(&client, &text(&tokens, "refresh_token")).await;
    assert_eq!(refused.error(), "invalid_grant");
}

#[tokio::test]
async fn refresh_tokens_rotate_and_an_old_one_ends_the_grant() {
    let server = Server::new();
    let client = server.client().await;
    let code = server.code(&client).await;
    let first = text(&server.redeem(&client, &code, VERIFIER, REDIRECT).await.json(), "refresh_token");
    let foreign = server.client().await;
    assert_eq!(server.refresh(&foreign, &first).await.error(), "invalid_grant");
    let answer = server.refresh(&client, &first).await.json();
    server.verify(&text(&answer, "access_token")).await;
    let second = text(&answer, "refresh_token");
    assert_ne!(first, second);
    assert_eq!(server.refresh(&client, &first).await.error(), "invalid_grant");
    assert_eq!(server.refresh(&client, &second).await.error(), "invalid_grant");
}

#[tokio::test]
async fn who_is_not_known_is_not_redirected() {
    let server = Server::new();
    let client = server.client().await;
    for answer in [
        server.ask("nobody", &[]).await,
        server.ask(&client, &[("redirect_uri", "https://evil.example/cb")]).await,
        server.ask(&client, &[("redirect_uri", "http://127.0.0.1:3333/cb/x")]).await,
        server.ask(&client, &[("redirect_uri", "")]).await,
        server.ask(&client, &[("scope", "a"), ("scope", "b")]).await,
    ] {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(!answer.headers.contains_key(LOCATION));
        assert!(answer.body.contains("For demonstration only"));
    }
    let page = server.ask(&client, &[("redirect_uri", "http://127.0.0.1:50123/cb")]).await;
    assert_eq!(page.status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_is_told_what_is_wrong_with_its_request() {
    let server = Server::new();
    let client = server.client().await;
    for (changes, error) in [
        (&[("code_challenge", "")][..], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("resource", "https://other.example/mcp")], "invalid_target"),
        (&[("scope", "root")], "invalid_scope"),
        (&[("prompt", "none")], "login_required"),
    ] {
        let (to, answer) = server.ask(&client, changes).await.redirect();
        assert_eq!((to.as_str(), answer.get("error")), (REDIRECT, Some(error)), "{changes:?}");
        assert_eq!(answer.get("state"), Some("s&1"));
        assert_eq!(answer.get("code"), None);
    }
}

#[tokio::test]
async fn wrong_passwords_give_no_code_and_spend_the_page() {
    let server = Server::new();
    let client = server.client().await;
    let page = server.ask(&client, &[]).await;
    for (user, password) in [("alice", "bob-demo"), ("mallory", "alice-demo"), ("alice", ""), ("", "")] {
        let answer = server.log_in(&page, user, password).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.body.contains("role=\"alert\""));
    }
    let (_, answer) = server.log_in(&page, "alice", "x").await.redirect();
    assert_eq!(answer.get("error"), Some("access_denied"));
    assert_eq!(server.log_in(&page, "alice", "alice-demo").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_form_from_elsewhere_is_refused() {
    let server = Server::new();
    let client = server.client().await;
    let page = server.ask(&client, &[]).await;
    let cookie = page.headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let foreign = server.ask(&client, &[]).await;
    let (transaction, csrf, other) = (page.field("transaction"), page.field("csrf"), foreign.field("csrf"));
    for (headers, csrf) in [
        (&[][..], csrf.as_str()),
        (&[("cookie", "mcp-auth-demo-login=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")], &csrf),
        (&[(COOKIE.as_str(), cookie.as_str())], &other),
        (&[(COOKIE.as_str(), cookie.as_str())], ""),
    ] {
        let form = [
            ("transaction", transaction.as_str()),
            ("csrf", csrf),
            ("user", "alice"),
            ("password", "alice-demo"),
        ];
        let answer = server.post("/authorize", headers, &form).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    server.log_in(&page, "bob", "bob-demo").await.redirect();
    assert_eq!(server.log_in(&page, "bob", "bob-demo").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_page_escapes_names_and_cannot_be_framed() {
    let server = Server::new();
    let name = "<script>alert(1)</script>\"'&\u{202e}";
    let registered = server.register(&json!({ "client_name": name, "redirect_uris": [REDIRECT] })).await;
    let page = server.ask(&text(&registered.json(), "client_id"), &[]).await;
    assert!(!page.body.contains("<script") && !page.body.contains('\u{202e}'));
    assert!(page.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
    assert!(page.body.contains("<strong>127.0.0.1</strong>"));
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(policy.contains("form-action 'self' http://127.0.0.1:3333;"));
    assert_eq!(page.headers[CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn registration_fills_in_refuses_and_is_bounded() {
    let server = Server::new();
    let answer = server.register(&json!({ "redirect_uris": [REDIRECT], "scope": "mcp:read" })).await;
    assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
    let registered = answer.json();
    assert_eq!(registered["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(registered["token_endpoint_auth_method"], "none");
    assert!(registered["client_id_issued_at"].is_u64() && registered.get("client_name").is_none());
    for (metadata, error) in [
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://evil.example/"] }), "invalid_redirect_uri"),
        (
            json!({ "redirect_uris": [REDIRECT], "grant_types": ["client_credentials"] }),
            "invalid_client_metadata",
        ),
        (json!({ "redirect_uris": [REDIRECT], "client_name": "x".repeat(101) }), "invalid_client_metadata"),
        (json!(7), "invalid_redirect_uri"),
    ] {
        let answer = server.register(&metadata).await;
        assert_eq!(
            (answer.status, answer.error()),
            (StatusCode::BAD_REQUEST, error.to_owned()),
            "{metadata}"
        );
    }
    let long = json!({ "redirect_uris": [REDIRECT], "x": "x".repeat(MAX_BODY_BYTES) });
    assert_eq!(server.register(&long).await.status, StatusCode::PAYLOAD_TOO_LARGE);

    let first = text(&registered, "client_id");
    for _ in 0..state::MAX_CLIENTS {
        server.client().await;
    }
    assert_eq!(server.ask(&first, &[]).await.status, StatusCode::BAD_REQUEST);
    let form = [("client_id", first.as_str()), ("grant_type", "refresh_token")];
    let answer = server.post("/token", &[], &form).await;
    assert_eq!((answer.status, answer.error()), (StatusCode::UNAUTHORIZED, "invalid_client".to_owned()));
}

#[tokio::test]
async fn the_demo_token_is_bare_on_demand() {
    let server = Server::new();
    let form = [("user", "bob"), ("password", "bob-demo")];
    let answer = server.post("/demo/token", &[("accept", "text/plain")], &form).await;
    let principal = server.verify(&answer.body).await;
    assert_eq!(principal.subject(), Some("bob"));
    let tokens = server.post("/demo/token", &[], &form).await.json();
    server.verify(&text(&tokens, "access_token")).await;
    assert!(tokens.get("refresh_token").is_none());
    let refused = server.post("/demo/token", &[], &[("user", "bob"), ("password", "alice-demo")]).await;
    assert_eq!(refused.error(), "invalid_grant");
}

#[test]
fn an_issuer_has_no_path() {
    for issuer in ["http://127.0.0.1/as", "http://127.0.0.1/?x", "ftp://127.0.0.1/"] {
        let started = AuthorizationServer::new(Url::parse(issuer).unwrap(), RESOURCE.into(), User::demo());
        assert_eq!(started.err(), Some(StartError::Issuer));
    }
}
