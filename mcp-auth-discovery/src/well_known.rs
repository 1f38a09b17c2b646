//! Where metadata lives: well-known paths and URLs.
//!
//! A well-known path is *inserted* between the host and the path of an identifier (RFC 9728 §3.1, RFC 8414
//! §3.1); OpenID Connect Discovery §4 *appends*. None of these functions ever produces a double slash.

use url::Url;

/// The well-known path of protected resource metadata (RFC 9728 §3).
pub const OAUTH_PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// The well-known path of authorization server metadata (RFC 8414 §3).
pub const OAUTH_AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";

/// The well-known path of OpenID Provider metadata (OpenID Connect Discovery §4).
pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";

/// The path at which the metadata of `resource` is served (RFC 9728 §3.1).
///
/// The terminating slash of the resource is dropped. The query, if any, is not part of a path: see
/// [`protected_resource_url`].
///
/// ```
/// use mcp_auth_discovery::well_known::protected_resource_path;
/// use url::Url;
///
/// let path = |resource| Url::parse(resource).map(|url| protected_resource_path(&url));
/// assert_eq!(path("https://mcp.example.com")?, "/.well-known/oauth-protected-resource");
/// assert_eq!(path("https://mcp.example.com/a/b/")?, "/.well-known/oauth-protected-resource/a/b");
/// # Ok::<(), url::ParseError>(())
/// ```
pub fn protected_resource_path(resource: &Url) -> String {
    insert(OAUTH_PROTECTED_RESOURCE, resource)
}

/// The URL at which the metadata of `resource` is served (RFC 9728 §3.1). Keeps the query of the resource,
/// drops user information and fragment.
///
/// ```
/// use mcp_auth_discovery::well_known::protected_resource_url;
/// use url::Url;
///
/// let url = protected_resource_url(&Url::parse("http://localhost:3003/mcp")?);
/// assert_eq!(url.as_str(), "http://localhost:3003/.well-known/oauth-protected-resource/mcp");
/// # Ok::<(), url::ParseError>(())
/// ```
pub fn protected_resource_url(resource: &Url) -> Url {
    at(resource, &protected_resource_path(resource), resource.query())
}

/// The paths at which the metadata of an authorization server may be served, in the order in which an MCP
/// client asks (MCP authorization, "Authorization Server Metadata Discovery"): RFC 8414 inserted, OpenID
/// Connect inserted, OpenID Connect appended.
///
/// The latter two are one path when the issuer has none, so there are two or three different paths.
///
/// ```
/// use mcp_auth_discovery::well_known::authorization_server_paths;
/// use url::Url;
///
/// let issuer = Url::parse("https://login.example.com/realms/mcp")?;
/// assert!(authorization_server_paths(&issuer).eq([
///     "/.well-known/oauth-authorization-server/realms/mcp",
///     "/.well-known/openid-configuration/realms/mcp",
///     "/realms/mcp/.well-known/openid-configuration",
/// ]));
/// # Ok::<(), url::ParseError>(())
/// ```
pub fn authorization_server_paths(issuer: &Url) -> impl Iterator<Item = String> + use<> {
    let oauth = insert(OAUTH_AUTHORIZATION_SERVER, issuer);
    let inserted = insert(OPENID_CONFIGURATION, issuer);
    let appended = clean_path(issuer) + OPENID_CONFIGURATION;
    let appended = (appended != inserted).then_some(appended);
    [Some(oauth), Some(inserted), appended].into_iter().flatten()
}

