//! RFC 7592.

use url::Url;

use super::*;

fn update(value: &Value, secret: Option<&Secret>) -> Result<ClientUpdateRequest, RegistrationError> {
    ClientUpdateRequest::parse(value.to_string().as_bytes(), &RedirectUriRules::default(), "c", secret)
}

#[test]
fn rfc_7592_section_2_2_an_update_is_of_this_client_and_sets_nothing_of_the_servers() {
    let good = json!({"client_id": "c", "redirect_uris": ["https://a/cb"], "client_name": "A"});
    assert_eq!(update(&good, None).unwrap().into_metadata().client_name.as_deref(), Some("A"));
    for (name, value) in [
        ("client_id", json!("d")),
        ("client_id", json!(7)),
        ("client_secret", json!("s")),
        ("registration_access_token", json!("t")),
        ("registration_client_uri", json!("https://h")),
        ("client_secret_expires_at", json!(0)),
        ("client_id_issued_at", json!(0)),
        ("logo_uri", json!("javascript:1")),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert_eq!(update(&bad, None).unwrap_err().code().as_str(), "invalid_client_metadata", "{name}");
    }
    let mut bad = good.clone();
    bad["redirect_uris"] = json!(["http://evil.example/"]);
    assert_eq!(update(&bad, None).unwrap_err().code().as_str(), "invalid_redirect_uri");
    assert!(update(&json!({"redirect_uris": ["https://a/cb"]}), None).is_err(), "client_id is required");
}

#[test]
fn rfc_7592_section_2_2_a_secret_that_is_sent_is_the_one_that_is_held() {
    let held = Secret::new("s3cret");
    let with = |secret: &str| {
        update(
            &json!({"client_id": "c", "redirect_uris": ["https://a/cb"], "client_secret": secret}),
            Some(&held),
        )
    };
    assert!(with("s3cret").is_ok());
    for wrong in ["", "s3cre", "s3crets", "S3CRET"] {
        let error = with(wrong).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn rfc_7592_section_3_what_a_client_needs_to_manage_itself() {
    let uri = Url::parse("https://gw.example.com/register/c").unwrap();
    let response = ClientRegistrationResponse::new("c", ClientMetadata::new(["https://a/cb"]))
        .management(uri.clone(), Secret::new("t0ken"));
    let read = ClientRegistrationResponse::parse(&response.to_json()).unwrap();
    let management = ClientManagement::of(&read).unwrap();
    assert!(!format!("{management:?} {read:?}").contains("t0ken"));

    let request = management.read().unwrap();
    assert_eq!((request.method().as_str(), request.uri().to_string()), ("GET", uri.to_string()));
    let header = &request.headers()["authorization"];
    assert_eq!(header, "Bearer t0ken");
    assert!(header.is_sensitive());
    assert_eq!(management.delete().unwrap().method(), "DELETE");

    let update =
        ClientUpdateRequest::new("c", ClientMetadata::new(["https://a/cb2"]), &RedirectUriRules::default());
    let request = management.update(&update.unwrap()).unwrap();
    assert_eq!(
        (request.method().as_str(), &request.headers()["content-type"]),
        ("PUT", &"application/json".parse().unwrap())
    );
    assert_eq!(
        serde_json::from_slice::<Value>(request.body()).unwrap(),
        json!({"client_id": "c", "redirect_uris": ["https://a/cb2"]})
    );

    let plain = Url::parse("http://gw.example.com/c").unwrap();
    assert!(ClientManagement::new(plain, Secret::new("t")).is_err());
    let odd = ClientManagement::new(uri, Secret::new("a\r\nb")).unwrap();
    assert_eq!(odd.read().unwrap_err(), ClientRequestError::Token);
    assert!(ClientManagement::of(&ClientRegistrationResponse::new("c", ClientMetadata::default())).is_none());
}
