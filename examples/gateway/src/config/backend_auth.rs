//! `backendAuth`: what the gateway shows to the backend in the caller's place.

use std::fmt;
use std::path::PathBuf;

use mcp_auth_discovery::provider::ProviderKind;
use mcp_auth_discovery::{Scopes, Secret};
use mcp_auth_exchange::plan::{ExchangePlan, PlanError, Step};
use mcp_auth_exchange::provider::ExchangeProfile;
use mcp_auth_exchange::{ClientCredential, Resource, TokenEndpoint, TokenTypeUri};

use super::authentication::HeaderLocation;
use super::error::{Fault, Position};
use super::fields::Fields;
use super::node::{Kind, Node, Spanned};
use super::path_match::one_of;
use super::url::HttpUrl;
use super::warning::{Lints, WarningKind};

/// What the gateway shows to the backend: a token that the caller's was exchanged for.
#[derive(Clone, Debug)]
pub(crate) struct BackendAuth {
    /// Where the issued token goes.
    pub(crate) location: HeaderLocation,
    /// Who acts for the caller: a file with a token, and its type.
    pub(crate) actor: Option<(Spanned<PathBuf>, TokenTypeUri)>,
    /// As whom the gateway exchanges.
    pub(crate) client: Client,
    /// All but the client's secret.
    step: Step,
    /// Where the policy begins in the file.
    pub(crate) at: Position,
}

/// The gateway's client at the token endpoint.
#[derive(Clone, Debug)]
pub(crate) enum Client {
    /// None: the subject token alone counts.
    Anonymous,
    /// It has no secret.
    Public(String),
    /// It has a secret.
    Secret(String, Method, SecretFrom),
    /// It shows a token that somebody puts into a file (`workloadIdentity`).
    Workload(String, Spanned<PathBuf>),
}

/// How a secret is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Method {
    Basic,
    Post,
}

/// Where a secret is.
#[derive(Clone)]
pub(crate) enum SecretFrom {
    Here(Secret),
    File(Spanned<PathBuf>),
}

/// Not the secret.
impl fmt::Debug for SecretFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(_) => f.write_str("Here([redacted])"),
            Self::File(path) => f.debug_tuple("File").field(&path.value).finish(),
        }
    }
}

/// What agentgateway takes the subject token from, where `mcpAuthentication` or `jwtAuth` has removed it.
const RAW_TOKEN: &str = "jwt.rawToken.unredacted()";

impl BackendAuth {
    pub(super) fn read(node: Node, lints: &mut Lints) -> Result<Self, Fault> {
        let unsupported = [
            "passthrough",
            "key",
            "gcp",
            "aws",
            "azure",
            "copilot",
            "jwtSign",
            "crossAppAccess",
            "credentials",
            "oauth",
        ];
        let mut fields = Fields::new(node, "backendAuth", &["oauthTokenExchange"], &unsupported)?;
        let at = fields.at();
        Self::read_exchange(fields.require("oauthTokenExchange")?, at, lints)
    }

