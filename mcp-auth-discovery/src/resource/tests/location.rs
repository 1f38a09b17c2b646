//! Where resources and their documents are.

use super::*;

#[test]
fn mcp_b5_the_base_comes_from_configuration_or_a_trusted_proxy() {
    let forwarded = Forwarded::new("https", "gw.example.com").prefix("/tools");
    let base = BaseUrl::forwarded(Peer::TrustedProxy, &forwarded).unwrap();
    assert_eq!(base, BaseUrl::parse("https://gw.example.com/tools").unwrap());
    assert_eq!(base.resource("/mcp").unwrap().as_str(), "https://gw.example.com/tools/mcp");
    assert_eq!(base.resource("").unwrap().as_str(), "https://gw.example.com/tools");
    assert_eq!(BaseUrl::forwarded(Peer::Anyone, &forwarded), Err(BaseUrlError::UntrustedPeer));
}

#[test]
fn mcp_b5_forwarded_values_are_one_scheme_one_host_and_a_plain_path() {
    let of = |proto, host, prefix| {
        BaseUrl::forwarded(Peer::TrustedProxy, &Forwarded::new(proto, host).prefix(prefix))
            .map(|base| base.to_string())
    };
    for (proto, host, prefix, expected) in [
        ("HTTPS", "GW.example.com:443", "", "https://gw.example.com"),
        ("https", "gw.example.com:8443", "/", "https://gw.example.com:8443"),
        ("https", "[2001:db8::1]:8443", "/a/b/", "https://[2001:db8::1]:8443/a/b"),
        ("http", "localhost:3000", "/a", "http://localhost:3000/a"),
    ] {
        assert_eq!(of(proto, host, prefix).unwrap(), expected);
    }
    use BaseUrlError as E;
    for proto in ["", "ftp", "https, http", "javascript", "https://evil.example/?", "httpss"] {
        assert_eq!(of(proto, "h", ""), Err(E::Proto), "{proto}");
    }
    for host in [
        "",
        "a,b",
        "a, b",
        "u@h",
        "h/evil",
        "h?x",
        "h#x",
        "h\\x",
        "h x",
        "h%2fx",
        "h:99999",
        "[::1",
        "ä.example",
    ] {
        assert_eq!(of("https", host, ""), Err(E::Host), "{host}");
    }
    for prefix in
        ["a", "//evil.example", "/a//b", "/a/../b", "/./a", "/%2e%2e", "/a?b", "/a#b", "/a b", "/a\\b"]
    {
        assert_eq!(of("https", "h", prefix), Err(E::Path), "{prefix}");
    }
    assert!(matches!(of("http", "gw.example.com", ""), Err(E::Resource(_))), "TLS ends at the proxy: https");
}

#[test]
fn a_configured_base_keeps_what_identifiers_are_made_of() {
    for (given, base) in [
        ("https://gw.example.com/", "https://gw.example.com"),
        ("https://gw.example.com/a/", "https://gw.example.com/a"),
        ("https://GW.example.com:443/a", "https://gw.example.com/a"),
    ] {
        assert_eq!(BaseUrl::parse(given).unwrap().as_str(), base);
    }
    assert_eq!(BaseUrl::parse("https://h/?x"), Err(BaseUrlError::Query));
    for bad in ["http://gw.example.com", "https://u@h", "https://h/#x", "gw.example.com", ""] {
        assert!(matches!(BaseUrl::parse(bad), Err(BaseUrlError::Resource(_))), "{bad}");
    }
    assert_eq!(BaseUrl::parse("https://h/a%2fb"), Err(BaseUrlError::Path));
    let plain = BaseUrl::insecure_http("http://gw:8080").unwrap();
    assert_eq!(plain.resource("/mcp").unwrap().as_str(), "http://gw:8080/mcp");
}

