//! A page: its frame, its style and its headers.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};
use sha2::{Digest, Sha256};

use super::Theme;

/// A text in HTML, between tags or in a quoted attribute.
pub(super) struct Escaped<'t>(pub(super) &'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A text that somebody else chose, for people: shortened, in one line, and without characters that change the order or the look
/// of what stands around them.
pub(in super::super) fn foreign(text: &str, max_chars: usize) -> String {
    let hidden = |c: &char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}')
    };
    let mut shown: String = text.chars().filter(|c| !hidden(c)).take(max_chars + 1).collect();
    if shown.chars().count() > max_chars {
        shown = shown.chars().take(max_chars).chain(['…']).collect();
    }
    shown.trim().to_owned()
}

impl Theme {
    /// A whole page. `body` is HTML.
    pub(super) fn page(&self, status: StatusCode, title: &str, body: &str) -> Response<Bytes> {
        let style = self.style();
        let mut html = String::with_capacity(body.len() + style.len() + 1024);
        let language = &self.language;
        let _ = write!(
            html,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"robots\" content=\"noindex\">\n<title>{}</title>\n<style>{style}</style>\n</head>\n<body>\n",
            Escaped(title)
        );
        if self.name.is_some() || self.logo.is_some() {
            let _ = write!(html, "<header lang=\"{}\">", Escaped(language));
            if let Some(logo) = &self.logo {
                let _ = write!(html, "<img src=\"{}\" alt=\"\" height=\"40\">", Escaped(logo.as_str()));
            }
            if let Some(name) = &self.name {
                let _ = write!(html, "<span>{}</span>", Escaped(name));
            }
            html.push_str("</header>\n");
        }
        let _ = write!(html, "<main>\n<h1>{}</h1>\n{body}</main>\n", Escaped(title));
        if !self.links.is_empty() {
            let _ = write!(html, "<footer lang=\"{}\">", Escaped(language));
            for (label, url) in &self.links {
                let _ = write!(
                    html,
                    "<a href=\"{}\" rel=\"noopener noreferrer\">{}</a> ",
                    Escaped(url.as_str()),
                    Escaped(label)
                );
            }
            html.push_str("</footer>\n");
        }
        html.push_str("</body>\n</html>\n");
        let mut response = Response::new(Bytes::from(html));
        *response.status_mut() = status;
        self.headers(&style, &mut response);
        response
    }

    /// Nothing runs, nothing is loaded but the logo, and nobody puts the page into a frame (attack row 111,
    /// clickjacking). There is no `form-action`: browsers apply it to the redirects after a form, and those go to the
    /// provider and on to the client.
    fn headers(&self, style: &str, response: &mut Response<Bytes>) {
        let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
        let images =
            self.logo.as_ref().map(|logo| format!("; img-src {}", logo.origin().ascii_serialization()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; frame-ancestors 'none'{}",
            images.unwrap_or_default()
        );
        let headers = response.headers_mut();
        // INVARIANT: base64 and an origin are visible ASCII; the fallback would only be stricter.
        let policy = HeaderValue::try_from(policy)
            .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        let fixed: [(HeaderName, &'static str); 5] = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (X_FRAME_OPTIONS, "DENY"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            // `no-referrer` would have browsers send `Origin: null` with our own form.
            (REFERRER_POLICY, "same-origin"),
            (HeaderName::from_static("x-robots-tag"), "noindex"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }

    fn style(&self) -> String {
        let (accent, text) = (self.accent.css(), self.accent.text_on_it());
        format!(
            ":root{{color-scheme:light dark;background:Canvas;color:CanvasText}}a{{color:LinkText}}\
             body{{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem}}\
             header{{display:flex;gap:.75rem;align-items:center;font-weight:600}}\
             h1{{font-size:1.4rem}}dt{{font-weight:600;margin-top:.75rem}}dd{{margin:0;overflow-wrap:anywhere}}\
             ul{{margin:0;padding-left:1.25rem}}code{{overflow-wrap:anywhere}}\
             .warning{{border-left:.3rem solid #b45309;padding-left:.75rem}}\
             form{{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0}}\
             button{{font:inherit;padding:.6rem 1.4rem;border:2px solid;border-radius:.4rem;cursor:pointer}}\
             button.allow{{background:{accent};color:{text};border-color:{accent}}}\
             button:focus-visible,a:focus-visible{{outline:3px solid;outline-offset:3px}}\
             footer{{display:flex;flex-wrap:wrap;gap:1rem;margin-top:2rem;font-size:.9rem}}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_texts_stay_in_their_place() {
        assert_eq!(Escaped("<a href='x'>&\"").to_string(), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
        assert_eq!(foreign("Good\u{202e}live\u{200b}\n App", 80), "Goodlive App");
        assert_eq!(foreign(&"x".repeat(100), 5), "xxxxx…");
    }
}
