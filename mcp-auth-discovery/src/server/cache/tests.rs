use bytes::Bytes;
use http::Response;
use http::header::CACHE_CONTROL;
use serde_json::json;

use super::*;

const ISSUER: &str = "https://idp.example/t";
const OAUTH: &str = "https://idp.example/.well-known/oauth-authorization-server/t";
const OIDC_INSERTED: &str = "https://idp.example/.well-known/openid-configuration/t";
const OIDC: &str = "https://idp.example/t/.well-known/openid-configuration";

fn secs(n: u64) -> UnixTime {
    UnixTime::from_secs(1_000_000 + n)
}

fn cache() -> MetadataCache {
    MetadataCache::new(ISSUER, &MetadataSource::Standard, MetadataLife::default()).unwrap()
}

fn document(token_endpoint: &str) -> String {
    json!({"issuer": ISSUER, "token_endpoint": token_endpoint}).to_string()
}

fn begin(cache: &mut MetadataCache, now: UnixTime) -> Option<MetadataFetch> {
    match cache.begin_fetch(now) {
        MetadataFetchStart::Begin(fetch) => Some(fetch),
        MetadataFetchStart::UnderWay(_) | MetadataFetchStart::NotNow => None,
    }
}

/// Runs one fetch against a table of URLs; what is not in the table answers 404. Returns what was asked for.
fn run(
    cache: &mut MetadataCache,
    web: &[(&str, &str)],
    cache_control: Option<&'static str>,
    now: UnixTime,
) -> Vec<String> {
    let mut fetch = begin(cache, now).expect("a fetch may begin");
    let mut asked = Vec::new();
    while let Some(request) = fetch.next_request() {
        assert!(asked.len() < 3, "a fetch is bounded: {asked:?}");
        let url = request.uri().to_string();
        let mut response = match web.iter().find(|(at, _)| *at == url) {
            Some((_, body)) => Response::new(Bytes::copy_from_slice(body.as_bytes())),
            None => Response::builder().status(404).body(Bytes::new()).unwrap(),
        };
        if let Some(value) = cache_control {
            response.headers_mut().insert(CACHE_CONTROL, value.parse().unwrap());
        }
        asked.push(url);
        fetch.handle_response(&response);
    }
    cache.end_fetch(fetch, 0, now);
    asked
}

fn filled(now: UnixTime) -> MetadataCache {
    let mut cache = cache();
    run(&mut cache, &[(OAUTH, &document("https://idp.example/token"))], None, now);
    cache
}

#[test]
fn mcp_order_of_2026_07_28_and_the_one_that_answered_comes_first_next_time() {
    let mut cache = cache();
    let document = document("https://idp.example/token");
    let web = [(OIDC, document.as_str())];
    assert_eq!(run(&mut cache, &web, None, secs(0)), [OAUTH, OIDC_INSERTED, OIDC]);
    assert_eq!(run(&mut cache, &web, None, secs(4000)), [OIDC]);
    let first =
        MetadataCache::new(ISSUER, &MetadataSource::OpenIdFirst, MetadataLife::default()).unwrap().urls;
    assert_eq!(first.iter().map(Url::as_str).collect::<Vec<_>>(), [OIDC, OAUTH, OIDC_INSERTED]);
}

#[test]
fn row_141_states_and_what_a_caller_does_in_each() {
    let cache = filled(secs(0));
    let at = |n| (cache.state(secs(n)), cache.decide(secs(n)));
    assert!(matches!(at(0), (MetadataState::Fresh, MetadataUse::Use(_))));
    assert!(matches!(at(3599), (MetadataState::Fresh, MetadataUse::Use(_))));
    assert!(matches!(at(3600), (MetadataState::Stale, MetadataUse::Wait)), "nobody has tried yet");
    assert!(matches!(at(86_400), (MetadataState::Unavailable, MetadataUse::Wait)));
    assert!(cache.usable(secs(86_399)).is_some() && cache.usable(secs(86_400)).is_none());
    // With entropy a fetch in the background begins before the document is stale.
    let mut early = self::cache();
    let mut fetch = begin(&mut early, secs(0)).unwrap();
    fetch.handle_response(&Response::new(Bytes::from(document("https://idp.example/token"))));
    early.end_fetch(fetch, 720, secs(0));
    assert!(matches!(early.decide(secs(2879)), MetadataUse::Use(_)));
    assert!(matches!(early.decide(secs(2880)), MetadataUse::UseAndFetch(_)));
}

