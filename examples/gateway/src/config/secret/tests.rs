use super::super::parse;
use super::*;
use crate::server::Gateway;
use crate::test::Folder;

fn route(secret: &str) -> String {
    format!(
        "binds:\n- port: 3000\n  listeners:\n  - routes:\n    - backends: [{{host: '127.0.0.1:4200'}}]\n      policies:\n        \
         mcpAuthentication:\n          issuer: https://idp.example.com\n          jwks: {{url: https://idp.example.com/jwks}}\n          \
         resourceMetadata: {{resource: https://api.example.com/mcp}}\n        backendAuth:\n          oauthTokenExchange:\n            \
         host: https://idp.example.com\n            path: /token\n            audiences: [tool]\n            clientAuth:\n              \
         clientId: gw\n              clientSecret: {secret}\n"
    )
}

/// What `check` and the start say, and the warnings of a file that they take.
fn load(secret: &str) -> Result<Vec<String>, String> {
    let (config, warnings) = parse(&route(secret), "x.yaml").map_err(|e| e.to_string())?;
    assert!(!format!("{config:?}").contains("canary"), "{config:?}");
    Gateway::check(&config).map_err(|e| e.to_string())?;
    let spaces = warnings.iter().filter(|w| w.kind() == WarningKind::SecretSpace);
    Ok(spaces.map(ToString::to_string).collect())
}

#[test]
fn a_file_that_holds_no_secret_is_refused_with_its_place() {
    let folder = Folder::new("secrets");
    let long = "x".repeat(Form::Line.max_bytes() + 1);
    for (name, text, wrong) in [
        ("lines", "canary\n\n", "has a control character (U+000A)"),
        ("crlf", "canary\r\n\r\n", "has a control character (U+000D)"),
        ("nul", "cana\0ry", "has a control character (U+0000)"),
        ("bom", "\u{feff}canary\n", "has a byte order mark"),
        ("space", " \t \n", "is empty"),
        ("nothing", "\n", "is empty"),
        ("long", &long, "is longer than 65536 bytes"),
        ("longer", &long.repeat(3), "is longer than 65536 bytes"),
    ] {
        let file = folder.file(name, text);
        let error = load(&format!("{{file: {file}}}")).unwrap_err();
        assert!(
            error.starts_with(&format!("x.yaml:18:36: clientSecret: `{file}` {wrong}")),
            "{name}: {error}"
        );
        assert!(!error.contains("canary"), "{error}");
    }
    for text in ["canary", "canary\n", "canary\r\n", "können"] {
        assert_eq!(load(&format!("{{file: {}}}", folder.file("good", text))).unwrap(), [""; 0], "{text:?}");
    }
    let longest = "x".repeat(Form::Line.max_bytes()) + "\r\n";
    load(&format!("{{file: {}}}", folder.file("good", &longest))).unwrap();
}

#[test]
fn white_space_at_an_end_is_a_warning() {
    let folder = Folder::new("secret-spaces");
    for secret in [format!("{{file: {}}}", folder.file("s", "canary \n")), "' canary'".to_owned()] {
        let warnings = load(&secret).unwrap();
        let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
        assert!(warning.starts_with("x.yaml:18:"), "{warning}");
        assert!(warning.contains("`clientSecret` begins or ends with white space"), "{warning}");
        assert!(!warning.contains("canary"), "{warning}");
    }
}

#[test]
fn a_secret_in_the_file_itself_is_looked_at_in_the_same_way() {
    for (secret, wrong) in [
        (r#""canary\n""#, "has a control character (U+000A)"),
        (r#""\uFEFFcanary""#, "has a byte order mark"),
        ("'  '", "must not be empty"),
        ("$CANARY", "has the form of an environment variable"),
        ("${CANARY}", "has the form of an environment variable"),
        ("'${canary_1} '", "has the form of an environment variable"),
        ("{env: $canary}", "`env` must be the name"),
        ("{env: cana-ry}", "`env` must be the name"),
    ] {
        let error = load(secret).unwrap_err();
        assert!(error.starts_with("x.yaml:18:") && error.contains("`clientSecret`"), "{error}");
        assert!(error.contains(wrong), "{secret}: {error}");
        assert!(!error.to_lowercase().contains("canary"), "{error}");
    }
    for secret in ["pa$$word", "$5-a-day", "${x}y", "'$'", "'${}'"] {
        load(secret).unwrap();
    }
}

#[test]
fn an_environment_variable_holds_a_secret() {
    // Cargo sets it for tests.
    let from =
        SecretFrom::Env(Spanned { value: "CARGO_PKG_NAME".to_owned(), at: Position { line: 1, column: 1 } });
    assert_eq!(from.open().unwrap().expose(), "mcp-auth-gateway");
    assert_eq!(format!("{from:?}"), "Env(\"CARGO_PKG_NAME\")");
    load("{env: CARGO_PKG_NAME}").unwrap();
    let error = load("{env: MCP_AUTH_NOBODY_SETS_THIS}").unwrap_err();
    let told = "clientSecret: the environment variable `MCP_AUTH_NOBODY_SETS_THIS` is not set";
    assert!(error.starts_with("x.yaml:18:") && error.ends_with(told), "{error}");
    for (value, wrong) in [("", "is empty"), ("a\nb", "has a control character"), ("\u{feff}a", "byte order")]
    {
        let error = variable("NAME", Some(value.into()), Form::Line).unwrap_err();
        assert!(error.starts_with("the environment variable `NAME` ") && error.contains(wrong), "{error}");
    }
}

#[test]
fn pem_has_lines_and_no_other_control_characters() {
    assert!(checked("-----BEGIN\r\n\tabc\n-----END\n", Form::Pem).is_ok());
    for wrong in ["-----BEGIN\0", "\u{feff}-----BEGIN", "\n\n"] {
        assert!(checked(wrong, Form::Pem).is_err(), "{wrong:?}");
    }
}
