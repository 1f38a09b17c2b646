//! Which scope a token has, by the answer and by the token, and what its names mean.

use mcp_auth_core::json::Value;
use mcp_auth_core::jwt::Claims;
use mcp_auth_discovery::Scopes;

use crate::TokenResponse;

/// Microsoft Graph, whose scopes Entra also takes and gives without their resource; and its application id.
pub(in crate::plan) const GRAPH: [&str; 2] =
    ["https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000"];

/// Scopes that are of no resource (OpenID Connect Core §5.4, §11).
pub(in crate::plan) const OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// How a provider names scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum ScopeNames {
    /// One way everywhere.
    Plain,
    /// Entra: `<resource>/<name>` in requests and answers; in the token `scp` has the name, and `aud` the resource.
    OfResource,
}

/// What the answer and the token say. Neither speaks for the other.
pub(super) struct Granted {
    said: Option<Vec<String>>,
    written: Option<Vec<String>>,
    /// The token has a scope that is no text.
    pub(super) unreadable: bool,
}

impl Granted {
    pub(super) fn read(answer: &TokenResponse, claims: Option<&Claims>) -> Self {
        let said = answer.scope().map(|scope| words(scope).collect());
        let mut granted = Self { said, written: None, unreadable: false };
        // Both claims where both are there: whoever takes the token reads one, and nobody here knows which.
        for claim in ["scope", "scp"].into_iter().filter_map(|name| claims?.get(name)) {
            let written = granted.written.get_or_insert_default();
            match claim {
                Value::String(text) => written.extend(words(text)),
                Value::Array(list) => {
                    let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
                    granted.unreadable |= texts.is_none();
                    written.extend(texts.into_iter().flatten().flat_map(words));
                }
                Value::Null => {}
                _ => granted.unreadable = true,
            }
        }
        granted
    }

    /// The scope by the answer, or else by the token.
    pub(super) fn names(&self) -> Option<&[String]> {
        self.said.as_deref().or(self.written.as_deref())
    }

    /// As [`names`](Self::names), by what they mean.
    pub(super) fn meant(&self, reader: &Reader<'_>) -> Vec<Name> {
        match (&self.said, &self.written) {
            (Some(said), _) => said.iter().map(|name| reader.sent(name)).collect(),
            (None, written) => written.iter().flatten().map(|name| reader.written(name)).collect(),
        }
    }

    /// All that either of them says; `None` where neither says anything.
    pub(super) fn all(&self, reader: &Reader<'_>) -> Option<Vec<Name>> {
        if self.said.is_none() && self.written.is_none() {
            return None;
        }
        let said = self.said.iter().flatten().map(|name| reader.sent(name));
        Some(said.chain(self.written.iter().flatten().map(|name| reader.written(name))).collect())
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned)
}

/// What a name of a scope means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    resource: Option<String>,
    pub(super) full: String,
}

impl Name {
    fn plain(name: &str) -> Self {
        Self { resource: None, full: name.to_owned() }
    }

    fn of(resource: &str, name: &str) -> Self {
        Self { resource: Some(resource.to_owned()), full: format!("{resource}/{name}") }
    }

    /// Whether one of these is it, or is the `.default` of its resource, which stands for all that was consented to.
    pub(super) fn is_among(&self, names: &[Self]) -> bool {
        names.iter().any(|other| {
            let all_of_it = other.full.ends_with("/.default") && other.resource.is_some();
            other.full == self.full || all_of_it && other.resource == self.resource
        })
    }
}

/// Who reads names.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) names: ScopeNames,
    pub(super) asked: &'a Scopes,
    /// `aud` of the token, where it is one.
    pub(super) audience: Option<&'a str>,
    /// Whether the rules hold `aud` against what was configured.
    pub(super) audience_checked: bool,
}

impl Reader<'_> {
    /// A name of a request or of an answer.
    pub(super) fn sent(&self, name: &str) -> Name {
        match (self.names, name.rsplit_once('/')) {
            (ScopeNames::Plain, _) => Name::plain(name),
            (ScopeNames::OfResource, Some((resource, name))) => Name::of(resource, name),
            (ScopeNames::OfResource, None) if OPENID.contains(&name) => Name::plain(name),
            (ScopeNames::OfResource, None) => Name::of(GRAPH[0], name),
        }
    }

    /// A name of the ceiling. One without its resource is of the one that is asked for.
    pub(super) fn configured(&self, name: &str) -> Name {
        let alone = !name.contains('/') && !OPENID.contains(&name);
        match (self.names, self.asked_resource()) {
            (ScopeNames::OfResource, Some(resource)) if alone => Name::of(&resource, name),
            _ => self.sent(name),
        }
    }

    /// A name of the token's own claims. One whose resource is not known is only what it is.
    pub(super) fn written(&self, name: &str) -> Name {
        if self.names == ScopeNames::Plain {
            return Name::plain(name);
        }
        match self.written_resource() {
            Some(resource) if resource == GRAPH[0] && OPENID.contains(&name) => Name::plain(name),
            Some(resource) => Name::of(&resource, name),
            // Not the plain name: the ceiling's `email` is not any resource's.
            None => Name { resource: None, full: format!("?/{name}") },
        }
    }

    /// The one resource that was asked for.
    fn asked_resource(&self) -> Option<String> {
        let mut all = self.asked.iter().filter_map(|scope| self.sent(scope).resource);
        let first = all.next()?;
        all.all(|other| other == first).then_some(first)
    }

    /// The resource that the token is for: `aud` is its URI, or the id of its application. Which URI an id has is known
    /// of Graph, and where the id is part of the URI; else only where the operator named it as the audience.
    fn written_resource(&self) -> Option<String> {
        let audience = self.audience?;
        let asked = self.asked_resource();
        if audience.contains("://") {
            let without = audience.strip_suffix('/').unwrap_or(audience);
            return Some(asked.filter(|asked| asked == without).unwrap_or_else(|| audience.to_owned()));
        }
        if audience == GRAPH[1] {
            return Some(GRAPH[0].to_owned());
        }
        asked.filter(|asked| {
            self.audience_checked || asked == audience || asked.strip_prefix("api://") == Some(audience)
        })
    }
}
