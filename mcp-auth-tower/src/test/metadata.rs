//! Where the metadata of resources is answered.

use http::StatusCode;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, HOST, HeaderName};
use mcp_auth_discovery::resource::MountedResources;
use mcp_auth_discovery::{ProtectedResourceMetadata, ResourceIdentifier};

use super::*;
use crate::metadata::MetadataLayer;

const ROOT: &str = "/.well-known/oauth-protected-resource";

/// The resource whose document is answered; `None` where the request reaches the service.
async fn asked(layer: &MetadataLayer, path: &str, headers: &[(HeaderName, &str)]) -> Option<String> {
    let upstream = Arc::new(Shared::default());
    let service = layer.layer(Upstream { shared: upstream.clone(), ready: false });
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let response = service.oneshot(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap();
    if upstream.calls.load(Ordering::SeqCst) > 0 {
        return None;
    }
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let document: Value = serde_json::from_slice(&body).unwrap();
    Some(document["resource"].as_str().unwrap().to_owned())
}

fn mounted(resources: &[&str]) -> MountedResources {
    let mut mounted = MountedResources::default();
    for resource in resources {
        let resource = ResourceIdentifier::parse(resource).unwrap();
        mounted.mount(&ProtectedResourceMetadata::builder(resource).build()).unwrap();
    }
    mounted
}

#[tokio::test]
async fn row_112_to_116_each_of_several_resources_has_its_document_at_its_place() {
    let resources = ["https://a.example/files", "https://a.example/mail", "https://b.example:8443/mcp"];
    let layer = MetadataLayer::mounted(mounted(&resources));
    let at = async |host: &str, path: &str| asked(&layer, path, &[(HOST, host)]).await;
    let below = |path: &str| format!("{ROOT}{path}");
    assert_eq!(at("a.example", &below("/files")).await.as_deref(), Some(resources[0]));
    assert_eq!(at("A.example.:443", &below("/mail")).await.as_deref(), Some(resources[1]));
    assert_eq!(at("b.example:8443", &below("/mcp")).await.as_deref(), Some(resources[2]));
    assert_eq!(at("a.example", ROOT).await, None, "either");
    assert_eq!(at("b.example:8443", ROOT).await.as_deref(), Some(resources[2]), "the only one there");
    for (host, path) in [
        ("a.example", "/mcp"),
        ("b.example:8443", "/files"),
        ("b.example", "/mcp"),
        ("evil.example", "/files"),
        ("a.example", "/files/"),
        ("a.example", "/FILES"),
        ("a.example", "//files"),
        ("a.example", "/mail/../files"),
        ("a.example", "/%66iles"),
        ("a.example", "/files?x"),
    ] {
        assert_eq!(at(host, &below(path)).await, None, "{host} {path}");
    }
    assert_eq!(at("a.example", "/files").await, None, "the resource itself");

    let mut chosen = mounted(&resources);
    chosen.root(&ResourceIdentifier::parse(resources[1]).unwrap()).unwrap();
    let layer = MetadataLayer::mounted(chosen);
    assert_eq!(asked(&layer, ROOT, &[(HOST, "a.example")]).await.as_deref(), Some(resources[1]));
}

#[tokio::test]
async fn attack_068_forwarding_headers_and_second_hosts_choose_no_document() {
    let layer = MetadataLayer::mounted(mounted(&["https://a.example/files", "https://b.example/files"]));
    let path = format!("{ROOT}/files");
    for header in ["x-forwarded-host", "x-host", "forwarded", "x-original-host"] {
        let value = if header == "forwarded" { "host=a.example;proto=https" } else { "a.example" };
        let header = HeaderName::from_static(header);
        assert_eq!(asked(&layer, &path, &[(HOST, "evil.example"), (header.clone(), value)]).await, None);
        let other = asked(&layer, &path, &[(HOST, "b.example"), (header, value)]).await;
        assert_eq!(other.as_deref(), Some("https://b.example/files"));
    }
    assert_eq!(asked(&layer, &path, &[(HOST, "a.example"), (HOST, "b.example")]).await, None);
    assert_eq!(asked(&layer, &path, &[]).await, None, "either");
    let absolute = format!("https://b.example{path}");
    assert_eq!(asked(&layer, &absolute, &[]).await.as_deref(), Some("https://b.example/files"));
    assert_eq!(asked(&layer, &absolute, &[(HOST, "a.example")]).await, None);
}
