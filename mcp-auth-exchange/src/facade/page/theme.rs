//! What the pages look like.

use mcp_auth_discovery::transport;
use url::Url;

/// The greatest length of a name or a label, in characters.
const MAX_TEXT_CHARS: usize = 80;

/// The most links under a page.
const MAX_LINKS: usize = 4;

/// Name, logo, colours and links of the pages. Everything is checked when it is set, because it stands in HTML, CSS and
/// headers.
///
/// ```
/// use mcp_auth_exchange::facade::{Theme, ThemeError};
///
/// let theme = Theme::default()
///     .name("Acme tools")?
///     .logo("https://acme.example/logo.svg")?
///     .accent("#0a5c36")?
///     .link("Privacy", "https://acme.example/privacy")?;
/// assert_eq!(Theme::default().accent("red;}</style>"), Err(ThemeError::Colour));
/// assert_eq!(Theme::default().logo("http://acme.example/logo.svg"), Err(ThemeError::Url));
/// # drop(theme);
/// # Ok::<(), ThemeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Theme {
    pub(super) name: Option<String>,
    pub(super) logo: Option<Url>,
    pub(super) accent: Colour,
    pub(super) links: Vec<(String, Url)>,
    pub(super) language: String,
}

/// What does not fit into a theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ThemeError {
    /// A name or label that is empty, longer than 80 characters, or has control characters.
    #[error("name or label is empty, longer than 80 characters, or has control characters")]
    Text,
    /// Not an https URL without user information.
    #[error("logo and links are https URLs")]
    Url,
    /// Not `#rrggbb`.
    #[error("a colour is written #rrggbb")]
    Colour,
    /// More than four links.
    #[error("a page has at most four links")]
    Links,
    /// Not a language tag of letters, digits and hyphens.
    #[error("the language is a tag such as `en` or `de-CH`")]
    Language,
}

/// A colour, red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour(u8, u8, u8);

impl Default for Theme {
    fn default() -> Self {
        Self {
            name: None,
            logo: None,
            accent: Colour(0x1a, 0x56, 0xa8),
            links: Vec::new(),
            language: "en".to_owned(),
        }
    }
}

impl Theme {
    /// Sets the name of whoever runs this server.
    ///
    /// # Errors
    ///
    /// [`ThemeError::Text`].
    pub fn name(mut self, name: &str) -> Result<Self, ThemeError> {
        self.name = Some(text(name)?);
        Ok(self)
    }

    /// Sets the logo; the only thing on the pages that is loaded from elsewhere.
    ///
    /// # Errors
    ///
    /// [`ThemeError::Url`].
    pub fn logo(mut self, logo: &str) -> Result<Self, ThemeError> {
        self.logo = Some(https(logo)?);
        Ok(self)
    }

    /// Sets the colour of the button that allows. The text on it is black or white, whichever can be read better.
    ///
    /// # Errors
    ///
    /// [`ThemeError::Colour`].
    pub fn accent(mut self, colour: &str) -> Result<Self, ThemeError> {
        self.accent = Colour::parse(colour)?;
        Ok(self)
    }

    /// Adds a link, such as to the terms.
    ///
    /// # Errors
    ///
    /// [`ThemeError::Text`], [`ThemeError::Url`], [`ThemeError::Links`].
    pub fn link(mut self, label: &str, url: &str) -> Result<Self, ThemeError> {
        if self.links.len() >= MAX_LINKS {
            return Err(ThemeError::Links);
        }
        self.links.push((text(label)?, https(url)?));
        Ok(self)
    }

    /// Says in which language the theme's own texts are. The texts of the pages are English, and say so.
    ///
    /// # Errors
    ///
    /// [`ThemeError::Language`].
    pub fn language(mut self, tag: &str) -> Result<Self, ThemeError> {
        let well_formed =
            (2..=35).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !well_formed {
            return Err(ThemeError::Language);
        }
        tag.clone_into(&mut self.language);
        Ok(self)
    }
}

impl Colour {
    fn parse(text: &str) -> Result<Self, ThemeError> {
        let digits =
            text.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()));
        let number =
            digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or(ThemeError::Colour)?;
        let [_, r, g, b] = number.to_be_bytes();
        Ok(Self(r, g, b))
    }

    pub(super) fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }

    /// Black or white, whichever has the greater contrast (WCAG 2.2, 1.4.3): it is 4.58 : 1 at least.
    pub(super) fn text_on_it(self) -> &'static str {
        let linear = |byte: u8| {
            let c = f64::from(byte) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        let luminance = 0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2);
        // White is better where 1.05 / (l + 0.05) > (l + 0.05) / 0.05.
        if (luminance + 0.05) * (luminance + 0.05) < 1.05 * 0.05 { "#ffffff" } else { "#000000" }
    }
}

fn text(text: &str) -> Result<String, ThemeError> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > MAX_TEXT_CHARS || text.chars().any(char::is_control) {
        return Err(ThemeError::Text);
    }
    Ok(text.to_owned())
}

fn https(text: &str) -> Result<Url, ThemeError> {
    let url = Url::parse(text).map_err(|_| ThemeError::Url)?;
    // What ends a source expression of the CSP has no place in it.
    let plain = !text.contains([';', ',', '\'', '"']) && !transport::is_ambiguous(text);
    if url.scheme() != "https" || transport::has_userinfo(&url) || !plain {
        return Err(ThemeError::Url);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_leave_its_place_in_html_css_or_a_header_is_no_theme() {
        let theme = Theme::default;
        for colour in ["", "red", "#fff", "#12345g", "#1234567", "#\u{ff11}12345", "url(x)", "#000;}"] {
            assert_eq!(theme().accent(colour), Err(ThemeError::Colour), "{colour}");
        }
        for url in [
            "javascript:alert(1)",
            "data:image/svg+xml,x",
            "http://h/",
            "//h/x",
            "https://u@h/",
            "https://h/;x",
        ] {
            assert_eq!(theme().logo(url), Err(ThemeError::Url), "{url}");
            assert_eq!(theme().link("a", url), Err(ThemeError::Url), "{url}");
        }
        for name in ["", " ", "a\nb", &"x".repeat(81)] {
            assert_eq!(theme().name(name), Err(ThemeError::Text), "{name}");
        }
        assert_eq!(theme().language("en\""), Err(ThemeError::Language));
        let full = (0..MAX_LINKS).try_fold(theme(), |theme, _| theme.link("a", "https://h/")).unwrap();
        assert_eq!(full.link("a", "https://h/"), Err(ThemeError::Links));
    }

    #[test]
    fn text_on_a_button_can_be_read() {
        for (colour, text) in
            [("#000000", "#ffffff"), ("#ffffff", "#000000"), ("#ffff00", "#000000"), ("#1a56a8", "#ffffff")]
        {
            assert_eq!(Colour::parse(colour).unwrap().text_on_it(), text);
        }
    }
}
