//! The browser that a login goes through, known by a cookie.
//!
//! The cookie ties forms and callbacks to the browser that they began in (attack rows 96, 102): `__Host-`, `Secure`,
//! `HttpOnly`, `SameSite=Lax`. `Strict` would not come back with the provider's redirect.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request};

use super::{Facade, RandomBytes, Refusal};

/// The greatest length of a `Cookie` header that is read, in bytes.
const MAX_COOKIE_BYTES: usize = 16 * 1024;

/// The length of a browser's identifier: 32 bytes in base64url.
const ID_CHARS: usize = 43;

/// The cookies of a facade, whatever its issuer. Nobody behind it may read or set them: who knows them can consent in the
/// name of their browser.
const COOKIES: [&str; 4] = ["__Host-mcp-auth", "__Host-mcp-auth-consent", "mcp-auth", "mcp-auth-consent"];

/// Takes the facade's cookies out of a request that goes on to somebody else; other cookies stay as they are.
///
/// ```
/// use http::HeaderMap;
/// use http::header::COOKIE;
/// use mcp_auth_exchange::facade::remove_cookies;
///
/// let mut headers = HeaderMap::new();
/// headers.insert(COOKIE, "a=1; __Host-mcp-auth=s3cret; b=2".parse()?);
/// remove_cookies(&mut headers);
/// assert_eq!(headers[COOKIE], "a=1; b=2");
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
pub fn remove_cookies(headers: &mut HeaderMap) {
    let holds = |value: &HeaderValue| pairs(value).any(is_ours);
    if !headers.get_all(COOKIE).iter().any(holds) {
        return;
    }
    let values: Vec<HeaderValue> = headers.get_all(COOKIE).iter().cloned().collect();
    headers.remove(COOKIE);
    for value in values {
        let kept: Vec<&[u8]> = pairs(&value).filter(|pair| !is_ours(pair)).collect();
        if let Ok(mut kept) = HeaderValue::from_bytes(&kept.join(&b"; "[..]))
            && !kept.is_empty()
        {
            kept.set_sensitive(value.is_sensitive());
            headers.append(COOKIE, kept);
        }
    }
}

/// Takes cookies with the facade's names out of an answer of somebody else: who sets them chooses the browser that a login
/// belongs to.
pub fn remove_set_cookies(headers: &mut HeaderMap) {
    if !headers.get_all(SET_COOKIE).iter().any(|value| is_ours(value.as_bytes())) {
        return;
    }
    let values: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.remove(SET_COOKIE);
    for value in values.into_iter().filter(|value| !is_ours(value.as_bytes())) {
        headers.append(SET_COOKIE, value);
    }
}

fn pairs(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|b| *b == b';').map(<[u8]>::trim_ascii)
}