/// The URLs of [`authorization_server_paths`] at the issuer's origin. A query or fragment of the issuer, which
/// RFC 8414 §2 forbids, is dropped.
///
/// ```
/// use mcp_auth_discovery::well_known::authorization_server_urls;
/// use url::Url;
///
/// let urls: Vec<_> = authorization_server_urls(&Url::parse("https://login.example.com")?).collect();
/// assert_eq!(urls[0].as_str(), "https://login.example.com/.well-known/oauth-authorization-server");
/// assert_eq!(urls[1].as_str(), "https://login.example.com/.well-known/openid-configuration");
/// assert_eq!(urls.len(), 2);
/// # Ok::<(), url::ParseError>(())
/// ```
pub fn authorization_server_urls(issuer: &Url) -> impl Iterator<Item = Url> + use<> {
    let base = issuer.clone();
    authorization_server_paths(issuer).map(move |path| at(&base, &path, None))
}

fn insert(well_known: &str, identifier: &Url) -> String {
    let mut path = well_known.to_owned();
    path.push_str(&clean_path(identifier));
    path
}

/// The path without empty segments: `/a//b/` is `/a/b`, `/` is empty.
fn clean_path(url: &Url) -> String {
    let mut path = String::with_capacity(url.path().len());
    for segment in url.path().split('/').filter(|segment| !segment.is_empty()) {
        path.push('/');
        path.push_str(segment);
    }
    path
}

fn at(base: &Url, path: &str, query: Option<&str>) -> Url {
    let mut url = base.clone();
    // These two fail only for URLs without a host, which have no user information either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_path(path);
    url.set_query(query);
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn row_123_path_of_a_nested_server() {
        assert_eq!(
            protected_resource_path(&url("http://localhost:3000/stdio/mcp")),
            "/.well-known/oauth-protected-resource/stdio/mcp"
        );
    }

    #[test]
    fn row_124_root_server_has_the_root_form() {
        for root in ["http://localhost:3003", "http://localhost:3003/", "http://localhost:3003//"] {
            assert_eq!(protected_resource_path(&url(root)), "/.well-known/oauth-protected-resource");
        }
    }

    #[test]
    fn row_125_path_is_postfixed() {
        let path = protected_resource_path(&url("http://localhost:3003/path"));
        assert_eq!(path, "/.well-known/oauth-protected-resource/path");
        assert_eq!(path, protected_resource_path(&url("http://localhost:3003/path/")));
    }

    #[test]
    fn row_130_two_paths_two_urls() {
        let of = |text| protected_resource_url(&url(text)).to_string();
        assert_eq!(of("https://h/a"), "https://h/.well-known/oauth-protected-resource/a");
        assert_eq!(of("https://h/b"), "https://h/.well-known/oauth-protected-resource/b");
    }

    #[test]
    fn rfc_9728_section_3_1_example_with_a_query() {
        assert_eq!(
            protected_resource_url(&url("https://resource.example.com/r1?tenant=2#f")).as_str(),
            "https://resource.example.com/.well-known/oauth-protected-resource/r1?tenant=2"
        );
    }

    #[test]
    fn user_information_is_not_repeated() {
        assert_eq!(
            protected_resource_url(&url("https://u:p@h:8443/a")).as_str(),
            "https://h:8443/.well-known/oauth-protected-resource/a"
        );
    }

    #[test]
    fn there_is_never_a_double_slash() {
        for text in
            ["https://h", "https://h/", "https://h//", "https://h//a//b//", "https://h/a/", "https://h/%2F/"]
        {
            let identifier = url(text);
            let all = authorization_server_urls(&identifier).chain([protected_resource_url(&identifier)]);
            for found in all {
                assert!(!found.path().contains("//"), "{found}");
                assert!(!found.path().ends_with('/'), "{found}");
            }
        }
    }

    #[test]
    fn mcp_order_of_authorization_server_urls() {
        let found: Vec<_> =
            authorization_server_urls(&url("https://auth.example.com/tenant1/")).map(String::from).collect();
        assert_eq!(
            found,
            [
                "https://auth.example.com/.well-known/oauth-authorization-server/tenant1",
                "https://auth.example.com/.well-known/openid-configuration/tenant1",
                "https://auth.example.com/tenant1/.well-known/openid-configuration",
            ]
        );
    }
}
