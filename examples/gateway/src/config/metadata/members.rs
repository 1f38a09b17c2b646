//! The members of RFC 9728 that the gateway passes on as they are written.

use std::path::PathBuf;

use mcp_auth_discovery::resource::HumanReadable;

use super::super::error::{ConfigErrorKind, Fault, Position};
use super::super::fields::Fields;
use super::super::node::{Node, Spanned};
use super::super::secret::path;
use super::super::url::HttpUrl;
use super::super::warning::{Lints, WarningKind};

/// The members of [RFC 9728, section 2](https://www.rfc-editor.org/rfc/rfc9728#section-2) beside those that the gateway
/// itself has a use for. What is not written is left out of the document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    /// The name that people see.
    pub(crate) name: Option<String>,
    /// A page for developers.
    pub(crate) documentation: Option<HttpUrl>,
    /// A page about the use of the data.
    pub(crate) policy_uri: Option<HttpUrl>,
    /// A page with the terms of service.
    pub(crate) tos_uri: Option<HttpUrl>,
    /// The same for people of one language.
    pub(crate) localized: Vec<Localized>,
    /// Where the server behind the gateway has keys of its own.
    pub(crate) jwks_uri: Option<HttpUrl>,
    /// How it signs answers.
    pub(crate) signing_algorithms: Option<Vec<String>>,
    /// Whether tokens may be bound to a client certificate.
    pub(crate) certificate_bound: Option<bool>,
    /// The types of `authorization_details`.
    pub(crate) authorization_details_types: Option<Vec<String>>,
    /// The algorithms of DPoP proofs.
    pub(crate) dpop_algorithms: Option<Vec<String>>,
    /// Whether tokens have to be bound by DPoP.
    pub(crate) dpop_required: Option<bool>,
    /// Who attests to the document.
    pub(crate) signed: Option<SignedMetadata>,
}

/// One text in one language.
#[derive(Clone, Debug)]
pub(crate) struct Localized {
    /// Which member.
    pub(crate) member: HumanReadable,
    /// The language tag.
    pub(crate) language: Spanned<String>,
    /// The text, or the URL of the page.
    pub(crate) text: String,
}

/// `signedMetadata` ([RFC 9728, section 2.2](https://www.rfc-editor.org/rfc/rfc9728#section-2.2)).
#[derive(Clone, Debug)]
pub(crate) struct SignedMetadata {
    /// The private key, PKCS #8 in PEM.
    pub(crate) key_file: Spanned<PathBuf>,
    /// What readers know the key by. `None`: made of the key.
    pub(crate) key_id: Option<String>,
    /// Who attests. `None`: the resource.
    pub(crate) issuer: Option<HttpUrl>,
}

/// The fields of `resourceMetadata` that are read here.
pub(super) const FIELDS: [&str; 12] = [
    "resourceName",
    "resourceDocumentation",
    "resourcePolicyUri",
    "resourceTosUri",
    "localized",
    "jwksUri",
    "resourceSigningAlgValuesSupported",
    "tlsClientCertificateBoundAccessTokens",
    "authorizationDetailsTypesSupported",
    "dpopSigningAlgValuesSupported",
    "dpopBoundAccessTokensRequired",
    "signedMetadata",
];

/// The registered algorithms of signatures that everybody can check; RFC 9728 and RFC 9449 rule `none` out.
const ALGORITHMS: [&str; 16] = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "ES256K",
    "EdDSA",
    "Ed25519",
    "Ed448",
    "ML-DSA-44",
    "ML-DSA-65",
    "ML-DSA-87",
];

