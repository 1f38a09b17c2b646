use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::authenticate::PeerCertificate;

/// The form of a certificate; nobody here reads more of it.
fn der(name: u8) -> Vec<u8> {
    vec![0x30, 3, 2, 1, name]
}

fn x5t(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(AwsLc::new().sha256(der))
}

fn with_peer(mut request: Request<()>, peer: Option<&PeerCertificate>) -> Request<()> {
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer.clone());
    }
    request
}

fn with_header(mut request: Request<()>, certificates: &[u8]) -> Request<()> {
    for name in certificates {
        let value = format!(":{}:", STANDARD.encode(der(*name)));
        request.headers_mut().append("client-cert", value.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn a_certificate_bound_token_needs_the_connection_of_its_certificate() {
    let setup = Setup::with(|layer| layer);
    let bound = setup.token(|c| c["cnf"] = json!({"x5t#S256": x5t(&der(1))}));
    let unbound = setup.token(|_| {});
    let (ours, theirs) = (PeerCertificate::new(der(1)), PeerCertificate::new(der(2)));
    // Twice: remembered tokens too.
    for _ in 0..2 {
        for (token, peer, expected) in [
            (&bound, Some(&ours), (200, "")),
            (&bound, Some(&theirs), (401, "wrong_proof_key")),
            (&bound, None, (401, "bound_token")),
            (&unbound, Some(&ours), (200, "")),
            (&unbound, None, (200, "")),
        ] {
            assert_eq!(setup.send(with_peer(bearer(token), peer)).await.outcome(), expected);
        }
    }
    assert_eq!(ours.der(), der(1));
    assert_eq!(ours.clone().thumbprint().to_base64url(), x5t(&der(1)));
    assert!(!format!("{ours:?}").contains("48, 3"));
}

#[tokio::test]
async fn a_header_counts_only_where_it_was_asked_for_and_then_alone() {
    let plain = Setup::with(|layer| layer);
    let bound = plain.token(|c| c["cnf"] = json!({"x5t#S256": x5t(&der(1))}));
    assert_eq!(plain.send(with_header(bearer(&bound), &[1])).await.outcome(), (401, "bound_token"));
    assert_eq!(plain.calls(), 0);

    let setup = Setup::with(AuthenticateLayer::danger_client_cert_header);
    let bound = setup.token(|c| c["cnf"] = json!({"x5t#S256": x5t(&der(1))}));
    let proxy = PeerCertificate::new(der(1));
    for (request, expected) in [
        (with_header(bearer(&bound), &[1]), (200, "")),
        (with_header(bearer(&bound), &[2]), (401, "wrong_proof_key")),
        (with_header(bearer(&bound), &[1, 1]), (401, "bound_token")),
        (with_header(bearer(&bound), &[]), (401, "bound_token")),
        // The connection is the proxy's.
        (with_peer(bearer(&bound), Some(&proxy)), (401, "bound_token")),
        (with_peer(with_header(bearer(&bound), &[2]), Some(&proxy)), (401, "wrong_proof_key")),
    ] {
        assert_eq!(setup.send(request).await.outcome(), expected);
    }
}

#[tokio::test]
async fn a_token_bound_to_both_needs_both() {
    let setup = Setup::accepting();
    let key = KeyPair::new(Algorithm::RS256);
    let token = setup.token(|c| c["cnf"] = json!({"jkt": key.thumbprint(), "x5t#S256": x5t(&der(1))}));
    let peer = PeerCertificate::new(der(1));
    for (request, expected) in [
        (with_peer(dpop(&token, &key.proof(&token)), Some(&peer)), (200, "")),
        (dpop(&token, &key.proof(&token)), (401, "bound_token")),
        (with_peer(bearer(&token), Some(&peer)), (401, "bound_token")),
    ] {
        assert_eq!(setup.send(request).await.outcome(), expected);
    }
}