    fn read_exchange(node: Node, at: Position, lints: &mut Lints) -> Result<Self, Fault> {
        const KNOWN: [&str; 14] = [
            "host",
            "path",
            "policies",
            "provider",
            "grantType",
            "subjectToken",
            "actorToken",
            "audiences",
            "resources",
            "scopes",
            "requestedTokenType",
            "clientAuth",
            "additionalParams",
            "authorizationLocation",
        ];
        let unsupported = ["service", "backend", "cache"];
        let mut fields = Fields::new(node, "oauthTokenExchange", &KNOWN, &unsupported)?;
        let endpoint = read_endpoint(&mut fields, lints)?;
        let mut parameters = match fields.take("additionalParams") {
            None => Vec::new(),
            Some(node) => {
                let entries = node.mapping("additionalParams")?.into_iter();
                entries.map(|(name, value)| Ok((name, literal(value)?))).collect::<Result<_, Fault>>()?
            }
        };
        // How agentgateway writes Entra's on-behalf-of flow.
        let on_behalf_of = |(name, value): &(Spanned<String>, String)| {
            name.value == "requested_token_use" && value == "on_behalf_of"
        };
        let entra = parameters.iter().any(on_behalf_of);
        parameters.retain(|parameter| !on_behalf_of(parameter));
        let profile = read_profile(&mut fields, entra)?;
        let client = fields.take("clientAuth").map(Client::read).transpose()?.unwrap_or(Client::Anonymous);
        let actor = fields.take("actorToken").map(read_actor).transpose()?;
        let mut step = Step::new(profile, endpoint, client.without_secret());
        if let Some(node) = fields.take("audiences") {
            step = node.texts("audiences")?.into_iter().fold(step, |step, text| step.audience(text.value));
        }
        if let Some(node) = fields.take("resources") {
            for text in node.texts("resources")? {
                let resource = Resource::parse(&text.value);
                let wrong = |e| Fault::invalid(text.at, format!("`resources`: {e}"));
                step = step.resource(resource.map_err(wrong)?);
            }
        }
        if let Some(node) = fields.take("scopes") {
            let at = node.at;
            let texts: Vec<String> = node.texts("scopes")?.into_iter().map(|text| text.value).collect();
            let scopes = Scopes::new(&texts).map_err(|e| Fault::invalid(at, format!("`scopes`: {e}")))?;
            step = step.scope(&scopes);
        }
        for (name, value) in parameters {
            let wrong = |e| Fault::invalid(name.at, format!("`additionalParams`: {e}"));
            step = step.parameter(&name.value, &value).map_err(wrong)?;
        }
        let location = match fields.take("authorizationLocation") {
            None => HeaderLocation::default(),
            Some(node) => HeaderLocation::read(node)?,
        };
        Ok(Self { location, actor, client, step, at })
    }

    /// What is doubtful, for tokens that are accepted for these audiences; what cannot work is an error.
    pub(super) fn check(&self, audiences: &[String], lints: &mut Lints) -> Result<(), Fault> {
        let wrong = |e: PlanError| Fault::invalid(self.at, e.to_string());
        let plan = self.plan("backendAuth", self.client.without_secret()).map_err(wrong)?;
        let audiences: Vec<&str> = audiences.iter().map(String::as_str).collect();
        for finding in plan.findings(&audiences) {
            lints.add(WarningKind::Exchange, self.at, finding.text());
        }
        Ok(())
    }

    /// The plan, with the client as it authenticates.
    pub(crate) fn plan(&self, name: &str, client: ClientCredential) -> Result<ExchangePlan, PlanError> {
        ExchangePlan::new(name, [self.step.clone().with_client(client)])
    }

    /// Where tokens are exchanged.
    pub(crate) fn endpoint(&self) -> String {
        self.step.endpoint().uri().to_string()
    }
}

impl Client {
    fn read(node: Node) -> Result<Self, Fault> {
        let known = ["clientId", "clientSecret", "method", "tokenFile"];
        let unsupported =
            ["signingKey", "certificate", "certificateHeader", "alg", "kid", "assertionAudience"];
        let mut fields = Fields::new(node, "clientAuth", &known, &unsupported)?;
        let id = fields.require("clientId")?.filled_text("clientId")?.value;
        let (at, what) = (fields.at(), fields.what());
        let method = fields.text("method")?;
        let (secret, file) = (fields.take("clientSecret"), fields.take("tokenFile"));
        let word = method.as_ref().map_or("clientSecretBasic", |method| &method.value);
        let how = match word {
            "clientSecretBasic" => Method::Basic,
            "clientSecretPost" => Method::Post,
            "none" if secret.is_none() && file.is_none() => return Ok(Self::Public(id)),
            "workloadIdentity" if secret.is_none() => {
                let file = file.ok_or_else(|| Fault::missing(at, "tokenFile", what))?;
                return Ok(Self::Workload(id, path(file, "tokenFile")?));
            }
            "none" | "workloadIdentity" => {
                return Err(Fault::invalid(at, format!("`clientAuth` with `{word}` has no secret")));
            }
            "privateKeyJwt" => return Err(Fault::unsupported(at, "privateKeyJwt", what)),
            other => {
                let known = ["clientSecretBasic", "clientSecretPost", "workloadIdentity", "none"];
                let at = method.as_ref().map_or(at, |method| method.at);
                return Err(Fault::unknown_word(at, other, "`method`", &known));
            }
        };
        if file.is_some() {
            return Err(Fault::invalid(at, "`tokenFile` goes with `method: workloadIdentity`"));
        }
        let secret = secret.ok_or_else(|| Fault::missing(at, "clientSecret", what))?;
        Ok(Self::Secret(id, how, SecretFrom::read(secret)?))
    }

