//! `provider`, `clientId`, `authorizationServer`: our own authorization server in front of a provider.

mod clients;
mod issuer;
mod lifetimes;
mod limits;
mod provider;
mod registration;
mod sharing;
mod theme;
mod tokens;

use mcp_auth_discovery::Scopes;
use mcp_auth_discovery::client_metadata::ClientMetadataPolicy;
use mcp_auth_discovery::facade::{FacadeEndpoint, FacadeMetadata};
use mcp_auth_discovery::provider::{Provider, Registration as Becomes};
use mcp_auth_exchange::facade::{ConsentPolicy, Lifetimes, Theme};
use mcp_auth_tower::facade::FacadeLimits;

use super::backend_auth::{Client, Method, no_tls};
use super::error::{ConfigErrorKind, Fault, Position};
use super::fields::Fields;
use super::node::{Node, Spanned};
use super::secret::{Form, SecretFrom};
use super::url::HttpUrl;
use super::warning::Lints;

pub(crate) use self::clients::PreRegistered;
pub(super) use self::issuer::IssuerProxy;
pub(crate) use self::registration::Registration;
pub(super) use self::sharing::check;
pub(crate) use self::tokens::{OwnTokens, Tokens};

/// Our own authorization server in front of a provider. Everything in it is checked but the files that it names.
#[derive(Clone, Debug)]
pub(crate) struct Facade {
    /// The provider that users log in at.
    pub(crate) provider: Provider,
    /// Our client there, which all clients here share. `None`: each gets one, by registration.
    pub(crate) client: Option<Client>,
    /// What the provider asks for when we register there.
    pub(crate) initial_access_token: Option<SecretFrom>,
    /// The issuer, the paths and what is offered; not yet scopes and resources, which are those of all routes that share it.
    pub(crate) metadata: FacadeMetadata,
    /// Who may register here. `None`: nobody.
    pub(crate) registration: Option<Registration>,
    /// Whose client metadata documents are taken. `None`: nobody's.
    pub(crate) documents: Option<ClientMetadataPolicy>,
    /// Clients that the operator registered.
    pub(crate) clients: Vec<PreRegistered>,
    /// Which clients users are asked about.
    pub(crate) consent: ConsentPolicy,
    /// What clients get.
    pub(crate) tokens: Tokens,
    /// How long things are good for.
    pub(crate) lifetimes: Lifetimes,
    /// How often one address may ask.
    pub(crate) limits: FacadeLimits,
    /// What the pages look like.
    pub(crate) theme: Theme,
    /// Added to every authorization request to the provider.
    pub(crate) parameters: Vec<(String, String)>,
    /// Added to the scopes that clients ask for.
    pub(crate) scopes: Scopes,
    /// Where `provider` is written.
    pub(crate) at: Position,
}

/// The fields of `mcpAuthentication` that are about this.
pub(super) const FIELDS: [&str; 6] =
    ["provider", "clientId", "clientSecret", "clientSecretFile", "clientAuth", "authorizationServer"];

/// `provider`, when it is written; the other fields need it.
pub(super) fn take_provider(
    fields: &mut Fields,
    issuer: &Spanned<String>,
) -> Result<Option<Spanned<Provider>>, Fault> {
    if let Some(node) = fields.take("provider") {
        return provider::read(node, issuer).map(Some);
    }
    for field in FIELDS {
        if let Some(at) = fields.key_at(field) {
            let message = format!(
                "`{field}` needs `provider` beside it: without one the gateway is no authorization server"
            );
            return Err(Fault::new(ConfigErrorKind::MissingField, at, message));
        }
    }
    Ok(None)
}

