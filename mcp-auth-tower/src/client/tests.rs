use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper_util::client::legacy::connect::dns::Name;

use super::chaos::{Answer, Chaos, json};
use super::connector::Resolve;
use super::*;

const LIMIT: usize = 512 * 1024;

fn refused(policy: &AddressPolicy, address: &str) -> bool {
    policy.check(address.parse().unwrap()).is_err()
}

#[test]
fn attack_050_which_addresses_are_dialled() {
    let (public, private) = (AddressPolicy::public_only(), AddressPolicy::with_private());
    for address in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "223.255.255.255", "2606:4700::1111"]
    {
        assert!(!refused(&public, address) && !refused(&private, address), "{address}");
    }
    let private_only = [
        "127.0.0.1",
        "127.255.255.254",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "100.127.255.255",
        "::1",
        "fc00::1",
        "fd12:3456::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "::127.0.0.1",
    ];
    for address in private_only {
        assert!(refused(&public, address) && !refused(&private, address), "{address}");
    }
    let never = [
        "169.254.169.254",
        "169.254.0.1",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "0.0.0.0",
        "0.1.2.3",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "198.18.0.1",
        "198.19.255.255",
        "192.88.99.1",
        "::",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "3fff::1",
        "2001::1",
        "2001:2::1",
        "100::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "5f00::1",
        "4000::1",
        // 169.254.169.254 inside: mapped, compatible, NAT64, local NAT64, 6to4; and Teredo.
        "::ffff:a9fe:a9fe",
        "::a9fe:a9fe",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2001:0:a9fe:a9fe::1",
    ];
    for address in never {
        assert!(refused(&public, address) && refused(&private, address), "{address}");
        assert!(!refused(&AddressPolicy::danger_allow_any(), address), "{address}");
    }
    let text = public.check("::ffff:a9fe:a9fe".parse().unwrap()).unwrap_err().to_string();
    assert!(text.contains("::ffff:169.254.169.254") && text.contains("link-local"), "{text}");
}

#[test]
fn attack_050_allowing_a_network_allows_no_more() {
    let policy = AddressPolicy::public_only().allow("10.1.0.0/16").unwrap().allow("fd00::7").unwrap();
    for address in ["10.1.255.255", "::ffff:10.1.0.1", "fd00::7", "1.1.1.1"] {
        assert!(!refused(&policy, address), "{address}");
    }
    for address in ["10.2.0.0", "fd00::8", "127.0.0.1", "169.254.169.254"] {
        assert!(refused(&policy, address), "{address}");
    }
    assert!(!refused(&AddressPolicy::public_only().allow("169.254.169.254").unwrap(), "169.254.169.254"));
    for bad in ["", "10.0.0.0/33", "10.0.0", "example.com", "10.0.0.0/8 "] {
        assert!(AddressPolicy::public_only().allow(bad).unwrap_err().to_string().contains(bad));
    }
}

#[test]
fn row_035_149_which_urls_are_fetched_from() {
    use FetchUrlError as E;
    for (url, strict, with_http) in [
        ("https://idp.example/jwks", Ok(()), Ok(())),
        ("http://localhost:9000/jwks", Ok(()), Ok(())),
        ("http://127.0.0.1/", Ok(()), Ok(())),
        ("http://[::1]:1/", Ok(()), Ok(())),
        ("http://keycloak:8080/certs", Err(E::PlainHttp), Ok(())),
        ("http://localhost.evil.example/", Err(E::PlainHttp), Ok(())),
        ("https://user:pw@idp.example/", Err(E::UserInfo), Err(E::UserInfo)),
        ("https://user@idp.example/", Err(E::UserInfo), Err(E::UserInfo)),
        ("https://idp.example/#a", Err(E::Fragment), Err(E::Fragment)),
        ("file:///etc/passwd", Err(E::NotHttp), Err(E::NotHttp)),
        ("ftp://idp.example/", Err(E::NotHttp), Err(E::NotHttp)),
        ("/jwks", Err(E::NotHttp), Err(E::NotHttp)),
        ("https://", Err(E::NotHttp), Err(E::NotHttp)),
        ("https://idp.example/a b", Err(E::NotHttp), Err(E::NotHttp)),
        ("https:\\\\idp.example\\", Err(E::NotHttp), Err(E::NotHttp)),
    ] {
        assert_eq!(FetchUrl::parse(url).map(drop), strict, "{url}");
        assert_eq!(FetchUrl::danger_http(url).map(drop), with_http, "{url}");
    }
}

#[test]
fn attack_066_a_query_is_not_shown() {
    let url = FetchUrl::parse("https://idp.example/jwks?code=hunter2").unwrap();
    assert_eq!(format!("{url} {url:?}"), "https://idp.example/jwks?… FetchUrl(https://idp.example/jwks?…)");
    let request = FetchRequest::new(url, UrlTrust::Configured, LIMIT, Duration::from_secs(5));
    assert!(!format!("{request:?}").contains("hunter2"));
    let http = request.to_http();
    assert_eq!(http.uri(), "https://idp.example/jwks?code=hunter2", "but sent");
    assert_eq!(http.headers()["accept-encoding"], "identity");
}

