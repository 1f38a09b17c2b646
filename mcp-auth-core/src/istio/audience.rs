//! Audiences as Envoy compares them.

/// An audience without `http://` or `https://` in front and without one slash at the end.
pub(super) fn sanitize(audience: &str) -> &str {
    let bare =
        audience.strip_prefix("http://").or_else(|| audience.strip_prefix("https://")).unwrap_or(audience);
    bare.strip_suffix('/').unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::sanitize;

    #[test]
    fn scheme_and_one_slash() {
        for (audience, bare) in [
            ("https://api.example/", "api.example"),
            ("http://api.example", "api.example"),
            ("api.example//", "api.example/"),
            ("HTTPS://api.example", "HTTPS://api.example"),
            ("api://payments/", "api://payments"),
            ("http://https://x", "https://x"),
            ("http://", ""),
            ("https:///", ""),
            ("/", ""),
            ("", ""),
        ] {
            assert_eq!(sanitize(audience), bare);
        }
    }
}
