//! Which clients may use a server.

use super::*;

#[test]
fn attack_033_tokens_of_other_clients_are_refused_as_such() {
    let idp = Idp::new(Algorithm::EdDSA);
    let limited = of(issuer().clients(["cli", "web"]));
    let at = |client_id: Option<&str>, azp: Option<&str>| {
        let mut claims = claims();
        for (name, value) in [("client_id", client_id), ("azp", azp)] {
            if let Some(value) = value {
                claims[name] = value.into();
            }
        }
        judge(&limited, &idp, &claims)
    };
    for (client_id, azp) in
        [(Some("cli"), None), (None, Some("web")), (Some("web"), Some("web")), (Some("web"), Some("other"))]
    {
        assert_eq!(code(at(client_id, azp)), "ok", "{client_id:?} {azp:?}");
    }
    for (client_id, azp) in [
        (None, None),
        (Some("other"), None),
        (None, Some("other")),
        (Some("other"), Some("cli")),
        (Some("CLI"), None),
        (Some("cli "), None),
        (Some("cl"), None),
        (Some(""), None),
    ] {
        let error = at(client_id, azp).unwrap_err();
        assert_eq!(
            (error.code(), error.client_text()),
            ("client", ClientText::Client),
            "{client_id:?} {azp:?}"
        );
    }
    assert!(at(None, None).unwrap_err().to_string().contains("names no client"));
    assert!(at(Some("x\r\ny"), None).unwrap_err().to_string().contains(r"`x\r\ny`"), "escaped for the log");
    assert_eq!(at(Some("cli"), Some("web")).unwrap().client_id(), Some("cli"));
    let anybody = judge(&validator(), &idp, &with("azp", "whoever".into())).unwrap();
    assert_eq!(anybody.client_id(), Some("whoever"));
}
