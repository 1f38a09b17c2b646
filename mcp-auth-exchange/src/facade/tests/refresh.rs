//! Refresh tokens: rotation, parallel use, reuse, revocation.

use http::StatusCode;

use super::*;

/// Runs on two replicas, one step of each in turn, until all have an answer.
fn in_parallel(world: &mut World, requests: Vec<Request<Bytes>>) -> Vec<Answer> {
    let replica = Arc::new(builder(shared()).build().unwrap());
    let mut runs: Vec<_> = Vec::new();
    for (request, i) in requests.into_iter().zip(0..) {
        let run = if i % 2 == 0 { world.begin(request) } else { replica.begin(request).unwrap() };
        runs.push((run, Some(Input::Start)));
    }
    let mut answers: Vec<Option<Answer>> = runs.iter().map(|_| None).collect();
    while answers.iter().any(Option::is_none) {
        for ((run, input), answer) in runs.iter_mut().zip(&mut answers) {
            let Some(next) = input.take() else { continue };
            let step = world.step(run, next);
            match world.perform(step) {
                Ok(next) => *input = Some(next),
                Err(done) => *answer = Some(*done),
            }
        }
    }
    answers.into_iter().flatten().collect()
}

fn refresh_token(answer: &Answer) -> String {
    body(answer)["refresh_token"].as_str().unwrap().to_owned()
}

#[test]
fn attack_104_parallel_refreshes_with_one_token_lead_to_one_rotation() {
    let mut world = World::shared();
    let token = world.login();
    let before = world.sent.len();
    world.answers.extend([upstream_tokens(2), upstream_tokens(3)]);
    let requests = (0..5).map(|_| post("/token", &refreshing(&token))).collect();
    let answers = in_parallel(&mut world, requests);
    assert_eq!(world.sent.len() - before, 1, "the provider is asked once");
    assert!(world.asked().contains(&"refresh_token: refresh-1".to_owned()));
    for answer in &answers {
        assert_eq!(answer.response.status(), StatusCode::OK);
        assert_eq!(body(answer), body(&answers[0]), "all get the same tokens");
    }
    assert_eq!(answers.iter().filter(|answer| answer.event == Event::Refreshed).count(), 1);

    // The session is alive, with the new token.
    let next = refresh_token(&answers[0]);
    assert_ne!(next, token, "C10: rotated");
    let answer = world.call(post("/token", &refreshing(&next)));
    assert_eq!((answer.event, &body(&answer)["access_token"]), (Event::Refreshed, &json!("access-3")));
    assert!(world.asked().contains(&"refresh_token: refresh-2".to_owned()), "{:?}", world.asked());
}

#[test]
fn attack_104_a_late_client_gets_the_same_answer_and_a_thief_ends_the_session() {
    let mut world = World::shared();
    let token = world.login();
    world.answers.extend([upstream_tokens(2), upstream_tokens(3)]);
    let first = world.call(post("/token", &refreshing(&token)));
    world.now += 29;
    let late = world.call(post("/token", &refreshing(&token)));
    assert_eq!(late.event, Event::RefreshShared);
    assert_eq!(refresh_token(&late), refresh_token(&first));
    assert_eq!(body(&late)["expires_in"], 271, "what is left of it");
    world.now += 1;
    let reused = world.call(post("/token", &refreshing(&token)));
    assert_eq!(reused.event, Event::Refused(Refusal::RefreshReused));
    assert_eq!(body(&reused)["error"], "invalid_grant");
    let answer = world.call(post("/token", &refreshing(&refresh_token(&first))));
    assert_eq!(answer.event, Event::Refused(Refusal::SessionEnded), "RFC 9700 §4.14.2");
    assert_eq!(world.answers.len(), 1, "the provider was not asked");
}

#[test]
fn attack_104_a_failed_refresh_can_be_tried_again() {
    let mut world = World::shared();
    let token = world.login();
    for answer in [None, Some(json_response(503, &json!({}))), Some(json_response(200, &json!({})))] {
        world.answers.extend(answer);
        let answer = world.call(post("/token", &refreshing(&token)));
        assert!(matches!(answer.response.status().as_u16(), 500 | 503));
    }
    world.upstream = None;
    let answer = world.call(post("/token", &refreshing(&token)));
    assert_eq!(answer.event, Event::Refused(Refusal::UpstreamUnavailable));
    assert_eq!(answer.response.headers()["retry-after"], "1");
    world.upstream = Some(provider_metadata(json!({})));
    world.answers.push_back(upstream_tokens(2));
    assert_eq!(world.call(post("/token", &refreshing(&token))).event, Event::Refreshed);
}

