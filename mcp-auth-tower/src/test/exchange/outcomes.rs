//! The table of outcomes, and what must be in none of them.

use mcp_auth_core::mcp::McpCall;

use super::*;

struct Row {
    name: &'static str,
    answer: fn() -> Answer,
    status: u16,
    code: &'static str,
    /// In the challenge.
    says: &'static [&'static str],
    retry_after: Option<&'static str>,
}

const CANARY: &str = "provider-canary";

fn row(name: &'static str, answer: fn() -> Answer, status: u16, code: &'static str) -> Row {
    Row { name, answer, status, code, says: &[], retry_after: None }
}

/// An issued token for bob with another claim.
fn token_with(name: &str, value: Value) -> Answer {
    let mut claims = claims("bob", "tool", NOW + 300, 0);
    claims[name] = value;
    reply(200, &issued(&claims))
}

/// An answer with another member.
fn answer_with(name: &str, value: Value) -> Answer {
    let mut answer = issued(&claims("bob", "tool", NOW + 300, 0));
    answer[name] = value;
    reply(200, &answer)
}

/// A refusal in words that must not get out.
fn error(status: u16, error: &str) -> Answer {
    reply(status, &json!({"error": error, "error_description": format!("{CANARY} for bob")}))
}

fn rows() -> Vec<Row> {
    vec![
        Row {
            says: &[r#"error="invalid_token""#, METADATA, r#"scope="mcp:read""#],
            ..row("invalid_grant", || error(400, "invalid_grant"), 401, "exchange_subject_refused")
        },
        row("consent", || error(400, "consent_required"), 403, "exchange_consent_required"),
        Row {
            says: &[r#"error="insufficient_user_authentication""#, r#"acr_values="phr""#, r#"max_age="60""#],
            ..row(
                "step-up",
                || {
                    let body = json!({"error": "insufficient_user_authentication", "acr_values": "phr", "max_age": 60});
                    reply(400, &body)
                },
                401,
                "exchange_step_up",
            )
        },
        Row {
            says: &[r#"error="insufficient_claims""#, r#"claims="eyJhIjoxfQ==""#],
            ..row(
                "claims",
                || reply(400, &json!({"error": "interaction_required", "claims": "{\"a\":1}"})),
                401,
                "exchange_claims_challenge",
            )
        },
        row("row_088 invalid_client", || error(401, "invalid_client"), 500, "exchange_misconfigured"),
        row(
            "row_102 unauthorized_client",
            || error(400, "unauthorized_client"),
            500,
            "exchange_misconfigured",
        ),
        row(
            "row_087 unsupported_grant_type",
            || error(400, "unsupported_grant_type"),
            500,
            "exchange_misconfigured",
        ),
        row("not found", || text_reply(404, "text/plain", CANARY), 500, "exchange_misconfigured"),
        row(
            "redirect",
            || {
                let mut answer = text_reply(302, "text/plain", "");
                let location = "https://evil.example/".parse().unwrap();
                answer.as_mut().unwrap().headers_mut().insert("location", location);
                answer
            },
            500,
            "exchange_misconfigured",
        ),
        row(
            "HTML",
            || text_reply(200, "text/html", "<!doctype html><title>Sign in provider-canary</title>"),
            502,
            "exchange_unusable",
        ),
        row("no token", || reply(200, &json!({})), 502, "exchange_unusable"),
        row("huge", || Ok(Response::new(Bytes::from(vec![b' '; 1 << 20]))), 502, "exchange_unusable"),
        row("huge, cut off", || Err(FetchError::TooLong { limit: 65536 }), 502, "exchange_unusable"),
        row("wrong type", || answer_with("token_type", json!("mac")), 502, "exchange_unusable"),
        row("DPoP unasked", || answer_with("token_type", json!("DPoP")), 502, "exchange_unusable"),
        row(
            "an ID token",
            || answer_with("issued_token_type", json!("urn:ietf:params:oauth:token-type:id_token")),
            502,
            "exchange_unusable",
        ),
        row(
            "row_076_268 other sub",
            || token_with("sub", json!("service-account")),
            502,
            "exchange_unusable",
        ),
        row("other aud", || token_with("aud", json!("elsewhere")), 502, "exchange_unusable"),
        row("no aud", || token_with("aud", Value::Null), 502, "exchange_unusable"),
        row("expired", || token_with("exp", json!(NOW - 1)), 502, "exchange_unusable"),
        Row {
            retry_after: Some("5"),
            ..row("down", || Err(FetchError::Connect("refused".into())), 503, "exchange_transient")
        },
        Row {
            retry_after: Some("5"),
            ..row(
                "5xx",
                || text_reply(502, "text/html", "<h1>provider-canary</h1>"),
                503,
                "exchange_transient",
            )
        },
        Row {
            retry_after: Some("30"),
            ..row(
                "overloaded",
                || {
                    let mut answer = text_reply(429, "text/plain", "");
                    answer.as_mut().unwrap().headers_mut().insert("retry-after", "30".parse().unwrap());
                    answer
                },
                503,
                "exchange_transient",
            )
        },
    ]
}

#[tokio::test(start_paused = true)]
async fn attack_107_109_112_every_failure_has_its_answer_and_none_has_a_token() {
    for Row { name, answer, status, code: expected, says, retry_after } in rows() {
        let logs = Arc::new(Written::default());
        let _guard = Logs::of(&logs);
        let route = Route::new();
        let token = route.token("bob");
        route.provider.answers(move |_| answer());
        let mut request = post(&token, &call("read"));
        request.headers_mut().insert("x-forwarded-access-token", token.parse().unwrap());
        let answer = route.send(request).await;
        let (parts, body) = &answer;
        assert_eq!((parts.status.as_u16(), code(parts)), (status, expected), "{name}: {body}");
        for text in says {
            assert!(challenge(parts).contains(text), "{name}: {}", challenge(parts));
        }
        assert_eq!(parts.headers.contains_key(WWW_AUTHENTICATE), status == 401, "{name}");
        let after = parts.headers.get("retry-after").map(|v| v.to_str().unwrap());
        assert_eq!(after, retry_after, "{name}");
        if status != 401 {
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!((&body["id"], body["result"].is_null()), (&json!(7), true), "{name}");
        }
        assert_eq!(route.tool.calls(), 0, "{name}");
        assert!(
            parts
                .extensions
                .get::<Arc<Rejection>>()
                .unwrap()
                .call()
                .is_some_and(|c: &McpCall| c.id.is_some())
        );

        // Nothing of the caller's token, of our secret, or of the provider's own words.
        for part in token.split('.').chain([SECRET]) {
            route.assert_nowhere(part, &answer, &logs);
        }
        assert!(!body.contains(CANARY) && !challenge(parts).contains(CANARY), "{name}: {body}");
        assert!(!route.records.text().contains(CANARY), "{name}");
        let log = logs.text();
        assert!(log.contains("token not exchanged"), "{name}: {log}");
        let told = log.lines().filter(|line| line.contains(CANARY)).all(|line| line.starts_with("DEBUG"));
        assert!(told, "the provider's words are for debugging: {log}");
        // One record: the call was permitted, and then refused for want of a credential.
        let records = route.records.text();
        assert_eq!(records.matches(expected).count(), 1, "{name}: {records}");
        let diagnosis = Route::diagnosis(parts);
        assert!(records.contains(&format!("diagnosis: Some({diagnosis:?})")), "{name}: {records}");
        assert!(log.contains(&format!("id={diagnosis:?}")), "{name}: {log}");
    }
}

#[tokio::test(start_paused = true)]
async fn attack_109_a_provider_that_never_answers_is_a_503_in_bounded_time() {
    let route = Route::new();
    route.provider.close();
    let started = tokio::time::Instant::now();
    let (parts, _) = route.call(&route.token("bob")).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::SERVICE_UNAVAILABLE, "exchange_transient"));
    assert_eq!(route.provider.asked(), 2, "two tries");
    // The clock is tokio's own, which goes when everybody waits: no wall time.
    assert!(started.elapsed().as_secs() <= 11, "{:?}", started.elapsed());

    // A plan of three steps with three tries each is bounded by the deadline.
    let exchanger = |b: ExchangerBuilder| b.deadline(std::time::Duration::from_secs(7));
    let route = Route::with(plan().attempts(3), exchanger, |s| s, |b| b);
    route.provider.close();
    let started = tokio::time::Instant::now();
    assert_eq!(route.status(&route.token("bob")).await, StatusCode::SERVICE_UNAVAILABLE);
    assert!(started.elapsed().as_millis() <= 7_010, "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn attack_109_a_circuit_opens_and_closes() {
    let logs = Arc::new(Written::default());
    let _guard = Logs::of(&logs);
    let lines = |level: &str, what: &str| {
        let text = logs.text();
        let with_all =
            |line: &&str| line.starts_with(level) && line.contains(what) && line.contains(ENDPOINT);
        text.lines().filter(with_all).count()
    };
    let route = Route::by(plan().attempts(1));
    route.provider.answers(|_| Err(FetchError::Connect("refused".into())));
    for (n, user) in ["a", "b", "c", "d", "e", "f", "g"].into_iter().enumerate() {
        assert_eq!(route.status(&route.token(user)).await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(lines("WARN", "left alone"), usize::from(n >= 4), "once, when it opens");
    }
    assert_eq!(route.provider.asked(), 5, "then nobody is asked");
    let text = logs.text();
    let whole = |line: &&str| line.contains("plan=\"tool\"") && line.contains("cannot be reached: refused");
    assert_eq!(text.lines().filter(whole).count(), 5, "plan and cause in one line: {text}");
    route.clock.advance(6);
    *route.provider.handler.lock().unwrap() = issues(&route.clock, "tool");
    assert_eq!(route.status(&route.token("h")).await, StatusCode::OK);
    assert_eq!(route.status(&route.token("i")).await, StatusCode::OK);
    assert_eq!(route.provider.asked(), 7);
    assert_eq!((lines("WARN", "left alone"), lines("INFO", "answers again")), (1, 1));
}

#[tokio::test]
async fn scopes_beyond_and_missing_are_said() {
    let logs = Arc::new(Written::default());
    let _guard = Logs::of(&logs);
    let route = Route::new();
    for (granted, said) in [
        ("mcp:invoke", None),
        ("mcp:invoke mcp:extra", Some(r#"missing="" beyond="mcp:extra""#)),
        ("mcp:other", Some(r#"missing="mcp:invoke" beyond="mcp:other""#)),
    ] {
        let clock = route.clock.clone();
        route.provider.answers(move |request| {
            let mut claims = claims(&subject_of(request), "tool", clock.secs() + LIFE, 0);
            claims["scope"] = granted.into();
            let mut answer = issued(&claims);
            answer["scope"] = granted.into();
            reply(200, &answer)
        });
        assert_eq!(route.status(&route.token(granted)).await, StatusCode::OK);
        let text = logs.text();
        let warned = text.lines().any(|line| line.starts_with("WARN") && line.contains("other scopes"));
        assert_eq!(warned, said.is_some(), "{text}");
        assert!(text.contains(said.unwrap_or_default()), "{text}");
    }
}

#[tokio::test]
async fn a_failure_is_remembered_for_its_user_and_for_nobody_else() {
    let route = Route::new();
    let clock = route.clock.clone();
    route.provider.answers(move |request| match subject_of(request).as_str() {
        "bob" => error(400, "invalid_grant"),
        user => reply(200, &issued(&claims(user, "tool", clock.secs() + 300, 0))),
    });
    let (bob, alice) = (route.token("bob"), route.token("alice"));
    for _ in 0..5 {
        assert_eq!(route.status(&bob).await, StatusCode::UNAUTHORIZED);
        assert_eq!(route.status(&alice).await, StatusCode::OK);
    }
    assert_eq!(route.provider.asked(), 2);
    route.clock.advance(31);
    assert_eq!(route.status(&bob).await, StatusCode::UNAUTHORIZED);
    assert_eq!(route.provider.asked(), 3);
}

/// A token that is the caller's own is none.
#[tokio::test]
async fn row_259_a_provider_that_hands_the_inbound_token_back_changes_nothing() {
    let route = Route::new();
    route.provider.answers(|request| {
        let mut answer = issued(&json!({}));
        answer["access_token"] = form(request, "subject_token").unwrap().into();
        reply(200, &answer)
    });
    let (parts, _) = route.call(&route.token("bob")).await;
    assert_eq!((parts.status, code(&parts)), (StatusCode::BAD_GATEWAY, "exchange_unusable"));
    assert_eq!(route.tool.calls(), 0);
}

#[tokio::test]
async fn row_259_the_callers_token_is_in_no_header_however_often_he_sends_it() {
    let logs = Arc::new(Written::default());
    let _guard = Logs::of(&logs);
    let route = Route::new();
    let token = route.token("bob");
    let mut request = post(&token, &call("read"));
    for (name, value) in [
        ("x-forwarded-access-token", token.clone()),
        ("x-twice", format!("before {token} after")),
        ("x-twice", "other".into()),
        ("cookie", format!("a=1; session={token}")),
        ("dpop", "a.b.c".into()),
        ("proxy-authorization", format!("Bearer {token}")),
        ("x-harmless", "stays".into()),
    ] {
        let name = http::HeaderName::from_static(name);
        request.headers_mut().append(name, value.parse().unwrap());
    }
    let answer = route.send(request).await;
    assert_eq!(answer.0.status, StatusCode::OK);
    for part in token.split('.') {
        // The first part is the header, which many tokens have.
        if part.len() > 60 {
            route.assert_nowhere(part, &answer, &logs);
        }
    }
    route.assert_nowhere(&token, &answer, &logs);
    let headers = route.tool.seen.lock().unwrap()[0].0.headers.clone();
    assert_eq!(headers["x-harmless"], "stays");
    for gone in ["x-forwarded-access-token", "x-twice", "cookie", "dpop", "proxy-authorization"] {
        assert!(!headers.contains_key(gone), "{gone}");
    }
    // In the target it would be in every log of the service: refused.
    let mut request = post(&token, &call("read"));
    *request.uri_mut() = format!("/files/mcp?t={token}").parse::<Uri>().unwrap();
    let (parts, _) = route.send(request).await;
    assert_eq!(parts.status, StatusCode::BAD_REQUEST);
    assert_eq!(route.tool.calls(), 1);
}

#[tokio::test]
async fn the_callers_token_goes_nowhere_percent_encoded_either() {
    let route = Route::new();
    let token = route.token("bob");
    let all = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let one = format!("%{:02X}{}", token.as_bytes()[0], token.split_at(1).1);
    for encoded in [one.clone(), all(&token), one.replace('%', "%25"), all(&all(&token))] {
        let mut request = post(&token, &call("read"));
        *request.uri_mut() = format!("/files/mcp?t={encoded}").parse::<Uri>().unwrap();
        assert_eq!(route.send(request).await.0.status, StatusCode::BAD_REQUEST, "{encoded}");
        assert_eq!(route.tool.calls(), 0);
    }
    for encoded in [one, all(&token)] {
        let mut request = post(&token, &call("read"));
        let headers = request.headers_mut();
        headers.insert("cookie", format!("a=%20; t={encoded}").parse().unwrap());
        headers.insert("x-harmless", "100%, a%20b".parse().unwrap());
        assert_eq!(route.send(request).await.0.status, StatusCode::OK);
        let seen = route.tool.seen.lock().unwrap().last().unwrap().0.headers.clone();
        assert!(!seen.contains_key("cookie") && seen["x-harmless"] == "100%, a%20b", "{encoded}");
    }
}
