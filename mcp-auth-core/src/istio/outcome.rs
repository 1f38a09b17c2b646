//! What becomes of a request: it goes on, changed, or it is answered.

use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, Uri};

use super::Status;
use super::working::Changes;
use crate::Principal;
use crate::credential::{query, remove_foreign, same_name};
use crate::json::{Object, Value};

/// What `RequestAuthentication` decides about a request.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum Outcome {
    /// The request goes on.
    Allowed(Admission),
    /// The request is answered here.
    Denied(Denial),
}

/// A request that goes on: who it is from, and how it has to be changed before.
#[derive(Clone, Debug)]
pub struct Admission {
    pub(super) request_auth: Option<RequestAuth>,
    pub(super) changes: Changes,
    /// The headers that the rules set; nobody else may.
    pub(super) output_headers: Arc<[HeaderName]>,
}

/// What a verified token says, as policies read it under `request.auth`.
#[derive(Clone, Debug)]
pub struct RequestAuth {
    pub(super) caller: Arc<Principal>,
    pub(super) space_delimited: Arc<Vec<Box<str>>>,
    pub(super) rule: usize,
}

/// A request that is answered with 401 or 403.
#[derive(Clone)]
pub struct Denial {
    pub(super) status: Status,
    /// Without quotes and control characters. It may hold a token: the query is part of it.
    pub(super) realm: String,
}

impl Admission {
    /// What the request's token says; `None` for a request without one.
    ///
    /// Of several tokens this is the one that Envoy hands to policies. Others may have been verified too, or may
    /// stand unverified in the request where no rule looked.
    pub fn request_auth(&self) -> Option<&RequestAuth> {
        self.request_auth.as_ref()
    }

    /// Changes the request as it has to be: takes verified tokens out unless they are forwarded, sets headers from
    /// claims, and removes what the client sent under these headers' names, `_` for `-` included; nor can the client's
    /// `Connection` name them.
    ///
    /// The rest of the query stays as it is.
    pub fn apply(&self, headers: &mut HeaderMap, uri: &mut Uri) {
        if !self.output_headers.is_empty() {
            remove_foreign(headers, |name| {
                self.output_headers.iter().any(|ours| same_name(ours.as_str(), name))
            });
        }
        for name in &self.changes.removed_headers {
            headers.remove(name);
        }
        for param in &self.changes.removed_params {
            query::remove(uri, param);
        }
        for (name, value) in &self.changes.added_headers {
            headers.append(name, value.clone());
        }
    }

    /// The headers that are taken out of the request: verified tokens, and the names of the rules' own headers.
    pub fn removed_headers(&self) -> &[HeaderName] {
        &self.changes.removed_headers
    }

    /// The query parameters that are taken out of the request.
    pub fn removed_params(&self) -> impl Iterator<Item = &str> {
        self.changes.removed_params.iter().map(|name| &**name)
    }

    /// The headers that are set, after the removals. A name may occur twice.
    pub fn added_headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.changes.added_headers
    }
}

impl RequestAuth {
    /// `request.auth.principal`: `<iss>/<sub>`. `None` where the token lacks one of them: such a token has no
    /// principal, and matches no `requestPrincipals`, not even `*`.
    pub fn principal(&self) -> Option<String> {
        Some(format!("{}/{}", self.issuer()?, self.subject()?))
    }

    /// `iss`, where it is there and not empty.
    pub fn issuer(&self) -> Option<&str> {
        self.word("iss")
    }

    /// `sub`, where it is there and not empty.
    pub fn subject(&self) -> Option<&str> {
        self.word("sub")
    }

    /// `request.auth.audiences`: `aud`.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        self.strings(&["aud"])
    }

    /// `request.auth.presenter`: `azp`.
    pub fn presenter(&self) -> Option<&str> {
        self.word("azp")
    }

    /// The strings under `request.auth.claims[a][b]…`: the claim itself, or the strings of a list. Numbers,
    /// booleans and objects are none. A top-level claim that the rule calls space-delimited is a list of its
    /// words.
    pub fn strings(&self, path: &[&str]) -> impl Iterator<Item = &str> {
        let claim = path.split_first().and_then(|(first, rest)| {
            let start = self.caller.claims().get(first)?;
            rest.iter().try_fold(start, |value, name| value.as_object()?.get(name))
        });
        let splits = match path {
            [name] => self.is_space_delimited(name),
            _ => false,
        };
        let text = claim.and_then(Value::as_str);
        let split = text.filter(|_| splits).into_iter().flat_map(words);
        // A text without any word stays what it is.
        let whole = text.filter(|text| !splits || words(text).next().is_none());
        let list = claim.and_then(Value::as_array).into_iter().flat_map(|list| list.iter());
        split.chain(whole).chain(list.filter_map(Value::as_str))
    }

    /// All claims, as they stand in the token.
    pub fn claims(&self) -> Option<Object<'_>> {
        self.caller.claims().all()
    }

    /// The caller as the other parts of this crate know it. Its claims passed Envoy's checks, which are not those
    /// of [`Validator`](crate::jwt::Validator).
    pub fn caller(&self) -> &Arc<Principal> {
        &self.caller
    }

    /// The place, in the order they were given, of the rule that accepted the token.
    pub fn rule(&self) -> usize {
        self.rule
    }

    /// A claim that has to be one non-empty string: for policies a space-delimited one is a list instead.
    fn word(&self, name: &str) -> Option<&str> {
        let text = self.caller.claims().get(name)?.as_str()?;
        let is_list = self.is_space_delimited(name) && words(text).next().is_some();
        (!text.is_empty() && !is_list).then_some(text)
    }

    fn is_space_delimited(&self, name: &str) -> bool {
        self.space_delimited.iter().any(|claim| **claim == *name)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

impl Denial {
    /// Why.
    pub fn reason(&self) -> Status {
        self.status
    }

    /// 401, or 403 for an audience.
    pub fn status(&self) -> StatusCode {
        self.status.http_status()
    }

    /// The text of the answer, `text/plain`.
    pub fn body(&self) -> &'static str {
        self.status.as_str()
    }

    /// The value of `WWW-Authenticate`. It repeats the URL, a token in the query included, and is marked sensitive.
    pub fn www_authenticate(&self) -> HeaderValue {
        let error = if self.status == Status::Missing { "" } else { ", error=\"invalid_token\"" };
        let value = format!("Bearer realm=\"{}\"{error}", self.realm);
        let mut value = HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("Bearer"));
        value.set_sensitive(true);
        value
    }
}

/// Why only.
impl std::fmt::Debug for Denial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Denial").field("status", &self.status).finish_non_exhaustive()
    }
}
