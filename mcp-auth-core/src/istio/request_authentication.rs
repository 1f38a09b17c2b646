//! `RequestAuthentication`: rules, a request, a decision.

use std::sync::Arc;

use http::header::{ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderMap, HeaderName, ORIGIN};
use http::{Method, Uri};

use super::config_error::ConfigError;
use super::decision::Decision;
use super::rule::JwtRule;
use super::working::WorkingRequest;
use super::{Admission, Denial, KeySet, Outcome};
use crate::time::UnixTime;

/// Most rules of one policy.
const MAX_RULES: usize = 4096;

/// How much of a request's target is repeated in a challenge, in bytes.
const MAX_REALM_TARGET_BYTES: usize = 256;

/// The rules of all `RequestAuthentication` resources that apply to a workload.
///
/// Resources that apply together are given together; their rules count as one list, ordered by issuer.
///
/// ```
/// use http::{HeaderMap, Method, Uri};
/// use mcp_auth_core::UnixTime;
/// use mcp_auth_core::istio::{JwtRule, Outcome, RequestAuthentication, RequestHead};
///
/// let rule = JwtRule::new("https://idp.example").jwks_uri("https://idp.example/jwks.json")?;
/// let policy = RequestAuthentication::new([rule])?;
///
/// let (method, uri, mut headers) = (Method::GET, Uri::from_static("/mcp"), HeaderMap::new());
/// let now = UnixTime::from_secs(1_700_000_000);
/// let anonymous = policy.decide(&RequestHead::new(&method, &uri, &headers), &|_| None, now);
/// assert!(matches!(anonymous, Outcome::Allowed(a) if a.request_auth().is_none()));
///
/// headers.insert("authorization", "Bearer not.a.jwt".parse().unwrap());
/// let Outcome::Denied(denial) = policy.decide(&RequestHead::new(&method, &uri, &headers), &|_| None, now)
///     else { panic!() };
/// assert_eq!((denial.status().as_u16(), denial.body()), (401, "Jwt header is an invalid JSON"));
/// # Ok::<(), mcp_auth_core::istio::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RequestAuthentication {
    /// In the order they were given.
    rules: Vec<JwtRule>,
    /// Places of the rules in the order they are asked.
    order: Vec<usize>,
    output_headers: Arc<[HeaderName]>,
}

/// What is read of a request.
#[derive(Clone, Copy)]
pub struct RequestHead<'r> {
    method: &'r Method,
    uri: &'r Uri,
    headers: &'r HeaderMap,
    scheme: &'r str,
}

impl<'r> RequestHead<'r> {
    /// The head of a request. Its scheme, which only challenges show, is that of `uri`, or else `http`.
    pub fn new(method: &'r Method, uri: &'r Uri, headers: &'r HeaderMap) -> Self {
        Self { method, uri, headers, scheme: uri.scheme_str().unwrap_or("http") }
    }

    /// Sets the scheme that the client used.
    #[must_use]
    pub fn scheme(mut self, scheme: &'r str) -> Self {
        self.scheme = scheme;
        self
    }
}

/// The method only: target and headers hold tokens.
impl std::fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestHead").field("method", self.method).finish_non_exhaustive()
    }
}

impl RequestAuthentication {
    /// The policy of these `jwtRules`. Several rules may have one issuer; each is asked.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for more than 4,096 rules, and for a rule with neither `issuer` nor `jwksUri`.
    pub fn new(rules: impl IntoIterator<Item = JwtRule>) -> Result<Self, ConfigError> {
        let rules: Vec<JwtRule> = rules.into_iter().collect();
        if rules.len() > MAX_RULES {
            return Err(ConfigError::new("jwtRules", format!("has more than {MAX_RULES} rules")));
        }
        let nameless = |rule: &JwtRule| rule.issuer().is_empty() && !rule.has_jwks_uri();
        if let Some(place) = rules.iter().position(nameless) {
            let problem = format!("rule {place}, counted from 0, has neither `issuer` nor `jwksUri`");
            return Err(ConfigError::new("jwtRules.issuer", problem));
        }
        let mut order: Vec<usize> = (0..rules.len()).collect();
        order.sort_by_key(|place| rules.get(*place).map(JwtRule::issuer));
        let output_headers = rules.iter().flat_map(JwtRule::output_headers).cloned().collect();
        Ok(Self { rules, order, output_headers })
    }

    /// The rules in the order they were given.
    pub fn rules(&self) -> &[JwtRule] {
        &self.rules
    }

    /// The rules with their places, in the order they are asked.
    pub(super) fn ordered(&self) -> impl Iterator<Item = (usize, &JwtRule)> {
        self.order.iter().filter_map(|&place| Some((place, self.rules.get(place)?)))
    }

    /// Decides about a request.
    ///
    /// `keys` gives the keys of a rule without inline ones, by the rule's place in the order given: the last good
    /// set. `None` where there is none: then no token of that rule is accepted.
    pub fn decide(
        &self,
        request: &RequestHead<'_>,
        keys: &dyn Fn(usize) -> Option<Arc<KeySet>>,
        now: UnixTime,
    ) -> Outcome {
        let mut working = WorkingRequest::new(request.headers, request.uri.query());
        for name in &*self.output_headers {
            working.remove_header(name);
        }
        let mut decision =
            Decision { policy: self, request: working, keys, now, parsed: Vec::new(), verified: None };
        // A browser sends no credentials along with a preflight.
        let decided = if is_cors_preflight(request) { Ok(()) } else { decision.decide() };
        match decided {
            Ok(()) => Outcome::Allowed(Admission {
                request_auth: decision.request_auth(),
                changes: decision.request.changes,
                output_headers: self.output_headers.clone(),
            }),
            Err(status) => Outcome::Denied(Denial { status, realm: realm(request) }),
        }
    }
}

fn is_cors_preflight(request: &RequestHead<'_>) -> bool {
    let has = |name| request.headers.get(name).is_some_and(|value| !value.is_empty());
    request.method == Method::OPTIONS && has(ORIGIN) && has(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The URL of the request. What could end the quoted string is percent-encoded.
fn realm(request: &RequestHead<'_>) -> String {
    let host = match request.uri.authority() {
        Some(authority) => authority.as_str().rsplit('@').next().unwrap_or_default().as_bytes(),
        None => request.headers.get(HOST).map(|host| host.as_bytes()).unwrap_or_default(),
    };
    let target = request.uri.path_and_query().map_or("/", |target| target.as_str()).as_bytes();
    let target = target.get(..MAX_REALM_TARGET_BYTES).unwrap_or(target);
    let mut realm = format!("{}://", request.scheme);
    for &byte in host.iter().chain(target) {
        match byte {
            b'"' | b'\\' => realm.push_str(&format!("%{byte:02X}")),
            b'!'..=b'~' => realm.push(char::from(byte)),
            _ => realm.push_str(&format!("%{byte:02X}")),
        }
    }
    realm
}
