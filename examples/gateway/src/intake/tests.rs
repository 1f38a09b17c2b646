use http::header::HOST;
use http::{Request, Version};
use mcp_auth_core::request_target::HostError;

use super::*;

fn request(target: &str, hosts: &[&str]) -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = target.parse().unwrap();
    for host in hosts {
        request.headers_mut().append(HOST, host.parse().unwrap());
    }
    request
}

#[test]
fn attack_068_every_form_of_a_target_becomes_one() {
    for (target, hosts, host, field) in [
        ("/mcp?a=b", &["a.example"][..], "a.example", "a.example"),
        ("/mcp?a=b", &["A.Example.:80"], "a.example", "A.Example.:80"),
        ("http://a.example/mcp?a=b", &["a.example"], "a.example", "a.example"),
        ("http://A.Example:80/mcp?a=b", &["a.example"], "a.example", "A.Example:80"),
        ("https://a.example/mcp?a=b", &[], "a.example", "a.example"),
    ] {
        let mut request = request(target, hosts);
        assert_eq!(take_in(&mut request), Ok(Some(host.to_owned())), "{target} {hosts:?}");
        assert_eq!(request.uri().to_string(), "/mcp?a=b");
        assert_eq!(request.headers().get_all(HOST).iter().collect::<Vec<_>>(), [field]);
    }
    let mut request = request("http://a.example", &[]);
    assert_eq!(take_in(&mut request), Ok(Some("a.example".to_owned())));
    assert_eq!(request.uri().to_string(), "/");
}

#[test]
fn attack_068_two_hosts_or_none_are_refused() {
    for (target, hosts, refusal) in [
        ("/mcp", &[][..], Refusal::HostMissing),
        ("/mcp", &["a.example", "a.example"], Refusal::HostTwice),
        ("/mcp", &["a.example", "b.example"], Refusal::HostTwice),
        ("/mcp", &["user@a.example"], Refusal::Host(HostError::UserInfo)),
        ("/mcp", &["a.example,b.example"], Refusal::Host(HostError::Character)),
        ("http://a.example/mcp", &["b.example"], Refusal::HostsDiffer),
        ("http://user@a.example/mcp", &[], Refusal::Host(HostError::UserInfo)),
        ("ftp://a.example/mcp", &["a.example"], Refusal::Form),
        ("a.example:443", &["a.example"], Refusal::Form),
    ] {
        assert_eq!(take_in(&mut request(target, hosts)), Err(refusal), "{target} {hosts:?}");
    }
    let mut old = request("/mcp", &[]);
    *old.version_mut() = Version::HTTP_10;
    assert_eq!(take_in(&mut old), Ok(None), "HTTP/1.0 has no Host");
}
