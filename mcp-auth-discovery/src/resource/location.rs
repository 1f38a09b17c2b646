//! Where a client looks for the metadata of a server that it was given the URL of.

use url::Url;

use super::ResourceIdentifier;

/// A place where metadata may be, and whose it has to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetadataLocation {
    /// What to ask for.
    pub url: Url,
    /// The resource that the document has to be about:
    /// [`ProtectedResourceMetadata::parse`](super::ProtectedResourceMetadata::parse) compares.
    pub expected: ResourceIdentifier,
}

impl ResourceIdentifier {
    /// Where a client that reaches a server at this URL looks for its metadata, in order (MCP authorization
    /// 2026-07-28, "Protected Resource Metadata Discovery Requirements"): where the challenge says, and nowhere else
    /// then; without a challenge at the well-known path of the server, and then at that of its origin.
    ///
    /// A document at the origin's well-known path is about the origin, all others are about the server (RFC 9728 §3.3).
    ///
    /// ```
    /// use mcp_auth_discovery::ResourceIdentifier;
    ///
    /// let server = ResourceIdentifier::parse("https://mcp.example.com/files")?;
    /// let locations = server.metadata_locations(None);
    /// let all: Vec<_> = locations.iter().map(|l| (l.url.path(), l.expected.as_str())).collect();
    /// assert_eq!(all, [
    ///     ("/.well-known/oauth-protected-resource/files", "https://mcp.example.com/files"),
    ///     ("/.well-known/oauth-protected-resource", "https://mcp.example.com"),
    /// ]);
    /// # Ok::<(), mcp_auth_discovery::resource::ResourceError>(())
    /// ```
    pub fn metadata_locations(&self, challenged: Option<&Url>) -> Vec<MetadataLocation> {
        let own = MetadataLocation { url: self.metadata_url(), expected: self.clone() };
        let origin = self.origin();
        let root = MetadataLocation { url: origin.metadata_url(), expected: origin };
        match challenged {
            Some(url) if *url == root.url && *url != own.url => vec![root],
            Some(url) => vec![MetadataLocation { url: url.clone(), ..own }],
            None if own.url == root.url => vec![own],
            None => vec![own, root],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locations(server: &str, challenged: Option<&str>) -> Vec<(String, String)> {
        let challenged = challenged.map(|url| Url::parse(url).unwrap());
        let found = ResourceIdentifier::parse(server).unwrap().metadata_locations(challenged.as_ref());
        found.into_iter().map(|l| (l.url.to_string(), l.expected.to_string())).collect()
    }

    fn pair(url: &str, expected: &str) -> (String, String) {
        (url.to_owned(), expected.to_owned())
    }

    const ROOT: &str = "https://h/.well-known/oauth-protected-resource";

    #[test]
    fn what_the_challenge_names_is_the_only_place() {
        let custom = "https://h/custom.json";
        assert_eq!(locations("https://h/mcp", Some(custom)), [pair(custom, "https://h/mcp")]);
        let own = format!("{ROOT}/mcp");
        assert_eq!(locations("https://h/mcp", Some(&own)), [pair(&own, "https://h/mcp")]);
        assert_eq!(locations("https://h/mcp", Some(ROOT)), [pair(ROOT, "https://h")]);
        // The root of another origin is not the root of this server.
        let other = "https://evil/.well-known/oauth-protected-resource";
        assert_eq!(locations("https://h/mcp", Some(other)), [pair(other, "https://h/mcp")]);
    }

    #[test]
    fn a_server_at_the_root_has_one_place() {
        assert_eq!(locations("https://h", None), [pair(ROOT, "https://h")]);
        assert_eq!(locations("https://h/", None), [pair(ROOT, "https://h/")]);
        assert_eq!(locations("https://h/", Some(ROOT)), [pair(ROOT, "https://h/")]);
        let query = locations("https://h/mcp?tenant=1", None);
        assert_eq!(query[0].0, format!("{ROOT}/mcp?tenant=1"));
        assert_eq!(query[1], pair(ROOT, "https://h"));
    }
}
