//! The two pages: consent, and an error that cannot be sent to a client. Without scripts, for the keyboard and for
//! screen readers.

mod html;
mod theme;

use std::fmt::Write as _;

use http::StatusCode;
use mcp_auth_discovery::facade::FacadeEndpoint;
use mcp_auth_discovery::transport;
use url::Url;

pub use theme::{Theme, ThemeError};

use self::html::Escaped;
pub(super) use self::html::foreign;
use super::answer::{Answer, Event};
use super::client::{Client, Origin};
use super::state::Pending;
use super::{Facade, Refusal};

/// The greatest length of a client's name on a page, in characters.
const MAX_NAME_CHARS: usize = 60;

/// The greatest length of an address on a page, in characters.
const MAX_ADDRESS_CHARS: usize = 200;

/// What the user is asked.
pub(super) struct ConsentView<'v> {
    pub(super) client: &'v Client,
    pub(super) pending: &'v Pending,
    /// The sealed request.
    pub(super) ticket: &'v str,
}

impl Facade {
    /// The page that asks. It shows what the client cannot choose freely: where the answer goes, and the host of a
    /// metadata document (MCP authorization, "Client ID Metadata Documents": the redirect host has to be shown).
    pub(super) fn consent_page(&self, view: &ConsentView<'_>) -> Answer {
        let name = view.client.name.as_deref().map(|name| foreign(name, MAX_NAME_CHARS));
        let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| "An application".to_owned());
        let target = Target::of(&view.pending.redirect_uri);
        let mut body = String::with_capacity(4096);
        let _ = write!(
            body,
            "<p>It calls itself <strong><bdi>{}</bdi></strong>. Nobody has verified this name.</p>\n<dl>\n",
            Escaped(&name)
        );
        if let Origin::Document { authority, .. } = &view.client.origin {
            let _ = write!(body, "<dt>Published by</dt>\n<dd><strong>{}</strong></dd>\n", Escaped(authority));
        }
        let uri = foreign(&view.pending.redirect_uri, MAX_ADDRESS_CHARS);
        let _ = write!(
            body,
            "<dt>Access is given to</dt>\n<dd><strong>{}</strong><br><code>{}</code></dd>\n",
            Escaped(&target.shown),
            Escaped(&uri)
        );
        let resource = foreign(&view.pending.resource, MAX_ADDRESS_CHARS);
        let _ = write!(body, "<dt>Access to</dt>\n<dd><code>{}</code></dd>\n", Escaped(&resource));
        let scopes = self.consented_scopes(&view.pending.scope);
        if !scopes.is_empty() {
            body.push_str("<dt>Permissions</dt>\n<dd><ul>\n");
            for scope in &scopes {
                let _ =
                    writeln!(body, "<li><code>{}</code></li>", Escaped(&foreign(scope, MAX_ADDRESS_CHARS)));
            }
            body.push_str("</ul></dd>\n");
        }
        body.push_str("</dl>\n");
        let loopback = matches!(view.client.origin, Origin::Document { loopback_only: true, .. });
        if loopback || target.local {
            body.push_str(
                "<p class=\"warning\">This application runs on your own device. Any program on it could pretend to be \
                 this one. Go on only if you have just started it yourself.</p>\n",
            );
        }
        let action = self.metadata.url(FacadeEndpoint::Authorize);
        let _ = write!(
            body,
            "<form method=\"post\" action=\"{}\">\n<input type=\"hidden\" name=\"ticket\" value=\"{}\">\n\
             <button class=\"allow\" type=\"submit\" name=\"decision\" value=\"allow\">Allow and sign in</button>\n\
             <button type=\"submit\" name=\"decision\" value=\"deny\">Cancel</button>\n</form>\n\
             <p>If you did not expect this, cancel.</p>\n",
            Escaped(action.path()),
            Escaped(view.ticket)
        );
        let page = self.theme.page(StatusCode::OK, "An application asks for access", &body);
        Answer::unstored(page, Event::ConsentAsked)
    }

    /// The page for what cannot be sent to a client: nobody is redirected.
    pub(super) fn error_page(&self, refusal: Refusal) -> Answer {
        let body = format!(
            "<p>The sign-in was stopped: {}.</p>\n<p>You can close this page and start again in the application.</p>\n\
             <p>Error: <code>{}</code> (<code>{}</code>)</p>\n",
            Escaped(refusal.description()),
            Escaped(refusal.error()),
            Escaped(refusal.code())
        );
        let page = self.theme.page(refusal.status(), "Sign-in failed", &body);
        Answer::unstored(page, Event::Refused(refusal))
    }
}

/// Where the answer goes, for people.
struct Target {
    shown: String,
    local: bool,
}

impl Target {
    fn of(redirect_uri: &str) -> Self {
        let Ok(url) = Url::parse(redirect_uri) else {
            return Self { shown: "an unknown place".to_owned(), local: true };
        };
        // Other scripts are in their ASCII form, so that look-alikes are seen.
        match (url.scheme(), url.host_str()) {
            ("http", _) if transport::is_loopback(&url) => {
                Self { shown: "a program on this device".to_owned(), local: true }
            }
            ("https" | "http", Some(host)) => {
                Self { shown: host.to_owned(), local: transport::is_loopback(&url) }
            }
            (scheme, _) => {
                Self { shown: format!("the program on this device that opens {scheme}: links"), local: true }
            }
        }
    }
}