async fn get(client: &dyn Fetch, url: &str, trust: UrlTrust) -> Result<String, FetchError> {
    let request = FetchRequest::new(FetchUrl::parse(url).unwrap(), trust, LIMIT, Duration::from_secs(5));
    let (_, body) = document(client, request).await?;
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn attack_049_content_types_are_read_leniently_and_encodings_not_at_all() {
    let server = Chaos::start().await;
    let client = HttpClient::new().unwrap();
    let get = async |headers: &'static [&'static str]| {
        server.answer("/x", Answer::Json("{}".into(), headers));
        get(&client, &server.url("/x"), UrlTrust::Configured).await
    };
    assert_eq!(get(&[]).await.unwrap(), "{}");
    assert_eq!(get(&["Content-Encoding: Identity"]).await.unwrap(), "{}");
    for coding in [
        &["Content-Encoding: gzip"][..],
        &["Content-Encoding: br"],
        &["Content-Encoding: identity", "Content-Encoding: gzip"],
        &["Content-Encoding: identity, gzip"],
        &["Content-Encoding: \u{e9}"],
    ] {
        assert!(matches!(get(coding).await, Err(FetchError::Encoded)), "{coding:?}");
    }
    let of = |name: &str| {
        let answer = http::Response::builder().header("content-type", name).body("{}".into()).unwrap();
        document::check(answer, LIMIT).map(drop)
    };
    for good in [
        "application/json",
        "application/jwk-set+json",
        "Application/JSON; charset=utf-8",
        "text/plain",
        "application/octet-stream",
        "",
    ] {
        assert!(of(good).is_ok(), "{good}");
    }
    let page = of("text/html; charset=utf-8").unwrap_err();
    assert!(matches!(page, FetchError::Html) && page.to_string().contains("login"), "{page}");
    for bad in ["image/png", "application/xml", "application/jwt", "text/json+"] {
        assert!(matches!(of(bad), Err(FetchError::ContentType)), "{bad}");
    }
}

#[tokio::test]
async fn row_039_attack_049_a_client_of_ones_own_is_checked_like_ours() {
    #[derive(Debug)]
    struct Careless(u16, usize);
    impl Fetch for Careless {
        fn fetch(&self, _: FetchRequest) -> FetchFuture<'_> {
            let mut answer = http::Response::new(vec![b' '; self.1].into());
            *answer.status_mut() = http::StatusCode::from_u16(self.0).unwrap();
            Box::pin(async move { Ok(answer) })
        }
    }
    let get = async |client| get(&client, "https://idp.example/", UrlTrust::Configured).await;
    assert!(get(Careless(200, LIMIT)).await.is_ok());
    assert!(matches!(get(Careless(200, LIMIT + 1)).await, Err(FetchError::TooLong { limit: LIMIT })));
    for status in [201, 203, 204, 206, 304, 404, 500] {
        assert!(matches!(get(Careless(status, 2)).await, Err(FetchError::Status(_))), "{status}");
    }
}

#[tokio::test]
async fn attack_050_addresses_that_are_written_out_are_checked_before_the_connection() {
    let server = Chaos::start().await;
    server.answer("/x", json("{}"));
    let client = HttpClient::new().unwrap();
    let port = server.address.port();
    assert_eq!(get(&client, &server.url("/x"), UrlTrust::Configured).await.unwrap(), "{}");
    let before = server.connections();
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "localhost", "[::1]", "a.localhost"] {
        let error = get(&client, &format!("http://{host}:{port}/x"), UrlTrust::Learned).await.unwrap_err();
        // That name need not be known to the machine.
        let unknown = host == "a.localhost" && matches!(error, FetchError::Connect(_));
        assert!(unknown || matches!(error, FetchError::Address(_)), "{host}: {error}");
    }
    for host in [
        "169.254.169.254",
        "[::ffff:a9fe:a9fe]",
        "[::ffff:7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::]",
        "[fe80::1]",
        "0.0.0.0",
        "[::]",
    ] {
        for trust in [UrlTrust::Learned, UrlTrust::Configured] {
            let loopback = host == "[::ffff:7f00:1]" && trust == UrlTrust::Configured;
            let request = FetchRequest::new(
                FetchUrl::danger_http(&format!("http://{host}:{port}/x")).unwrap(),
                trust,
                LIMIT,
                Duration::from_secs(5),
            );
            let answer = client.fetch(request).await;
            assert!(
                loopback || matches!(answer, Err(FetchError::Address(_))),
                "{host} {trust:?}: {answer:?}"
            );
        }
    }
    assert!(
        server.connections() <= before + 1,
        "only the mapped loopback address of the operator was dialled"
    );
}

/// Answers for a name with one address after the other.
#[derive(Debug)]
struct Changing(Mutex<VecDeque<SocketAddr>>);

impl Resolve for Changing {
    fn resolve(&self, _: Name) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>> {
        let next = self.0.lock().unwrap().pop_front().unwrap();
        Box::pin(async move { Ok(vec![next]) })
    }
}