#[test]
fn attack_104_a_leader_that_is_gone_holds_nobody_up_for_long() {
    let mut world = World::shared();
    let token = world.login();
    let mut leader = world.begin(post("/token", &refreshing(&token)));
    let mut input = Input::Start;
    loop {
        match world.step(&mut leader, input) {
            Step::Send(_) => break,
            step => input = world.perform(step).unwrap(),
        }
    }
    drop(leader);
    let answer = world.call(post("/token", &refreshing(&token)));
    assert_eq!(answer.event, Event::Refused(Refusal::Busy));
    world.now += LEASE.as_secs();
    world.answers.push_back(upstream_tokens(2));
    assert_eq!(world.call(post("/token", &refreshing(&token))).event, Event::Refreshed);
}

#[test]
fn attack_104_a_late_failure_does_not_undo_the_record_of_another_request() {
    let mut world = World::shared();
    let token = world.login();
    let mut slow = world.begin(post("/token", &refreshing(&token)));
    let mut input = Input::Start;
    loop {
        match world.step(&mut slow, input) {
            Step::Send(_) => break,
            step => input = world.perform(step).unwrap(),
        }
    }
    world.now += LEASE.as_secs();
    world.answers.push_back(upstream_tokens(2));
    assert_eq!(world.call(post("/token", &refreshing(&token))).event, Event::Refreshed);
    let refused = world.step(&mut slow, Input::Failed);
    assert!(matches!(refused, Step::Done(_)), "{refused:?}");
    world.now += 30;
    let answer = world.call(post("/token", &refreshing(&token)));
    assert_eq!(answer.event, Event::Refused(Refusal::RefreshReused));
}

#[test]
fn when_the_provider_ends_the_grant_the_session_ends() {
    let mut world = World::shared();
    let token = world.login();
    world.answers.push_back(json_response(400, &json!({"error": "invalid_grant"})));
    let requests = (0..2).map(|_| post("/token", &refreshing(&token))).collect();
    for answer in in_parallel(&mut world, requests) {
        assert_eq!(
            (answer.response.status().as_u16(), &body(&answer)["error"]),
            (400, &json!("invalid_grant"))
        );
    }
    let answer = world.call(post("/token", &refreshing(&token)));
    assert_eq!(answer.event, Event::Refused(Refusal::SessionEnded));
}