    /// The client as it authenticates.
    pub(crate) fn with_secret(&self, secret: Secret) -> ClientCredential {
        match self {
            Self::Anonymous => ClientCredential::anonymous(),
            Self::Public(id) => ClientCredential::none(id),
            Self::Secret(id, Method::Basic, _) => ClientCredential::client_secret_basic(id, secret),
            Self::Secret(id, Method::Post, _) => ClientCredential::client_secret_post(id, secret),
            Self::Workload(id, _) => ClientCredential::workload_identity(id),
        }
    }

    fn without_secret(&self) -> ClientCredential {
        self.with_secret(Secret::new(""))
    }
}

impl SecretFrom {
    fn read(node: Node) -> Result<Self, Fault> {
        if matches!(node.kind, Kind::Mapping(_)) {
            let (_, node) = one_of(node, "clientSecret", &["file"])?;
            return Ok(Self::File(path(node, "clientSecret.file")?));
        }
        Ok(Self::Here(Secret::new(node.filled_text("clientSecret")?.value)))
    }
}

fn path(node: Node, field: &str) -> Result<Spanned<PathBuf>, Fault> {
    let text = node.filled_text(field)?;
    Ok(Spanned { value: PathBuf::from(text.value), at: text.at })
}

/// `host` and `path`; with `policies.backendTLS` a host without a scheme is https.
fn read_endpoint(fields: &mut Fields, lints: &mut Lints) -> Result<TokenEndpoint, Fault> {
    let node = fields.require("host")?;
    let at = node.at;
    let host = node.filled_text("host")?;
    let path = fields.require("path")?.filled_text("path")?;
    let tls = fields.take("policies").map(read_tls).transpose()?.unwrap_or(false);
    let base = match host.value.split_once("://") {
        Some(("http", _)) if tls => {
            return Err(Fault::invalid(at, "`host` is http and `policies.backendTLS` asks for TLS"));
        }
        Some(_) => host.value.trim_end_matches('/').to_owned(),
        None => format!("{}://{}", if tls { "https" } else { "http" }, host.value),
    };
    let own_path = HttpUrl::parse(&base, "host", at)?;
    if own_path.url().path() != "/" || own_path.url().query().is_some() {
        return Err(Fault::invalid(at, "`host` must have no path: that is `path`"));
    }
    if !path.value.starts_with('/') {
        return Err(Fault::invalid(path.at, format!("`path` must start with `/`, found `{}`", path.value)));
    }
    let url = HttpUrl::parse(&format!("{base}{}", path.value), "host", at)?;
    url.warn_if_plain("host", at, lints);
    TokenEndpoint::insecure_http(url.url()).map_err(|e| Fault::invalid(at, format!("`host`: {e}")))
}

/// Whether TLS is on: `backendTLS: {}`.
fn read_tls(node: Node) -> Result<bool, Fault> {
    let mut fields = Fields::new(node, "policies", &["backendTLS"], &[])?;
    let Some(node) = fields.take("backendTLS") else { return Ok(false) };
    let unsupported = ["cert", "key", "root", "hostname", "insecure", "insecureHost", "alpn"];
    Fields::new(node, "backendTLS", &[], &unsupported).map(|_| true)
}

