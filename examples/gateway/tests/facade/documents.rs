//! What clients find.

use super::gateway::{Gateway, HOST, ISSUER, file, folder, route, run};
use super::provider::Provider;

const FACADE: &str = "provider: openIdConnect";

#[test]
fn row_121_139_140_the_documents_are_at_every_place_where_clients_look() {
    let provider = Provider::start();
    let folder = folder("documents");
    let gateway = Gateway::start(&file(&folder, "", &[route(&provider, "/mcp", FACADE)]));
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/mcp",
        "/mcp/.well-known/openid-configuration",
    ] {
        let document = gateway.get(path).ends(200).json();
        assert_eq!(document["issuer"], ISSUER, "{path}");
        assert_eq!(document["authorization_endpoint"], format!("{ISSUER}/authorize"));
        assert_eq!(document["registration_endpoint"], format!("{ISSUER}/register"));
        assert_eq!(document["protected_resources"], serde_json::json!([format!("{ISSUER}/mcp")]));
        assert!(!document.to_string().contains(provider.address()), "{document}");
    }
    let resource = gateway.get("/.well-known/oauth-protected-resource/mcp").ends(200).json();
    assert_eq!(resource["authorization_servers"], serde_json::json!([ISSUER]));
    assert_eq!(resource["resource"], format!("{ISSUER}/mcp"));
    let refused = gateway.get("/mcp").ends(401);
    assert!(
        refused.header("www-authenticate").unwrap().contains("/.well-known/oauth-protected-resource/mcp")
    );
}

#[test]
fn another_host_has_no_authorization_server() {
    let provider = Provider::start();
    let gateway = Gateway::start(&file(&folder("host"), "", &[route(&provider, "/mcp", FACADE)]));
    for host in ["other.localhost:3000", "mcp.localhost:3001", "mcp.localhost", "mcp.localhost.evil.example"]
    {
        for path in ["/.well-known/oauth-authorization-server", "/authorize", "/.well-known/jwks.json"] {
            gateway.at(host, "GET", path, &[], "").ends(404);
        }
        gateway.at(host, "POST", "/client-registration", &[], "{}").ends(404);
        // What a proxy may claim changes nothing.
        let claimed = [("X-Forwarded-Host", HOST), ("Forwarded", "host=mcp.localhost:3000")];
        gateway.at(host, "GET", "/.well-known/oauth-authorization-server", &claimed, "").ends(404);
    }
    let claimed = [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https")];
    let document = gateway.at(HOST, "GET", "/.well-known/oauth-authorization-server", &claimed, "").json();
    assert_eq!(document["issuer"], ISSUER);
}

#[test]
fn row_146_147_without_a_provider_there_is_no_authorization_server() {
    let provider = Provider::start();
    let gateway = Gateway::start(&file(&folder("compliant"), "", &[route(&provider, "/mcp", "")]));
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/mcp"] {
        gateway.get(path).ends(404);
    }
    let resource = gateway.get("/.well-known/oauth-protected-resource/mcp").ends(200).json();
    assert_eq!(resource["authorization_servers"], serde_json::json!([provider.issuer]));
}

#[test]
fn row_119_an_issuer_with_a_path_has_its_documents_and_the_vendors_key_is_in_none() {
    let provider = Provider::start();
    let fields = format!(
        "{FACADE}\nresourceMetadata:\n  agentgateway.dev/issuer-proxy: :7777/oauth-issuer\n  \
                          authorizationServers: ['{ISSUER}/oauth-issuer']\n  resource: {ISSUER}/mcp"
    );
    let shape = route(&provider, "/mcp", &fields);
    let shape = shape.replace(&format!("          resourceMetadata: {{resource: '{ISSUER}/mcp'}}\n"), "");
    let gateway = Gateway::start(&file(&folder("issuer-proxy"), "", &[shape]));
    let issuer = format!("{ISSUER}/oauth-issuer");
    for path in [
        "/.well-known/oauth-authorization-server/oauth-issuer",
        "/.well-known/openid-configuration/oauth-issuer",
        "/oauth-issuer/.well-known/openid-configuration",
    ] {
        let document = gateway.get(path).ends(200).json();
        assert_eq!(document["issuer"], issuer, "{path}");
        assert_eq!(document["token_endpoint"], format!("{issuer}/token"));
    }
    let resource = gateway.get("/.well-known/oauth-protected-resource/mcp").ends(200);
    assert_eq!(resource.json()["authorization_servers"], serde_json::json!([issuer]));
    assert!(!resource.body.contains("7777") && !resource.body.contains("agentgateway"), "{}", resource.body);
    gateway.register_at("/oauth-issuer/register").ends(201);
}

