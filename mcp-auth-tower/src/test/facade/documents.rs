//! Clients that are the URL of a document about them.

use super::*;

const CLIENT: &str = "https://client.example/oauth/client.json";

fn document() -> Value {
    json!({"client_id": CLIENT, "client_name": "Doc", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"})
}

fn asking(id: &str) -> Request<Full<Bytes>> {
    let mut pairs = authorization();
    pairs[1] = ("client_id", id);
    get("/authorize", &pairs)
}

#[tokio::test]
async fn mcp_c8_a_document_is_fetched_once_shown_by_its_host_and_kept_as_long_as_it_says() {
    let world = World::new();
    world.provided.answers("/oauth/client.json", |_| {
        let mut response = json_reply(200, &document())?;
        response.headers_mut().insert("cache-control", "max-age=600".parse().unwrap());
        Ok(response)
    });
    let asked = || world.provided.asked("/oauth/client.json");
    let pages = futures_util::future::join_all((0..10).map(|_| world.browse(asking(CLIENT)))).await;
    for (parts, page) in &pages {
        assert_eq!(parts.status, StatusCode::OK, "{page}");
        assert!(page.contains("client.example"));
    }
    assert_eq!((asked(), world.server.status().client_documents), (1, 1));
    world.clock.advance(599);
    world.browse(asking(CLIENT)).await;
    assert_eq!(asked(), 1);
    world.clock.advance(2);
    world.browse(asking(CLIENT)).await;
    assert_eq!(asked(), 2);
}

#[tokio::test]
async fn mcp_c8_a_document_that_is_refused_is_left_alone_for_a_moment_and_not_kept() {
    let world = World::new();
    world.provided.answers("/oauth/client.json", |_| {
        let mut other = document();
        other["client_id"] = "https://evil.example/client.json".into();
        json_reply(200, &other)
    });
    for _ in 0..10 {
        let (parts, page) = world.browse(asking(CLIENT)).await;
        assert_eq!(parts.status, StatusCode::BAD_REQUEST, "{page}");
        assert!(page.contains("client_document"), "{page}");
    }
    assert_eq!(world.provided.asked("/oauth/client.json"), 1);
    world.provided.answers("/oauth/client.json", |_| json_reply(200, &document()));
    world.clock.advance(6);
    assert_eq!(world.browse(asking(CLIENT)).await.0.status, StatusCode::OK);
}

#[tokio::test]
async fn mcp_c8_only_https_and_only_hosts_that_are_allowed() {
    use mcp_auth_discovery::client_metadata::ClientMetadataPolicy;

    let policy = ClientMetadataPolicy::default().allow_host("claude.ai");
    let world = World::with(facade(), Provided::new(), |b| b.client_documents(policy));
    world.provided.answers("/oauth/client.json", |_| json_reply(200, &document()));
    for id in
        [CLIENT, "http://client.example/oauth/client.json", "file:///etc/passwd", "https://u:p@claude.ai/x"]
    {
        let (parts, page) = world.browse(asking(id)).await;
        assert!(parts.status.is_client_error(), "{id} {page}");
    }
    let asked = world.provided.asked.lock().unwrap();
    assert!(asked.iter().all(|request| request.uri().path() == WELL_KNOWN), "nobody else was asked");
}
