//! What a request brings of its own: whom its user lets act, and parameters.

use mcp_auth_core::policy::Context;
use mcp_auth_exchange::TokenTypeUri;
use mcp_auth_exchange::grant::Parameters;
use mcp_auth_exchange::plan::ActorToken;

use super::*;
use crate::exchange::{ActorTokens, ExchangeConfigError, ExchangeLayer, RequestParameters};

#[derive(Debug)]
struct Agent;

impl ActorTokens for Agent {
    fn current(&self) -> Option<ActorToken> {
        let token = jwt(&json!({"iss": ISSUER, "sub": "agent"}));
        Some(ActorToken::new(Secret::new(token), TokenTypeUri::JWT))
    }
}

#[tokio::test]
async fn a_user_whose_token_does_not_name_the_agent_is_not_acted_for() {
    let route = Route::with(plan(), |b| b, |s| s.actor(Arc::new(Agent)).enforce_may_act(), |b| b);
    let token = |may_act: Value| {
        route.idp.token_with(|claims| {
            claims["may_act"] = may_act;
            claims["exp"] = json!(NOW + 10 * LIFE);
        })
    };
    for other in [json!({"sub": "other"}), json!([{"sub": "agent"}]), json!({}), Value::Null] {
        let (parts, body) = route.call(&token(other)).await;
        assert_eq!((parts.status.as_u16(), code(&parts)), (403, "exchange_actor_not_allowed"), "{body}");
        assert!(!body.contains("may_act"), "what is in tokens is not the client's business: {body}");
    }
    assert_eq!((route.provider.asked(), route.tool.calls()), (0, 0));
    assert_eq!(route.status(&token(json!({"iss": ISSUER, "sub": "agent"}))).await, StatusCode::OK);
    // The other way round: what was got for a user who allowed it is not for one whose token does not.
    let (parts, _) = route.call(&token(json!({"sub": "other"}))).await;
    assert_eq!(parts.status, 403);
    assert_eq!((route.provider.asked(), route.tool.calls()), (1, 1));
    let nobody = ExchangeSettings::new(plan()).enforce_may_act();
    assert!(matches!(ExchangeLayer::new(nobody), Err(ExchangeConfigError::MayAct { .. })));
}

/// Of the caller's token, and of a header.
#[derive(Debug)]
struct Own;

impl RequestParameters for Own {
    fn parameters(&self, _: &ExchangePlan, context: &Context<'_>) -> Result<Parameters, String> {
        let read = |source: &str| {
            let program = mcp_auth_core::cel::Program::compile(source, &mcp_auth_core::policy::environment());
            let program = program.unwrap();
            let value = program.evaluate(context).map_err(|error| error.to_string())?;
            Ok::<_, String>(value.as_str().unwrap_or_default().to_owned())
        };
        let all = Parameters::default().with("login_hint", &read("jwt.email")?).unwrap();
        let tenant = read("'authorization' in request.headers ? 'there' : request.headers['x-tenant']")?;
        Ok(all.with("tenant", &tenant).unwrap())
    }
}

#[tokio::test]
async fn parameters_of_a_request_are_sent_and_keyed_and_never_left_out() {
    let route = Route::with(plan(), |b| b, |s| s.parameters(Arc::new(Own)), |b| b);
    let token = route.idp.token_with(|claims| {
        claims["email"] = "alice@acme.io".into();
        claims["exp"] = json!(NOW + 10 * LIFE);
    });
    let send = async |tenant: &str| {
        let mut request = post(&token, &call("read"));
        request.headers_mut().insert("x-tenant", tenant.parse().unwrap());
        route.send(request).await.0.status
    };
    for tenant in ["a", "a", "b"] {
        assert_eq!(send(tenant).await, StatusCode::OK);
    }
    {
        let asked = route.provider.asked.lock().unwrap();
        let sent = |name: &str| asked.iter().map(|r| form(r, name).unwrap()).collect::<Vec<_>>();
        assert_eq!(sent("login_hint"), ["alice@acme.io"; 2]);
        assert_eq!(
            sent("tenant"),
            ["a", "b"],
            "without the caller's credential, one exchange for each value"
        );
    }
    let logs = Arc::new(Written::default());
    let (parts, _) = {
        let _guard = Logs::of(&logs);
        route.call(&route.token("bob")).await
    };
    assert_eq!((parts.status.as_u16(), code(&parts)), (403, "exchange_no_parameters"));
    assert_eq!((route.provider.asked(), route.tool.calls()), (2, 3));
    assert!(logs.text().contains("token not exchanged"), "{}", logs.text());
}