#[test]
fn mcp_b4_an_outage_never_takes_away_a_document_and_none_at_all_is_no_error() {
    let mut cache = filled(secs(0));
    // Stale: one caller waits for a fetch, which fails, and then nobody waits.
    assert_eq!(run(&mut cache, &[], None, secs(4000)).len(), 3);
    assert!(matches!(cache.decide(secs(4000)), MetadataUse::Use(_)), "pauses");
    assert!(matches!(cache.decide(secs(4001)), MetadataUse::UseAndFetch(_)));
    assert!(matches!(cache.decide(secs(4060)), MetadataUse::Wait), "a minute later: try again");
    let status = cache.status(secs(4001));
    assert_eq!((status.fetches, status.failures, status.fetched_at), (2, 1, Some(secs(0))));
    assert!(status.last_error.unwrap().contains(&format!("{OAUTH}: status 404")));
    // Never any document: a caller learns until when, and goes on without.
    let mut none = self::cache();
    run(&mut none, &[], None, secs(0));
    assert!(matches!(none.decide(secs(0)), MetadataUse::Unavailable(at) if at == secs(1)));
    assert!(matches!(none.decide(secs(1)), MetadataUse::Wait));
}

#[test]
fn attack_109_failures_are_spaced_out_to_a_minute() {
    let mut cache = cache();
    for now in 0..3600 {
        if let Some(mut fetch) = begin(&mut cache, secs(now)) {
            while fetch.next_request().is_some() {
                fetch.handle_failure("connection refused");
            }
            cache.end_fetch(fetch, 0, secs(now));
        }
    }
    assert_eq!(
        cache.status(secs(3600)).fetches,
        7 + (3599 - 63) / 60,
        "after 1, 2, 4 … 32 s, then each minute"
    );
    run(&mut cache, &[(OAUTH, &document("https://idp.example/token"))], None, secs(4000));
    assert_eq!(cache.status(secs(4000)).last_error, None);
}

#[test]
fn one_fetch_is_under_way_and_a_lost_one_is_given_up() {
    let mut cache = cache();
    let lost = begin(&mut cache, secs(0)).unwrap();
    assert!(matches!(cache.begin_fetch(secs(59)), MetadataFetchStart::UnderWay(1)));
    assert!(matches!(cache.decide(secs(59)), MetadataUse::Wait));
    let mut second = begin(&mut cache, secs(60)).unwrap();
    cache.end_fetch(lost, 0, secs(61));
    assert!(
        matches!(cache.begin_fetch(secs(61)), MetadataFetchStart::UnderWay(2)),
        "a late end ends nothing"
    );
    second.handle_response(&Response::new(Bytes::from(document("https://idp.example/token"))));
    cache.end_fetch(second, 0, secs(62));
    assert!(matches!(cache.begin_fetch(secs(62)), MetadataFetchStart::NotNow));
    // Of another cache.
    let mut other =
        MetadataCache::new("https://other.example", &MetadataSource::Standard, MetadataLife::default())
            .unwrap();
    let foreign = begin(&mut other, secs(0)).unwrap();
    let mut mine = self::cache();
    let _mine = begin(&mut mine, secs(0)).unwrap();
    mine.end_fetch(foreign, 0, secs(0));
    assert!(matches!(mine.begin_fetch(secs(0)), MetadataFetchStart::UnderWay(1)));
    // Given up in the middle.
    let mut cache = self::cache();
    let fetch = begin(&mut cache, secs(0)).unwrap();
    cache.end_fetch(fetch, 0, secs(0));
    assert_eq!(cache.status(secs(0)).last_error.as_deref(), Some("given up"));
}

#[test]
fn attack_053_cache_control_counts_within_bounds() {
    let stale_after = |cache_control| {
        let mut cache = cache();
        run(&mut cache, &[(OAUTH, &document("https://idp.example/token"))], cache_control, secs(0));
        (0..100_000).find(|n| cache.state(secs(*n)) >= MetadataState::Stale).unwrap()
    };
    for (cache_control, seconds) in [
        (None, 3600),
        (Some("max-age=600"), 600),
        (Some("max-age=0"), 60),
        (Some("no-store"), 60),
        (Some("max-age=315360000"), 86_400),
    ] {
        assert_eq!(stale_after(cache_control), seconds, "{cache_control:?}");
    }
}