#[test]
fn without_a_store_no_token_is_refreshed() {
    let mut world = World::shared();
    let token = world.login();
    let sent = world.sent.len();
    world.store_works = false;
    let answer = world.call(post("/token", &refreshing(&token)));
    assert_eq!((answer.event, world.sent.len()), (Event::Refused(Refusal::Store), sent));
    assert_eq!(answer.response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn a_refresh_token_is_its_clients_for_its_time_and_its_resource() {
    let second = ProtectedResource::new(ResourceIdentifier::parse("https://mcp.example/two").unwrap());
    let other = PreRegisteredClient::new("other", ClientMetadata::new([REDIRECT]));
    let mut world = World::new(builder(shared()).client(other).resource(second).build().unwrap());
    let token = world.login();
    for (name, value, refusal) in [
        ("client_id", "other", Refusal::RefreshToken),
        ("refresh_token", "refresh-1", Refusal::RefreshToken),
        ("refresh_token", "", Refusal::Missing),
        ("resource", "https://mcp.example/two", Refusal::Target),
        ("scope", "admin", Refusal::Scope),
    ] {
        let answer = world.call(post("/token", &with(refreshing(&token), name, value)));
        assert_eq!(answer.event, Event::Refused(refusal), "{name}={value}");
    }
    world.now += 30 * 24 * 3600;
    let answer = world.call(post("/token", &refreshing(&token)));
    assert_eq!(answer.event, Event::Refused(Refusal::RefreshToken));
}

#[test]
fn a_session_ends_however_often_it_is_refreshed() {
    let mut world = World::shared();
    let mut token = world.login();
    for _ in 0..4 {
        world.now += 20 * 24 * 3600;
        world.answers.push_back(upstream_tokens(2));
        let answer = world.call(post("/token", &refreshing(&token)));
        token = refresh_token(&answer);
    }
    world.now += 10 * 24 * 3600;
    let answer = world.call(post("/token", &refreshing(&token)));
    assert_eq!(answer.event, Event::Refused(Refusal::RefreshToken), "90 days");
}

#[test]
fn a_provider_that_does_not_rotate_is_asked_with_the_old_one_again() {
    let mut world = World::shared();
    let token = world.login();
    let without = json_response(200, &json!({"access_token": "access-2", "token_type": "bearer"}));
    world.answers.extend([without, upstream_tokens(3)]);
    let answer = world.call(post("/token", &refreshing(&token)));
    assert_eq!((body(&answer).get("expires_in"), &body(&answer)["scope"]), (None, &json!("mcp:read")));
    assert_eq!(world.call(post("/token", &refreshing(&refresh_token(&answer)))).event, Event::Refreshed);
    assert!(world.asked().contains(&"refresh_token: refresh-1".to_owned()));
}

#[test]
fn clients_that_did_not_register_for_it_get_no_refresh_token() {
    let mut metadata = ClientMetadata::new([REDIRECT]);
    metadata.grant_types = Some(vec!["authorization_code".into()]);
    let mut world =
        World::new(builder(shared()).client(PreRegisteredClient::new("c", metadata)).build().unwrap());
    let code = world.code(&with(authorization(), "client_id", "c"), 1);
    let answer = world.call(post("/token", &with(redemption(&code), "client_id", "c")));
    assert_eq!((answer.event, body(&answer).get("refresh_token")), (Event::TokensIssued, None));
    let answer = world.call(post("/token", &with(refreshing("x"), "client_id", "c")));
    assert_eq!(body(&answer)["error"], "unauthorized_client");
}

#[test]
fn rfc_7009_a_revoked_token_ends_its_session_here_and_there() {
    let mut world = World::shared();
    let token = world.login();
    let revoke = |world: &mut World, token: &str| {
        world.call(post("/revoke", &[("client_id", "app"), ("token", token)]))
    };
    let foreign = with(vec![("token", token.as_str())], "client_id", "other");
    assert_eq!(world.call(post("/revoke", &foreign)).response.status(), StatusCode::UNAUTHORIZED);

    world.answers.push_back(json_response(200, &json!({})));
    let answer = revoke(&mut world, &token);
    assert_eq!((answer.event, answer.response.status()), (Event::Revoked, StatusCode::OK));
    assert_eq!(world.sent.last().unwrap().uri(), "https://idp.example/revoke");
    assert_eq!(world.asked(), ["token: refresh-1", "token_type_hint: refresh_token"]);
    let answer = world.call(post("/token", &refreshing(&token)));
    assert_eq!(answer.event, Event::Refused(Refusal::SessionEnded));

    // An access token is the provider's; what is neither is no error.
    world.answers.push_back(json_response(200, &json!({})));
    assert_eq!(revoke(&mut world, "access-1").event, Event::Revoked);
    assert_eq!(world.asked(), ["token: access-1", "token_type_hint: access_token"]);
    let sent = world.sent.len();
    assert_eq!((revoke(&mut world, "s1.AAAA").event, world.sent.len()), (Event::Revoked, sent));
    world.answers.push_back(json_response(503, &json!({})));
    assert_eq!(revoke(&mut world, "access-1").response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn attack_104_however_often_a_session_is_refreshed_it_takes_one_record() {
    let mut world = World::shared();
    world.store = MemoryStore::new(8, 1 << 20);
    let mut tokens = vec![world.login()];
    for number in 0..200 {
        world.now += 300;
        world.answers.push_back(upstream_tokens(number));
        let answer = world.call(post("/token", &refreshing(tokens.last().unwrap())));
        assert_eq!(answer.event, Event::Refreshed, "{number}");
        tokens.push(refresh_token(&answer));
    }
    world.now += 300;
    // Every one of them is known as used, also the first.
    let reused = world.call(post("/token", &refreshing(&tokens[0])));
    assert_eq!(reused.event, Event::Refused(Refusal::RefreshReused));
    let answer = world.call(post("/token", &refreshing(tokens.last().unwrap())));
    assert_eq!(answer.event, Event::Refused(Refusal::SessionEnded));
}
