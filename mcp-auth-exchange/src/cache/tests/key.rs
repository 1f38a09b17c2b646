//! Attack row 106: nobody is given what belongs to another.

use std::collections::HashSet;
use std::sync::Arc;

use mcp_auth_core::crypto::{AwsLc, AwsLcSigner};
use mcp_auth_core::jwt::Algorithm;
use mcp_auth_discovery::Secret;
use proptest::prelude::*;
use serde_json::json;

use crate::cache::key::{PlanParts, RequestParts, StepParts};
use crate::dpop::DpopKey;
use crate::grant::Parameters;
use crate::plan::{ActorToken, ExchangePlan, Step, Subject, SubjectRule};
use crate::provider::{ExchangeGrant, ExchangeProfile, Need};
use crate::testing::{principal, scopes, step};
use crate::{AuthorizationDetails, ClientCredential, Resource, TokenTypeUri};

/// How many texts a step is made of, in the order in which they are written.
const STEP_TEXTS: usize = 16;
/// Which of them may be absent.
const STEP_OPTIONAL: [usize; 7] = [2, 4, 6, 7, 11, 12, 13];

/// Every field, without `..`: a new one does not compile until it stands here too.
fn step_parts(
    texts: &[Option<String>; STEP_TEXTS],
    takes_actor: bool,
    proof_key: Option<[u8; 32]>,
) -> [u8; 32] {
    let text = |i: usize| texts[i].as_deref().unwrap();
    let step = StepParts {
        endpoint: text(0).to_owned(),
        grant: text(1),
        client_id: texts[2].as_deref(),
        client_method: text(3),
        certificate: texts[4].as_deref(),
        subject_token_type: text(5),
        requested_token_type: texts[6].as_deref(),
        takes_actor,
        subject_claim: texts[7].as_deref(),
        audiences: vec![text(8)],
        resources: vec![text(9)],
        scope: text(10).to_owned(),
        authorization_details: texts[11].as_deref(),
        connection: texts[12].as_deref(),
        login_hint: texts[13].as_deref(),
        parameters: vec![(text(14), text(15))],
        proof_key,
    };
    PlanParts { name: "p", rules: "r", steps: &[step] }.digest()
}

const REQUEST_TEXTS: usize = 8;
const REQUEST_OPTIONAL: [usize; 3] = [2, 4, 5];

fn request_parts(texts: &[Option<String>; REQUEST_TEXTS], plan: &[u8; 32]) -> [u8; 32] {
    let text = |i: usize| texts[i].as_deref().unwrap();
    let parts = RequestParts {
        tenant: text(0),
        plan,
        subject_issuer: text(1),
        subject: texts[2].as_deref(),
        subject_token: text(3),
        actor_token: texts[4].as_deref(),
        actor_token_type: texts[5].as_deref(),
        parameters: &[(text(6), text(7))],
    };
    *parts.key().as_bytes()
}

/// All keys have to differ: each text changed alone, made empty, made absent, swapped with the next, and every
/// boundary between two neighbours moved by one.
fn all_differ<const N: usize>(optional: &[usize], key: impl Fn(&[Option<String>; N]) -> [u8; 32]) {
    let base: [Option<String>; N] = std::array::from_fn(|i| Some(format!("t{i:02}x")));
    let mut keys = HashSet::from([key(&base)]);
    let mut new = |what: &str, texts: [Option<String>; N]| assert!(keys.insert(key(&texts)), "{what}");
    for i in 0..N {
        let with = |value: Option<&str>| {
            let mut texts = base.clone();
            texts[i] = value.map(str::to_owned);
            texts
        };
        new(&format!("{i} changed"), with(Some("other")));
        new(&format!("{i} empty"), with(Some("")));
        if optional.contains(&i) {
            new(&format!("{i} absent"), with(None));
        }
        if i + 1 < N {
            let mut swapped = base.clone();
            swapped.swap(i, i + 1);
            new(&format!("{i} swapped"), swapped);
            let joined = format!("{}{}", base[i].as_deref().unwrap(), base[i + 1].as_deref().unwrap());
            // Every other place for the boundary: `ab`, `c` against `a`, `bc`.
            for at in (0..=joined.len()).filter(|at| *at != 4) {
                let (left, right) = joined.split_at(at);
                let mut shifted = base.clone();
                shifted[i] = Some(left.to_owned());
                shifted[i + 1] = Some(right.to_owned());
                new(&format!("{i} boundary at {at}"), shifted);
            }
        }
    }
}

