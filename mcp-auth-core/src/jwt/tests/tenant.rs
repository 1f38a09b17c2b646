//! Issuers with one name per tenant, and keys that speak for one of them.

use super::*;

const TEMPLATE: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";
const ACME: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OTHER: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

fn iss(tenant: &str) -> String {
    TEMPLATE.replace("{tenantid}", tenant)
}

fn token_of(iss: &str, tid: Value) -> Value {
    let mut claims = with("iss", iss.into());
    claims["tid"] = tid;
    claims
}

#[test]
fn a_tenant_is_trusted_by_name_and_says_so_twice() {
    let idp = Idp::new(Algorithm::EdDSA);
    let entra = of(Issuer::multi_tenant(TEMPLATE, [ACME]).audience(AUD));
    let at = |iss: &str, tid: Value| judge(&entra, &idp, &token_of(iss, tid));
    let principal = at(&iss(ACME), ACME.into()).unwrap();
    assert_eq!(principal.issuer(), iss(ACME));
    assert_eq!(principal.name(), Some(format!("{}/alice", iss(ACME))));
    for (iss, tid, expected) in [
        (iss(OTHER), json!(OTHER), "tenant"),
        (iss(ACME), json!(OTHER), "tenant"),
        (iss(OTHER), json!(ACME), "tenant"),
        (iss(ACME), json!(7), "claim_missing"),
        (iss(&ACME.to_uppercase()), json!(ACME.to_uppercase()), "tenant"),
        (iss(""), json!(""), "issuer"),
        (iss("a/b"), json!("a/b"), "issuer"),
        (iss("{tenantid}"), json!("{tenantid}"), "issuer"),
        (iss("%2e"), json!("%2e"), "issuer"),
        (format!("{}/", iss(ACME)), json!(ACME), "issuer"),
        (iss(ACME).replace("https", "http"), json!(ACME), "issuer"),
        (iss(ACME).replace("v2.0", "v2.0.evil"), json!(ACME), "issuer"),
        (format!("https://sts.windows.net/{ACME}/"), json!(ACME), "issuer"),
    ] {
        assert_eq!(code(at(&iss, tid.clone())), expected, "{iss} {tid}");
    }
    assert_eq!(code(judge(&entra, &idp, &with("iss", iss(ACME).into()))), "claim_missing", "no `tid`");
    let any = of(Issuer::danger_any_tenant(TEMPLATE).audience(AUD));
    assert_eq!(code(judge(&any, &idp, &token_of(&iss(OTHER), OTHER.into()))), "ok");
    assert_eq!(code(judge(&any, &idp, &token_of(&iss(OTHER), ACME.into()))), "tenant");
}

#[test]
fn row_198_templates_are_templates() {
    let error = |issuer: Issuer| Validator::new([issuer.audience(AUD)]).unwrap_err();
    for template in ["https://login.example/v2.0", "https://{tenantid}.example/{tenantid}", "{tenantId}"] {
        let expected = IssuerConfigError::Template(template.into());
        assert_eq!(error(Issuer::multi_tenant(template, [ACME])), expected);
        assert_eq!(error(Issuer::danger_any_tenant(template)), expected);
    }
    let nobody: [&str; 0] = [];
    assert_eq!(error(Issuer::multi_tenant(TEMPLATE, nobody)), IssuerConfigError::Template(TEMPLATE.into()));
    let entra = || Issuer::multi_tenant(TEMPLATE, [ACME]).audience(AUD);
    assert!(matches!(Validator::new([entra(), issuer(), entra()]), Err(IssuerConfigError::Duplicate(_))));
}

#[test]
fn row_195_an_issuer_of_its_own_name_comes_before_a_template() {
    let idp = Idp::new(Algorithm::EdDSA);
    let validator = Validator::new([
        Issuer::multi_tenant(TEMPLATE, [ACME, OTHER]).audience(AUD),
        Issuer::new(iss(ACME)).audience("api://acme"),
    ])
    .unwrap();
    let index = |tenant: &str| {
        let token = idp.sign(&token_of(&iss(tenant), tenant.into()));
        validator.parse(&token).unwrap().issuer().index()
    };
    assert_eq!((index(ACME), index(OTHER)), (1, 0));
}

#[test]
fn attack_054_a_key_speaks_for_the_issuer_it_names() {
    let idp = Idp::new(Algorithm::EdDSA);
    let entra = of(Issuer::danger_any_tenant(TEMPLATE).audience(AUD));
    let under = |issuer: Value| {
        let mut jwk: Value = serde_json::from_str(&idp.signer.public_jwk("k1")).unwrap();
        jwk["issuer"] = issuer;
        let keys = key_set(&[jwk.to_string()]);
        let token = idp.sign(&token_of(&iss(ACME), ACME.into()));
        entra.verify(entra.parse(&token).unwrap(), &keys, &Checks::at(now())).map(|_| ())
    };
    assert_eq!(code(under(TEMPLATE.into())), "ok");
    assert_eq!(code(under(iss(ACME).into())), "ok");
    for other in
        [iss(OTHER), format!("{}/", iss(ACME)), "https://sts.windows.net/{tenantid}/".into(), String::new()]
    {
        assert_eq!(under(other.into()).unwrap_err().kind(), &ValidationErrorKind::KeyIssuer);
    }
    assert_eq!(code(under(json!(7))), "key", "a key whose `issuer` is no name is not used");
}
