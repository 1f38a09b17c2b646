mod exchange_limits;
mod facade;

use std::path::{Path, PathBuf};
use std::time::Duration;

use mcp_auth_core::policy::Effect;

use super::authentication::{HeaderLocation, McpAuthentication, Mode, RequiredClaim};
use super::backend::Backend;
use super::cors::{Cors, Names};
use super::error::{ConfigErrorKind, Position};
use super::jwks::Jwks;
use super::path_match::{HeaderMatch, PathMatch, ValueMatch};
use super::route::Route;
use super::url::HttpUrl;
use super::warning::{Level, WarningKind};
use super::*;

const ISSUER: &str = "issuer: https://idp.example.com";
const JWKS: &str = "jwks: {url: https://idp.example.com/jwks.json}";
const RESOURCE: &str = "resourceMetadata: {resource: https://api.example.com/mcp}";

/// The `policies` block of seed S3, as printed.
const S3_POLICIES: &str = r#"policies:
  cors:
    allowHeaders:
    - mcp-protocol-version
    - content-type
    allowOrigins:
    - '*'
    exposeHeaders:
    - "Mcp-Session-Id"
  mcpAuthentication:
    mode: strict
    issuer: http://localhost:9000
    audiences:
    - http://localhost:3000/stdio/mcp
    jwks:
      url: http://localhost:9000/.well-known/jwks.json
    resourceMetadata:
      resource: http://localhost:3000/stdio/mcp
      scopesSupported:
      - read:all
      bearerMethodsSupported:
      - header
      - body
      - query
      resourceDocumentation: http://localhost:3000/stdio/docs
      resourcePolicyUri: http://localhost:3000/stdio/policies"#;

/// The `matches` block of seed S3, as printed.
const S3_MATCHES: &str = "matches:
- path:
    exact: /stdio/mcp
- path:
    exact: /.well-known/oauth-protected-resource/stdio/mcp";

/// Seed S2, scenario 2, with the indentation that the seed's text lost.
const S2_SCENARIO_2: &str = "mcpAuthentication:
  # points to the external Authorization Server
  # which handles the oauth server metadata, and everything else up to the point of using the token
  issuer: http://localhost:9000
  jwksUrl: http://localhost:9000/.well-known/jwks.json
  resourceMetadata:
    resource: http://localhost:3000/mcp
    scopesSupported:
    - read:all
    bearerMethodsSupported:
    - header
    - body
    - query
    resourceDocumentation: http://localhost:3000/stdio/docs
    resourcePolicyUri: http://localhost:3000/stdio/policies";

// --- vectors: one file per bad or doubtful configuration, the expected lines in front ---

#[test]
fn every_bad_configuration_is_refused_with_its_message() {
    let files = vectors("bad");
    assert!(files.len() >= 50, "{} files", files.len());
    for (path, text, expected) in files {
        let error = parse(&text, "x.yaml").map(drop).expect_err(&path.display().to_string());
        assert_eq!(format!("x.yaml:{expected}"), error.to_string(), "{}", path.display());
        assert!(!error.to_string().contains("hunter2"), "{}", path.display());
        assert!(!format!("{error:?}").contains("hunter2"), "{}", path.display());
    }
}

#[test]
fn every_doubtful_configuration_loads_with_its_warnings() {
    let files = vectors("doubtful");
    assert!(files.len() >= 12, "{} files", files.len());
    for (path, text, expected) in files {
        let (_, warnings) =
            parse(&text, "x.yaml").unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let lines: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        let expected: Vec<_> = expected.lines().map(|line| format!("x.yaml:{line}")).collect();
        assert_eq!(lines, expected, "{}", path.display());
    }
}

// --- mission rows ---