impl Facade {
    /// Reads the rest of it.
    pub(super) fn read(
        fields: &mut Fields,
        provider: Spanned<Provider>,
        resource: &HttpUrl,
        proxied: &IssuerProxy,
        lints: &mut Lints,
    ) -> Result<Self, Fault> {
        let Spanned { value: provider, at } = provider;
        let client = read_client(fields)?;
        if let Some(client) = &client {
            client.warn(lints);
        }
        let endpoint = provider.token_endpoint().unwrap_or(provider.issuer());
        if let Some(at) =
            client.as_ref().and_then(Client::certificate_at).filter(|_| endpoint.starts_with("http:"))
        {
            return Err(no_tls(at));
        }
        let node = fields.take("authorizationServer");
        let mut fields = match node {
            Some(node) => Fields::new(node, "authorizationServer", &KNOWN, &[])?,
            None => Fields::empty("authorizationServer", at),
        };
        let initial_access_token = fields
            .take("initialAccessTokenFile")
            .map(|node| super::secret::path(node, "initialAccessTokenFile").map(SecretFrom::File))
            .transpose()?;
        if let (Some(_), Some(SecretFrom::File(file))) = (&client, &initial_access_token) {
            let message = "`initialAccessTokenFile` is for registering at the provider, and `clientId` is registered there";
            return Err(Fault::new(ConfigErrorKind::Conflict, file.at, message));
        }
        let becomes = provider.quirks().registration;
        if client.is_none() && becomes != Becomes::Proxied {
            let message = format!(
                "{} registers no clients for us: give the `clientId` of one that you registered there, with the callback that `check` shows as its redirect URI; where it does, `quirks: {{registration: proxied}}` says so",
                provider.kind().name()
            );
            return Err(Fault::new(ConfigErrorKind::MissingField, at, message));
        }
        let issuer = issuer::read(&mut fields, resource, proxied, at, lints)?;
        let mut metadata = FacadeMetadata::new(issuer);
        if let Some(node) = fields.take("paths") {
            metadata = read_paths(node, metadata)?;
        }
        let rules = fields.take("redirectUris").map(registration::read_rules).transpose()?;
        let rules = rules.unwrap_or_default();
        let registration = Registration::read(fields.take("registration"), &rules)?;
        let documents = registration::read_documents(fields.take("clientMetadataDocuments"), &rules)?;
        if let Some(node) = fields.take("refreshTokens") {
            metadata = metadata.refresh_tokens(node.boolean("refreshTokens")?);
        }
        let metadata =
            metadata.registration(registration.is_some()).client_metadata_documents(documents.is_some());
        let clients = clients::read(fields.take("clients"), lints)?;
        if registration.is_none() && documents.is_none() && clients.is_empty() {
            let message = "no client could use this server: it offers neither `registration` nor `clientMetadataDocuments`, and has no `clients`";
            return Err(Fault::invalid(fields.at(), message));
        }
        let consent = match fields.text("consent")? {
            None => ConsentPolicy::default(),
            Some(word) => match word.value.as_str() {
                "everyClient" => ConsentPolicy::EveryClient,
                "sharedUpstreamClient" => ConsentPolicy::SharedUpstreamClient,
                other => {
                    let known = ["everyClient", "sharedUpstreamClient"];
                    return Err(Fault::unknown_word(word.at, other, "`consent`", &known));
                }
            },
        };
        Ok(Self {
            tokens: fields.take("tokens").map(Tokens::read).transpose()?.unwrap_or_default(),
            lifetimes: lifetimes::read(fields.take("lifetimes"))?,
            limits: limits::read(fields.take("limits"))?,
            theme: theme::read(fields.take("theme"))?,
            parameters: fields.take("parameters").map(read_parameters).transpose()?.unwrap_or_default(),
            scopes: fields.take("scopes").map(read_scopes).transpose()?.unwrap_or_default(),
            provider,
            client,
            initial_access_token,
            metadata,
            registration,
            documents,
            clients,
            consent,
            at,
        })
    }

    /// Our issuer.
    pub(crate) fn issuer(&self) -> &str {
        self.metadata.issuer().as_str()
    }