#[test]
fn attack_055_a_document_of_another_issuer_is_not_taken() {
    let mut cache = filled(secs(0));
    let evil = json!({"issuer": "https://evil.example", "token_endpoint": "https://evil.example/token"});
    let good = document("https://idp.example/moved");
    let asked = run(&mut cache, &[(OAUTH, &evil.to_string()), (OIDC_INSERTED, &good)], None, secs(4000));
    assert_eq!(asked, [OAUTH, OIDC_INSERTED]);
    let MetadataUse::Use(metadata) = cache.decide(secs(4000)) else { panic!() };
    assert_eq!(metadata.token_endpoint.as_ref().unwrap().as_str(), "https://idp.example/moved");
}

#[test]
fn attack_110_a_document_with_a_dangerous_endpoint_does_not_replace_a_good_one() {
    let mut cache = filled(secs(0));
    for endpoint in ["javascript:alert(1)", "file:///etc/passwd", "http://evil.example/token"] {
        let bad = document(endpoint);
        let mut fetch = begin(&mut cache, secs(8000)).unwrap();
        while fetch.next_request().is_some() {
            fetch.handle_response(&Response::new(Bytes::from(bad.clone())));
        }
        cache.end_fetch(fetch, 0, secs(8000));
        let kept = cache.usable(secs(8000)).unwrap();
        assert_eq!(kept.token_endpoint.as_ref().unwrap().as_str(), "https://idp.example/token");
        assert!(cache.status(secs(8000)).last_error.unwrap().contains("`token_endpoint`"));
        cache.ended_at = secs(0);
    }
}

#[test]
fn attack_040_a_clock_that_was_set_back_does_not_stop_the_fetches() {
    let mut cache = filled(secs(1_000_000));
    assert!(matches!(cache.decide(secs(0)), MetadataUse::UseAndFetch(_)));
    let fetch = begin(&mut cache, secs(0)).unwrap();
    cache.end_fetch(fetch, 0, secs(0));
    assert!(matches!(cache.decide(secs(0)), MetadataUse::Use(_)), "pauses by the new clock");
    assert!(begin(&mut cache, secs(1)).is_some());
    assert!(matches!(cache.decide(UnixTime::from_secs(u64::MAX)), MetadataUse::Wait));
}

#[test]
fn redirects_and_answers_out_of_turn_change_nothing() {
    let mut cache = cache();
    let mut fetch = begin(&mut cache, secs(0)).unwrap();
    let moved = Response::builder().status(302).header("location", "https://evil.example").body(Bytes::new());
    fetch.handle_response(&moved.unwrap());
    assert_eq!(fetch.next_request().unwrap().uri(), OIDC_INSERTED, "the next of ours, not where it points");
    fetch.handle_response(&Response::new(Bytes::from(document("https://idp.example/token"))));
    assert!(fetch.next_request().is_none());
    fetch.handle_failure("late");
    fetch.handle_response(&Response::new(Bytes::from(document("https://idp.example/other"))));
    cache.end_fetch(fetch, 0, secs(0));
    let kept = cache.usable(secs(0)).unwrap();
    assert_eq!(kept.token_endpoint.as_ref().unwrap().as_str(), "https://idp.example/token");
}

#[test]
fn issuers_and_addresses_are_https_or_of_this_machine() {
    let new = |issuer: &str, source: &MetadataSource| {
        MetadataCache::new(issuer, source, MetadataLife::default()).map(drop)
    };
    let url = |text: &str| MetadataSource::Url(Url::parse(text).unwrap());
    assert!(new("http://localhost:9000", &MetadataSource::Standard).is_ok());
    assert!(matches!(new("http://idp", &MetadataSource::Standard), Err(LocatorError::Insecure(_))));
    assert!(new("host:7777", &MetadataSource::Standard).is_err(), "M14");
    assert!(matches!(new(ISSUER, &url("http://idp/")), Err(LocatorError::Insecure(_))));
    assert!(matches!(new(ISSUER, &url("javascript:1")), Err(LocatorError::Insecure(_))));
    assert!(new(ISSUER, &url("https://elsewhere.example/doc")).is_ok());
    let life = MetadataLife::default;
    assert!(MetadataCache::insecure_http("http://keycloak:8080", &MetadataSource::Standard, life()).is_ok());
}
