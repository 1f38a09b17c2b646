//! The `istio` profile against what Istio and Envoy do.

#![cfg(feature = "aws-lc-rs")]

mod idp;
mod limits;
mod measured;
mod mission;
mod rows;

use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use serde_json::json;

use super::*;
use crate::crypto::AwsLc;
use crate::jwt::Algorithm;
use idp::{A, B, Idp, NOW};

/// A request as tests write it.
#[derive(Clone, Debug)]
struct Request {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Request {
    fn new(method: &str, target: &str, headers: &[(String, String)]) -> Self {
        let mut request =
            Self { method: method.parse().unwrap(), uri: target.parse().unwrap(), headers: HeaderMap::new() };
        request.headers.insert("host", HeaderValue::from_static("svc.example"));
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            // One byte per character, as on the wire of HTTP/1.1.
            let value: Vec<u8> = value.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
            // A server takes the white space around a value away.
            request.headers.append(name, HeaderValue::from_bytes(value.trim_ascii()).unwrap());
        }
        request
    }

    fn head(&self) -> RequestHead<'_> {
        RequestHead::new(&self.method, &self.uri, &self.headers)
    }
}

fn ask(method: &str, target: &str, headers: &[(&str, &str)]) -> Request {
    let headers: Vec<_> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Request::new(method, target, &headers)
}

fn get(target: &str) -> Request {
    ask("GET", target, &[])
}

fn bearer(token: &str) -> Request {
    authorization(&format!("Bearer {token}"))
}

fn authorization(value: &str) -> Request {
    ask("GET", "/", &[("authorization", value)])
}

/// Two issuers and a stranger.
struct World {
    a: Idp,
    b: Idp,
    /// Another key under the name of A's.
    stranger: Idp,
}

impl World {
    fn new() -> Self {
        Self::signing(Algorithm::ES256)
    }

    fn signing(algorithm: Algorithm) -> Self {
        let idp = |kid| Idp::new(kid, algorithm);
        Self { a: idp("k1"), b: idp("k2"), stranger: idp("k1") }
    }

    fn rule_a(&self) -> JwtRule {
        JwtRule::new(A).keys(self.a.keys()).unwrap()
    }

    fn rule_b(&self) -> JwtRule {
        JwtRule::new(B).keys(self.b.keys()).unwrap()
    }

    fn rule_with(&self, keys: serde_json::Value) -> JwtRule {
        JwtRule::new(A).jwks(&json!({ "keys": keys }).to_string(), &AwsLc::new()).unwrap()
    }

    fn valid(&self) -> String {
        self.a.token(json!({}))
    }

    fn expired(&self) -> String {
        self.a.token(json!({"exp": NOW - 3600}))
    }
}
