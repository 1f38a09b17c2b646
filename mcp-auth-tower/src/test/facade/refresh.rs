//! Refresh tokens that come several times at once, on one replica and on two.

use super::*;

async fn three_at_once(worlds: [&World; 3], token: &str) -> Vec<(StatusCode, Value)> {
    futures_util::future::join_all(worlds.map(|world| world.refresh(token))).await
}

fn same_good_answers(answers: &[(StatusCode, Value)]) -> String {
    for (status, answer) in answers {
        assert_eq!(*status, StatusCode::OK, "{answer}");
        assert_eq!(answer, &answers[0].1);
    }
    answers[0].1["refresh_token"].as_str().unwrap().to_owned()
}

/// The time of `Step::Wait` passes at once.
#[tokio::test(start_paused = true)]
async fn attack_104_three_parallel_refreshes_are_one_rotation_and_all_succeed() {
    let world = World::new();
    let mut token = world.login().await["refresh_token"].as_str().unwrap().to_owned();
    for round in 1..=3 {
        let answers = three_at_once([&world; 3], &token).await;
        token = same_good_answers(&answers);
        assert_eq!(world.provided.asked("/token"), 1 + round, "the provider was asked once");
    }
    assert_eq!(world.refresh(&token).await.0, StatusCode::OK, "the session is alive");
}

#[tokio::test(start_paused = true)]
async fn attack_104_a_refresh_token_that_comes_late_ends_the_session() {
    let world = World::new();
    let first = world.login().await["refresh_token"].as_str().unwrap().to_owned();
    let second = world.refresh(&first).await.1["refresh_token"].as_str().unwrap().to_owned();
    world.clock.advance(31);
    for token in [&first, &second] {
        let (status, answer) = world.refresh(token).await;
        assert_eq!((status, answer["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_grant")));
    }
    assert_eq!(world.written.last(), "session_ended");
}

/// A client that hangs up while the provider is asked, and asks again.
#[tokio::test(start_paused = true)]
async fn attack_104_who_hangs_up_in_the_middle_does_not_lose_the_session() {
    let world = Arc::new(World::new());
    let token = world.login().await["refresh_token"].as_str().unwrap().to_owned();
    world.provided.close();
    let (asking, given) = (world.clone(), token.clone());
    let hung_up = tokio::spawn(async move { asking.refresh(&given).await });
    while world.provided.asked("/token") < 2 {
        tokio::task::yield_now().await;
    }
    hung_up.abort();
    assert!(hung_up.await.unwrap_err().is_cancelled());
    world.provided.gate.add_permits(1);
    let (status, answer) = world.refresh(&token).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(world.provided.asked("/token"), 2, "the answer was not lost");
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn attack_099_104_two_replicas_with_one_redis_are_one_server() {
    use crate::store::redis::{RedisConnection, RedisStore};
    use crate::test::redis_server::RedisServer;

    let Some(mut redis) = RedisServer::start(&[]).await else { return };
    let store = || -> Arc<dyn Store> {
        Arc::new(RedisStore::new(RedisConnection::builder(&redis.url()).unwrap().build().unwrap()))
    };
    // Redis goes by its own clock.
    let now: UnixTime = std::time::SystemTime::now().into();
    let world = World::new();
    world.clock.0.store(now.as_secs(), Ordering::SeqCst);
    let (one, two) = (world.replica(store()), world.replica(store()));

    // A login that begins here and ends there.
    let at_provider = one.to_provider(&authorization()).await;
    *two.cookies.lock().unwrap() = one.cookies.lock().unwrap().clone();
    let (parts, page) = two.back(&at_provider).await;
    assert_eq!(parts.status, StatusCode::FOUND, "{page}");
    let code = parameter(&location(&parts), "code").unwrap();
    assert_eq!(one.back(&at_provider).await.0.status, StatusCode::BAD_REQUEST, "used there");
    let (parts, tokens) = one.redeem(&code).await;
    assert_eq!(parts.status, StatusCode::OK, "{tokens}");
    let token = tokens["refresh_token"].as_str().unwrap();
    let asked = world.provided.asked("/token");
    let token = same_good_answers(&three_at_once([&one, &two, &one], token).await);
    assert_eq!(world.provided.asked("/token"), asked + 1);
    assert_eq!(two.refresh(&token).await.0, StatusCode::OK);
    // The code again, at the other one: what came of it ends.
    assert_eq!(two.redeem(&code).await.0.status, StatusCode::BAD_REQUEST);

    // Redis is down: nothing on a guess.
    let code = one.code().await;
    redis.stop();
    let (parts, answer) = one.redeem(&code).await;
    assert_eq!(
        (parts.status, answer["error"].as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, Some("temporarily_unavailable"))
    );
    assert_eq!(one.written.last(), "store");
}
