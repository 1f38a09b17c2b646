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
