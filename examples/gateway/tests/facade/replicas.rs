//! Two gateways with one key file and one Redis.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::gateway::{Gateway, file, folder, route};
use super::http::Answer;
use super::provider::Provider;

/// A Redis on a socket of its own; ended with the test.
struct Redis {
    process: Child,
    socket: PathBuf,
}

impl Redis {
    /// `None`, and a word about it, where there is none; in CI that is a failure.
    fn start(name: &str) -> Option<Self> {
        let binary = std::env::var_os("MCP_AUTH_REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
        let socket = std::env::temp_dir().join(format!("mcp-auth-{name}-{}.sock", std::process::id()));
        let started = Command::new(binary)
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn();
        let Ok(process) = started else {
            assert!(std::env::var_os("CI").is_none(), "redis-server is missing");
            println!("NOT RUN: redis-server is missing (MCP_AUTH_REDIS_SERVER names it)");
            return None;
        };
        let this = Self { process, socket };
        for _ in 0..1000 {
            if std::os::unix::net::UnixStream::connect(&this.socket).is_ok() {
                return Some(this);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("redis-server does not listen");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// Two gateways, their provider, and a client that registered at the first one.
struct World {
    one: Gateway,
    other: Gateway,
    provider: Provider,
    client: String,
    _redis: Redis,
}

const RESOURCE: &str = "http://mcp.localhost:3000/mcp";

impl World {
    fn start(name: &str) -> Option<Self> {
        let redis = Redis::start(name)?;
        let provider = Provider::start();
        let folder = folder(name);
        let key = folder.join("key");
        std::fs::write(&key, "mlk8iGVXiNNXFBxqnFPrAwzVx1gM4GBsnHrJXJNtPeI=\n").unwrap();
        let state = format!(
            "state: {{keyFile: '{}', replicas: 2, store: {{redis: {{url: 'unix://{}'}}}}}}",
            key.display(),
            redis.socket.display()
        );
        let fields = "provider: openIdConnect\nclientId: gateway";
        let file = file(&folder, &state, &[route(&provider, "/mcp", fields)]);
        let (one, other) = (Gateway::start(&file), Gateway::start(&file));
        let client = one.register();
        Some(Self { one, other, provider, client, _redis: redis })
    }

    fn refresh(&self, gateway: &Gateway, token: &str) -> Answer {
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", &self.client)];
        gateway.post_form("/token", &pairs, "")
    }
}

fn refresh_token(answer: &Value) -> String {
    answer["refresh_token"].as_str().unwrap().to_owned()
}

#[test]
fn what_one_replica_begins_another_ends_and_a_code_is_good_once_at_all_of_them() {
    let Some(world) = World::start("replicas") else { return };
    let World { one, other, provider, client, .. } = &world;
    let code = other.code(provider, client, RESOURCE);
    let tokens = one.redeem(client, &code, RESOURCE).ends(200).json();
    assert_eq!(other.call("/mcp", tokens["access_token"].as_str().unwrap()).status, 200);
    // The same code at the other one: refused, and the session ends with it.
    assert_eq!(other.redeem(client, &code, RESOURCE).ends(400).json()["error"], "invalid_grant");
    let refused = world.refresh(one, &refresh_token(&tokens)).ends(400);
    assert_eq!(refused.json()["error"], "invalid_grant");
}

#[test]
fn three_parallel_refreshes_on_two_replicas_all_succeed_and_the_session_lives() {
    let Some(world) = World::start("parallel") else { return };
    let World { one, other, provider, client, .. } = &world;
    let first = refresh_token(&one.login(provider, client, RESOURCE));
    let again = &|gateway| refresh_token(&world.refresh(gateway, &first).ends(200).json());
    let all: Vec<String> = std::thread::scope(|scope| {
        let asked: Vec<_> =
            [one, other, one].into_iter().map(|gateway| scope.spawn(move || again(gateway))).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let asked = provider.seen("/token");
    let at_provider = asked.iter().filter(|asked| asked["grant_type"] == "refresh_token").count();
    assert_eq!(at_provider, 1, "the provider is asked once");
    world.refresh(other, all.last().unwrap()).ends(200);
}

#[test]
fn without_its_store_no_login_ends_well_and_the_documents_are_there() {
    let provider = Provider::start();
    let folder = folder("no-redis");
    let key = folder.join("key");
    std::fs::write(&key, "mlk8iGVXiNNXFBxqnFPrAwzVx1gM4GBsnHrJXJNtPeI=\n").unwrap();
    let state = format!(
        "state: {{keyFile: '{}', store: {{redis: {{url: 'unix:///nonexistent/redis.sock'}}}}}}",
        key.display()
    );
    let fields = "provider: openIdConnect\nclientId: gateway";
    let gateway = Gateway::start(&file(&folder, &state, &[route(&provider, "/mcp", fields)]));
    gateway.get("/.well-known/oauth-authorization-server").ends(200);
    let client = gateway.register();
    let stopped = gateway.callback(&provider, &client, RESOURCE).ends(503);
    assert!(stopped.body.contains("<code>store</code>"), "{stopped:?}");
    assert!(provider.seen("/token").is_empty());
}
