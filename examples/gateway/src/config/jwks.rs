//! `jwks`: where the issuer's keys are.

use std::fmt;
use std::path::PathBuf;

use mcp_auth_discovery::provider::Provider;

use super::error::{ConfigErrorKind, Fault};
use super::fields::Fields;
use super::node::{Kind, Node, Spanned};
use super::path_match::one_of;
use super::url::HttpUrl;
use super::warning::{Lints, WarningKind};

/// Where the issuer's keys are.
#[derive(Clone)]
#[non_exhaustive]
pub(crate) enum Jwks {
    /// At this URL.
    Url(HttpUrl),
    /// In this file. A relative path starts at the working directory, as in agentgateway.
    File(Spanned<PathBuf>),
    /// Here, as JSON text. Not printed: somebody may have put private keys there.
    Inline(Spanned<String>),
    /// Where the issuer's own metadata says. agentgateway guesses `{issuer}/.well-known/jwks.json` instead.
    Discovered,
}

impl Jwks {
    /// Reads `jwks`, or the older flat `jwksUrl`, of `fields`. A provider knows where its keys are.
    pub(super) fn read(
        fields: &mut Fields,
        provider: Option<&Spanned<Provider>>,
        lints: &mut Lints,
    ) -> Result<Self, Fault> {
        let at = fields.key_at("jwks").or(fields.key_at("jwksUrl"));
        let written = Self::read_written(fields, lints)?;
        let Some(provider) = provider else { return Ok(written) };
        let Some(derived) = provider.value.jwks_uri() else { return Ok(written) };
        let derived = HttpUrl::parse(derived, "provider", provider.at)?;
        match (written, at) {
            (Self::Discovered, _) => Ok(Self::Url(derived)),
            // Another host is an address of the operator's own network; this one is a typing mistake (rows 143, 151).
            (Self::Url(url), Some(at))
                if url.url().origin() == derived.url().origin() && url.url() != derived.url() =>
            {
                let message = format!(
                    "`{}` is not where {} has the keys of this issuer: `{}` is used; leave `jwks` out",
                    url.as_str(),
                    provider.value.kind().name(),
                    derived.as_str()
                );
                lints.add(WarningKind::ProviderKeys, at, message);
                Ok(Self::Url(derived))
            }
            (written, _) => Ok(written),
        }
    }

    fn read_written(fields: &mut Fields, lints: &mut Lints) -> Result<Self, Fault> {
        let flat_at = fields.key_at("jwksUrl");
        match (fields.take("jwks"), fields.take("jwksUrl"), flat_at) {
            (Some(_), Some(_), Some(at)) => {
                let message = "`jwksUrl` is the old name of `jwks.url`: give one of them";
                Err(Fault::new(ConfigErrorKind::Conflict, at, message))
            }
            (Some(node), ..) => Self::read_nested(node, lints),
            (None, Some(node), _) => Self::read_url(node, "jwksUrl", lints),
            (None, None, _) => Ok(Self::Discovered),
        }
    }

    fn read_nested(node: Node, lints: &mut Lints) -> Result<Self, Fault> {
        match node.kind {
            Kind::Text(_) => {
                let text = node.filled_text("jwks")?;
                if !text.value.trim_start().starts_with('{') {
                    let message = "`jwks` as a string must be a JSON key set; a URL goes to `jwks.url`";
                    return Err(Fault::invalid(text.at, message));
                }
                Ok(Self::Inline(text))
            }
            Kind::Mapping(_) => {
                let (key, node) = one_of(node, "jwks", &["url", "file"])?;
                if key.value == "url" {
                    return Self::read_url(node, "jwks.url", lints);
                }
                let text = node.filled_text("jwks.file")?;
                Ok(Self::File(Spanned { value: PathBuf::from(text.value), at: text.at }))
            }
            other => Err(other.wrong_type(node.at, "jwks", "a mapping or a string")),
        }
    }

    fn read_url(node: Node, field: &str, lints: &mut Lints) -> Result<Self, Fault> {
        let at = node.at;
        let url = HttpUrl::read(node, field)?;
        url.warn_if_plain(field, at, lints);
        Ok(Self::Url(url))
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.debug_tuple("Url").field(&url.as_str()).finish(),
            Self::File(path) => f.debug_tuple("File").field(&path.value).finish(),
            Self::Inline(_) => f.write_str("Inline([redacted])"),
            Self::Discovered => f.write_str("Discovered"),
        }
    }
}
