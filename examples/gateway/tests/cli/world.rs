//! An issuer with a key, files in a folder, and the program.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://idp.example";
pub(crate) const AUDIENCE: &str = "https://mcp.example/mcp";

/// The policy of the first seed: both expressions have to hold.
pub(crate) const SEED: &str = r#"
          rules:
          - name: seed
            allow:
              matchExpressions:
              - 'jwt.groups.exists(g, g == "mcp-readers")'
              - 'jwt.sub == "alice@acme.io" || mcp.tool.name != "write_record"'"#;

pub(crate) struct World {
    folder: PathBuf,
    key: EcdsaKeyPair,
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    /// A folder of its own with the issuer's key set in it.
    pub(crate) fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let world = Self { folder, key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() };
        world.file("jwks.json", &world.key_set().to_string());
        world
    }

    /// The issuer's key set.
    pub(crate) fn key_set(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65]));
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "k", "x": x, "y": y }] })
    }

    /// Writes a file, and tells its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    /// A token of these claims and those that every token has.
    pub(crate) fn token(&self, claims: Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut all = json!({ "iss": ISSUER, "aud": AUDIENCE, "exp": now + 300 });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let header = json!({ "alg": "ES256", "kid": "k", "typ": "at+jwt" });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&all));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The token of a reader in a file.
    pub(crate) fn reader(&self, sub: &str) -> String {
        let token = self.token(json!({ "sub": sub, "groups": ["mcp-readers"] }));
        self.file(&format!("{sub}.jwt"), &format!("{token}\n"))
    }

    /// A file with one route under these MCP rules.
    pub(crate) fn configuration(&self, rules: &str) -> String {
        let route = self.route("records", "/mcp", rules);
        self.file("gateway.yaml", &format!("binds:\n- port: 3000\n  listeners:\n  - routes:\n{route}"))
    }

    pub(crate) fn route(&self, name: &str, path: &str, rules: &str) -> String {
        let jwks = self.path("jwks.json");
        format!(
            r#"    - name: {name}
      matches: [{{path: {{exact: {path}}}}}]
      policies:
        mcpAuthentication:
          issuer: {ISSUER}
          audiences: ['{AUDIENCE}']
          jwks: {{file: '{jwks}'}}
          resourceMetadata: {{resource: 'https://mcp.example{path}', scopesSupported: [mcp:read]}}
        mcpAuthorization:{rules}
      backends: [{{host: '127.0.0.1:9'}}]
"#
        )
    }
}

/// Runs the program. Whatever it says, it says no token.
pub(crate) fn run(arguments: &[&str]) -> Ran {
    run_with(arguments, "")
}

/// The same, with `input` on standard input.
pub(crate) fn run_with(arguments: &[&str], input: &str) -> Ran {
    let mut process = Command::new(env!("CARGO_BIN_EXE_mcp-auth-gateway"))
        .args(arguments)
        // A log would tell about callers: it must stay off whatever the environment says.
        .env("RUST_LOG", "trace")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may refuse its command line before it reads.
    let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
    let Output { status, stdout, stderr } = process.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Standard output with everything in it.
    #[track_caller]
    pub(crate) fn says(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(self.out.contains(text), "`{text}` is missing: {self:?}");
        }
        self
    }

    #[track_caller]
    pub(crate) fn ends(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Nothing of `secret` anywhere.
    #[track_caller]
    pub(crate) fn hides(&self, secret: &str) -> &Self {
        assert!(!self.out.contains(secret) && !self.err.contains(secret), "`{secret}`: {self:?}");
        self
    }

    /// Could not be asked, and why.
    #[track_caller]
    pub(crate) fn fails(&self, why: &str) -> &Self {
        assert!(self.err.starts_with("error: ") && self.err.contains(why), "`{why}` is missing: {self:?}");
        assert_eq!(self.out, "");
        self.ends(2)
    }
}
