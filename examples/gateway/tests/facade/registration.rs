//! Clients that register, and what a restart leaves of them.

use super::gateway::{CALLBACK, Gateway, ISSUER, file, folder, route};
use super::provider::Provider;

const FACADE: &str = "provider: openIdConnect";

#[test]
fn row_144_145_clients_register_at_the_endpoint_and_at_the_places_of_agentgateway() {
    let provider = Provider::start();
    let gateway = Gateway::start(&file(&folder("aliases"), "", &[route(&provider, "/mcp", FACADE)]));
    for path in [
        "/register",
        "/client-registration",
        "/mcp/client-registration",
        "/.well-known/oauth-authorization-server/client-registration",
        "/.well-known/oauth-authorization-server/mcp/client-registration",
    ] {
        let registered = gateway.register_at(path).ends(201);
        assert_eq!(registered.json()["redirect_uris"], serde_json::json!([CALLBACK]), "{path}");
        let at_provider = provider.seen("/register");
        let last = at_provider.last().unwrap();
        assert_eq!(last["redirect_uris"], serde_json::json!([format!("{ISSUER}/callback")]));
    }
    assert_eq!(provider.seen("/register").len(), 5, "each is passed on");
    for path in ["/other/client-registration", "/mcp/x/client-registration", "/client-registration/"] {
        gateway.register_at(path).ends(404);
    }
    // Nobody reads there.
    gateway.get("/client-registration").ends(404);
}

#[test]
fn a_registration_outlives_a_restart_where_a_key_file_is() {
    let provider = Provider::start();
    let folder = folder("restart");
    let fields = format!("{FACADE}\nclientId: gateway");
    let routes = [route(&provider, "/mcp", &fields)];
    let key = folder.join("key");
    let with_key = file(&folder, &format!("state: {{keyFile: '{}'}}", key.display()), &routes);
    let resource = format!("{ISSUER}/mcp");
    let client = Gateway::start(&with_key).register();
    assert!(key.exists());
    let again = Gateway::start(&with_key);
    assert!(again.authorize(&client, &resource).ends(200).body.contains("name=\"ticket\""));
    let tokens = again.login(&provider, &client, &resource);
    assert_eq!(again.call("/mcp", tokens["access_token"].as_str().unwrap()).status, 200);
    drop(again);

    let without = file(&folder, "", &routes);
    let client = Gateway::start(&without).register();
    let unknown = Gateway::start(&without).authorize(&client, &resource);
    assert_eq!(unknown.status, 400, "{unknown:?}");
}

#[test]
fn where_registration_is_off_nobody_registers() {
    let provider = Provider::start();
    let fields = format!("{FACADE}\nauthorizationServer: {{registration: false}}");
    let gateway = Gateway::start(&file(&folder("closed"), "", &[route(&provider, "/mcp", &fields)]));
    for path in ["/register", "/client-registration"] {
        gateway.register_at(path).ends(404);
    }
    let document = gateway.get("/.well-known/oauth-authorization-server").ends(200).json();
    assert!(document.get("registration_endpoint").is_none());
}
