//! The resources that tokens are issued for (RFC 8707).

use mcp_auth_discovery::ResourceIdentifier;

use super::Refusal;

/// An MCP server behind the facade, and what the provider calls it.
///
/// ```
/// use mcp_auth_discovery::ResourceIdentifier;
/// use mcp_auth_exchange::facade::ProtectedResource;
///
/// let resource = ResourceIdentifier::parse("https://mcp.example.com/mcp")?;
/// let resource = ProtectedResource::new(resource).audience("api://notes");
/// assert_eq!(resource.provider_audience(), "api://notes");
/// # Ok::<(), mcp_auth_discovery::resource::ResourceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct ProtectedResource {
    identifier: ResourceIdentifier,
    audience: Option<String>,
}

impl ProtectedResource {
    /// A resource that the provider knows by its identifier.
    pub fn new(identifier: ResourceIdentifier) -> Self {
        Self { identifier, audience: None }
    }

    /// Says what the provider calls it, where that is something else. It stands in the audience of its tokens, and
    /// where the provider's [quirks](mcp_auth_discovery::provider::Quirks) have `{audience}`.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// The identifier.
    pub fn identifier(&self) -> &ResourceIdentifier {
        &self.identifier
    }

    /// What the provider calls it.
    pub fn provider_audience(&self) -> &str {
        self.audience.as_deref().unwrap_or(self.identifier.as_str())
    }

    /// The identifier itself, or with a slash more or less at its end, which clients add and drop.
    fn is_named(&self, requested: &str) -> bool {
        let own = self.identifier.as_str();
        let bare = |text: &str| text.strip_suffix('/').unwrap_or(text).to_owned();
        own == requested || bare(own) == bare(requested)
    }
}

/// The resources, the first of which is meant by clients that name none.
#[derive(Clone, Debug)]
pub(super) struct Resources(pub(super) Vec<ProtectedResource>);

impl Resources {
    /// The parameter that names one.
    pub(super) const PARAMETER: &str = "resource";

    /// The one resource that a request names.
    pub(super) fn find<'r>(
        &self,
        requested: impl Iterator<Item = &'r str>,
    ) -> Result<Option<&ProtectedResource>, Refusal> {
        let mut found: Option<&ProtectedResource> = None;
        for requested in requested {
            let this = self.named(requested).ok_or(Refusal::Target)?;
            if found.is_some_and(|other| other != this) {
                return Err(Refusal::Target);
            }
            found = Some(this);
        }
        Ok(found)
    }

    pub(super) fn default(&self) -> Result<&ProtectedResource, Refusal> {
        self.0.first().ok_or(Refusal::Internal)
    }

    pub(super) fn exactly(&self, identifier: &str) -> Option<&ProtectedResource> {
        self.0.iter().find(|resource| resource.identifier.as_str() == identifier)
    }

    /// By its name, or by its origin where that leaves one (claude-code#52871): the token is then for less than was
    /// asked for.
    fn named(&self, requested: &str) -> Option<&ProtectedResource> {
        if let Some(found) = self.0.iter().find(|resource| resource.is_named(requested)) {
            return Some(found);
        }
        let requested = ResourceIdentifier::parse(requested).ok()?;
        if requested.url().path() != "/" || requested.url().query().is_some() {
            return None;
        }
        let mut here = self.0.iter().filter(|r| r.identifier.url().origin() == requested.url().origin());
        match (here.next(), here.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(texts: &[&str]) -> Resources {
        let of = |text: &&str| ProtectedResource::new(ResourceIdentifier::parse(text).unwrap());
        Resources(texts.iter().map(of).collect())
    }

    #[test]
    fn a_resource_is_found_by_what_clients_send_for_it() {
        let two = resources(&["https://h/mcp", "https://other/a"]);
        let find = |texts: &[&str]| {
            two.find(texts.iter().copied()).map(|found| found.map(|r| r.identifier().as_str().to_owned()))
        };
        for text in ["https://h/mcp", "https://h/mcp/", "https://h", "https://h/", "HTTPS://H:443/"] {
            assert_eq!(find(&[text]), Ok(Some("https://h/mcp".to_owned())), "{text}");
        }
        assert_eq!(find(&["https://h/mcp", "https://h/mcp/"]), Ok(Some("https://h/mcp".to_owned())));
        assert_eq!(find(&[]), Ok(None));
        for text in ["https://h/MCP", "https://h/mcp//", "https://h/m", "https://evil", "http://h/mcp", "x"] {
            assert_eq!(find(&[text]), Err(Refusal::Target), "{text}");
        }
        assert_eq!(find(&["https://h/mcp", "https://other/a"]), Err(Refusal::Target));
        let same = resources(&["https://h/a", "https://h/b"]);
        assert_eq!(same.find(["https://h"].into_iter()).map(|_| ()), Err(Refusal::Target), "either");
    }
}
