use crate::test::{LOCKED, Running, Upstream, status};

/// `api.example` is behind a lock; other listeners of the same socket have longer paths and none.
async fn two_hosts(upstream: &Upstream) -> Running {
    let backend = upstream.address;
    let locked = LOCKED.replace("locked.example", "api.example");
    Running::start(&format!(
        r#"
binds:
- port: 0
  listeners:
  - routes:
    - matches: [{{path: {{pathPrefix: /mcp/admin}}}}]
      backends: [{{host: '{backend}'}}]
  - hostname: '*.example'
    routes:
    - matches: [{{path: {{exact: /mcp}}}}, {{path: {{pathPrefix: /wild}}}}]
      backends: [{{host: '{backend}'}}]
  - hostname: '*.api.example'
    routes:
    - matches: [{{path: {{pathPrefix: /deep}}}}]
      backends: [{{host: '{backend}'}}]
  - hostname: api.example
    routes:
    - policies:
        mcpAuthentication:{locked}
      backends: [{{host: '{backend}'}}]
"#
    ))
    .await
}

#[tokio::test]
async fn attack_068_a_longer_path_of_another_listener_does_not_win() {
    let upstream = Upstream::start("reached").await;
    let gateway = two_hosts(&upstream).await;
    for host in ["api.example", "API.Example", "api.example:80", "api.example.", "api.example.:80"] {
        for path in ["/mcp", "/mcp/admin", "/mcp/admin/x", "/wild", "/deep", "/other"] {
            assert_eq!(gateway.get(host, path).await, 401, "{host} {path}");
        }
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn attack_068_a_listener_without_the_path_is_the_end() {
    let upstream = Upstream::start("reached").await;
    let gateway = two_hosts(&upstream).await;
    for (host, path, expected) in [
        ("x.example", "/mcp", 200),
        ("x.example", "/wild/a", 200),
        ("X.Example.:8080", "/wild/a", 200),
        ("x.example", "/mcp/admin", 404),
        ("x.y.example", "/wild", 200),
        ("v1.api.example", "/deep", 200),
        ("v1.api.example", "/wild", 404),
        ("v1.api.example", "/mcp", 404),
        ("example", "/wild", 404),
        (".example", "/wild", 400),
        ("notexample", "/wild", 404),
        ("notexample", "/mcp/admin", 200),
        ("127.0.0.1", "/mcp/admin", 200),
        ("127.0.0.1", "/mcp", 404),
    ] {
        assert_eq!(gateway.get(host, path).await, expected, "{host} {path}");
    }
}

#[tokio::test]
async fn attack_068_no_listener_for_the_host_is_404() {
    let upstream = Upstream::start("reached").await;
    let backend = upstream.address;
    let gateway = Running::start(&format!(
        "binds:\n- port: 0\n  listeners:\n  - hostname: a.example\n    routes:\n    - backends: [{{host: '{backend}'}}]\n"
    ))
    .await;
    assert_eq!(gateway.get("a.example", "/").await, 200);
    assert_eq!(gateway.get("b.example", "/").await, 404);
    let no_host = gateway.raw("GET / HTTP/1.0\r\n\r\n").await;
    assert_eq!(status(&no_host), 404, "{no_host}");
}

#[tokio::test]
async fn metadata_is_served_on_the_listener_of_its_route_only() {
    let upstream = Upstream::start("reached").await;
    let gateway = two_hosts(&upstream).await;
    for path in ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"] {
        assert_eq!(gateway.get("api.example", path).await, 200, "{path}");
        assert_eq!(gateway.get("x.example", path).await, 404, "{path}");
        assert_eq!(gateway.get("127.0.0.1", path).await, 404, "{path}");
    }
}

#[tokio::test]
async fn row_277_metadata_is_served_where_clients_look_whatever_slashes_the_resource_has() {
    for (resource, path) in [
        ("https://a.example/mcp/", "/.well-known/oauth-protected-resource/mcp"),
        ("https://a.example//a//mcp", "/.well-known/oauth-protected-resource/a/mcp"),
    ] {
        let gateway = Running::start(&format!(
            r#"
binds:
- port: 0
  listeners:
  - routes:
    - matches: [{{path: {{exact: /elsewhere}}}}]
      policies:
        mcpAuthentication:
          issuer: https://idp.example
          jwks: {{url: "https://127.0.0.1:9/jwks"}}
          resourceMetadata: {{resource: "{resource}"}}
      backends: [{{host: '127.0.0.1:9'}}]
"#
        ))
        .await;
        let answer =
            gateway.raw(format!("GET {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(status(&answer), 200, "{resource}: {answer}");
        assert_eq!(gateway.get("a", path).await, 404, "row_126 {resource}");
        assert!(answer.contains(&format!("\"resource\":\"{resource}\"")), "{answer}");
    }
}

#[test]
fn a_resource_whose_metadata_nobody_can_ask_for_is_refused() {
    let text = format!(
        "binds:\n- port: 0\n  listeners:\n  - routes:\n    - policies:\n        mcpAuthentication:{}\n      backends: [{{host: 'a:1'}}]\n",
        LOCKED.replace("/mcp", "/a;b")
    );
    let (config, _) = crate::config::parse(&text, "x.yaml").unwrap();
    let error = crate::server::Gateway::new(&config).unwrap_err().to_string();
    assert!(error.starts_with("x.yaml:7:") && error.contains("no request can have its path"), "{error}");
}

/// Rules of all levels stand before a route, and read the connection of the request.
#[tokio::test]
async fn rules_of_every_level_are_asked() {
    let upstream = Upstream::start("reached").await;
    let backend = upstream.address;
    let gateway = Running::start(&format!(
        r#"
policies:
  authorization: {{rules: [deny: request.path == "/file"]}}
binds:
- port: 0
  listeners:
  - policies:
      authorization: {{rules: [deny: request.path == "/listener"]}}
    routes:
    - policies:
        mcpAuthentication:{LOCKED}
          mode: optional
        authorization:
          rules:
          - deny: request.path == "/route"
          - require: source.address == ip("127.0.0.1") && destination.port > 0 && request.scheme == "http"
      backends: [{{host: '{backend}'}}]
"#
    ))
    .await;
    for (path, expected) in [("/file", 401), ("/listener", 401), ("/route", 401), ("/other", 200)] {
        assert_eq!(gateway.get("api.example", path).await, expected, "{path}");
    }
    assert_eq!(upstream.only().target, "/other");
}

/// A variable that nobody fills would make a rule fail for ever.
#[test]
fn rules_over_what_nothing_provides_are_refused() {
    for (rule, backend, expected) in [
        ("require: apiKey.team == 'a'", "host: 'a:1'", Some("nothing in this gateway provides `apiKey`")),
        ("deny: has(extauthz.x)", "host: 'a:1'", Some("nothing in this gateway provides `extauthz`")),
        ("require: mcp.tool.target == 'r'", "host: 'a:1'", Some("`target`")),
        (
            "require: mcp.tool.target == 'r'",
            "mcp: {targets: [{name: r, mcp: {host: 'http://a:1/mcp'}}]}",
            None,
        ),
    ] {
        let text = format!(
            "binds:\n- port: 0\n  listeners:\n  - routes:\n    - policies:\n        mcpAuthentication:{LOCKED}\n        mcpAuthorization: {{rules: [{rule}]}}\n      backends: [{{{backend}}}]\n"
        );
        let (config, _) = crate::config::parse(&text, "x.yaml").unwrap();
        match (crate::server::Gateway::new(&config), expected) {
            (Ok(_), None) => {}
            (Err(error), Some(expected)) => assert!(error.to_string().contains(expected), "{rule}: {error}"),
            (outcome, _) => panic!("{rule}: {outcome:?}"),
        }
    }
}

/// Whatever list was copied, a page can send what MCP asks for and read the challenge.
#[tokio::test]
async fn mcp_b3_pages_may_send_what_mcp_needs_and_read_the_challenge() {
    let upstream = Upstream::start("reached").await;
    for (credentials, headers) in [("false", "[x-own]"), ("true", "[x-own]"), ("false", "['*']")] {
        let gateway = Running::start(&format!(
            "binds:\n- port: 0\n  listeners:\n  - routes:\n    - policies:\n        cors: {{allowOrigins: ['https://app.example'], allowHeaders: {headers}, allowCredentials: {credentials}}}\n        mcpAuthentication:{LOCKED}\n      backends: [{{host: '{}'}}]\n",
            upstream.address
        ))
        .await;
        let asked = "authorization,content-type,mcp-protocol-version,mcp-session-id,mcp-method,mcp-name,mcp-param-region,Mcp-Param-N,last-event-id";
        let preflight = gateway
            .raw(format!("OPTIONS /mcp HTTP/1.1\r\nHost: locked.example\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: {asked}\r\nConnection: close\r\n\r\n"))
            .await
            .to_lowercase();
        assert_eq!(status(&preflight), 200, "nobody has a token in a preflight: {preflight}");
        let allowed =
            preflight.split("access-control-allow-headers: ").nth(1).unwrap().lines().next().unwrap();
        let allowed: Vec<&str> = allowed.split(',').map(str::trim).collect();
        for name in asked.to_lowercase().split(',') {
            assert_eq!(allowed.iter().filter(|known| **known == name).count(), 1, "{name}: {allowed:?}");
        }
        let answer = gateway
            .raw("GET /mcp HTTP/1.1\r\nHost: locked.example\r\nOrigin: https://app.example\r\nConnection: close\r\n\r\n")
            .await
            .to_lowercase();
        assert_eq!(status(&answer), 401, "{answer}");
        let exposed = answer.split("access-control-expose-headers: ").nth(1).unwrap().lines().next().unwrap();
        for name in ["www-authenticate", "mcp-session-id", "mcp-protocol-version"] {
            assert!(exposed.split(',').any(|known| known.trim() == name), "{name}: {exposed}");
        }
    }
    assert!(upstream.seen().is_empty());
}

/// What the gateway serves at its metadata's place, with these lines in `resourceMetadata`.
async fn metadata_of(lines: &str) -> Result<serde_json::Value, String> {
    let text = format!(
        "binds:\n- port: 0\n  listeners:\n  - routes:\n    - policies:\n        mcpAuthentication:\n          issuer: https://idp.example\n          jwks: {{url: 'https://127.0.0.1:9/jwks'}}\n          resourceMetadata:\n            resource: https://a.example/mcp\n{lines}      backends: [{{host: '127.0.0.1:9'}}]\n"
    );
    let (config, _) = crate::config::parse(&text, "x.yaml").map_err(|e| e.to_string())?;
    crate::server::Gateway::new(&config).map_err(|e| e.to_string())?;
    let gateway = Running::start(&text).await;
    let answer = gateway
        .raw("GET /.well-known/oauth-protected-resource/mcp HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n".to_owned())
        .await;
    assert_eq!(status(&answer), 200, "{answer}");
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    Ok(serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn row_133_every_member_of_rfc_9728_is_published_as_written() {
    let lines = "            resourceName: Files
            resourceDocumentation: https://a.example/docs
            resourcePolicyUri: https://a.example/policy
            resourceTosUri: https://a.example/tos
            jwksUri: https://a.example/keys
            resourceSigningAlgValuesSupported: [ES256, PS256]
            tlsClientCertificateBoundAccessTokens: false
            authorizationDetailsTypesSupported: [files]
            dpopSigningAlgValuesSupported: [ES256]
            dpopBoundAccessTokensRequired: false
            localized:
              de: {resourceName: Dateien, resourceTosUri: 'https://a.example/agb'}
              pt-BR: {resourceName: Arquivos}
";
    let expected = serde_json::json!({
        "resource": "https://a.example/mcp",
        "authorization_servers": ["https://idp.example"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Files",
        "resource_name#de": "Dateien",
        "resource_name#pt-BR": "Arquivos",
        "resource_documentation": "https://a.example/docs",
        "resource_policy_uri": "https://a.example/policy",
        "resource_tos_uri": "https://a.example/tos",
        "resource_tos_uri#de": "https://a.example/agb",
        "jwks_uri": "https://a.example/keys",
        "resource_signing_alg_values_supported": ["ES256", "PS256"],
        "tls_client_certificate_bound_access_tokens": false,
        "authorization_details_types_supported": ["files"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "dpop_bound_access_tokens_required": false,
    });
    assert_eq!(metadata_of(lines).await, Ok(expected));
    let error = metadata_of("            localized: {a_b: {resourceName: x}}\n").await.unwrap_err();
    assert_eq!(
        error,
        "x.yaml:11:25: resourceMetadata.localized: `a_b` is not a language tag such as `de` or `pt-BR`"
    );
}

/// RFC 9728 §2.2.
#[tokio::test]
async fn metadata_is_signed_with_the_key_of_a_file() {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
        UnparsedPublicKey,
    };
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    let folder =
        std::env::temp_dir().join(format!("mcp-auth-gateway-signed-metadata-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("key.pem");
    let lines = |more: &str| {
        let path = file.display();
        format!("            resourceName: Files\n            signedMetadata: {{keyFile: '{path}'{more}}}\n")
    };
    std::fs::write(&file, "hunter2").unwrap();
    let error = metadata_of(&lines("")).await.unwrap_err();
    assert!(error.starts_with("x.yaml:12:39: signedMetadata.keyFile: "), "{error}");
    assert!(error.contains("PKCS #8") && !error.contains("hunter2"), "{error}");

    let random = SystemRandom::new();
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref()).unwrap();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref());
    let text = STANDARD.encode(der.as_ref());
    std::fs::write(&file, format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"))
        .unwrap();
    let mut names = Vec::new();
    for (more, issuer) in [
        ("", "https://a.example/mcp"),
        ("", "https://a.example/mcp"),
        (", keyId: k1, issuer: https://trust.example", "https://trust.example"),
    ] {
        let mut document = metadata_of(&lines(more)).await.unwrap();
        let jwt = document["signed_metadata"].take();
        let (message, signature) = jwt.as_str().unwrap().rsplit_once('.').unwrap();
        public.verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        let (header, claims) = message.split_once('.').unwrap();
        let json = |part: &str| -> serde_json::Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        let (header, mut claims) = (json(header), json(claims));
        assert_eq!(header["alg"], "ES256");
        names.push(header["kid"].as_str().unwrap().to_owned());
        assert_eq!(claims["iss"].take(), issuer);
        assert!(claims["iat"].take().is_u64());
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        document.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        assert_eq!(claims, document, "what is signed is what is served");
    }
    assert_eq!(names[0], names[1], "the key has the same name after a restart");
    assert_eq!(names[2], "k1");
    std::fs::remove_dir_all(&folder).unwrap();
}
