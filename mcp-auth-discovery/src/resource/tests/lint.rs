//! What is legal and still a mistake.

use super::*;

fn with_issuer(issuer: &str) -> Vec<MetadataLint> {
    ProtectedResourceMetadata::builder(resource("https://h/mcp")).authorization_server(issuer).lint(&[])
}

#[test]
fn mcp_c3_issuers_that_some_clients_do_not_find_are_lints() {
    use MetadataLint as L;
    assert_eq!(with_issuer("https://idp.example"), []);
    assert_eq!(with_issuer("http://localhost:9000"), []);
    for (issuer, lint) in [
        ("https://idp.example/realms/mcp", L::IssuerPath as fn(String) -> L),
        ("https://idp.example/", L::IssuerTrailingSlash),
        ("https://idp.example/a/", L::IssuerTrailingSlash),
        ("http://idp.example", L::InsecureIssuer),
    ] {
        assert_eq!(with_issuer(issuer), [lint(issuer.to_owned())]);
    }
}

/// M14: `issuer: host:7777` of the seeds is an opaque `iss` and no place for metadata.
#[test]
fn row_119_an_issuer_without_scheme_is_a_lint() {
    for issuer in ["agentgateway.example:7777", "idp", "testing@secure.istio.io", "urn:idp"] {
        assert_eq!(with_issuer(issuer), [MetadataLint::IssuerNotUrl(issuer.to_owned())]);
    }
}

#[test]
fn row_126_a_resource_elsewhere_than_its_url_is_a_lint() {
    let metadata = ProtectedResourceMetadata::builder(resource("https://h/mcp")).build();
    assert_eq!(metadata.lint_url("https://h/mcp"), None);
    for url in ["https://h/mcp/", "https://h", "http://h/mcp", "https://h:443/mcp"] {
        let Some(MetadataLint::ResourceDiffersFromUrl { url: found, .. }) = metadata.lint_url(url) else {
            panic!("{url}");
        };
        assert_eq!(found, url);
    }
}

#[test]
fn mcp_a5_a_catalogue_of_scopes_is_a_lint() {
    let lint = |scopes: &str| {
        ProtectedResourceMetadata::builder(resource("https://h/mcp"))
            .authorization_server("https://as")
            .scopes_supported(&Scopes::parse(scopes).unwrap())
            .lint(&[])
    };
    let many = |count: usize| (0..count).map(|i| format!("s{i}")).collect::<Vec<_>>().join(" ");
    assert_eq!(lint(&many(MAX_USEFUL_SCOPES)), []);
    assert_eq!(lint(&many(MAX_USEFUL_SCOPES + 1)), [MetadataLint::ManyScopes(MAX_USEFUL_SCOPES + 1)]);
    assert_eq!(
        lint("* mcp:* read"),
        [MetadataLint::WildcardScope("*".into()), MetadataLint::WildcardScope("mcp:*".into())]
    );
}

#[test]
fn a_resource_over_plain_http_is_a_lint() {
    let remote = ResourceIdentifier::insecure_http("http://mcp.example.com/mcp").unwrap();
    let builder = ProtectedResourceMetadata::builder(remote).authorization_server("https://as");
    assert_eq!(builder.lint(&[]), [MetadataLint::InsecureResource]);
}