/// agentgateway's examples for Entra, and for a provider of which nothing is known; the secret is not shown.
#[test]
fn row_062_073_074_an_exchange_is_built_from_configuration_alone() {
    let with = |fields: &str| {
        let head = format!("policies:\n  mcpAuthentication:\n    {ISSUER}\n    {JWKS}\n    {RESOURCE}\n");
        let (route, _) =
            route(&format!("{head}  backendAuth:\n    oauthTokenExchange:\n{}", indent(fields, 6)));
        assert!(!format!("{route:?}").contains("hunter2"), "{route:?}");
        route.policies.backend_auth.unwrap()
    };
    let secret = || mcp_auth_discovery::Secret::new("hunter2");
    let step = |from: &BackendAuth| {
        let complete = |leg: &backend_auth::Leg| Ok(leg.with_client(leg.client.with_secret(secret())));
        let plan = from.ways[0].plan("p", complete).unwrap();
        let step = &plan.steps()[0];
        let profile = step.profile();
        (
            profile.grant().grant_type().rsplit(':').next().unwrap().to_owned(),
            profile.subject_token_type().to_string(),
            step.client().method(),
            step.sent_scope().to_string(),
        )
    };
    let plain = with(
        "host: sts.example.com:8443\npath: /token\npolicies: {backendTLS: {}}\naudiences: [tool]\nscopes: [a, b]\n\
         clientAuth: {clientId: gw, clientSecret: hunter2}",
    );
    assert_eq!(plain.outline(), ["https://sts.example.com:8443/token"]);
    let access_token = "urn:ietf:params:oauth:token-type:access_token";
    let expected =
        ("token-exchange".to_owned(), access_token.to_owned(), "client_secret_basic", "a b".to_owned());
    assert_eq!(step(&plain), expected, "row 70: agentgateway's own default");
    let jwt = with(
        "host: https://sts.example.com\npath: /token\naudiences: [tool]\nsubjectToken: {tokenType: jwt}\n\
         clientAuth: {clientId: gw, method: none}",
    );
    assert_eq!(step(&jwt).1, "urn:ietf:params:oauth:token-type:jwt");
    let entra = with(
        "host: https://login.microsoftonline.com\npath: /t/oauth2/v2.0/token\ngrantType: jwtBearer\n\
         scopes: [https://graph.microsoft.com/.default]\n\
         clientAuth: {clientId: gw, clientSecret: hunter2, method: clientSecretPost}\n\
         additionalParams: {requested_token_use: '\"on_behalf_of\"'}",
    );
    let (grant, _, method, scope) = step(&entra);
    assert_eq!((grant.as_str(), method), ("jwt-bearer", "client_secret_post"));
    assert_eq!(scope, "https://graph.microsoft.com/.default");
    let workload = with(
        "host: https://idp.example.com\npath: /token\nprovider: keycloak\naudiences: [tool]\n\
         authorizationLocation: {header: {name: X-Token, prefix: ''}}\n\
         clientAuth: {clientId: gw, method: workloadIdentity, tokenFile: /var/run/secrets/token}",
    );
    assert_eq!((step(&workload).2, workload.location.name.as_str()), ("private_key_jwt", "x-token"));
}

