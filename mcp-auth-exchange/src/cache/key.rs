//! Under which key a token is kept.
//!
//! INVARIANT: every field of the structs here is written, because each `write` takes its struct apart without `..`:
//! a new field does not compile until somebody decided how it is written. Every part has its length before it, lists
//! their number of items, and what may be absent says whether it is: no two different requests have one text.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::Resource;
use crate::client_auth::CredentialParts;
use crate::plan::Step;
use crate::provider::{ExchangeGrant, ExchangeProfile};

/// A digest (SHA-256) of everything that goes into an exchange.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Eight characters: enough to find two lines of a log that belong together.
impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "CacheKey({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// What is the same for all requests of a plan.
#[derive(Clone, Copy)]
pub(crate) struct PlanParts<'a> {
    pub(crate) name: &'a str,
    pub(crate) rules: &'a str,
    pub(crate) steps: &'a [StepParts<'a>],
}

/// One step.
#[derive(Clone)]
pub(crate) struct StepParts<'a> {
    pub(crate) endpoint: String,
    pub(crate) grant: &'a str,
    pub(crate) client_id: Option<&'a str>,
    pub(crate) client_method: &'a str,
    pub(crate) certificate: Option<&'a str>,
    pub(crate) subject_token_type: &'a str,
    pub(crate) requested_token_type: Option<&'a str>,
    pub(crate) takes_actor: bool,
    pub(crate) subject_claim: Option<&'a str>,
    pub(crate) audiences: Vec<&'a str>,
    pub(crate) resources: Vec<&'a str>,
    pub(crate) scope: String,
    pub(crate) authorization_details: Option<&'a str>,
    pub(crate) connection: Option<&'a str>,
    pub(crate) login_hint: Option<&'a str>,
    pub(crate) parameters: Vec<(&'a str, &'a str)>,
    pub(crate) proof_key: Option<[u8; 32]>,
}

/// What one request adds.
#[derive(Clone, Copy)]
pub(crate) struct RequestParts<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) plan: &'a [u8; 32],
    pub(crate) subject_issuer: &'a str,
    pub(crate) subject: Option<&'a str>,
    pub(crate) subject_token: &'a str,
    pub(crate) actor_token: Option<&'a str>,
    pub(crate) actor_token_type: Option<&'a str>,
    pub(crate) parameters: &'a [(&'a str, &'a str)],
}

impl<'a> StepParts<'a> {
    pub(crate) fn of(step: &'a Step) -> Self {
        let Step {
            profile,
            endpoint,
            client,
            audiences,
            resources,
            wanted_scope: _, // `sent_scope` is what goes into the request
            authorization_details,
            connection,
            login_hint,
            parameters,
            dpop,
        } = step;
        // What is left out says how the provider takes parameters, and is in the request only by what it does to them.
        let ExchangeProfile {
            name: _,
            grant,
            subject_token_type,
            subject_token_types: _,
            requested_token_type,
            audience: _,
            several_audiences: _,
            resource: _,
            scope: _,          // in `sent_scope`
            dropped_scopes: _, // in `sent_scope`
            actor: _,          // in `takes_actor`
            refused_methods: _,
            says_issued_token_type: _,
            audience_in_token: _, // in the rules
            subject_claim,
            writes_actor: _,
            reserved_types: _,
            refused_path: _,
            client_in_subject_audience: _,
            own_rules: _,
            rules: _,
        } = profile;
        let CredentialParts { client_id, method, certificate } = client.parts();
        Self {
            endpoint: endpoint.uri().to_string(),
            grant: grant_name(*grant),
            client_id,
            client_method: method,
            certificate,
            subject_token_type: subject_token_type.as_str(),
            requested_token_type: requested_token_type.as_ref().map(|t| t.as_str()),
            takes_actor: step.takes_actor(),
            subject_claim: *subject_claim,
            audiences: audiences.iter().map(String::as_str).collect(),
            resources: resources.iter().map(Resource::as_str).collect(),
            scope: step.sent_scope().to_string(),
            authorization_details: authorization_details.as_ref().map(|d| d.as_str()),
            connection: connection.as_deref(),
            login_hint: login_hint.as_deref(),
            parameters: parameters.iter().collect(),
            proof_key: dpop.as_ref().map(|key| *key.thumbprint().as_bytes()),
        }
    }

