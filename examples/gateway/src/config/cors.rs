//! `cors`: which browser origins may call.

use std::time::Duration;

use super::duration;
use super::error::Fault;
use super::fields::Fields;
use super::node::{Node, Spanned};
use super::path_match::is_token;
use super::url::HttpUrl;
use super::warning::{Lints, WarningKind};

/// The policy of the [Fetch standard](https://fetch.spec.whatwg.org/#http-cors-protocol).
#[derive(Clone, Debug)]
pub(crate) struct Cors {
    /// Origins in their ASCII serialization, such as `https://app.example.com`.
    pub(crate) allow_origins: Names,
    /// Header names in lower case.
    pub(crate) allow_headers: Names,
    /// Methods.
    pub(crate) allow_methods: Names,
    /// Header names in lower case.
    pub(crate) expose_headers: Names,
    /// Whether the browser may send cookies and `Authorization` of its own.
    pub(crate) allow_credentials: bool,
    /// How long a browser keeps the answer to a preflight request.
    pub(crate) max_age: Option<Duration>,
}

/// A list, or `*`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Names {
    /// `*`.
    Any,
    /// These only; maybe none.
    These(Vec<String>),
}

impl Cors {
    pub(super) fn read(node: Node, lints: &mut Lints) -> Result<Self, Fault> {
        const KNOWN: [&str; 6] =
            ["allowOrigins", "allowHeaders", "allowMethods", "exposeHeaders", "allowCredentials", "maxAge"];
        let mut fields = Fields::new(node, "cors", &KNOWN, &[])?;
        let credentials_at = fields.key_at("allowCredentials");
        let mut names = |field, read: ReadName| Names::read(fields.take(field), field, read);
        let allow_origins = names("allowOrigins", read_origin)?;
        let allow_headers = names("allowHeaders", read_header)?;
        let allow_methods = names("allowMethods", read_method)?;
        let expose_headers = names("exposeHeaders", read_header)?;
        let allow_credentials = match fields.take("allowCredentials") {
            None => false,
            Some(node) => node.boolean("allowCredentials")?,
        };
        let max_age = fields.take("maxAge").map(|node| duration::read(node, "maxAge")).transpose()?;
        let any = [
            ("allowOrigins", &allow_origins),
            ("allowHeaders", &allow_headers),
            ("allowMethods", &allow_methods),
            ("exposeHeaders", &expose_headers),
        ];
        let any: Vec<_> =
            any.into_iter().filter(|(_, names)| **names == Names::Any).map(|(name, _)| name).collect();
        if let Some(at) = credentials_at.filter(|_| allow_credentials && !any.is_empty()) {
            let any = super::suggest::list(&any);
            let message =
                format!("browsers do not take `*` together with allowCredentials: list the names in {any}");
            lints.add(WarningKind::CredentialsWithAny, at, message);
        }
        Ok(Self { allow_origins, allow_headers, allow_methods, expose_headers, allow_credentials, max_age })
    }
}

type ReadName = fn(&Spanned<String>, &str) -> Result<String, Fault>;

impl Names {
    fn read(node: Option<Node>, field: &str, read: ReadName) -> Result<Self, Fault> {
        let Some(node) = node else { return Ok(Self::These(Vec::new())) };
        let at = node.at;
        let texts = node.texts(field)?;
        if !texts.iter().any(|text| text.value == "*") {
            return Ok(Self::These(texts.iter().map(|text| read(text, field)).collect::<Result<_, _>>()?));
        }
        if texts.len() > 1 {
            return Err(Fault::invalid(at, format!("`*` in `{field}` must stand alone")));
        }
        Ok(Self::Any)
    }
}

fn read_origin(text: &Spanned<String>, field: &str) -> Result<String, Fault> {
    let url = HttpUrl::parse(&text.value, field, text.at)?;
    if url.url().path() != "/" || url.url().query().is_some() || text.value.contains('*') {
        let message =
            format!("`{field}` takes `*` or origins (scheme, host and port), found `{}`", text.value);
        return Err(Fault::invalid(text.at, message));
    }
    Ok(url.url().origin().ascii_serialization())
}

fn read_header(text: &Spanned<String>, field: &str) -> Result<String, Fault> {
    if !is_token(&text.value) {
        return Err(Fault::invalid(text.at, format!("`{field}` takes header names, found `{}`", text.value)));
    }
    Ok(text.value.to_ascii_lowercase())
}

fn read_method(text: &Spanned<String>, field: &str) -> Result<String, Fault> {
    if !is_token(&text.value) {
        return Err(Fault::invalid(text.at, format!("`{field}` takes HTTP methods, found `{}`", text.value)));
    }
    Ok(text.value.clone())
}