#[test]
fn row_282_the_example_files_load() {
    for (file, warnings) in [
        ("mcp-authentication.yaml", 2),
        ("compliant-authorization-server.yaml", 3),
        ("policies.yaml", 1),
        ("token-exchange.yaml", 1),
    ] {
        let path = manifest().join("configs").join(file);
        let (config, found) = load(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(config.file.name(), path.display().to_string());
        assert_eq!(config.binds[0].address.to_string(), "127.0.0.1:3000");
        assert_eq!(found.len(), warnings, "{found:?}");
        assert!(found[0].to_string().starts_with(config.file.name()));
    }
}

#[test]
fn row_283_the_blocks_of_s3_load_as_printed() {
    let (route, warnings) = route(&format!("{S3_MATCHES}\n{S3_POLICIES}"));
    assert_eq!(kinds(&warnings), [WarningKind::BearerMethod; 2]);
    assert_eq!(route.matches[0].path, PathMatch::Exact("/stdio/mcp".to_owned()));
    assert_eq!(route.matches.len(), 2);
    let authentication = route.policies.mcp_authentication.expect("present");
    assert_eq!(authentication.mode, Mode::Strict);
    assert_eq!(authentication.issuer.value, "http://localhost:9000");
    assert_eq!(authentication.audiences, ["http://localhost:3000/stdio/mcp"]);
    assert_eq!(
        authentication.resource_metadata.well_known_path(),
        "/.well-known/oauth-protected-resource/stdio/mcp"
    );
}

#[test]
fn row_274_cors_of_s3() {
    let (route, _) = route(S3_POLICIES);
    let cors = route.policies.cors.expect("present");
    assert_eq!(cors.allow_origins, Names::Any);
    assert_eq!(cors.allow_headers, these(&["mcp-protocol-version", "content-type"]));
    assert_eq!(cors.allow_methods, these(&[]));
    assert_eq!(cors.expose_headers, these(&["mcp-session-id"]));
    assert!(!cors.allow_credentials);
    assert_eq!(cors.max_age, None);
}

#[test]
fn row_127_the_audience_is_the_resource_when_there_is_none() {
    let (policy, warnings) = authentication(&[ISSUER, JWKS, RESOURCE]);
    assert_eq!(policy.audiences, ["https://api.example.com/mcp"]);
    assert!(warnings.is_empty(), "{warnings:?}");
    let (policy, _) = authentication(&[ISSUER, JWKS, "audiences: [https://api.example.com/mcp, api]"]);
    assert_eq!(policy.resource_metadata.resource.as_str(), "https://api.example.com/mcp");
    assert_eq!(policy.audiences.len(), 2);
}

#[test]
fn row_128_the_resource_should_be_an_audience_exactly() {
    for (audience, doubtful) in [
        ("https://api.example.com/mcp", false),
        ("https://api.example.com/mcp/", true),
        ("https://API.example.com/mcp", true),
        ("api", true),
    ] {
        let (_, warnings) = authentication(&[ISSUER, JWKS, RESOURCE, &format!("audiences: ['{audience}']")]);
        assert_eq!(kinds(&warnings) == [WarningKind::AudienceNotResource], doubtful, "{audience}");
    }
}

#[test]
fn row_133_resource_metadata_is_read() {
    let (route, _) = route(&format!("policies:\n{}", indent(S2_SCENARIO_2, 2)));
    let metadata = route.policies.mcp_authentication.expect("present").resource_metadata;
    assert_eq!(metadata.resource.as_str(), "http://localhost:3000/mcp");
    assert_eq!(metadata.scopes_supported, ["read:all"]);
    assert_eq!(url(metadata.members.documentation.as_ref()), "http://localhost:3000/stdio/docs");
    assert_eq!(url(metadata.members.policy_uri.as_ref()), "http://localhost:3000/stdio/policies");
}

#[test]
fn row_134_documentation_and_policy_are_optional() {
    let (policy, _) = authentication(&[ISSUER, JWKS, RESOURCE]);
    assert_eq!(policy.resource_metadata.members.documentation, None);
    assert_eq!(policy.resource_metadata.members.policy_uri, None);
    assert!(policy.resource_metadata.scopes_supported.is_empty());
}

#[test]
fn row_135_nested_metadata_loads_with_a_warning() {
    let nested = "resourceMetadata: {resourceMetadata: {resource: https://api.example.com/mcp}}";
    let (policy, warnings) = authentication(&[ISSUER, JWKS, nested]);
    assert_eq!(policy.resource_metadata.resource.as_str(), "https://api.example.com/mcp");
    assert_eq!(kinds(&warnings), [WarningKind::NestedMetadata]);
}

#[test]
fn row_136_any_scope_token_is_a_scope() {
    let scopes =
        "resourceMetadata: {resource: https://a.example/, scopesSupported: [email, read:all, mcp:invoke]}";
    let (policy, _) = authentication(&[ISSUER, JWKS, scopes]);
    assert_eq!(policy.resource_metadata.scopes_supported, ["email", "read:all", "mcp:invoke"]);
    assert_eq!(policy.resource_metadata.well_known_path(), "/.well-known/oauth-protected-resource");
}

#[test]
fn row_136_the_well_known_path_is_that_of_the_discovery_crate() {
    for (resource, path) in [
        ("https://a.example", ""),
        ("https://a.example/", ""),
        ("https://a.example/mcp", "/mcp"),
        ("https://a.example/mcp/", "/mcp"),
        ("https://a.example//a//mcp//", "/a/mcp"),
        ("https://a.example/mcp?x=/y/", "/mcp"),
        ("http://10.0.0.1/mcp/", "/mcp"),
    ] {
        let (policy, _) =
            authentication(&[ISSUER, JWKS, &format!("resourceMetadata: {{resource: '{resource}'}}")]);
        let found = policy.resource_metadata.well_known_path();
        assert_eq!(found, format!("/.well-known/oauth-protected-resource{path}"), "{resource}");
        let identifier = mcp_auth_discovery::ResourceIdentifier::insecure_http(resource).unwrap();
        assert_eq!(found, identifier.metadata_path());
    }
}

#[test]
fn row_146_the_issuer_is_the_authorization_server() {
    let (policy, _) = authentication(&[ISSUER, JWKS, RESOURCE]);
    assert_eq!(url(policy.resource_metadata.authorization_servers.first()), "https://idp.example.com");
    // An opaque issuer is accepted when somebody says where tokens come from.
    let servers =
        "resourceMetadata: {resource: https://a.example/, authorizationServers: [https://idp.example.com/x]}";
    let (policy, _) = authentication(&["issuer: host:7777", JWKS, servers]);
    assert_eq!(policy.issuer.value, "host:7777");
    assert_eq!(url(policy.resource_metadata.authorization_servers.first()), "https://idp.example.com/x");
}

#[test]
fn row_149_http_is_silent_on_loopback_only() {
    for (host, silent) in [
        ("localhost:9000", true),
        ("idp.localhost", true),
        ("127.0.0.1:9000", true),
        ("127.1.2.3", true),
        ("[::1]:9000", true),
        ("keycloak:8080", false),
        ("10.0.0.1", false),
        ("localhost.example.com", false),
    ] {
        let url = HttpUrl::parse(&format!("http://{host}/x"), "url", AT).unwrap();
        assert_eq!(!url.is_plain_and_remote(), silent, "{host}");
    }
}

#[test]
fn row_150_jwks_url_has_an_old_flat_name() {
    let (old, _) = authentication(&[ISSUER, "jwksUrl: https://idp.example.com/jwks.json", RESOURCE]);
    let (new, _) = authentication(&[ISSUER, JWKS, RESOURCE]);
    assert_eq!(format!("{:?}", old.jwks), format!("{:?}", new.jwks));
}

#[test]
fn row_165_modes_in_any_case() {
    for (text, mode) in [
        ("strict", Mode::Strict),
        ("Strict", Mode::Strict),
        ("STRICT", Mode::Strict),
        ("Optional", Mode::Optional),
        ("Permissive", Mode::Permissive),
    ] {
        let (policy, _) = authentication(&[ISSUER, JWKS, RESOURCE, &format!("mode: {text}")]);
        assert_eq!(policy.mode, mode, "{text}");
    }
}

#[test]
fn row_164_the_mode_is_strict_when_absent() {
    assert_eq!(authentication(&[ISSUER, JWKS, RESOURCE]).0.mode, Mode::Strict);
}

#[test]
fn row_166_the_issuer_is_kept_as_written() {
    for issuer in ["https://IDP.example.com", "https://idp.example.com:443", "https://tenant.example.com/"] {
        let (policy, warnings) = authentication(&[&format!("issuer: {issuer}"), JWKS, RESOURCE]);
        assert_eq!(policy.issuer.value, issuer);
        assert_eq!(policy.resource_metadata.authorization_servers[0].as_str(), issuer);
        assert!(warnings.is_empty(), "{warnings:?}");
    }
}

#[test]
fn row_168_169_keys_from_a_url_a_file_the_configuration_or_discovery() {
    let (policy, _) = authentication(&[ISSUER, "jwks: {file: keys/jwks.json}", RESOURCE]);
    assert!(matches!(&policy.jwks, Jwks::File(path) if path.value == Path::new("keys/jwks.json")));
    let (policy, _) = authentication(&[ISSUER, r#"jwks: '{"keys":[{"k":"hunter2"}]}'"#, RESOURCE]);
    assert!(matches!(&policy.jwks, Jwks::Inline(text) if text.value.contains("hunter2")));
    assert_eq!(format!("{:?}", policy.jwks), "Inline([redacted])");
    assert!(!format!("{policy:?}").contains("hunter2"));
    let (policy, _) = authentication(&[ISSUER, RESOURCE]);
    assert!(matches!(&policy.jwks, Jwks::Discovered));
}

#[test]
fn row_170_exp_is_required_when_nothing_is_said() {
    for options in ["mode: strict", "jwtValidationOptions: {}"] {
        let (policy, warnings) = authentication(&[ISSUER, JWKS, RESOURCE, options]);
        assert_eq!(policy.required_claims, [RequiredClaim::Exp], "{options}");
        assert!(warnings.is_empty());
    }
}

#[test]
fn row_171_only_registered_claims_are_recognised() {
    let options = "jwtValidationOptions: {requiredClaims: [exp, nbf, aud, iss, sub, sub, email, EXP]}";
    let (policy, warnings) = authentication(&[ISSUER, JWKS, RESOURCE, options]);
    let names: Vec<_> = policy.required_claims.iter().map(|claim| claim.as_str()).collect();
    assert_eq!(names, ["exp", "nbf", "aud", "iss", "sub"]);
    assert_eq!(kinds(&warnings), [WarningKind::UnknownClaim; 2]);
}

#[test]
fn row_174_not_requiring_exp_is_doubtful() {
    for (claims, doubtful) in [("[]", true), ("[sub]", true), ("[exp]", false), ("[sub, exp]", false)] {
        let options = format!("jwtValidationOptions: {{requiredClaims: {claims}}}");
        let (_, warnings) = authentication(&[ISSUER, JWKS, RESOURCE, &options]);
        assert_eq!(kinds(&warnings) == [WarningKind::ExpirationNotRequired], doubtful, "{claims}");
    }
}

#[test]
fn row_275_cors_of_s4() {
    let text = "policies:
  cors:
    allowCredentials: true
    allowHeaders: [Origin, Authorization, Content-Type]
    allowMethods: ['*']
    allowOrigins: ['*']
    exposeHeaders: [Origin, X-HTTPRoute-Header]
    maxAge: 86400";
    let (route, warnings) = route(text);
    let cors = route.policies.cors.expect("present");
    assert_eq!(kinds(&warnings), [WarningKind::CredentialsWithAny]);
    assert!(cors.allow_credentials);
    assert_eq!(cors.allow_methods, Names::Any);
    assert_eq!(cors.max_age, Some(Duration::from_secs(86_400)));
}

#[test]
fn row_277_the_well_known_path_needs_no_match() {
    for (matches, silent) in [
        ("[]", true),
        ("[{path: {pathPrefix: /}}]", true),
        ("[{path: {pathPrefix: /.well-known}}]", true),
        ("[{path: {pathPrefix: /.well-known/oauth-protected-resource-x}}]", false),
        ("[{path: {exact: /.well-known/oauth-protected-resource/mcp}, method: GET}]", true),
        ("[{path: {exact: /.well-known/oauth-protected-resource/mcp}, method: POST}]", false),
        ("[{path: {regex: '/.*'}}]", true),
        ("[{path: {exact: /mcp}}]", false),
    ] {
        let text =
            format!("matches: {matches}\npolicies: {{mcpAuthentication: {{{ISSUER}, {JWKS}, {RESOURCE}}}}}");
        let (_, warnings) = route(&text);
        assert_eq!(warnings.is_empty(), silent, "{matches}: {warnings:?}");
        assert!(warnings.iter().all(|warning| warning.level() == Level::Info));
    }
}

// --- the rest of the shape ---

#[test]
fn rules_keep_their_source_and_place() {
    let text = r#"policies:
  mcpAuthorization:
    rules:
    - 'mcp.tool.name == "echo"'
    - deny: jwt.sub == "mallory"
    - require: |
        jwt.groups.exists(g, g == "mcp-readers")
    - allow: "true"
  authorization:
    rules: [request.method == "POST"]"#;
    let (config, _) = parse(&document(text), "x.yaml").unwrap();
    let policies = &config.binds[0].listeners[0].routes[0].policies;
    let rules = &policies.rules.mcp.as_ref().expect("present").rules;
    let found: Vec<_> = rules
        .iter()
        .map(|rule| {
            let [expression] = rule.expressions.as_slice() else { panic!("one expression") };
            (rule.effect, expression.value.trim_end(), expression.at.to_string())
        })
        .collect();
    assert_eq!(
        found,
        [
            (Effect::Allow, r#"mcp.tool.name == "echo""#, "9:13".to_owned()),
            (Effect::Deny, r#"jwt.sub == "mallory""#, "10:19".to_owned()),
            (Effect::Require, r#"jwt.groups.exists(g, g == "mcp-readers")"#, "12:15".to_owned()),
            (Effect::Allow, "true", "13:20".to_owned()),
        ]
    );
    let rules = &policies.rules.http.as_ref().expect("present").rules;
    assert_eq!(rules[0].expressions[0].value, r#"request.method == "POST""#);
}

#[test]
fn an_alias_points_to_its_text() {
    let text = "policies:
  authorization: &rules
    rules: [jwt.sub != '']
  mcpAuthorization: *rules";
    let (route, _) = route(text);
    let at = |policy: Option<Authorization>| policy.expect("present").rules[0].expressions[0].at;
    assert_eq!(at(route.policies.rules.http), Position { line: 8, column: 19 });
    assert_eq!(at(route.policies.rules.mcp), Position { line: 8, column: 19 });
}

#[test]
fn binds_and_listeners() {
    let text = "binds:
- port: 0
- port: 0
  address: '::'
";
    let listeners = "
  listeners:
  - name: a
    protocol: HTTP
    hostname: '*.Example.COM'
    routes: [{backends: [{host: https://up.example.com/base}]}]
  - routes: [{backends: [{mcp: {targets: [{name: t, mcp: {host: localhost, port: 4200, path: /mcp}}]}}]}]";
    let text = text.replace("- port: 0\n- ", &format!("- port: 0{listeners}\n- "))
        + listeners.trim_start_matches('\n');
    let (config, warnings) = parse(&text, "x.yaml").unwrap();
    assert!(warnings.is_empty());
    assert_eq!(config.binds[0].address.to_string(), "127.0.0.1:0");
    assert_eq!(config.binds[1].address.to_string(), "[::]:0");
    let [first, second] = config.binds[1].listeners.as_slice() else { panic!("two listeners") };
    assert_eq!(first.name.as_deref(), Some("a"));
    assert_eq!(first.protocol, Protocol::Http);
    assert_eq!(first.hostname.as_ref().expect("present").value, "*.example.com");
    assert_eq!(second.hostname, None);
    assert!(
        matches!(&first.routes[0].backends[0], Backend::Host(url) if url.as_str() == "https://up.example.com/base")
    );
    let Backend::Mcp(targets) = &second.routes[0].backends[0] else { panic!("mcp") };
    assert_eq!(targets[0].name.value, "t");
    assert_eq!(targets[0].url.url().as_str(), "http://localhost:4200/mcp");
}

#[test]
fn headers_and_the_place_of_the_token() {
    let (route, _) = route("matches: [{headers: [{name: X-Team, value: {exact: a}}], method: POST}]");
    let header = HeaderMatch { name: "x-team".to_owned(), value: ValueMatch::Exact("a".to_owned()) };
    assert_eq!(route.matches[0].headers, [header]);
    assert_eq!(route.matches[0].path, PathMatch::Prefix("/".to_owned()));
    assert_eq!(route.matches[0].method.as_deref(), Some("POST"));
    let location = "authorizationLocation: {header: {name: X-Service-JWT}}";
    let (policy, _) = authentication(&[ISSUER, JWKS, RESOURCE, location]);
    let expected = HeaderLocation { name: "x-service-jwt".to_owned(), prefix: String::new() };
    assert_eq!(policy.authorization_location, expected);
    let (policy, _) = authentication(&[ISSUER, JWKS, RESOURCE]);
    assert_eq!(policy.authorization_location.prefix, "Bearer ");
    assert_eq!(policy.authorization_location.name, "authorization");
}

#[test]
fn durations() {
    for (text, expected) in [
        ("86400s", Some(86_400_000)),
        ("86400", Some(86_400_000)),
        ("'10'", None),
        ("1h30m", Some(5_400_000)),
        ("250ms", Some(250)),
        ("1d", Some(86_400_000)),
        ("0", Some(0)),
        ("-1", None),
        ("1.5", None),
        ("s", None),
        ("''", None),
        ("5w", None),
        ("99999999999999999999s", None),
        ("18446744073709551615h", None),
    ] {
        let found = parse(&document(&format!("policies: {{cors: {{maxAge: {text}}}}}")), "x.yaml");
        let found = found.ok().and_then(|(config, _)| cors(&config).max_age).map(|age| age.as_millis());
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn limits_of_time_and_number_have_defaults() {
    let usual = ConnectionLimits::default();
    assert_eq!((usual.max, usual.header_timeout.as_secs(), usual.drain_timeout.as_secs()), (10_000, 10, 30));
    assert_eq!(Timeout::default().backend_request.as_secs(), 60);
    let load = |bind: &str, policies: &str| {
        let text = document(policies).replacen("- port: 3000\n", &format!("- port: 3000\n{bind}"), 1);
        let (config, warnings) = parse(&text, "x.yaml").unwrap_or_else(|error| panic!("{error}"));
        assert!(warnings.is_empty(), "{warnings:?}");
        let bind = &config.binds[0];
        (bind.connections, bind.listeners[0].routes[0].policies.timeout)
    };
    assert_eq!(load("", ""), (usual, Timeout::default()));
    let (connections, timeout) = load(
        "  connections: {max: 5, headerTimeout: 2s, http2KeepaliveTimeout: 3s}\n",
        "policies: {timeout: {backendRequestTimeout: 5m}}",
    );
    assert_eq!(
        connections,
        ConnectionLimits {
            max: 5,
            header_timeout: Duration::from_secs(2),
            http2_keepalive_timeout: Duration::from_secs(3),
            ..usual
        }
    );
    assert_eq!(timeout.backend_request.as_secs(), 300);
}

#[test]
fn prefixes_end_at_a_slash() {
    for (prefix, path, expected) in [
        ("/a", "/a", true),
        ("/a", "/a/b", true),
        ("/a", "/ab", false),
        ("/a/", "/a/b", true),
        ("/", "/", true),
        ("/", "/x", true),
        ("/A", "/a", false),
    ] {
        assert_eq!(PathMatch::Prefix(prefix.to_owned()).covers(path), expected, "{prefix} {path}");
    }
}

#[test]
fn suggestions() {
    let known = ["issuer", "audiences", "jwks", "jwksUrl", "mcpAuthentication"];
    for (word, expected) in [
        ("isuer", Some("issuer")),
        ("Issuer", Some("issuer")),
        ("audience", Some("audiences")),
        ("jwks_url", Some("jwksUrl")),
        ("mcpAuthn", Some("mcpAuthentication")),
        ("zzz", None),
        ("", None),
    ] {
        assert_eq!(suggest::nearest(word, &known), expected, "{word}");
    }
}

// --- limits and files ---

#[test]
fn the_length_is_limited() {
    let filler = "# comment\n".repeat(1_000);
    assert!(parse(&format!("{filler}{}", document("")), "x.yaml").is_ok());
    let long = "#".repeat(limits::MAX_CONFIG_BYTES + 1);
    let error = parse(&long, "x.yaml").map(drop).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::TooLarge);
    assert_eq!(error.to_string(), "x.yaml: the file is longer than 1048576 bytes");
    let many = format!("binds: [{}]", "a,".repeat(limits::MAX_CONFIG_NODES + 1));
    let error = parse(&many, "x.yaml").map(drop).unwrap_err();
    assert!(error.to_string().ends_with(": the file has more than 100000 nodes"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let error = load(Path::new("/nonexistent/x.yaml")).map(drop).unwrap_err();
    assert_eq!(error.kind().code(), "unreadable");
    assert!(error.to_string().starts_with("/nonexistent/x.yaml: cannot read the file: "), "{error}");
    let error = load(&manifest()).map(drop).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Unreadable);
}

#[test]
fn a_file_that_is_too_long_or_not_text_is_an_error() {
    let path = std::env::temp_dir().join(format!("mcp-auth-gateway-config-{}.yaml", std::process::id()));
    for (bytes, expected) in [
        (vec![b'#'; limits::MAX_CONFIG_BYTES + 1], "the file is longer than 1048576 bytes"),
        (b"binds: \xff".to_vec(), "the file is not UTF-8"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = load(&path).map(drop).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_cut_or_changed_file_never_panics() {
    let text = std::fs::read_to_string(manifest().join("configs/mcp-authentication.yaml")).unwrap();
    for (end, _) in text.char_indices().step_by(7) {
        let (head, tail) = text.split_at(end);
        let _ = parse(head, "x.yaml");
        for with in ["\n", "*", "[", "&a ", "\u{fffd}"] {
            let _ = parse(&format!("{head}{with}{tail}"), "x.yaml");
        }
    }
}

// --- helpers ---

const AT: Position = Position { line: 1, column: 1 };

fn manifest() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files of `tests/config/<folder>`: path, whole text, and the lines after `#| ` at its head.
fn vectors(folder: &str) -> Vec<(PathBuf, String, String)> {
    let folder = manifest().join("tests/config").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let expected: Vec<_> = text.lines().map_while(|line| line.strip_prefix("#| ")).collect();
        let expected = expected.join("\n");
        (path, text, expected)
    };
    files.into_iter().map(read).collect()
}

fn indent(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{:by$}{line}\n", "")).collect()
}

/// A document with one route that has `fields`, which begin at line 6, column 7.
fn document(fields: &str) -> String {
    let head =
        "binds:\n- port: 3000\n  listeners:\n  - routes:\n    - backends: [{host: '127.0.0.1:4200'}]\n";
    format!("{head}{}", indent(fields, 6))
}

fn route(fields: &str) -> (Route, Vec<Warning>) {
    let (config, warnings) = parse(&document(fields), "x.yaml").unwrap_or_else(|error| panic!("{error}"));
    (config.binds[0].listeners[0].routes[0].clone(), warnings)
}

fn authentication(fields: &[&str]) -> (McpAuthentication, Vec<Warning>) {
    let fields = indent(&fields.join("\n"), 4);
    let (route, warnings) = route(&format!("policies:\n  mcpAuthentication:\n{fields}"));
    (route.policies.mcp_authentication.expect("present"), warnings)
}

fn cors(config: &Config) -> &Cors {
    config.binds[0].listeners[0].routes[0].policies.cors.as_ref().expect("present")
}

fn kinds(warnings: &[Warning]) -> Vec<WarningKind> {
    warnings.iter().map(Warning::kind).collect()
}

fn these(names: &[&str]) -> Names {
    Names::These(names.iter().map(|name| (*name).to_owned()).collect())
}

fn url(url: Option<&HttpUrl>) -> &str {
    url.map(HttpUrl::as_str).unwrap_or_default()
}