    fn write(&self, out: &mut Writer) {
        let Self {
            endpoint,
            grant,
            client_id,
            client_method,
            certificate,
            subject_token_type,
            requested_token_type,
            takes_actor,
            subject_claim,
            audiences,
            resources,
            scope,
            authorization_details,
            connection,
            login_hint,
            parameters,
            proof_key,
        } = self;
        out.text(endpoint);
        out.text(grant);
        out.optional(client_id.map(str::as_bytes));
        out.text(client_method);
        out.optional(certificate.map(str::as_bytes));
        out.text(subject_token_type);
        out.optional(requested_token_type.map(str::as_bytes));
        out.part(&[u8::from(*takes_actor)]);
        out.optional(subject_claim.map(str::as_bytes));
        out.list(audiences);
        out.list(resources);
        out.text(scope);
        out.optional(authorization_details.map(str::as_bytes));
        out.optional(connection.map(str::as_bytes));
        out.optional(login_hint.map(str::as_bytes));
        out.parameters(parameters);
        out.optional(proof_key.as_ref().map(<[u8; 32]>::as_slice));
    }
}

/// On-behalf-of and the plain JWT bearer grant have one `grant_type`, and are two requests.
fn grant_name(grant: ExchangeGrant) -> &'static str {
    match grant {
        ExchangeGrant::TokenExchange => "token-exchange",
        ExchangeGrant::OnBehalfOf => "on-behalf-of",
        ExchangeGrant::JwtBearer => "jwt-bearer",
        ExchangeGrant::TokenVault => "token-vault",
    }
}

impl PlanParts<'_> {
    pub(crate) fn digest(self) -> [u8; 32] {
        let Self { name, rules, steps } = self;
        let mut out = Writer::new(b"mcp-auth exchange plan 1");
        out.text(name);
        out.text(rules);
        out.length(steps.len());
        for step in steps {
            step.write(&mut out);
        }
        out.finish()
    }
}

impl RequestParts<'_> {
    pub(crate) fn key(self) -> CacheKey {
        let Self {
            tenant,
            plan,
            subject_issuer,
            subject,
            subject_token,
            actor_token,
            actor_token_type,
            parameters,
        } = self;
        let mut out = Writer::new(b"mcp-auth exchange request 1");
        out.text(tenant);
        out.part(plan);
        out.text(subject_issuer);
        out.optional(subject.map(str::as_bytes));
        out.text(subject_token);
        out.optional(actor_token.map(str::as_bytes));
        out.optional(actor_token_type.map(str::as_bytes));
        out.parameters(parameters);
        CacheKey(out.finish())
    }
}

/// Writes parts so that they can be told apart again.
struct Writer(Sha256);

impl Writer {
    fn new(purpose: &[u8]) -> Self {
        let mut out = Self(Sha256::new());
        out.part(purpose);
        out
    }

    fn length(&mut self, length: usize) {
        self.0.update((length as u64).to_be_bytes());
    }

    fn part(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.part(text.as_bytes());
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            None => self.0.update([0]),
            Some(bytes) => {
                self.0.update([1]);
                self.part(bytes);
            }
        }
    }

    fn parameters(&mut self, parameters: &[(&str, &str)]) {
        self.length(parameters.len());
        for (name, value) in parameters {
            self.text(name);
            self.text(value);
        }
    }

    fn list(&mut self, items: &[&str]) {
        self.length(items.len());
        for item in items {
            self.text(item);
        }
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
