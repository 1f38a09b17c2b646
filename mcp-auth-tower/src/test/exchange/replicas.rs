//! Replicas that share a real Redis.

use std::time::Duration;

use mcp_auth_core::seal::{SealKey, Sealer};
use mcp_auth_exchange::cache::SharedEntry;

use super::*;
use crate::exchange::{Claim, RedisTokens, SharedTokens as _};
use crate::store::redis::RedisConnection;
use crate::test::redis_server::RedisServer;

/// Redis goes by the time of day.
fn now() -> u64 {
    UnixTime::from(std::time::SystemTime::now()).as_secs()
}

fn sealer(key: u8) -> Sealer {
    Sealer::new(&SealKey::from_bytes([key; 32]), Arc::new(AwsLc::new())).unwrap()
}

fn tokens(server: &RedisServer, key: u8) -> RedisTokens {
    RedisTokens::new(RedisConnection::builder(&server.url()).unwrap().build().unwrap(), sealer(key))
}

async fn redis(server: &RedisServer, command: &[&str]) -> redis::Value {
    let connection = RedisConnection::builder(&server.url()).unwrap().build().unwrap();
    let mut cmd = redis::cmd(command[0]);
    for argument in &command[1..] {
        cmd.arg(argument);
    }
    connection.run(cmd).await.unwrap()
}

async fn names(server: &RedisServer) -> Vec<String> {
    let redis::Value::Array(names) = redis(server, &["KEYS", "*"]).await else { panic!() };
    let text = |value: &redis::Value| match value {
        redis::Value::BulkString(bytes) => String::from_utf8(bytes.clone()).unwrap(),
        other => panic!("{other:?}"),
    };
    let mut names: Vec<String> = names.iter().map(text).collect();
    names.sort();
    names
}

/// What all replicas have in common besides the store.
struct World {
    idp: Idp,
    provider: Arc<Provider>,
    tool: Arc<ToolState>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(HandClock(AtomicU64::new(now())));
        let provider = Provider::new(&clock, "tool");
        Self { idp: Idp::new(), provider, tool: Arc::new(ToolState::default()) }
    }

    fn token(&self, sub: &str) -> String {
        self.idp.token_with(|claims| {
            claims["sub"] = sub.into();
            claims["exp"] = json!(now() + 10 * LIFE);
        })
    }

    /// A gateway of its own, with its own memory and its own connection.
    fn replica(&self, server: &RedisServer, key: u8) -> McpAuthService<Tool> {
        self.with(|builder| builder.shared_tokens(Arc::new(tokens(server, key))))
    }

    fn with(&self, change: impl FnOnce(ExchangerBuilder) -> ExchangerBuilder) -> McpAuthService<Tool> {
        // What is slow on a busy machine costs exchanges, which are counted here.
        let builder =
            Exchanger::builder().shared_timeout(Duration::from_secs(30)).timeout(Duration::from_secs(30));
        let exchanger = change(builder.client(self.provider.clone())).build().unwrap();
        let auth = McpAuth::builder(RESOURCE)
            .unwrap()
            .issuer_keys(Issuer::new(ISSUER).audience(RESOURCE), self.idp.keys())
            .exchange_with(ExchangeSettings::new(plan()).exchanger(exchanger))
            .build()
            .unwrap();
        auth.layer(Tool { state: self.tool.clone(), ready: false })
    }
}

async fn status(service: &McpAuthService<Tool>, token: &str) -> u16 {
    service.clone().oneshot(post(token, &call("read"))).await.unwrap().status().as_u16()
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..2000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_108_a_thousand_callers_at_three_replicas_make_one_request() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let world = World::new();
    let replicas: Vec<_> = (0..3).map(|_| world.replica(&server, 1)).collect();
    let bob = world.token("bob");
    world.provider.close();
    let calls: Vec<_> = (0..1000)
        .map(|i| {
            let (service, token) = (replicas[i % 3].clone(), bob.clone());
            tokio::spawn(async move { status(&service, &token).await })
        })
        .collect();
    until("one asks", async || world.provider.asked() == 1).await;
    // Time for the others to ask as well, which they must not.
    tokio::time::sleep(Duration::from_millis(200)).await;
    world.provider.gate.add_permits(100_000);
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!((world.provider.asked(), world.tool.calls()), (1, 1000));
    let credentials = world.tool.credentials();
    assert!(credentials.iter().all(|one| *one == credentials[0]), "all have the one token");
    until("the claim is given back", async || names(&server).await.len() == 1).await;
    // A replica that starts later does not ask either.
    assert_eq!(status(&world.replica(&server, 1), &bob).await, 200);
    assert_eq!(world.provider.asked(), 1);
}

