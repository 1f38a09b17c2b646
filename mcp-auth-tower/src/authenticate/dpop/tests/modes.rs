use super::*;

use mcp_auth_core::credential::TokenSource;

use crate::authenticate::{DpopConfigError, Mode};
use crate::{McpAuth, McpAuthBuilder};

#[tokio::test]
async fn each_issuer_has_its_mode() {
    let names = ["https://off.example", "https://accepted.example", "https://required.example"];
    let setup = Setup::of(names.map(issuer).to_vec(), |layer| {
        let settings = DpopSettings::new(DpopMode::Off, &resource())
            .issuer(names[1], DpopMode::Accepted)
            .issuer(names[2], DpopMode::Required);
        layer.dpop(settings).unwrap()
    });
    let key = KeyPair::new(Algorithm::ES256);
    let expected = [
        // bound with proof, bound without, unbound as Bearer, unbound with proof
        [(401, "credential"), (401, "bound_token"), (200, ""), (401, "credential")],
        [(200, ""), (401, "bound_token"), (200, ""), (401, "not_bound")],
        [(200, ""), (401, "proof_required"), (401, "proof_required"), (401, "not_bound")],
    ];
    for (name, expected) in names.iter().zip(expected) {
        let unbound = setup.token(|c| c["iss"] = (*name).into());
        let bound = setup.token(|c| {
            c["iss"] = (*name).into();
            c["cnf"] = json!({"jkt": key.thumbprint()});
        });
        let requests = || {
            [
                dpop(&bound, &key.proof(&bound)),
                bearer(&bound),
                bearer(&unbound),
                dpop(&unbound, &key.proof(&unbound)),
            ]
        };
        // Twice: what is remembered is judged like what is not.
        for _ in 0..2 {
            for (request, expected) in requests().into_iter().zip(expected) {
                assert_eq!(setup.send(request).await.outcome(), expected, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn where_proofs_are_required_a_bearer_token_is_told_so() {
    let setup = Setup::with(|layer| layer.dpop(DpopSettings::new(DpopMode::Required, &resource())).unwrap());
    let answer = setup.send(bearer(&setup.token(|_| {}))).await;
    assert_eq!(answer.outcome(), (401, "proof_required"));
    assert_eq!(answer.errors(), lines(Some("invalid_token"), Some("invalid_token")));
}

#[tokio::test]
async fn issuers_with_places_of_their_own_keep_them() {
    let cookie = issuer("https://cookie.example").token_source(TokenSource::cookie("session"));
    let settings = || DpopSettings::new(DpopMode::Accepted, &resource());
    let sources = [TokenSource::default()];
    // In either order.
    for setup in [
        Setup::of(vec![issuer(ISSUER), cookie.clone()], |l| {
            l.token_sources(&sources).dpop(settings()).unwrap()
        }),
        Setup::of(vec![issuer(ISSUER), cookie.clone()], |l| {
            l.dpop(settings()).unwrap().token_sources(&sources)
        }),
    ] {
        let key = KeyPair::new(Algorithm::ES256);
        let token = setup.bound_to(&key);
        assert_eq!(setup.send(dpop(&token, &key.proof(&token))).await.outcome(), (200, ""));
        let token = setup.token(|c| {
            c["iss"] = "https://cookie.example".into();
            c["cnf"] = json!({"jkt": key.thumbprint()});
        });
        assert_eq!(setup.send(dpop(&token, &key.proof(&token))).await.outcome(), (401, "place"));
        // A cookie has no scheme, so that a bound token in it proves nothing.
        let in_cookie = Request::post("/files/mcp")
            .header("cookie", format!("session={token}"))
            .header("dpop", key.proof(&token));
        assert_eq!(setup.send(in_cookie.body(()).unwrap()).await.outcome(), (401, "bound_token"));
    }
}

#[tokio::test]
async fn behind_a_router_that_takes_a_part_of_the_path_away() {
    let key = KeyPair::new(Algorithm::ES256);
    let nested = |setup: &Setup| {
        let token = setup.bound_to(&key);
        let mut request = dpop(&token, &key.proof(&token));
        *request.uri_mut() = "/mcp".parse().unwrap();
        request
    };
    let setup = Setup::dpop(|settings| settings.public_base("https://mcp.example/files"));
    assert_eq!(setup.send(nested(&setup)).await.outcome(), (200, ""));
    let setup = Setup::accepting();
    let answer = setup.send(nested(&setup)).await;
    assert_eq!(answer.outcome(), (401, "proof_target"));
}

#[test]
fn settings_that_do_not_fit_are_refused() {
    let apply = |settings| Setup::with(|layer| layer).layer.dpop(settings).map(drop).unwrap_err();
    let settings = || DpopSettings::new(DpopMode::Accepted, &resource());
    assert_eq!(
        apply(settings().issuer("https://who.example", DpopMode::Off)),
        DpopConfigError::UnknownIssuer("https://who.example".into())
    );
    assert_eq!(
        apply(settings().issuer(ISSUER, DpopMode::Off).issuer(ISSUER, DpopMode::Required)),
        DpopConfigError::DuplicateIssuer(ISSUER.into())
    );
    for base in ["", "/files", "ftp://h", "https://u@h/"] {
        assert!(matches!(apply(settings().public_base(base)), DpopConfigError::Base { .. }), "{base}");
    }
}

fn builder(change: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder) -> McpAuth {
    let keys = Keys::Static(Arc::new(KeySet::default()));
    let builder = McpAuth::builder(RESOURCE)
        .unwrap()
        .issuer_keys(issuer(ISSUER), keys.clone())
        .issuer_keys(issuer("https://second.example"), keys);
    change(builder).build().unwrap()
}

async fn get(auth: &McpAuth, uri: &str) -> (Answer, Value) {
    use http_body_util::BodyExt as _;
    let service = auth.layer(tower::service_fn(|_: Request<crate::mcp::McpBody<Full<Bytes>>>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
    }));
    let (parts, body) =
        service.oneshot(Request::get(uri).body(Full::default()).unwrap()).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (Answer(parts), serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn the_metadata_says_what_is_set_up() {
    let settings = || DpopSettings::new(DpopMode::Required, &resource());
    let algorithms = json!(["ES256", "ES384", "EdDSA", "Ed25519", "PS256", "RS256"]);
    for (auth, supported, required, certificates) in [
        (builder(|b| b), Value::Null, Value::Null, Value::Null),
        (builder(|b| b.dpop(DpopMode::Off)), Value::Null, Value::Null, Value::Null),
        (builder(|b| b.dpop(DpopMode::Accepted)), algorithms.clone(), json!(false), Value::Null),
        (builder(|b| b.dpop(DpopMode::Required)), algorithms.clone(), json!(true), Value::Null),
        (
            builder(|b| b.dpop_with(settings().issuer(ISSUER, DpopMode::Accepted))),
            algorithms.clone(),
            json!(false),
            Value::Null,
        ),
        (builder(McpAuthBuilder::certificate_bound_tokens), Value::Null, Value::Null, json!(true)),
        (builder(McpAuthBuilder::danger_client_cert_header), Value::Null, Value::Null, json!(true)),
    ] {
        let (_, document) = get(&auth, "/.well-known/oauth-protected-resource/files/mcp").await;
        assert_eq!(document["dpop_signing_alg_values_supported"], supported);
        assert_eq!(document["dpop_bound_access_tokens_required"], required);
        assert_eq!(document["tls_client_certificate_bound_access_tokens"], certificates);
    }
}

#[tokio::test]
async fn a_challenge_of_a_layer_behind_has_the_line_too() {
    let auth = builder(|b| {
        b.mode(Mode::Optional).dpop(DpopMode::Accepted).http_policy(
            mcp_auth_core::policy::PolicySet::builder()
                .rule(mcp_auth_core::policy::Effect::Require, r#"jwt.sub == "alice""#)
                .unwrap()
                .build(),
        )
    });
    let (answer, _) = get(&auth, "/files/mcp").await;
    assert_eq!((answer.outcome(), answer.errors()), ((401, "denied"), lines(None, None)));
}