/// Whether `name=value` has one of our names. Browsers take names of `__Host-` in any case as theirs.
fn is_ours(pair: &[u8]) -> bool {
    let name = pair.split(|b| *b == b'=' || *b == b';').next().unwrap_or_default().trim_ascii();
    COOKIES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// A browser, and what it brought.
#[derive(Clone)]
pub(super) struct Browser {
    pub(super) id: String,
    /// The sealed consents.
    pub(super) consents: Option<String>,
}

impl Browser {
    /// The browser of a request that has been here before.
    pub(super) fn known(facade: &Facade, request: &Request<bytes::Bytes>) -> Option<Self> {
        let cookies = facade.cookies();
        let id = cookie(request.headers(), cookies.browser)?;
        let well_formed = id.len() == ID_CHARS && URL_SAFE_NO_PAD.decode(id).is_ok();
        well_formed.then(|| Self {
            id: id.to_owned(),
            consents: cookie(request.headers(), cookies.consents).map(str::to_owned),
        })
    }

    /// The browser of a request, perhaps a new one.
    pub(super) fn any(
        facade: &Facade,
        request: &Request<bytes::Bytes>,
        random: &mut RandomBytes,
    ) -> Result<Self, Refusal> {
        match Self::known(facade, request) {
            Some(browser) => Ok(browser),
            None => Ok(Self { id: URL_SAFE_NO_PAD.encode(random.take::<32>()?), consents: None }),
        }
    }

    /// Sets the cookies that this browser is known by from now on.
    pub(super) fn remember(&self, facade: &Facade, headers: &mut HeaderMap) {
        let cookies = facade.cookies();
        let mut set = |name: &str, value: &str| {
            let seconds = facade.lifetimes.consent.as_secs();
            let secure = if cookies.secure { " Secure;" } else { "" };
            let text = format!("{name}={value}; Path=/;{secure} HttpOnly; SameSite=Lax; Max-Age={seconds}");
            if let Ok(mut value) = HeaderValue::try_from(text) {
                value.set_sensitive(true);
                headers.append(SET_COOKIE, value);
            }
        };
        set(cookies.browser, &self.id);
        if let Some(consents) = &self.consents {
            set(cookies.consents, consents);
        }
    }
}

/// What the cookies are called. Browsers refuse `__Host-` without TLS, so that a loopback issuer has other names.
#[derive(Clone, Copy)]
pub(super) struct CookieNames {
    browser: &'static str,
    consents: &'static str,
    secure: bool,
}

impl Facade {
    fn cookies(&self) -> CookieNames {
        if self.callback.scheme() == "https" {
            CookieNames { browser: "__Host-mcp-auth", consents: "__Host-mcp-auth-consent", secure: true }
        } else {
            CookieNames { browser: "mcp-auth", consents: "mcp-auth-consent", secure: false }
        }
    }
}

/// The value of a cookie that is there once.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let values = headers.get_all(COOKIE).iter().filter(|value| value.len() <= MAX_COOKIE_BYTES);
    let pairs = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut found = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(found, _)| *found == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_102_nobody_behind_sees_or_sets_the_cookies_of_a_login() {
        let removed = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(COOKIE, HeaderValue::from_str(line).unwrap());
            }
            remove_cookies(&mut headers);
            headers.get_all(COOKIE).iter().map(|v| v.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(removed(&["a=1;  b=2"]), ["a=1;  b=2"], "untouched");
        assert_eq!(removed(&["mcp-auth=x"]), Vec::<String>::new());
        assert_eq!(
            removed(&["a=1;mcp-auth-consent=y; b==2 ", " __host-MCP-auth = z", "c"]),
            ["a=1; b==2", "c"]
        );
        assert_eq!(removed(&["mcp-auth"]), Vec::<String>::new());
        assert_eq!(removed(&["mcp-authx=1; x-mcp-auth=2"]), ["mcp-authx=1; x-mcp-auth=2"]);
        let mut answer = HeaderMap::new();
        for line in
            ["a=1; Path=/", "__Host-mcp-auth=evil; Secure; Path=/", "MCP-AUTH=evil", " mcp-auth-consent =x"]
        {
            answer.append(SET_COOKIE, HeaderValue::from_str(line).unwrap());
        }
        remove_set_cookies(&mut answer);
        assert_eq!(answer.get_all(SET_COOKIE).iter().collect::<Vec<_>>(), ["a=1; Path=/"]);
    }

    #[test]
    fn attack_102_a_cookie_counts_when_it_is_there_once() {
        let read = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(COOKIE, HeaderValue::from_str(line).unwrap());
            }
            cookie(&headers, "a").map(str::to_owned)
        };
        assert_eq!(read(&["b=2; a=1"]), Some("1".into()));
        assert_eq!(read(&["b=2", "a=1"]), Some("1".into()), "HTTP/2 splits the header");
        assert_eq!(read(&["a=1; a=2"]), None);
        assert_eq!(read(&["A=1; aa=2"]), None);
        assert_eq!(read(&[&format!("a={}", "x".repeat(MAX_COOKIE_BYTES))]), None);
    }
}