#[test]
fn attack_068_a_mount_path_has_one_spelling() {
    let base = BaseUrl::parse("https://h").unwrap();
    for path in ["/a", "/a/b", "/a:b@c", "/~u"] {
        let resource = base.resource(path).unwrap();
        assert_eq!(resource.as_str(), format!("https://h{path}"));
        assert_eq!(resource.metadata_path(), format!("/.well-known/oauth-protected-resource{path}"));
    }
    for path in ["a", "/a//b", "/a/./b", "/a/../b", "/%61", "/a?b", "/a#b", "/a\\b", "/ä"] {
        assert_eq!(base.resource(path), Err(BaseUrlError::Path), "{path}");
    }
    let long = format!("/{}", "a".repeat(MAX_RESOURCE_BYTES));
    assert!(matches!(base.resource(&long), Err(BaseUrlError::Resource(_))));
}

fn mounted(resources: &[&str]) -> MountedResources {
    let mut mounted = MountedResources::default();
    for text in resources {
        mounted.mount(&ProtectedResourceMetadata::builder(resource(text)).build()).unwrap();
    }
    mounted
}

fn described(mounted: &MountedResources, url: &str) -> Option<String> {
    let json = mounted.document_at(&Url::parse(url).unwrap())?;
    Some(serde_json::from_slice::<Value>(json).unwrap()["resource"].as_str().unwrap().to_owned())
}

#[test]
fn mcp_b15_one_document_per_mounted_path_and_none_elsewhere() {
    let mounted = mounted(&["https://h/a", "https://h/a/b", "https://other/a", "https://h/q?tenant=1"]);
    let well_known = "/.well-known/oauth-protected-resource";
    for (host, path, expected) in [
        ("h", "/a", Some("https://h/a")),
        ("h", "/a/b", Some("https://h/a/b")),
        ("other", "/a", Some("https://other/a")),
        ("h", "/q?tenant=1", Some("https://h/q?tenant=1")),
        ("h", "/q", None),
        ("h", "/q?tenant=2", None),
        ("h", "/c", None),
        ("h", "/a/", None),
        ("h:8443", "/a", None),
        ("evil", "/a", None),
    ] {
        let found = described(&mounted, &format!("https://{host}{well_known}{path}"));
        assert_eq!(found.as_deref(), expected, "{host}{path}");
    }
    assert_eq!(described(&mounted, "http://h/.well-known/oauth-protected-resource/a"), None, "row_126");
    assert_eq!(mounted.resources().count(), 4);
}

#[test]
fn mcp_a2_the_root_answers_for_the_one_that_is_meant() {
    let root = "https://h/.well-known/oauth-protected-resource";
    assert_eq!(described(&mounted(&["https://h/a"]), root).unwrap(), "https://h/a", "the only one");
    assert_eq!(
        described(&mounted(&["https://h/a", "https://h"]), root).unwrap(),
        "https://h",
        "mounted there"
    );
    let mut two = mounted(&["https://h/a", "https://h/b", "https://other/c"]);
    assert_eq!(described(&two, root), None, "no guess");
    assert_eq!(
        described(&two, "https://other/.well-known/oauth-protected-resource").unwrap(),
        "https://other/c",
        "of its origin"
    );
    two.root(&resource("https://h/b")).unwrap();
    assert_eq!(described(&two, root).unwrap(), "https://h/b");
    two.root(&resource("https://h/a")).unwrap();
    assert_eq!(described(&two, root).unwrap(), "https://h/a", "chosen again");
    assert_eq!(described(&two, &format!("{root}?x")), None);
    assert!(matches!(two.root(&resource("https://h/c")), Err(MountError::NotMounted(_))));
}

#[test]
fn two_resources_with_one_address_of_metadata_are_refused() {
    let mut mounted = mounted(&["https://h/a"]);
    let slash = ProtectedResourceMetadata::builder(resource("https://h/a/")).build();
    let error = mounted.mount(&slash).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`https://h/a` and `https://h/a/` have their metadata at the same URL: mount one of them"
    );
}
