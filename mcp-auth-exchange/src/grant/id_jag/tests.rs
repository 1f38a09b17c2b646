use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, Signer as _};
use mcp_auth_core::jwk::{KeySet, Thumbprint};
use mcp_auth_core::jwt::Algorithm;
use mcp_auth_discovery::{Scopes, Secret};
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::{
    ClientAuthentication, Resource, TokenEndpoint, TokenErrorCode, TokenResponse, TokenTypeUri, signed,
};
use IdJagErrorKind as Kind;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const IDP: &str = "https://idp.example";
const RAS: &str = "https://as.chat.example/";
const MCP: &str = "https://mcp.chat.example/";

struct Idp {
    signer: Arc<AwsLcSigner>,
    keys: KeySet,
}

fn idp() -> Idp {
    let signer = Arc::new(AwsLcSigner::generate(Algorithm::ES256).unwrap());
    let set = format!(r#"{{"keys":[{}]}}"#, signer.public_jwk("k1"));
    let keys = KeySet::parse(set.as_bytes(), &AwsLc::new(), &[Algorithm::ES256]).unwrap();
    Idp { signer, keys }
}

fn claims() -> Value {
    json!({"iss": IDP, "sub": "alice", "aud": RAS, "client_id": "agent", "jti": "j1", "iat": 1_700_000_000,
        "exp": 1_700_000_300, "resource": MCP, "scope": "chat.read chat.history"})
}

fn with(name: &str, value: Value) -> Value {
    let mut all = claims();
    match value {
        Value::Null => {
            all.as_object_mut().unwrap().remove(name);
        }
        value => all[name] = value,
    }
    all
}

impl Idp {
    fn sign(&self, typ: &str, claims: Value) -> String {
        let header = signed::members([("typ", typ.into()), ("kid", "k1".into())]);
        let Value::Object(claims) = claims else { unreachable!() };
        signed::compact(header, claims, &*self.signer).unwrap().to_string()
    }

    fn accept(&self, claims: Value, proved: Option<Thumbprint>) -> Result<IdJag, IdJagErrorKind> {
        let rules = IdJagRules::new(RAS).trust(IDP, &[Algorithm::ES256]).resource(MCP);
        let assertion = self.sign(TYP, claims);
        let parsed = rules.parse(&assertion).map_err(|e| e.kind().clone())?;
        rules.accept(parsed, &self.keys, "agent", proved, NOW).map_err(|e| e.kind().clone())
    }
}

#[test]
fn mcp_d8_both_legs_as_they_are_on_the_wire() {
    let endpoint = TokenEndpoint::new(&Url::parse("https://idp.example/token").unwrap()).unwrap();
    let client = ClientAuthentication::client_secret_post("agent", Secret::new("s"));
    let scope = Scopes::parse("chat.read").unwrap();
    let resource = Resource::parse(MCP).unwrap();
    let leg_1 =
        IdJagRequest::new(Secret::new("a.b.c"), TokenTypeUri::ID_TOKEN, RAS, resource, client.clone())
            .scope(&scope)
            .into_http(&endpoint);
    assert_eq!(
        std::str::from_utf8(leg_1.body()).unwrap(),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=a.b.c\
         &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token\
         &requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid-jag\
         &audience=https%3A%2F%2Fas.chat.example%2F&resource=https%3A%2F%2Fmcp.chat.example%2F\
         &scope=chat.read&client_id=agent&client_secret=s"
    );
    let answer = |issued: &str, token_type: &str| {
        let body = json!({"access_token": "j.a.g", "issued_token_type": issued, "token_type": token_type,
            "expires_in": 300});
        let read = TokenResponse::parse(StatusCode::OK, &HeaderMap::new(), body.to_string().as_bytes());
        IdJagGrant::from_response(&read.unwrap())
    };
    let jag = TokenTypeUri::ID_JAG;
    assert!(answer(jag.as_str(), "Bearer").is_err());
    assert!(answer(TokenTypeUri::ACCESS_TOKEN.as_str(), "N_A").is_err());
    let leg_2 = answer(jag.as_str(), "N_A").unwrap().redeem(client).into_http(&endpoint);
    assert_eq!(
        std::str::from_utf8(leg_2.body()).unwrap(),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=j.a.g&client_id=agent\
         &client_secret=s"
    );
}

#[test]
fn mcp_c15_an_id_jag_that_holds() {
    let jag = idp().accept(claims(), None).unwrap();
    assert_eq!((jag.issuer(), jag.subject(), jag.jti()), (IDP, "alice", "j1"));
    assert_eq!(jag.scopes().collect::<Vec<_>>(), ["chat.read", "chat.history"]);
    assert_eq!(jag.resources().collect::<Vec<_>>(), [MCP]);
    assert!(idp().accept(with("aud", json!([RAS])), None).is_ok());
    assert!(idp().accept(with("resource", json!([MCP])), None).is_ok());
}

#[test]
fn mcp_c15_every_rule_refuses_what_it_is_for() {
    let idp = idp();
    let kind = |name: &str, value: Value| format!("{:?}", idp.accept(with(name, value), None).unwrap_err());
    for claim in ["iss", "sub", "jti", "client_id", "exp", "iat", "resource"] {
        assert!(kind(claim, Value::Null).contains(&format!("Claim(\"{claim}\")")), "{claim}");
    }
    assert_eq!(kind("aud", json!([RAS, "https://other"])), "Audience");
    assert_eq!(kind("aud", json!([])), "Audience");
    assert_eq!(kind("aud", json!("https://as.chat.example")), "Audience");
    assert_eq!(kind("client_id", json!("other")), "Client");
    assert_eq!(kind("iss", json!(RAS)), "OwnIssuer");
    assert_eq!(kind("iss", json!("https://idp.example/")), "UntrustedIssuer");
    assert_eq!(kind("resource", json!("https://mcp.other.example/")), "Resource");
    assert_eq!(kind("resource", json!([MCP, "https://mcp.other.example/"])), "Resource");
    assert_eq!(kind("resource", json!(7)), "Claim(\"resource\")");
    assert_eq!(kind("exp", json!(1_700_000_301)), "Lifetime { seconds: 300 }");
    assert!(kind("exp", json!(1_699_999_970)).starts_with("Time"));
    assert!(kind("iat", json!(1_700_000_031)).starts_with("Time"));
    assert!(kind("nbf", json!(1_700_000_031)).starts_with("Time"));
    assert!(kind("sub", json!(7)).starts_with("Token"));
}

#[test]
fn attack_097_another_kind_of_jwt_of_the_same_issuer_is_refused() {
    let idp = idp();
    let rules = IdJagRules::new(RAS).trust(IDP, &[Algorithm::ES256]);
    for typ in ["JWT", "at+jwt", "id-jag"] {
        assert!(matches!(rules.parse(&idp.sign(typ, claims())).unwrap_err().kind(), Kind::Type));
    }
    let other = self::idp();
    let assertion = other.sign(TYP, claims());
    let refused = rules.accept(rules.parse(&assertion).unwrap(), &idp.keys, "agent", None, NOW).unwrap_err();
    assert!(matches!(refused.kind(), Kind::Token(_)));
    let rules = IdJagRules::new(RAS).trust(IDP, &[Algorithm::RS256]);
    let assertion = idp.sign(TYP, claims());
    let refused = rules.accept(rules.parse(&assertion).unwrap(), &idp.keys, "agent", None, NOW).unwrap_err();
    assert!(matches!(refused.kind(), Kind::Algorithm));
    assert_eq!(refused.oauth_error(), TokenErrorCode::InvalidGrant);
}

#[test]
fn a_bound_id_jag_needs_its_key() {
    let idp = idp();
    let key = Thumbprint::from_bytes([7; 32]);
    let bound = || with("cnf", json!({"jkt": key.to_base64url()}));
    assert!(idp.accept(bound(), Some(key)).is_ok());
    for proved in [None, Some(Thumbprint::from_bytes([8; 32]))] {
        assert!(matches!(idp.accept(bound(), proved), Err(Kind::Key)));
    }
    let unknown = with("cnf", json!({"x5t#S256": key.to_base64url()}));
    assert!(matches!(idp.accept(unknown, Some(key)), Err(Kind::Key)));
    assert!(idp.accept(claims(), Some(key)).is_ok());
}