#[tokio::test]
async fn attack_106_what_is_stored_is_sealed_bound_to_its_name_and_ends() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let logs = Arc::new(Written::default());
    let _guard = Logs::of(&logs);
    let world = World::new();
    let (bob, alice) = (world.token("bob"), world.token("alice"));
    let first = world.replica(&server, 1);
    for (token, users) in [(&bob, 1), (&alice, 2)] {
        assert_eq!(status(&first, token).await, 200);
        until("it is stored", async || names(&server).await.len() == users).await;
    }
    let names = names(&server).await;
    let issued: Vec<String> =
        world.tool.credentials().iter().map(|value| value.replace("Bearer ", "")).collect();
    let mut values = Vec::new();
    for name in &names {
        let redis::Value::BulkString(value) = redis(&server, &["GET", name]).await else { panic!() };
        let value = String::from_utf8(value).unwrap();
        for secret in issued.iter().chain([&bob, &alice]).flat_map(|token| token.split('.')) {
            assert!(!value.contains(secret) && !name.contains(secret), "{name}: {value}");
        }
        let redis::Value::Int(seconds) = redis(&server, &["TTL", name]).await else { panic!() };
        assert!((1..=LIFE as i64).contains(&seconds), "{seconds}");
        values.push(value);
    }
    // Somebody who can write to the store changes them over: nobody gets the other's token.
    redis(&server, &["SET", &names[0], &values[1], "EX", "60"]).await;
    redis(&server, &["SET", &names[1], &values[0], "EX", "60"]).await;
    let second = world.replica(&server, 1);
    for (token, user, asked) in [(&bob, "bob", 3), (&alice, "alice", 4)] {
        assert_eq!((status(&second, token).await, world.provider.asked()), (200, asked));
        let used = world.tool.credentials().pop().unwrap();
        let claims = URL_SAFE_NO_PAD.decode(used.split('.').nth(1).unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&claims).unwrap()["sub"], user);
    }
    // Nor does one with another key, nor what is no token at all.
    assert_eq!(status(&world.replica(&server, 2), &bob).await, 200);
    assert_eq!(world.provider.asked(), 5);
    for name in &names {
        redis(&server, &["SET", name, "garbage", "EX", "60"]).await;
    }
    assert_eq!(status(&world.replica(&server, 1), &bob).await, 200);
    assert_eq!(world.provider.asked(), 6);
    let log = logs.text();
    assert!(log.contains("could not be opened"), "{log}");
    for secret in issued.iter().chain([&bob, &alice]) {
        assert!(!log.contains(secret.as_str()), "{log}");
    }
}

#[tokio::test]
async fn a_redis_that_is_down_costs_an_exchange_and_one_that_is_back_is_used() {
    let Some(mut server) = RedisServer::start(&[]).await else { return };
    let world = World::new();
    let (first, second) = (world.replica(&server, 1), world.replica(&server, 1));
    assert_eq!(status(&first, &world.token("bob")).await, 200);
    server.stop();
    let alice = world.token("alice");
    assert_eq!((status(&first, &alice).await, status(&second, &alice).await), (200, 200));
    assert_eq!(world.provider.asked(), 3, "each for itself");
    server.start_again().await;
    // They leave it alone for a second.
    until("it is used again", async || {
        let token = world.token(&format!("user-{}", world.provider.asked()));
        status(&first, &token).await;
        let before = world.provider.asked();
        status(&second, &token).await;
        world.provider.asked() == before
    })
    .await;
}

#[tokio::test]
async fn attack_108_a_replica_that_vanished_and_one_that_failed_hold_nobody_up() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let world = World::new();
    // The claim of one that is gone: after the time of one request the others go on without it.
    let store = tokens(&server, 1);
    let (bob, patience) = (world.token("bob"), Duration::from_millis(300));
    let service = world.with(|builder| builder.shared_tokens(Arc::new(tokens(&server, 1))).timeout(patience));
    assert_eq!(status(&service, &bob).await, 200);
    until("it is stored", async || names(&server).await.len() == 1).await;
    let name = names(&server).await.remove(0);
    redis(&server, &["DEL", &name]).await;
    redis(&server, &["SET", &format!("{name}:claim"), "1", "PX", "60000"]).await;
    let another = world.with(|builder| builder.shared_tokens(Arc::new(tokens(&server, 1))).timeout(patience));
    assert_eq!((status(&another, &bob).await, world.provider.asked()), (200, 2));
    // A failure is of the replica that had it; the claim is free at once.
    let alice = world.token("alice");
    world.provider.answers(|_| reply(400, &json!({"error": "invalid_grant"})));
    assert_eq!(status(&service, &alice).await, 401);
    let clock = Arc::new(HandClock(AtomicU64::new(now())));
    *world.provider.handler.lock().unwrap() = issues(&clock, "tool");
    assert_eq!((status(&another, &alice).await, world.provider.asked()), (200, 4));
    // One claim at a time, and each ends by itself.
    let subject = mcp_auth_exchange::plan::Subject::of(principal(&bob)).unwrap();
    let key = plan().cache_key("x", &subject, None);
    let hold = Duration::from_millis(50);
    assert_eq!(store.claim(key, hold).await, Claim::Ours);
    assert_eq!(tokens(&server, 1).claim(key, hold).await, Claim::Theirs);
    until("it ends", async || tokens(&server, 1).claim(key, Duration::from_secs(60)).await == Claim::Ours)
        .await;
    store.release(key).await;
    assert_eq!(store.claim(key, hold).await, Claim::Ours);
}

#[tokio::test]
async fn a_refused_token_is_removed_and_the_one_that_replaced_it_stays() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let store = tokens(&server, 1);
    let subject = mcp_auth_exchange::plan::Subject::of(principal(&World::new().token("bob"))).unwrap();
    let key = plan().cache_key("x", &subject, None);
    let token = |token: &str| {
        let (now, end) = (now(), now() + 300);
        let text = json!({"v": 1, "token": token, "missing": [], "beyond": [], "issued_at": now,
            "usable_until": end, "refresh_at": end});
        SharedEntry::read(text.to_string().as_bytes()).unwrap()
    };
    let (old, new) = (token("old"), token("new"));
    store.put(key, &new).await;
    store.remove(key, &old).await;
    assert_eq!(store.get(key).await.unwrap().expose(), "new");
    store.remove(key, &new).await;
    assert!(store.get(key).await.is_none() && names(&server).await.is_empty());
}

fn principal(token: &str) -> Arc<mcp_auth_core::Principal> {
    let validator = mcp_auth_core::jwt::Validator::new([Issuer::new(ISSUER).audience(RESOURCE)]).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let checks = mcp_auth_core::jwt::Checks::at(UnixTime::from_secs(now()));
    Arc::new(validator.accept_introspected(0.into(), token, &claims, &checks).unwrap())
}
