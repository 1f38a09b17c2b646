use std::borrow::Cow;

use proptest::prelude::*;

use super::*;

#[test]
fn paths_in_their_canonical_spelling_pass() {
    for path in [
        "/",
        "/mcp",
        "/mcp/",
        "/a/b-c_d.e~f",
        "/.well-known/oauth-protected-resource/mcp",
        "/...",
        "/a..b/.c/d.",
        "/users/alice@example.com:1!$&'()*+,=",
        "/users/alice%40example.com",
        "/a%20b%3Bc%3Fd%23e",
        "/100%25",
        "/100%25-x",
        "/caf%C3%A9/%E2%82%AC/%F0%9F%98%80",
    ] {
        assert_eq!(check_path(path), Ok(()), "{path}");
    }
}

#[test]
fn attack_068_a_path_in_another_spelling_is_refused_and_the_error_says_which() {
    use PathError::*;
    for (path, error) in [
        ("", NotAbsolute),
        ("*", NotAbsolute),
        ("mcp", NotAbsolute),
        ("http://127.0.0.1/mcp", NotAbsolute),
        ("//", EmptySegment),
        ("//mcp", EmptySegment),
        ("/mcp//", EmptySegment),
        ("/a///b", EmptySegment),
        ("/.", DotSegment),
        ("/..", DotSegment),
        ("/./mcp", DotSegment),
        ("/a/../mcp", DotSegment),
        ("/a/./b", DotSegment),
        ("/mcp/..", DotSegment),
        ("/%2e%2e/mcp", LowerCaseEncoding),
        ("/%2E%2E/mcp", EncodedUnreserved),
        ("/.%2E/mcp", EncodedUnreserved),
        ("/%6Dcp", EncodedUnreserved),
        ("/%7Euser", EncodedUnreserved),
        ("/mcp%2Fadmin", EncodedSeparator),
        ("/mcp%2fadmin", LowerCaseEncoding),
        ("/mcp%5Cadmin", EncodedSeparator),
        ("/mcp%5cadmin", LowerCaseEncoding),
        ("/mcp\\admin", Backslash),
        ("/mcp;a=b", Parameter),
        ("/..;/mcp", Parameter),
        ("/mcp;/admin", Parameter),
        ("/mcp%00", EncodedControl),
        ("/mcp%0A", EncodedControl),
        ("/mcp%0D%0Ax:y", EncodedControl),
        ("/mcp%7F", EncodedControl),
        ("/mcp%C2%85", EncodedControl),
        ("/mcp\0", Character),
        ("/mcp\n", Character),
        ("/m cp", Character),
        ("/café", Character),
        ("/{mcp}", Character),
        ("/\"mcp\"", Character),
        ("/mcp|", Character),
        ("/mcp^", Character),
        ("/mcp#x", Delimiter),
        ("/mcp?x", Delimiter),
        ("/%", Encoding),
        ("/%4", Encoding),
        ("/%zz", Encoding),
        ("/%cz", Encoding),
        ("/%u002e", Encoding),
        ("/%+1", Encoding),
        ("/%252E%252E/mcp", DoubleEncoding),
        ("/%252e", DoubleEncoding),
        ("/caf%c3%a9", LowerCaseEncoding),
        ("/%C0%AE%C0%AE/mcp", NotUtf8),
        ("/%C0%AF", NotUtf8),
        ("/%C1%81", NotUtf8),
        ("/%E0%80%AF", NotUtf8),
        ("/%F0%80%80%AF", NotUtf8),
        ("/%ED%A0%80", NotUtf8),
        ("/%F4%90%80%80", NotUtf8),
        ("/%F5%80%80%80", NotUtf8),
        ("/%FF", NotUtf8),
        ("/%80", NotUtf8),
        ("/%C3", NotUtf8),
        ("/%C3/", NotUtf8),
        ("/%C3%41", NotUtf8),
        ("/%E2%82", NotUtf8),
        ("/%E2%82x", NotUtf8),
        ("/%E2%8", Encoding),
    ] {
        assert_eq!(check_path(path), Err(error), "{path:?}");
    }
}