    /// The field in which two routes with the same issuer differ.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        let same_token =
            SecretFrom::are_same(self.initial_access_token.as_ref(), other.initial_access_token.as_ref());
        let same_client = match (&self.client, &other.client) {
            (Some(a), Some(b)) => is_same_client(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        let all = [
            (self.provider == other.provider, "provider"),
            (same_client, "clientId, clientSecret or clientAuth"),
            (same_token, "authorizationServer.initialAccessTokenFile"),
            (
                self.metadata == other.metadata,
                "authorizationServer.paths, registration, clientMetadataDocuments or refreshTokens",
            ),
            (
                Registration::are_same(&self.registration, &other.registration),
                "authorizationServer.registration",
            ),
            (self.documents == other.documents, "authorizationServer.clientMetadataDocuments"),
            (PreRegistered::are_same(&self.clients, &other.clients), "authorizationServer.clients"),
            (self.consent == other.consent, "authorizationServer.consent"),
            (self.tokens.is_same(&other.tokens), "authorizationServer.tokens"),
            (self.lifetimes == other.lifetimes, "authorizationServer.lifetimes"),
            (self.limits == other.limits, "authorizationServer.limits"),
            (self.theme == other.theme, "authorizationServer.theme"),
            (self.parameters == other.parameters, "authorizationServer.parameters"),
            (self.scopes == other.scopes, "authorizationServer.scopes"),
        ];
        all.into_iter().find(|(same, _)| !same).map(|(_, field)| field)
    }
}

const KNOWN: [&str; 15] = [
    "issuer",
    "paths",
    "registration",
    "clientMetadataDocuments",
    "redirectUris",
    "refreshTokens",
    "initialAccessTokenFile",
    "clients",
    "consent",
    "tokens",
    "lifetimes",
    "limits",
    "theme",
    "parameters",
    "scopes",
];

/// `clientAuth`, or `clientId` with or without a secret.
fn read_client(fields: &mut Fields) -> Result<Option<Client>, Fault> {
    let id_at = fields.key_at("clientId");
    let secret_at = fields.key_at("clientSecret").or(fields.key_at("clientSecretFile"));
    if let Some(node) = fields.take("clientAuth") {
        if let Some(at) = id_at.or(secret_at) {
            let message =
                "`clientAuth` has a `clientId` and a `clientSecret` of its own: give one of the two forms";
            return Err(Fault::new(ConfigErrorKind::Conflict, at, message));
        }
        return Client::read(node).map(Some);
    }
    let id = fields.text("clientId")?;
    let secret = SecretFrom::take(fields, "clientSecret", "clientSecretFile", Form::Line)?;
    match (id, secret) {
        (None, None) => Ok(None),
        (Some(id), None) => Ok(Some(Client::Public(id.value))),
        (Some(id), Some(secret)) => Ok(Some(Client::Secret(id.value, Method::Basic, secret))),
        (None, Some(_)) => {
            let message = "`clientSecret` needs `clientId` beside it";
            Err(Fault::new(ConfigErrorKind::MissingField, secret_at.unwrap_or(fields.at()), message))
        }
    }
}

fn is_same_client(a: &Client, b: &Client) -> bool {
    match (a, b) {
        (Client::Anonymous, Client::Anonymous) => true,
        (Client::Public(a), Client::Public(b)) => a == b,
        (Client::Secret(a, how_a, secret_a), Client::Secret(b, how_b, secret_b)) => {
            a == b && how_a == how_b && SecretFrom::are_same(Some(secret_a), Some(secret_b))
        }
        (Client::Key(a, key_a), Client::Key(b, key_b)) => a == b && key_a.is_same(key_b),
        (Client::Certificate(a, _), Client::Certificate(b, _)) => a == b,
        (Client::Workload(a, file_a), Client::Workload(b, file_b)) => a == b && file_a.value == file_b.value,
        _ => false,
    }
}

fn read_paths(node: Node, mut metadata: FacadeMetadata) -> Result<FacadeMetadata, Fault> {
    const ENDPOINTS: [(&str, FacadeEndpoint); 6] = [
        ("authorize", FacadeEndpoint::Authorize),
        ("token", FacadeEndpoint::Token),
        ("register", FacadeEndpoint::Register),
        ("revoke", FacadeEndpoint::Revoke),
        ("callback", FacadeEndpoint::Callback),
        ("keys", FacadeEndpoint::Keys),
    ];
    let mut fields = Fields::new(node, "paths", &ENDPOINTS.map(|(name, _)| name), &[])?;
    for (name, endpoint) in ENDPOINTS {
        if let Some(text) = fields.text(name)? {
            metadata = metadata
                .path(endpoint, &text.value)
                .map_err(|e| Fault::invalid(text.at, format!("`paths.{name}`: {e}")))?;
        }
    }
    Ok(metadata)
}

fn read_parameters(node: Node) -> Result<Vec<(String, String)>, Fault> {
    let entries = node.mapping("parameters")?.into_iter();
    entries.map(|(name, value)| Ok((name.value, value.text("parameters")?.value))).collect()
}

fn read_scopes(node: Node) -> Result<Scopes, Fault> {
    let at = node.at;
    let texts: Vec<String> = node.texts("scopes")?.into_iter().map(|text| text.value).collect();
    Scopes::new(&texts).map_err(|e| Fault::invalid(at, format!("`scopes`: {e}")))
}
