//! Against a real Redis.

use std::time::Duration;

use mcp_auth_core::UnixTime;

use super::*;
use crate::store::{Store as _, StoreCommand, StoreEntry, StoreError, StoreReply};
use crate::test::redis_server::RedisServer as Process;

fn now() -> UnixTime {
    std::time::SystemTime::now().into()
}

fn entry(name: &str, value: &str, seconds: u64) -> StoreEntry {
    let expires_at = UnixTime::from_secs(now().as_secs() + seconds);
    StoreEntry { name: name.into(), value: value.into(), expires_at }
}

fn store(url: &str) -> RedisStore {
    // Time enough, whatever else the machine does.
    let connection = RedisConnection::builder(url).unwrap().timeout(Duration::from_secs(30));
    RedisStore::new(connection.build().unwrap())
}

async fn run(store: &RedisStore, command: StoreCommand) -> Result<StoreReply, StoreError> {
    store.execute(command, now()).await
}

fn get(name: &str) -> StoreCommand {
    StoreCommand::Get { name: name.into() }
}

fn found(value: &str) -> Result<StoreReply, StoreError> {
    Ok(StoreReply::Value(Some(value.into())))
}

const NOTHING: Result<StoreReply, StoreError> = Ok(StoreReply::Value(None));

#[tokio::test]
async fn the_four_commands_do_in_redis_what_they_do_in_memory() {
    let Some(server) = Process::start(&[]).await else { return };
    let store = store(&server.url());
    let once = StoreCommand::PutIfAbsent(entry("a", "1", 60));
    assert_eq!(run(&store, once.clone()).await, NOTHING);
    assert_eq!(run(&store, once).await, found("1"));
    assert_eq!(run(&store, StoreCommand::PutIfAbsent(entry("a", "2", 60))).await, found("1"), "not replaced");
    assert_eq!(run(&store, get("a")).await, found("1"));
    assert_eq!(run(&store, StoreCommand::Put(entry("a", "OK", 60))).await, Ok(StoreReply::Done));
    assert_eq!(run(&store, get("a")).await, found("OK"));
    assert_eq!(run(&store, StoreCommand::PutIfAbsent(entry("a", "3", 60))).await, found("OK"));
    assert_eq!(run(&store, StoreCommand::Take { name: "a".into() }).await, found("OK"));
    assert_eq!(run(&store, StoreCommand::Take { name: "a".into() }).await, NOTHING);
    assert_eq!(run(&store, get("a")).await, NOTHING);
    // What has ended is not there.
    assert_eq!(run(&store, StoreCommand::Put(entry("b", "1", 0))).await, Ok(StoreReply::Done));
    assert_eq!(run(&store, get("b")).await, NOTHING);
}

#[tokio::test]
async fn attack_099_of_many_who_take_at_once_one_gets_it() {
    let Some(server) = Process::start(&[]).await else { return };
    let stores = [store(&server.url()), store(&server.url())];
    let value = "x".repeat(10_000);
    run(&stores[0], StoreCommand::Put(entry("code", &value, 60))).await.unwrap();
    let take = |at: usize| run(&stores[at % 2], StoreCommand::Take { name: "code".into() });
    let taken = futures_util::future::join_all((0..50).map(take)).await;
    assert_eq!(taken.iter().filter(|taken| **taken == found(&value)).count(), 1);
    assert_eq!(taken.iter().filter(|taken| **taken == NOTHING).count(), 49);
    let put = |at: usize| run(&stores[at % 2], StoreCommand::PutIfAbsent(entry("used", &at.to_string(), 60)));
    let first = futures_util::future::join_all((0..50).map(put)).await;
    assert_eq!(first.iter().filter(|first| **first == NOTHING).count(), 1);
}

