//! Requests and answers as they go over the wire.

use ::http::{Response, StatusCode};
use bytes::Bytes;
use url::Url;

use super::*;
use crate::EndpointFault;

fn answer(status: u16, body: &str) -> Result<ClientRegistrationResponse, RegistrationFailure> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    ClientRegistrationResponse::from_http(&Response::builder().status(status).body(body).unwrap())
}

#[test]
fn row_145_a_registration_is_sent_as_json() {
    let rules = RedirectUriRules::default();
    let request = ClientRegistrationRequest::new(ClientMetadata::new(["https://a/cb"]), &rules).unwrap();
    let endpoint =
        Url::parse("https://keycloak.acme.io/realms/acme/clients-registrations/openid-connect").unwrap();
    let http = request.to_http(&endpoint, None).unwrap();
    assert_eq!((http.method().as_str(), http.uri().to_string()), ("POST", endpoint.to_string()));
    assert_eq!(http.headers()["content-type"], "application/json");
    assert_eq!(http.headers().get("authorization"), None);
    assert_eq!(http.body(), &request.to_json());
    let with = request.to_http(&endpoint, Some(&Secret::new("initial"))).unwrap();
    assert!(with.headers()["authorization"].is_sensitive());
    for (bad, fault) in
        [("http://keycloak.acme.io/r", EndpointFault::Insecure), ("file:///r", EndpointFault::Scheme)]
    {
        let error = request.to_http(&Url::parse(bad).unwrap(), None).unwrap_err();
        assert_eq!(error, ClientRequestError::Endpoint(fault), "{bad}");
    }
}

#[test]
fn mcp_c6_answers_have_the_headers_that_strict_clients_accept() {
    let response = ClientRegistrationResponse::new("c", ClientMetadata::new(["https://a/cb"]));
    let (created, read) = (response.to_http(), response.to_http_managed());
    let refused = RegistrationError::new(RegistrationErrorCode::InvalidRedirectUri, "no").to_http();
    for (response, status) in
        [(&created, StatusCode::CREATED), (&read, StatusCode::OK), (&refused, StatusCode::BAD_REQUEST)]
    {
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert!(serde_json::from_slice::<Value>(response.body()).unwrap().is_object());
    }
}

#[test]
fn row_154_answers_of_real_servers() {
    for status in [200, 201] {
        let read =
            answer(status, r#"{"client_id":"c","client_secret":"s","client_secret_expires_at":0}"#).unwrap();
        assert_eq!(read.client_id, "c");
    }
    use RegistrationFailure as F;
    let code = RegistrationErrorCode::InvalidRedirectUri;
    assert_eq!(
        answer(400, "{\"error\":\"invalid_redirect_uri\",\"error_description\":\"no\\n\\u001b[2J\"}")
            .unwrap_err(),
        F::Refused { code, description: "no[2J".into() }
    );
    assert_eq!(answer(401, "").unwrap_err(), F::Unauthorized(401));
    assert_eq!(answer(403, "{}").unwrap_err(), F::Unauthorized(403));
    assert_eq!(answer(400, r#"{"error":"what"}"#).unwrap_err(), F::Status(400));
    assert_eq!(answer(500, "<html>").unwrap_err(), F::Status(500));
    assert_eq!(answer(302, "").unwrap_err(), F::Status(302));
    assert_eq!(answer(201, "{}").unwrap_err(), F::Document(DocumentError::Missing("client_id")));
    let long = format!(r#"{{"error":"invalid_client_metadata","error_description":"{}"}}"#, "x".repeat(5000));
    let F::Refused { description, .. } = answer(400, &long).unwrap_err() else { panic!() };
    assert_eq!(description.len(), 200);
}

#[test]
fn a_refusal_names_the_member_and_repeats_nothing_of_the_client() {
    let refuse = |text: &str| {
        ClientRegistrationRequest::parse(text.as_bytes(), &RedirectUriRules::default()).unwrap_err()
    };
    let error = refuse(r#"{"redirect_uris":["https://a", 7]}"#);
    assert_eq!(error.code().as_str(), "invalid_redirect_uri");
    assert!(error.description().contains("`redirect_uris[1]`"), "{error}");
    let error = refuse(r#"{"redirect_uris":["https://a"],"contacts":["x",{"<script>":1}]}"#);
    assert_eq!(error.code().as_str(), "invalid_client_metadata");
    assert!(error.description().contains("`contacts[1]`") && !error.description().contains('<'), "{error}");
}
