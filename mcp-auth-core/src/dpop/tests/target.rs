use super::*;

fn parse(text: &str) -> Result<String, TargetUriError> {
    TargetUri::parse(text).map(|uri| uri.as_str().to_owned())
}

#[test]
fn one_resource_has_one_spelling() {
    for (text, expected) in [
        ("https://h", "https://h/"),
        ("https://h/", "https://h/"),
        ("https://h?x", "https://h/"),
        ("https://h#x", "https://h/"),
        ("https://h/?a=/../b", "https://h/"),
        ("HTTPS://EXAMPLE.com/A", "https://example.com/A"),
        ("https://h:443/", "https://h/"),
        ("https://h:0443/", "https://h/"),
        ("https://h:/", "https://h/"),
        ("http://h:80/", "http://h/"),
        ("http://h:443/", "http://h:443/"),
        ("https://h:80/", "https://h:80/"),
        ("https://[::1]:8443/a", "https://[::1]:8443/a"),
        ("https://[0:0:0:0:0:0:0:1]/a", "https://[::1]/a"),
        ("https://[2001:DB8::1]/a", "https://[2001:db8::1]/a"),
        ("https://127.0.0.1:3000/mcp", "https://127.0.0.1:3000/mcp"),
        ("https://h/a/./b", "https://h/a/b"),
        ("https://h/a/../b", "https://h/b"),
        ("https://h/a/b/..", "https://h/a/"),
        ("https://h/a/b/.", "https://h/a/b/"),
        ("https://h/..", "https://h/"),
        ("https://h/../../a", "https://h/a"),
        ("https://h/a/%2e%2E/b", "https://h/b"),
        ("https://h/a/.%2e/b", "https://h/b"),
        ("https://h/a//b", "https://h/a//b"),
        ("https://h/a//../b", "https://h/a/b"),
        ("https://h/...", "https://h/..."),
        ("https://h/a..", "https://h/a.."),
        ("https://h/%7euser/%41", "https://h/~user/A"),
        ("https://h/a%2fb", "https://h/a%2Fb"),
        ("https://h/caf%c3%a9", "https://h/caf%C3%A9"),
        ("https://h/a;b=c,d:e@f!g", "https://h/a;b=c,d:e@f!g"),
        ("https://h/{id}|x\"", "https://h/{id}|x\""),
    ] {
        assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
        assert_eq!(parse(expected).as_deref(), Ok(expected), "the spelling is stable");
    }
}

#[test]
fn different_resources_stay_different() {
    let all = [
        "https://h/a",
        "https://h/a/",
        "https://h/A",
        "https://h/a%2F",
        "https://h/a%20",
        "https://h//a",
        "http://h/a",
        "https://h.:443/a",
        "https://h:8443/a",
        "https://h.x/a",
        "https://h/a%25",
        "https://h/%C3%A9",
        "https://h/a%3F",
    ];
    for (i, a) in all.iter().enumerate() {
        for b in &all[..i] {
            assert_ne!(parse(a).unwrap(), parse(b).unwrap());
        }
    }
}

#[test]
fn what_is_no_target_is_refused() {
    use TargetUriError::*;
    for (text, error) in [
        ("", NotHttp),
        ("/mcp", NotHttp),
        ("//h/mcp", NotHttp),
        ("mcp.example/mcp", NotHttp),
        ("https:/h", NotHttp),
        ("ftp://h/", NotHttp),
        ("javascript://h/", NotHttp),
        (" https://h/", NotHttp),
        ("https://", Host),
        ("https:///a", Host),
        ("https://:443/", Host),
        ("https://./", Host),
        ("https://h..x/", Host),
        ("https://h h/", Host),
        ("https://h%2e/", Host),
        ("https://bücher.example/", Host),
        ("https://h\\a/", Host),
        ("https://h,g/", Host),
        ("https://[::1/", Host),
        ("https://[h]/", Host),
        ("https://::1/", Host),
        ("https://u@h/", UserInfo),
        ("https://u:p@h/", UserInfo),
        ("https://h:65536/", Port),
        ("https://h:+443/", Port),
        ("https://h:x/", Port),
        ("https://h:443:443/", Port),
        ("https://[::1]443/", Port),
        ("https://h/a b", Path),
        ("https://h/a\tb", Path),
        ("https://h/a\\b", Path),
        ("https://h/%", Path),
        ("https://h/%4", Path),
        ("https://h/%zz", Path),
        ("https://h/%+1", Path),
        ("https://h/é", Path),
        ("https://h/a\0", Path),
    ] {
        assert_eq!(parse(text), Err(error), "{text}");
    }
    assert_eq!(parse(&format!("https://h/{}", "a".repeat(MAX_TARGET_BYTES))), Err(TooLong));
}

#[test]
fn a_base_stands_in_front_of_every_path() {
    let base = |text: &str| TargetBase::parse(text).unwrap();
    let target = |text: &str, path: &str| base(text).target(path).map(|t| t.as_str().to_owned());
    for (text, path, expected) in [
        ("https://h", "/mcp", "https://h/mcp"),
        ("https://h/", "/mcp", "https://h/mcp"),
        ("https://h/?q", "/mcp", "https://h/mcp"),
        ("https://H:443/files/", "/mcp", "https://h/files/mcp"),
        ("https://h/files", "/", "https://h/files/"),
        ("https://h/files", "/../mcp", "https://h/mcp"),
        ("https://h", "/../mcp", "https://h/mcp"),
    ] {
        assert_eq!(target(text, path).as_deref(), Ok(expected), "{text} {path}");
    }
    for text in ["https://h", "https://h/files"] {
        for path in [
            "",
            "*",
            "mcp",
            "@evil.example/",
            ":8443/mcp",
            "https://evil.example/mcp",
            "/a?b",
            "/a#b",
            "/a b",
        ] {
            assert_eq!(target(text, path), Err(TargetUriError::Path), "{text} {path}");
        }
        assert_eq!(target(text, &format!("/{}", "a".repeat(MAX_TARGET_BYTES))), Err(TargetUriError::TooLong));
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics_and_a_spelling_is_its_own(text in "(https?://)?[a-z0-9:@\\[\\].]{0,8}(/|\\.|%2e|%2F|%4|[a-c]|\\?|#|\\\\| |é){0,12}") {
        if let Ok(uri) = parse(&text) {
            proptest::prop_assert_eq!(parse(&uri), Ok(uri.clone()));
            proptest::prop_assert!(!uri.contains("/../") && !uri.contains("/./") && !uri.ends_with("/.."));
            proptest::prop_assert!(!uri.contains('?') && !uri.contains('#') && !uri.contains('@'));
        }
    }
}