#[test]
fn attack_106_every_field_and_every_boundary_makes_another_key() {
    all_differ(&STEP_OPTIONAL, |texts| step_parts(texts, false, None));
    all_differ(&REQUEST_OPTIONAL, |texts| request_parts(texts, &[0; 32]));
    let base: [Option<String>; STEP_TEXTS] = std::array::from_fn(|i| Some(i.to_string()));
    let keys = [(false, None), (true, None), (false, Some([0; 32])), (false, Some([1; 32]))];
    let keys: HashSet<_> = keys.map(|(actor, proof)| step_parts(&base, actor, proof)).into();
    assert_eq!(keys.len(), 4);
    let base: [Option<String>; REQUEST_TEXTS] = std::array::from_fn(|i| Some(i.to_string()));
    assert_ne!(request_parts(&base, &[0; 32]), request_parts(&base, &[1; 32]));
}

#[test]
fn attack_106_lists_and_steps_are_told_apart() {
    let digest = |steps: &[StepParts<'_>], name: &str, rules: &str| PlanParts { name, rules, steps }.digest();
    let one = |audiences: &[&'static str],
               resources: &[&'static str],
               parameters: &[(&'static str, &'static str)]| {
        let base = step();
        let mut parts = StepParts::of(&base).into_static();
        parts.audiences = audiences.to_vec();
        parts.resources = resources.to_vec();
        parts.parameters = parameters.to_vec();
        parts
    };
    let variants = [
        one(&[], &[], &[]),
        one(&[""], &[], &[]),
        one(&[], &[""], &[]),
        one(&["a", "b"], &[], &[]),
        one(&["a"], &["b"], &[]),
        one(&[], &["a", "b"], &[]),
        one(&["ab"], &[], &[]),
        one(&["a b"], &[], &[]),
        one(&["b", "a"], &[], &[]),
        one(&[], &[], &[("a", "b")]),
        one(&[], &[], &[("a", ""), ("b", "")]),
        one(&[], &[], &[("ab", "")]),
        one(&[], &[], &[("", "ab")]),
    ];
    let mut keys = HashSet::new();
    for variant in &variants {
        assert!(keys.insert(digest(std::slice::from_ref(variant), "p", "r")));
        assert!(keys.insert(digest(&[variants[0].clone(), variant.clone()], "p", "r")));
    }
    for (name, rules) in [("p", ""), ("", "pr"), ("pr", ""), ("q", "r")] {
        assert!(keys.insert(digest(&variants[..1], name, rules)));
    }
    assert!(keys.insert(digest(&[], "p", "r")));
}

impl StepParts<'_> {
    /// For tests: with the texts that the tests put in.
    fn into_static(self) -> StepParts<'static> {
        StepParts {
            endpoint: self.endpoint,
            grant: "g",
            client_id: Some("c"),
            client_method: "none",
            certificate: None,
            subject_token_type: "t",
            requested_token_type: None,
            takes_actor: self.takes_actor,
            subject_claim: None,
            audiences: Vec::new(),
            resources: Vec::new(),
            scope: self.scope,
            authorization_details: None,
            connection: None,
            login_hint: None,
            parameters: Vec::new(),
            proof_key: None,
        }
    }
}

#[test]
fn attack_106_every_setting_of_a_plan_makes_another_key() {
    let subject = Subject::of(principal("t", json!({}))).unwrap();
    let key = |plan: &ExchangePlan| plan.cache_key("", &subject, None);
    let plan = |step: Step| ExchangePlan::new("p", [step]).unwrap();
    let proof = || {
        let signer = AwsLcSigner::generate(Algorithm::ES256).unwrap();
        Arc::new(DpopKey::new(Arc::new(signer), &AwsLc::new()).unwrap())
    };
    let base = || plan(step());
    let with_client = |client| plan(step().with_client(client));
    let of = |profile| Step::new(profile, step().endpoint().clone(), step().client().clone());
    let with_profile = |profile| plan(of(profile).audience("tool").scope(&scopes("mcp:invoke")));
    // Two requests of one `grant_type`, alike but for that.
    let grant = |grant| {
        let profile = ExchangeProfile { grant, ..ExchangeProfile::jwt_bearer() };
        of(profile).scope(&scopes("mcp:invoke"))
    };
    let vault = |connection: &str| of(ExchangeProfile::auth0_token_vault()).connection(connection);
    let plans = [
        base(),
        ExchangePlan::new("q", [step()]).unwrap(),
        plan(step().audience("b")),
        plan(step().resource(Resource::parse("https://tool/").unwrap())),
        plan(step().scope(&scopes("mcp:invoke mcp:write"))),
        plan(step().authorization_details(AuthorizationDetails::parse(r#"[{"type":"a"}]"#).unwrap())),
        plan(step().parameter("a", "b").unwrap()),
        plan(step().dpop(proof())),
        plan(step().dpop(proof())),
        with_profile(step().profile().clone().requests(None)),
        with_client(ClientCredential::client_secret_post("other", Secret::new("s3cret-canary"))),
        with_client(ClientCredential::client_secret_basic("gateway", Secret::new("s3cret-canary"))),
        with_client(ClientCredential::none("gateway")),
        with_client(ClientCredential::anonymous()),
        with_client(ClientCredential::tls_client_auth("gateway", "a")),
        with_client(ClientCredential::tls_client_auth("gateway", "b")),
        with_profile(step().profile().clone().takes_subject_token(TokenTypeUri::ACCESS_TOKEN)),
        with_profile(step().profile().clone().takes_actor(Need::Ignored)),
        plan(grant(ExchangeGrant::JwtBearer)),
        plan(grant(ExchangeGrant::OnBehalfOf)),
        plan(vault("a")),
        plan(vault("b")),
        plan(vault("a").login_hint("1")),
        plan(vault("a").login_hint("2")),
        with_profile(step().profile().clone().keeps_subject_in(None))
            .rules(|r| r.subject(SubjectRule::Same("sub".into()))),
        base().rules(|r| r.readable()),
        base().rules(|r| r.same_details()),
        base().rules(|r| r.ceiling(&scopes("a"))),
        base().margin(std::time::Duration::from_secs(1)),
        base().longest_use(std::time::Duration::from_secs(1)),
    ];
    let keys: HashSet<_> = plans.iter().map(key).collect();
    assert_eq!(keys.len(), plans.len());
    assert_eq!(key(&base()), key(&base()), "and the same for the same");
    let actor = |token: &str, kind: TokenTypeUri| ActorToken::new(Secret::new(token), kind);
    let of = |tenant: &str, actor: Option<&ActorToken>| base().cache_key(tenant, &subject, actor);
    let (a, b, c) = (
        actor("a", TokenTypeUri::JWT),
        actor("b", TokenTypeUri::JWT),
        actor("a", TokenTypeUri::ACCESS_TOKEN),
    );
    let keys = [of("", None), of("acme", None), of("", Some(&a)), of("", Some(&b)), of("", Some(&c))];
    assert_eq!(HashSet::from(keys).len(), 5);
    let with = |parameters: &[(&str, &str)]| {
        let empty = Parameters::default();
        let all = parameters.iter().try_fold(empty, |all, (name, value)| all.with(name, value)).unwrap();
        base().cache_key("", &subject.clone().with_parameters(all), None)
    };
    let keys = [
        with(&[]),
        with(&[("a", "")]),
        with(&[("a", "b")]),
        with(&[("ab", "")]),
        with(&[("a", "b"), ("c", "d")]),
        with(&[("c", "d"), ("a", "b")]),
        with(&[("a", "bc"), ("d", "")]),
    ];
    assert_eq!(HashSet::from(keys).len(), 7);
    assert_eq!(keys[0], of("", None));
    assert!(format!("{:?}", of("", None)).len() < 24);
}

#[test]
fn attack_106_100_000_users_and_no_two_share_a_key() {
    let mut keys = HashSet::new();
    for user in 0..100_000 {
        let (sub, token) = (format!("user-{user}"), format!("same.prefix.of.all.tokens.{user}"));
        let parts = RequestParts {
            tenant: "",
            plan: &[7; 32],
            subject_issuer: "https://idp.example",
            subject: Some(&sub),
            subject_token: &token,
            actor_token: None,
            actor_token_type: None,
            parameters: &[],
        };
        assert!(keys.insert(parts.key()));
    }
}

#[test]
fn row_267_two_users_have_two_keys() {
    let plan = ExchangePlan::new("p", [step()]).unwrap();
    let of = |token: &str, claims| plan.cache_key("", &Subject::of(principal(token, claims)).unwrap(), None);
    let alice = of("a", json!({}));
    assert_eq!(alice, of("a", json!({})));
    for other in
        [of("b", json!({})), of("a", json!({"sub": "bob"})), of("a", json!({"iss": "https://other.example"}))]
    {
        assert_ne!(alice, other);
    }
}

proptest! {
    /// Two requests have one key only where they are one request.
    #[test]
    fn attack_106_keys_are_equal_only_for_equal_parts(
        a in proptest::array::uniform8(proptest::option::of("[ab]{0,3}")),
        b in proptest::array::uniform8(proptest::option::of("[ab]{0,3}")),
    ) {
        let full = |texts: [Option<String>; 8]| {
            let mut texts = texts;
            for required in [0, 1, 3, 6, 7] {
                texts[required].get_or_insert_default();
            }
            texts
        };
        let (a, b) = (full(a), full(b));
        prop_assert_eq!(a == b, request_parts(&a, &[0; 32]) == request_parts(&b, &[0; 32]));
    }
}
