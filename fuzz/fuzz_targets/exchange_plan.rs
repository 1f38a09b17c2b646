//! Invariant: whatever a provider answers, an exchange ends after a bounded number of requests; a token comes out only
//! of a 200 and only when it holds: not one that went in, of this user, for this audience, bound where that was asked
//! for, and used no longer than anybody's token lives. Nothing that went in is in any text.
//!
//! The first byte chooses the plan, then each answer is: a byte for its status and headers, two for its length, and
//! its body.
#![no_main]

use std::sync::{Arc, LazyLock};

use http::{HeaderValue, Response, StatusCode};
use libfuzzer_sys::fuzz_target;
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner};
use mcp_auth_core::jwt::{Algorithm, Checks, Issuer, Validator};
use mcp_auth_discovery::provider::ProviderKind;
use mcp_auth_discovery::{Scopes, Secret};
use mcp_auth_exchange::dpop::{DpopKey, NonceMemory};
use mcp_auth_exchange::plan::{ExchangePlan, Presentation, Progress, SendContext, Step, Subject};
use mcp_auth_exchange::provider::ExchangeProfile;
use mcp_auth_exchange::{ClientCredential, Outcome, Resource, TokenEndpoint};
use url::Url;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const INBOUND: &str = "inbound-canary-token-of-alice";
const SECRET: &str = "client-secret-canary";

struct World {
    plans: Vec<Arc<ExchangePlan>>,
    subject: Subject,
    key: Arc<DpopKey>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let at = |url: &str| TokenEndpoint::new(&Url::parse(url).expect("a URL")).expect("an endpoint");
    let client = || ClientCredential::client_secret_post("gateway", Secret::new(SECRET));
    let scope = Scopes::parse("mcp:invoke").expect("a scope");
    let key = Arc::new(AwsLcSigner::generate(Algorithm::Ed25519).expect("a key"));
    let key = Arc::new(DpopKey::new(key, &AwsLc::new()).expect("a key"));
    let step = |profile| Step::new(profile, at("https://idp.example/token"), client()).scope(&scope);
    let plain = || step(ExchangeProfile::rfc8693()).audience("tool");
    let jag = step(ExchangeProfile::id_jag_issuer())
        .audience("https://as.example")
        .resource(Resource::parse("https://mcp.example/").expect("a resource"));
    let redeem = Step::new(ExchangeProfile::jwt_bearer(), at("https://as.example/token"), client());
    let plan = |steps: Vec<Step>| ExchangePlan::new("fuzz", steps).expect("a plan").attempts(3);
    let plans = vec![
        plan(vec![plain()]),
        plan(vec![plain().dpop(key.clone())]),
        plan(vec![step(ExchangeProfile::of(ProviderKind::Keycloak)).audience("tool")]),
        plan(vec![step(ExchangeProfile::of(ProviderKind::EntraV2))]),
        plan(vec![jag, redeem]),
        plan(vec![plain()]).rules(|r| r.readable().ceiling(&scope).all_scopes().within_subject()),
    ];
    let validator =
        Validator::new([Issuer::new("https://idp.example").audience("mcp")]).expect("a validator");
    let claims = br#"{"iss":"https://idp.example","sub":"alice","oid":"o-1","aud":"mcp","exp":1700003600}"#;
    let principal =
        validator.accept_introspected(0.into(), INBOUND, claims, &Checks::at(NOW)).expect("a principal");
    World {
        plans: plans.into_iter().map(Arc::new).collect(),
        subject: Subject::of(Arc::new(principal)).expect("a subject"),
        key,
    }
});

fuzz_target!(|data: &[u8]| {
    let world = &*WORLD;
    let Some((&choice, mut rest)) = data.split_first() else { return };
    let choice = usize::from(choice) % world.plans.len();
    let plan = &world.plans[choice];
    let nonces = NonceMemory::default();
    let mut run = plan.begin(world.subject.clone(), None);
    let mut last_status = StatusCode::OK;
    for number in 0_u8.. {
        // Three attempts and one nonce for each of at most two steps.
        assert!(number <= 8, "no end in sight");
        let context = SendContext { random: &[number; 32], workload_token: None, nonces: &nonces, now: NOW };
        let request = run.next_request(&context).expect("a request");
        assert!(!request.uri().to_string().contains("canary"));
        let progress = match next(&mut rest) {
            Some(answer) => {
                last_status = answer.status();
                run.handle_response(&answer, &nonces, NOW)
            }
            None => run.handle_failure(),
        };
        assert!(!format!("{run:?}").contains("canary"));
        if let Progress::Done(outcome) = progress {
            judge(&outcome, choice, world, last_status);
            return;
        }
    }
});

/// One answer, or none.
fn next(rest: &mut &[u8]) -> Option<Response<Vec<u8>>> {
    let [kind, high, low, tail @ ..] = *rest else { return None };
    let length = usize::from(u16::from_be_bytes([*high, *low])).min(tail.len());
    let (body, left) = tail.split_at(length);
    *rest = left;
    let status = [200, 200, 200, 400, 401, 403, 429, 503][usize::from(kind & 7)];
    let mut response = Response::builder().status(status).body(body.to_vec()).expect("a response");
    if kind & 8 != 0 {
        response.headers_mut().insert("dpop-nonce", HeaderValue::from_static("n-1"));
    }
    if kind & 16 != 0 {
        response.headers_mut().insert("retry-after", HeaderValue::from_static("1"));
    }
    Some(response)
}

fn judge(outcome: &Outcome, choice: usize, world: &World, status: StatusCode) {
    let debug = format!("{outcome:?}");
    assert!(!debug.contains("canary"), "{debug}");
    assert_eq!(outcome.token().is_some(), outcome.status().is_none());
    if let Some(diagnosis) = outcome.diagnosis() {
        assert!(diagnosis.to_string().len() < 2_048 && !diagnosis.id().is_empty());
        let words = diagnosis.provider_text().map(ToString::to_string).unwrap_or_default();
        assert!(!words.contains(INBOUND) && !words.contains(SECRET) && !words.contains('\n'), "{words}");
    }
    let Some(token) = outcome.token() else { return };
    assert_eq!(status, StatusCode::OK);
    assert_ne!(token.expose(), INBOUND);
    assert!(
        token.usable_until() <= UnixTime::from_secs(1_700_003_600)
            && token.refresh_at() <= token.usable_until()
    );
    assert!(token.authorization().is_sensitive());
    let bound = token.presentation() == Presentation::DPoP(world.key.thumbprint());
    assert_eq!(bound, choice == 1);
    let claims = token.expose().split('.').nth(1).and_then(|payload| {
        use base64::Engine as _;
        let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
        serde_json::from_slice::<serde_json::Value>(&json).ok()
    });
    // The last plan reads every token.
    if choice == 5 {
        let claims = claims.expect("a token that was read");
        assert_eq!(claims["sub"], "alice");
        let audience = &claims["aud"];
        assert!(audience == "tool" || audience.as_array().is_some_and(|a| a.iter().any(|a| a == "tool")));
        // Not said, it is what was asked for.
        assert!(
            token
                .scope()
                .is_none_or(|scope| !scope.is_empty() && scope.split(' ').all(|s| s == "mcp:invoke"))
        );
        assert!(claims["exp"].as_f64().is_some_and(|exp| exp > 1_700_000_000.0));
    }
}