#[test]
fn attack_068_hosts_are_compared_in_one_spelling() {
    for (host, one) in [
        ("api.example.com", "api.example.com"),
        ("API.Example.COM", "api.example.com"),
        ("api.example.com:443", "api.example.com"),
        ("api.example.com.", "api.example.com"),
        ("API.example.com.:8443", "api.example.com"),
        ("localhost:0", "localhost"),
        ("my_host", "my_host"),
        ("127.0.0.1:3000", "127.0.0.1"),
        ("xn--caf-dma.example", "xn--caf-dma.example"),
        ("[::1]", "[::1]"),
        ("[0:0:0:0:0:0:0:1]:3000", "[::1]"),
        ("[2001:DB8::A]", "[2001:db8::a]"),
    ] {
        assert_eq!(normalise_host(host).as_deref(), Ok(one), "{host}");
    }
    assert!(matches!(normalise_host("a.example:80"), Ok(Cow::Borrowed("a.example"))), "nothing is copied");
}

#[test]
fn attack_068_what_is_not_one_host_is_refused() {
    use HostError::*;
    for (host, error) in [
        ("", Empty),
        (":80", Empty),
        (".", EmptyLabel),
        ("a..", EmptyLabel),
        ("a..b", EmptyLabel),
        (".a", EmptyLabel),
        ("a:", Port),
        ("a:b", Port),
        ("a:+1", Port),
        ("a:65536", Port),
        ("a:80:80", Port),
        ("::1", Port),
        ("fe80::1", Port),
        ("[::1]x", Port),
        ("[::1]:", Port),
        ("[::1", Address),
        ("[fe80::1%25eth0]", Address),
        ("[127.0.0.1]", Address),
        ("user@a", UserInfo),
        ("a@b:80", UserInfo),
        ("a b", Character),
        ("a,b", Character),
        ("a/b", Character),
        ("a\\b", Character),
        ("a%2eb", Character),
        ("a#b", Character),
        ("*.a", Character),
        ("café.example", Character),
        ("a\0", Character),
    ] {
        assert_eq!(normalise_host(host), Err(error), "{host:?}");
    }
    assert_eq!(
        normalise_host(&"a".repeat(MAX_HOST_BYTES)).as_deref(),
        Ok("a".repeat(MAX_HOST_BYTES).as_str())
    );
    assert_eq!(normalise_host(&"a".repeat(MAX_HOST_BYTES + 1)), Err(TooLong));
}

/// Decodes once, as a server would.
fn decode(path: &str) -> Vec<u8> {
    let mut bytes = path.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
            out.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            out.push(byte);
        }
    }
    out
}

proptest! {
    #[test]
    fn attack_068_a_server_that_decodes_sees_the_same_segments(path in r"/([a-c./%\\;2EeFfCc5A0]|%2E|%C3%A9|/){0,12}") {
        if check_path(&path).is_ok() {
            let decoded = String::from_utf8(decode(&path)).expect("UTF-8");
            prop_assert_eq!(path.split('/').count(), decoded.split(['/', '\\']).count());
            prop_assert!(decoded.split('/').all(|s| s != "." && s != ".."));
            prop_assert!(!decoded.contains("//"));
            prop_assert!(!decoded.chars().any(char::is_control));
        }
    }

    #[test]
    fn attack_068_of_all_spellings_of_a_path_only_one_is_canonical(
        spellings in prop::collection::vec((0..4_usize, 0..3_usize, 0..3_usize), 1..6),
    ) {
        let table = [["a", "%61", "%61"], [".x", "%2Ex", "%2ex"], ["%C3%A9", "%c3%a9", "é"], ["%20", " ", "%20"]];
        let path = |pick: fn(&(usize, usize, usize)) -> [usize; 2]| {
            spellings.iter().map(pick).fold("/".to_owned(), |path, [c, s]| path + table[c][s])
        };
        let (one, other) = (path(|p| [p.0, p.1]), path(|p| [p.0, p.2]));
        prop_assert!(one == other || check_path(&one).is_err() || check_path(&other).is_err(), "{one} {other}");
    }

    #[test]
    fn attack_068_normalising_a_host_twice_is_normalising_it_once(host in r"[a-zA-Z0-9._:\[\]-]{0,20}") {
        if let Ok(once) = normalise_host(&host) {
            let twice = normalise_host(&once);
            prop_assert_eq!(twice.as_deref(), Ok(&*once));
        }
    }

    #[test]
    fn attack_068_nothing_panics(text in any::<String>()) {
        let _ = check_path(&text);
        let _ = normalise_host(&text);
    }
}
