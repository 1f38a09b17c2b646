//! RFC 9728 §2.1 and §2.2.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;

use mcp_auth_core::UnixTime;
use mcp_auth_core::crypto::{AwsLc, AwsLcSigner, Signer, SigningFailed};
use mcp_auth_core::jwk::KeySet;
use mcp_auth_core::jwt::{Algorithm, Issuer, Validator};

use super::*;

fn part(jwt: &str, index: usize) -> Value {
    serde_json::from_slice(&B64.decode(jwt.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

#[test]
fn rfc_9728_section_2_2_signed_metadata_is_the_document_signed() {
    let signer = AwsLcSigner::generate(Algorithm::ES256).unwrap();
    let now = UnixTime::from_secs(1000);
    let plain = all();
    let signed = plain.clone().sign("https://mcp.example.com", "k", &signer, now).unwrap();
    let jwt = signed.signed_metadata.as_deref().unwrap();
    assert_eq!(part(jwt, 0), json!({"typ": "oauth-protected-resource+jwt", "alg": "ES256", "kid": "k"}));
    let mut claims = part(jwt, 1);
    assert_eq!(claims["iss"], "https://mcp.example.com");
    assert_eq!(claims["iat"], 1000);
    for own in ["iss", "iat"] {
        claims.as_object_mut().unwrap().remove(own);
    }
    assert_eq!(claims, value(&plain), "every member, and no `signed_metadata` in itself");

    let jwks = format!("{{\"keys\":[{}]}}", signer.public_jwk("k"));
    let keys = KeySet::parse(jwks.as_bytes(), &AwsLc::new(), &[Algorithm::ES256]).unwrap();
    let (message, signature) = jwt.rsplit_once('.').unwrap();
    let signature = B64.decode(signature).unwrap();
    let key = keys.keys().first().unwrap();
    let verifier = key.verifier(Algorithm::ES256).unwrap();
    assert_eq!(verifier.verify(message.as_bytes(), &signature), Ok(()));

    let again = signed.clone().sign("https://mcp.example.com", "k", &signer, now).unwrap();
    assert_eq!(part(again.signed_metadata.as_deref().unwrap(), 1), part(jwt, 1), "signed anew");
    let read = ProtectedResourceMetadata::parse(&signed.to_json(), &signed.resource).unwrap();
    assert_eq!(read, signed, "a reader keeps it and does not trust it");
}

/// A document is public: it must not become a credential.
#[test]
fn attack_015_signed_metadata_is_no_access_token() {
    let signer = AwsLcSigner::generate(Algorithm::ES256).unwrap();
    let issuer = "https://mcp.example.com";
    let signed = all().sign(issuer, "k", &signer, UnixTime::from_secs(1000)).unwrap();
    let validator = Validator::new([Issuer::new(issuer).audience("https://mcp.example.com/mcp")]).unwrap();
    let error = validator.parse(signed.signed_metadata.as_deref().unwrap()).unwrap_err();
    assert!(error.to_string().contains("typ"), "{error}");
}

#[test]
fn shared_secrets_and_failing_signers_sign_nothing() {
    #[derive(Debug)]
    struct Broken(Algorithm);
    impl Signer for Broken {
        fn algorithm(&self) -> Algorithm {
            self.0
        }
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SigningFailed> {
            Err(SigningFailed)
        }
        fn public_jwk(&self, _: &str) -> String {
            String::new()
        }
    }
    let sign =
        |algorithm| all().sign("https://h", "k", &Broken(algorithm), UnixTime::from_secs(0)).unwrap_err();
    assert_eq!(sign(Algorithm::HS256), SignMetadataError::SharedSecret);
    assert_eq!(sign(Algorithm::ES256), SignMetadataError::Signing(SigningFailed));
}

#[test]
fn rfc_9728_section_2_1_names_come_in_languages() {
    let builder = || ProtectedResourceMetadata::builder(resource("https://h/mcp")).resource_name("Files");
    let metadata = builder()
        .localized(HumanReadable::Name, "de", "Dateien")
        .unwrap()
        .localized(HumanReadable::Name, "DE", "Akten")
        .unwrap()
        .localized(HumanReadable::TosUri, "pt-BR", "https://h/tos/pt")
        .unwrap()
        .build();
    let json = value(&metadata);
    assert_eq!(json["resource_name"], "Files");
    assert_eq!(json["resource_name#DE"], "Akten", "tags are compared without case, the last one counts");
    assert_eq!(json.get("resource_name#de"), None);
    assert_eq!(json["resource_tos_uri#pt-BR"], "https://h/tos/pt");
    for tag in ["", "de-", "-de", "d e", "deutsch-land-x", "äö", "1", "#", "a-bcdefghij", &"a-".repeat(40)]
    {
        let refused = builder().localized(HumanReadable::Name, tag, "x");
        if tag != "deutsch-land-x" {
            assert!(matches!(refused, Err(LocalizedError::LanguageTag(_))), "{tag}");
        }
    }
    let foreign = br##"{"resource":"https://h/mcp","resource_name#fr":"Fichiers","resource_name#it":7,
        "resource_name#":"x","vendor#de":"x","vendor":{"a":1}}"##;
    let read = ProtectedResourceMetadata::parse(foreign, &resource("https://h/mcp")).unwrap();
    assert_eq!(read.localized.iter().collect::<Vec<_>>(), [("resource_name#fr", "Fichiers")]);
    assert_eq!(read.localized.get(HumanReadable::PolicyUri, "fr"), None);

    let many = (0..=MAX_TRANSLATIONS).map(|i| format!("\"resource_name#a-x{i}\":\"n\"")).collect::<Vec<_>>();
    let many = format!("{{\"resource\":\"https://h/mcp\",{}}}", many.join(","));
    let read = ProtectedResourceMetadata::parse(many.as_bytes(), &resource("https://h/mcp")).unwrap();
    assert_eq!(read.localized.iter().count(), MAX_TRANSLATIONS, "bounded");
}