#[tokio::test]
async fn a_redis_that_is_down_is_an_error_and_one_that_is_back_is_used() {
    let Some(mut server) = Process::start(&[]).await else { return };
    let store = store(&server.url());
    assert_eq!(run(&store, StoreCommand::Put(entry("a", "1", 60))).await, Ok(StoreReply::Done));
    server.stop();
    for _ in 0..3 {
        let failed = run(&store, get("a")).await;
        assert!(matches!(failed, Err(StoreError::Unavailable(_) | StoreError::Timeout(_))), "{failed:?}");
    }
    server.start_again().await;
    // The first one after it may find the broken connection.
    let _ = run(&store, get("a")).await;
    assert_eq!(run(&store, get("a")).await, NOTHING);
    assert_eq!(run(&store, StoreCommand::Put(entry("a", "2", 60))).await, Ok(StoreReply::Done));
}

#[tokio::test]
async fn what_is_wrong_with_a_redis_is_said() {
    let Some(server) = Process::start(&["--requirepass", "s3cret-canary", "--maxmemory", "100mb"]).await
    else {
        return;
    };
    let anonymous = RedisConnection::builder(&server.url()).unwrap().build().unwrap();
    let refused = anonymous.check().await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused(_) | StoreError::Unavailable(_)), "{refused:?}");
    let with = |password: &str| {
        let builder = RedisConnection::builder(&server.url()).unwrap();
        builder.password(&mcp_auth_discovery::Secret::new(password)).build().unwrap()
    };
    let wrong = with("wr0ng-canary").check().await.unwrap_err();
    assert!(matches!(wrong, StoreError::Refused(_)), "{wrong:?}");
    let good = with("s3cret-canary");
    let told = format!(
        "{wrong} {wrong:?} {good:?} {:?}",
        RedisConnection::builder("redis://u:s3cret-canary@h").unwrap()
    );
    assert!(!told.contains("canary"), "{told}");
    let found = good.check().await.unwrap();
    assert!(found.version.starts_with(|c: char| c.is_ascii_digit()), "{found:?}");
    assert_eq!(found.evicts, None, "noeviction is Redis' default");

    let Some(evicting) =
        Process::start(&["--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"]).await
    else {
        return;
    };
    let found = RedisConnection::builder(&evicting.url()).unwrap().build().unwrap().check().await.unwrap();
    assert_eq!(found.evicts.as_deref(), Some("volatile-lru"));

    let Some(full) = Process::start(&["--maxmemory", "1"]).await else { return };
    let full = store(&full.url());
    assert_eq!(run(&full, StoreCommand::Put(entry("a", "1", 60))).await, Err(StoreError::Full));

    for url in ["http://localhost", "localhost:6379", "", "redis://u:s3cret-canary@:::"] {
        let error = RedisConnection::builder(url).unwrap_err();
        assert!(matches!(&error, StoreError::Unusable(text) if !text.contains("canary")), "{url}: {error:?}");
    }
}

/// Redis of other versions is not at hand: what one answers is played.
#[tokio::test]
async fn an_old_redis_is_told_apart_from_a_broken_one() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let play = async |hello: &'static str, info: &'static str| {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut read = vec![0; 4096];
                    while let Ok(length @ 1..) = stream.read(&mut read).await {
                        let asked = String::from_utf8_lossy(read.get(..length).unwrap()).into_owned();
                        let setnames = asked.matches("SETINFO").count();
                        let mut answer = String::new();
                        if asked.contains("HELLO") {
                            answer.push_str(hello);
                        }
                        answer.push_str(&"+OK\r\n".repeat(setnames));
                        if asked.contains("INFO\r\n") && setnames == 0 {
                            answer.push_str(&format!("${}\r\n{info}\r\n", info.len()));
                        }
                        let _ = stream.write_all(answer.as_bytes()).await;
                    }
                });
            }
        });
        run(&store(&url), get("a")).await
    };
    let hello = "%1\r\n$5\r\nproto\r\n:3\r\n";
    let old = play(hello, "redis_version:6.2.14\r\nmaxmemory:0\r\n").await;
    assert!(
        matches!(&old, Err(StoreError::Unusable(text)) if text.contains("6.2.14") && text.contains("7.0")),
        "{old:?}"
    );
    let older = play("-ERR unknown command 'HELLO'\r\n", "").await;
    assert!(matches!(&older, Err(StoreError::Unusable(text)) if text.contains("7.0")), "{older:?}");
    let other = play(hello, "something else").await;
    assert_eq!(other, Err(StoreError::Answer));
}