#[tokio::test]
async fn attack_050_a_name_that_changes_its_address_is_checked_at_every_connection() {
    let server = Chaos::start().await;
    server.answer("/x", json("{}"));
    let port = server.address.port();
    let at = |ip: &str| SocketAddr::new(ip.parse::<IpAddr>().unwrap(), port);
    let names = ["127.0.0.1", "127.0.0.2", "169.254.169.254", "::ffff:169.254.169.254", "127.0.0.1"].map(at);
    let client = HttpClient::builder()
        .learned_addresses(AddressPolicy::public_only().allow("127.0.0.1").unwrap())
        .resolver(Arc::new(Changing(Mutex::new(names.into()))))
        .build()
        .unwrap();
    let url = FetchUrl::danger_http(&format!("http://rebind.example:{port}/x")).unwrap();
    let mut answers = Vec::new();
    for _ in 0..5 {
        let request = FetchRequest::new(url.clone(), UrlTrust::Learned, LIMIT, Duration::from_secs(5));
        answers.push(match client.fetch(request).await {
            Ok(_) => "answered".to_owned(),
            Err(FetchError::Address(refused)) => refused.address().to_string(),
            Err(other) => panic!("{other}"),
        });
    }
    assert_eq!(answers, ["answered", "127.0.0.2", "169.254.169.254", "::ffff:169.254.169.254", "answered"]);
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn attack_050_a_name_with_good_and_bad_addresses_leads_to_the_good_ones() {
    #[derive(Debug)]
    struct Both(u16);
    impl Resolve for Both {
        fn resolve(&self, _: Name) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>> {
            let all = ["169.254.169.254", "127.0.0.1"].map(|ip| SocketAddr::new(ip.parse().unwrap(), self.0));
            Box::pin(async move { Ok(all.into()) })
        }
    }
    let server = Chaos::start().await;
    server.answer("/x", json("{}"));
    let port = server.address.port();
    let client = HttpClient::builder().resolver(Arc::new(Both(port))).build().unwrap();
    let url = format!("http://a.localhost:{port}/x");
    assert_eq!(get(&client, &url, UrlTrust::Configured).await.unwrap(), "{}");
}

#[tokio::test]
async fn attack_050_a_connection_that_one_policy_allowed_is_not_lent_to_the_other() {
    let app = axum::Router::new().route("/x", axum::routing::get(|| async { "{}" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let client = HttpClient::new().unwrap();
    assert!(get(&client, &url, UrlTrust::Configured).await.is_ok(), "kept alive");
    assert!(matches!(get(&client, &url, UrlTrust::Learned).await, Err(FetchError::Address(_))));
}

#[test]
fn row_033_035_the_address_of_a_backend_is_put_together() {
    let of = |host: &str, port, tls, path: &str| {
        FetchUrl::of_backend(host, port, tls, path).map(|u| u.to_string())
    };
    assert_eq!(of("keycloak.acme.io", 443, true, "/certs").unwrap(), "https://keycloak.acme.io/certs");
    assert_eq!(of("keycloak.acme.io", 8443, true, "/certs").unwrap(), "https://keycloak.acme.io:8443/certs");
    assert_eq!(of("keycloak", 8080, false, "/certs").unwrap(), "http://keycloak:8080/certs");
    assert_eq!(of("[::1]", 8080, false, "/").unwrap(), "http://[::1]:8080/");
    for (host, path) in
        [("u@h", "/"), ("h/x", "/"), ("", "/"), ("h", "certs"), ("h", ""), ("h?", "/"), ("h#", "/")]
    {
        assert!(of(host, 443, true, path).is_err(), "{host} {path}");
    }
}

/// Answers one request per connection and drops the connection when the next one comes.
async fn forgetful() -> (SocketAddr, Arc<Mutex<usize>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let dropped = Arc::new(Mutex::new(0));
    let counted = dropped.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let dropped = counted.clone();
            tokio::spawn(async move {
                use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
                let mut stream = tokio::io::BufReader::new(stream);
                let mut line = String::new();
                while stream.read_line(&mut line).await.is_ok_and(|n| n > 2) {
                    line.clear();
                }
                let answer =
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
                stream.get_mut().write_all(answer).await.unwrap();
                if stream.fill_buf().await.is_ok_and(|next| !next.is_empty()) {
                    *dropped.lock().unwrap() += 1;
                }
            });
        }
    });
    (address, dropped)
}

#[tokio::test]
async fn no_connection_is_kept_to_a_host_that_somebody_else_chose() {
    let (address, dropped) = forgetful().await;
    let anywhere = AddressPolicy::with_private();
    let client = HttpClient::builder().learned_addresses(anywhere).build().unwrap();
    let url = format!("http://{address}/x");
    for _ in 0..3 {
        assert_eq!(get(&client, &url, UrlTrust::Learned).await.unwrap(), "{}");
    }
    assert_eq!(*dropped.lock().unwrap(), 0);
    get(&client, &url, UrlTrust::Configured).await.unwrap();
    assert!(get(&client, &url, UrlTrust::Configured).await.is_err(), "control: there they are kept");
    assert_eq!(*dropped.lock().unwrap(), 1);
}
