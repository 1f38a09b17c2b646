//! The program with a configuration, and a client with a browser.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_core::crypto::{AwsLc, CryptoProvider as _};
use serde_json::{Value, json};

use super::http::{Answer, form, parameter, send};
use super::provider::Provider;

/// Where clients think that the gateway is.
pub(crate) const HOST: &str = "mcp.localhost:3000";
pub(crate) const ISSUER: &str = "http://mcp.localhost:3000";
pub(crate) const CALLBACK: &str = "http://127.0.0.1:8765/callback";
const VERIFIER: &str = "a-verifier-of-more-than-forty-three-characters-0123";

/// A folder of its own.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("facade").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A route for `path` with these fields of `mcpAuthentication` besides issuer and resource.
pub(crate) fn route(provider: &Provider, path: &str, fields: &str) -> String {
    let fields: String = fields.lines().map(|line| format!("          {line}\n")).collect();
    format!(
        "    - matches: [{{path: {{exact: {path}}}}}]\n      policies:\n        mcpAuthentication:\n          \
         issuer: {}\n          resourceMetadata: {{resource: '{ISSUER}{path}'}}\n{fields}      backends: \
         [{{host: '{}'}}]\n",
        provider.issuer, provider.backend
    )
}

/// A file with these routes behind one listener.
pub(crate) fn file(folder: &Path, state: &str, routes: &[String]) -> PathBuf {
    let file = folder.join("gateway.yaml");
    let routes = routes.concat();
    let text = format!("{state}\nbinds:\n- port: 0\n  listeners:\n  - routes:\n{routes}");
    std::fs::write(&file, text).unwrap();
    file
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str], file: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mcp-auth-gateway")).args(arguments).arg("-f").arg(file).output().unwrap()
}

/// A gateway that listens; ended when the test ends.
pub(crate) struct Gateway {
    process: Child,
    address: String,
}

impl Gateway {
    pub(crate) fn start(file: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_mcp-auth-gateway"))
            .args(["run", "-f"])
            .arg(file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect(&line).to_owned();
        Self { process, address }
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.at(HOST, "GET", target, &[], "")
    }

    pub(crate) fn at(
        &self,
        host: &str,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let all: Vec<_> = [("Host", host)].into_iter().chain(headers.iter().copied()).collect();
        send(&self.address, method, target, &all, body)
    }

    pub(crate) fn post_form(&self, target: &str, pairs: &[(&str, &str)], cookies: &str) -> Answer {
        let headers =
            [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", ISSUER), ("Cookie", cookies)];
        let without = if cookies.is_empty() { 2 } else { 3 };
        self.at(HOST, "POST", target, &headers[..without], &form(pairs))
    }

    /// Registers a client at `path`, and tells its answer.
    pub(crate) fn register_at(&self, path: &str) -> Answer {
        let body = json!({
            "client_name": "Test", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        self.at(HOST, "POST", path, &[("Content-Type", "application/json")], &body.to_string())
    }

    pub(crate) fn register(&self) -> String {
        self.register_at("/register").ends(201).json()["client_id"].as_str().unwrap().to_owned()
    }

    /// The first step of a login.
    pub(crate) fn authorize(&self, client_id: &str, resource: &str) -> Answer {
        let challenge = URL_SAFE_NO_PAD.encode(AwsLc::new().sha256(VERIFIER.as_bytes()));
        let query = form(&[
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", CALLBACK),
            ("state", "the-clients-state"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", resource),
        ]);
        self.get(&format!("/authorize?{query}"))
    }

    /// A whole login, with consent; the answer of the token endpoint.
    pub(crate) fn login(&self, provider: &Provider, client_id: &str, resource: &str) -> Value {
        let code = self.code(provider, client_id, resource);
        self.redeem(client_id, &code, resource).ends(200).json()
    }

    /// A login up to the code.
    pub(crate) fn code(&self, provider: &Provider, client_id: &str, resource: &str) -> String {
        let home = self.callback(provider, client_id, resource).location();
        assert!(home.as_str().starts_with(CALLBACK), "{home}");
        assert_eq!(parameter(&home, "iss"), ISSUER);
        assert_eq!(parameter(&home, "state"), "the-clients-state");
        parameter(&home, "code")
    }

    /// A login with consent up to the callback, and what it answers.
    pub(crate) fn callback(&self, provider: &Provider, client_id: &str, resource: &str) -> Answer {
        let page = self.authorize(client_id, resource).ends(200);
        let mut jar = Jar::default();
        jar.take(&page);
        let (_, rest) = page.body.split_once("name=\"ticket\" value=\"").unwrap();
        let ticket = rest.split_once('"').unwrap().0;
        let allow = [("ticket", ticket), ("decision", "allow")];
        let allowed = self.post_form("/authorize", &allow, &jar.header());
        jar.take(&allowed);
        let there = allowed.location();
        assert!(there.as_str().starts_with(&provider.issuer), "{there}");
        let target = format!("{}?{}", there.path(), there.query().unwrap());
        let back = send(provider.address(), "GET", &target, &[("Host", provider.address())], "").location();
        assert!(back.as_str().starts_with(&format!("{ISSUER}/callback?")), "{back}");
        let target = format!("{}?{}", back.path(), back.query().unwrap());
        self.at(HOST, "GET", &target, &[("Cookie", &jar.header())], "")
    }

    pub(crate) fn redeem(&self, client_id: &str, code: &str, resource: &str) -> Answer {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("client_id", client_id),
            ("code_verifier", VERIFIER),
            ("resource", resource),
        ];
        self.post_form("/token", &pairs, "")
    }

    /// A call of the backend with this token.
    pub(crate) fn call(&self, path: &str, token: &str) -> Answer {
        let headers = [
            ("Authorization", &*format!("Bearer {token}")),
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ];
        self.at(HOST, "POST", path, &headers, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
    }
}

/// The cookies of a browser.
#[derive(Default)]
struct Jar(BTreeMap<String, String>);

impl Jar {
    fn take(&mut self, answer: &Answer) {
        self.0.extend(answer.cookies());
    }

    fn header(&self) -> String {
        let pairs: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