/// What the provider accepts: by its name, and by what the file says otherwise.
fn read_profile(fields: &mut Fields, entra: bool) -> Result<ExchangeProfile, Fault> {
    const PROVIDERS: [&str; 9] = [
        "keycloak",
        "entra",
        "auth0",
        "okta",
        "frontegg",
        "pingFederate",
        "zitadel",
        "authentik",
        "googleSts",
    ];
    let grant = fields.text("grantType")?;
    let jwt_bearer = match grant.as_ref().map(|grant| grant.value.as_str()) {
        None | Some("tokenExchange") => false,
        Some("jwtBearer") => true,
        Some(other) => {
            let at = grant.as_ref().map_or(fields.at(), |grant| grant.at);
            return Err(Fault::unknown_word(at, other, "`grantType`", &["tokenExchange", "jwtBearer"]));
        }
    };
    let provider = fields.text("provider")?;
    let mut profile = match provider.as_ref().map(|provider| provider.value.as_str()) {
        // What agentgateway sends where nothing is said.
        None if !jwt_bearer => {
            ExchangeProfile::rfc8693().takes_subject_token(TokenTypeUri::ACCESS_TOKEN).requests(None)
        }
        None if entra => ExchangeProfile::of(ProviderKind::EntraV2),
        None => ExchangeProfile::jwt_bearer(),
        Some("keycloak") => ExchangeProfile::of(ProviderKind::Keycloak),
        Some("entra") => ExchangeProfile::of(ProviderKind::EntraV2),
        Some("auth0") => ExchangeProfile::of(ProviderKind::Auth0),
        Some("okta") => ExchangeProfile::of(ProviderKind::Okta),
        Some("frontegg") => ExchangeProfile::of(ProviderKind::Frontegg),
        Some("pingFederate") => ExchangeProfile::ping_federate(),
        Some("zitadel") => ExchangeProfile::zitadel(),
        Some("authentik") => ExchangeProfile::authentik(),
        Some("googleSts") => ExchangeProfile::google_sts(),
        Some(other) => {
            let at = provider.as_ref().map_or(fields.at(), |provider| provider.at);
            return Err(Fault::unknown_word(at, other, "`provider`", &PROVIDERS));
        }
    };
    if let Some(node) = fields.take("subjectToken") {
        let mut fields = Fields::new(node, "subjectToken", &["source", "tokenType"], &[])?;
        if let Some(source) = fields.text("source")?
            && source.value != RAW_TOKEN
        {
            let message = format!(
                "`source` can be `{RAW_TOKEN}` alone: the token that was validated is the one that is exchanged"
            );
            return Err(Fault::invalid(source.at, message));
        }
        if let Some(uri) = fields.take("tokenType") {
            profile = profile.takes_subject_token(token_type(uri, "tokenType")?);
        }
    }
    if let Some(node) = fields.take("requestedTokenType") {
        profile = profile.requests(Some(token_type(node, "requestedTokenType")?));
    }
    Ok(profile)
}

/// agentgateway takes the actor's token from an expression; here it stands in a file, which is followed.
fn read_actor(node: Node) -> Result<(Spanned<PathBuf>, TokenTypeUri), Fault> {
    let known = ["file", "tokenType"];
    let mut fields = Fields::new(node, "actorToken", &known, &["source", "enforceMayAct"])?;
    let file = path(fields.require("file")?, "actorToken.file")?;
    let token_type = match fields.take("tokenType") {
        None => TokenTypeUri::ACCESS_TOKEN,
        Some(node) => token_type(node, "tokenType")?,
    };
    Ok((file, token_type))
}

/// A URI, or the short name that agentgateway has for it.
fn token_type(node: Node, field: &str) -> Result<TokenTypeUri, Fault> {
    let text = node.filled_text(field)?;
    match text.value.as_str() {
        "accessToken" | "access_token" => Ok(TokenTypeUri::ACCESS_TOKEN),
        "jwt" => Ok(TokenTypeUri::JWT),
        "idToken" | "id_token" => Ok(TokenTypeUri::ID_TOKEN),
        other => TokenTypeUri::new(other.to_owned())
            .map_err(|e| Fault::invalid(text.at, format!("`{field}`: {e}"))),
    }
}

/// The text of a CEL expression that is a string literal: `'"on_behalf_of"'`.
fn literal(node: Node) -> Result<String, Fault> {
    let text = node.filled_text("additionalParams")?;
    serde_json::from_str(&text.value).map_err(|_| {
        let message = "`additionalParams` takes string literals alone, such as '\"value\"'";
        Fault::invalid(text.at, message)
    })
}