impl Members {
    pub(super) fn read(fields: &mut Fields, lints: &mut Lints) -> Result<Self, Fault> {
        let mut url = |field: &str| fields.take(field).map(|node| HttpUrl::read(node, field)).transpose();
        let (documentation, policy_uri) = (url("resourceDocumentation")?, url("resourcePolicyUri")?);
        let tos_uri = url("resourceTosUri")?;
        let jwks_uri = match fields.take("jwksUri") {
            None => None,
            Some(node) => {
                let at = node.at;
                let url = HttpUrl::read(node, "jwksUri")?;
                url.warn_if_plain("jwksUri", at, lints);
                Some(url)
            }
        };
        let dpop_at = fields.key_at("dpopSigningAlgValuesSupported");
        let mut words = |field: &'static str, known: &[&str]| {
            fields.take(field).map(|node| read_words(node, field, known)).transpose()
        };
        let signing_algorithms = words("resourceSigningAlgValuesSupported", &ALGORITHMS)?;
        let dpop_algorithms = words("dpopSigningAlgValuesSupported", &ALGORITHMS)?;
        let authorization_details_types = words("authorizationDetailsTypesSupported", &[])?;
        if let Some(at) = dpop_at {
            lint_bound("dpopSigningAlgValuesSupported", at, lints);
        }
        let mut bound = |field: &str| read_bound(fields, field, lints);
        let certificate_bound = bound("tlsClientCertificateBoundAccessTokens")?;
        let dpop_required = bound("dpopBoundAccessTokensRequired")?;
        Ok(Self {
            name: fields.text("resourceName")?.map(|text| text.value),
            documentation,
            policy_uri,
            tos_uri,
            localized: fields.take("localized").map(read_localized).transpose()?.unwrap_or_default(),
            jwks_uri,
            signing_algorithms,
            certificate_bound,
            authorization_details_types,
            dpop_algorithms,
            dpop_required,
            signed: fields.take("signedMetadata").map(SignedMetadata::read).transpose()?,
        })
    }
}

impl SignedMetadata {
    fn read(node: Node) -> Result<Self, Fault> {
        let mut fields = Fields::new(node, "signedMetadata", &["keyFile", "keyId", "issuer"], &[])?;
        Ok(Self {
            key_file: path(fields.require("keyFile")?, "keyFile")?,
            key_id: fields.text("keyId")?.map(|text| text.value),
            issuer: fields.take("issuer").map(|node| HttpUrl::read(node, "issuer")).transpose()?,
        })
    }
}

/// A list without repetition; any words where none are known.
fn read_words(node: Node, field: &'static str, known: &[&str]) -> Result<Vec<String>, Fault> {
    let mut words: Vec<String> = Vec::new();
    for item in node.filled_list(field)? {
        let word = item.filled_text(field)?;
        if !known.is_empty() && !known.contains(&word.value.as_str()) {
            return Err(Fault::unknown_word(word.at, &word.value, &format!("`{field}`"), known));
        }
        if words.contains(&word.value) {
            let message = format!("`{}` stands twice in `{field}`", word.value);
            return Err(Fault::new(ConfigErrorKind::Duplicate, word.at, message));
        }
        words.push(word.value);
    }
    Ok(words)
}

/// Whether tokens are bound.
fn read_bound(fields: &mut Fields, field: &str, lints: &mut Lints) -> Result<Option<bool>, Fault> {
    let Some(node) = fields.take(field) else { return Ok(None) };
    let at = node.at;
    let bound = node.boolean(field)?;
    if bound {
        lint_bound(field, at, lints);
    }
    Ok(Some(bound))
}

fn lint_bound(field: &str, at: Position, lints: &mut Lints) {
    let message = format!(
        "`{field}` is published, but the gateway takes bearer tokens only: it refuses those that are bound to a key"
    );
    lints.add(WarningKind::BoundTokens, at, message);
}

/// `{de: {resourceName: …}}`. The tags are checked where the document is made.
fn read_localized(node: Node) -> Result<Vec<Localized>, Fault> {
    const MEMBERS: [(&str, HumanReadable); 4] = [
        ("resourceName", HumanReadable::Name),
        ("resourceDocumentation", HumanReadable::Documentation),
        ("resourcePolicyUri", HumanReadable::PolicyUri),
        ("resourceTosUri", HumanReadable::TosUri),
    ];
    let mut texts = Vec::new();
    for (language, node) in node.mapping("localized")? {
        let mut fields = Fields::new(node, "localized", &MEMBERS.map(|(name, _)| name), &[])?;
        for (name, member) in MEMBERS {
            let text = match (fields.take(name), member) {
                (None, _) => continue,
                (Some(node), HumanReadable::Name) => node.filled_text(name)?.value,
                (Some(node), _) => HttpUrl::read(node, name)?.as_str().to_owned(),
            };
            texts.push(Localized { member, language: language.clone(), text });
        }
    }
    Ok(texts)
}