#[test]
fn two_providers_behind_one_issuer_are_refused() {
    let (one, other) = (Provider::start(), Provider::start());
    let routes = [route(&one, "/a", FACADE), route(&other, "/b", FACADE)];
    let file = file(&folder("two-providers"), "", &routes);
    for command in ["run", "check"] {
        let ended = run(&[command], &file);
        assert_eq!(ended.status.code(), Some(2));
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(
            said.contains("has another `provider` at") && said.contains("authorizationServer.issuer"),
            "{said}"
        );
    }
}

#[test]
fn a_check_says_what_is_offered_and_asks_the_provider_when_it_should() {
    let provider = Provider::start();
    let folder = folder("check");
    let state = format!("state: {{keyFile: '{}'}}", folder.join("key").display());
    let file = file(&folder, &state, &[route(&provider, "/mcp", FACADE)]);
    let said = |arguments: &[&str]| {
        let ended = run(arguments, &file);
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap())
    };
    let (text, _) = said(&["check"]);
    for expected in [
        &*format!("authorization server {ISSUER}, in front of OpenID Connect {}", provider.issuer),
        &format!("  token {ISSUER}/token"),
        &format!("its redirect URI is {ISSUER}/callback"),
        "  the provider was not asked (`--ask-providers` does)",
        &format!("clients get tokens from {ISSUER}"),
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert!(provider.seen("/metadata").is_empty(), "without being told, nobody is asked");
    let (text, progress) = said(&["check", "--ask-providers"]);
    assert!(text.contains("  the provider's metadata is as it should be"), "{text}");
    assert!(progress.contains(&format!("asking {} for its metadata", provider.issuer)), "{progress}");
    let (json, _) = said(&["check", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["authorizationServers"][0]["issuer"], ISSUER);
    assert!(!folder.join("key").exists(), "a check writes nothing");
}

/// Seed S4 matches the certificates path of Keycloak beside the MCP endpoint.
#[test]
fn row_160_the_keys_are_passed_on_at_the_path_that_a_route_names_and_nothing_else_is_open() {
    let provider = Provider::start();
    let keys = format!("jwks: {{url: '{}/keys'}}", provider.issuer);
    let named = route(&provider, "/mcp", &keys)
        .replace("[{path: {exact: /mcp}}]", "[{path: {pathPrefix: /mcp}}, {path: {pathPrefix: /keys}}]");
    let gateway = Gateway::start(&file(&folder("keys"), "", &[named]));
    let set = gateway.get("/keys").ends(200).json();
    assert_eq!(set["keys"][0]["kid"], "p");
    for path in ["/keys/", "/keys/more", "/mcp"] {
        gateway.get(path).ends(401);
    }
    gateway.at(HOST, "POST", "/keys", &[], "{}").ends(401);
    let asked = provider.seen("/keys").len();
    for _ in 0..20 {
        gateway.get("/keys").ends(200);
    }
    assert_eq!(provider.seen("/keys").len(), asked, "who asks often asks the gateway");
    let unnamed = Gateway::start(&file(&folder("no-keys"), "", &[route(&provider, "/mcp", &keys)]));
    unnamed.get("/keys").ends(404);
}

/// Scenario 3 of seed S2: the backend is an authorization server and MCP server by itself.
#[test]
fn row_148_without_a_policy_everything_passes_as_it_is() {
    let provider = Provider::start();
    let open = format!("    - backends: [{{host: '{}'}}]\n", provider.backend);
    let gateway = Gateway::start(&file(&folder("open"), "", &[open]));
    assert_eq!(gateway.call("/mcp", "as-it-is").ends(200).body, "Bearer as-it-is");
    for path in
        ["/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server", "/register"]
    {
        assert_eq!(gateway.get(path).ends(200).body, "", "the backend's answer: {path}");
    }
}
