//! The two pages: the login and the error. No scripts; all that came from outside is escaped.

use aws_lc_rs::digest;
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

use super::User;
use super::state::Login;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem;\
color:#111;background:#fff}[role=note]{border:2px solid #b45309;padding:.5rem 1rem}[role=alert]{color:#b91c1c;\
font-weight:bold}label{display:block;margin-top:1rem}input,button{font:inherit;padding:.4rem;width:100%;\
box-sizing:border-box}button{margin-top:1.5rem}";

/// The text as HTML, for content and for quoted attributes. Characters that draw nothing, or turn the direction
/// of what follows, become a replacement character.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
                out.push('\u{fffd}');
            }
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The login page; `wrong` after a wrong password.
pub(super) fn login(
    login: &Login,
    transaction: &str,
    users: &[User],
    resource: &str,
    wrong: bool,
) -> Response {
    let request = &login.request;
    let client = escape(request.client_name.as_deref().unwrap_or("A client without a name"));
    let host = escape(request.redirect.host_str().unwrap_or_default());
    let alert = if wrong { "<p role=\"alert\" id=\"wrong\">Wrong user or password.</p>" } else { "" };
    let described = if wrong { " aria-invalid=\"true\" aria-describedby=\"wrong\"" } else { "" };
    let known: String = users
        .iter()
        .map(|u| format!("<li><code>{}</code> / <code>{}</code></li>", escape(&u.name), escape(&u.password)))
        .collect();
    let body = format!(
        "<h1>Log in</h1>{NOTE}\
         <p><strong>{client}</strong> asks for access to <code>{resource}</code> with the scopes \
         <code>{scope}</code>. Logging in grants it, and sends you on to <strong>{host}</strong>.</p>{alert}\
         <form method=\"post\" action=\"/authorize\">\
         <input type=\"hidden\" name=\"transaction\" value=\"{transaction}\">\
         <input type=\"hidden\" name=\"csrf\" value=\"{csrf}\">\
         <label for=\"user\">User</label>\
         <input id=\"user\" name=\"user\" autocomplete=\"username\" required{described}>\
         <label for=\"password\">Password</label>\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" \
         required{described}>\
         <button>Log in and allow access</button></form>\
         <h2>Users of the demonstration</h2><ul>{known}</ul>",
        resource = escape(resource),
        scope = escape(&request.scope),
        transaction = escape(transaction),
        csrf = escape(&login.csrf),
    );
    let status = if wrong { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    page(status, "Log in (demonstration)", &body, &form_action(&request.redirect))
}

/// An error that the client must not be told about, because nobody knows who it is.
pub(super) fn error(status: StatusCode, text: &str) -> Response {
    let body = format!("<h1>This does not work</h1>{NOTE}<p role=\"alert\">{}</p>", escape(text));
    page(status, "Error (demonstration)", &body, "'none'")
}

const NOTE: &str = "<p role=\"note\"><strong>For demonstration only.</strong> This authorization server is a part \
of <code>gateway demo</code>. Its passwords are public; type none of your own.</p>";

/// Browsers apply `form-action` to the redirect that answers the form, too.
fn form_action(redirect: &Url) -> String {
    match redirect.host() {
        // The grammar of CSP has no IPv6 addresses.
        Some(Host::Ipv6(_)) | None => format!("'self' {}:", redirect.scheme()),
        Some(_) => format!("'self' {}", redirect.origin().ascii_serialization()),
    }
}

fn page(status: StatusCode, title: &str, body: &str, form_action: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    );
    let style = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action {form_action}; frame-ancestors 'none'; \
         base-uri 'none'"
    );
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // INVARIANT: base64 and the serialization of a URL's origin are ASCII.
    let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    response
}
