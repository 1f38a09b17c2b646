//! From text to tokens. Linear, and the text is bounded before it gets here.

use std::sync::Arc;

use super::error::Span;

/// One token and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    /// An identifier, reserved words included.
    Ident(Arc<str>),
    /// An identifier between backquotes, allowed after a dot only.
    Quoted(Arc<str>),
    /// Magnitude of a signed integer; the sign belongs to the parser.
    Int(u64),
    Uint(u64),
    Double(f64),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    /// An operator or a bracket.
    Mark(&'static str),
    End,
}

/// What is wrong with the text, and where.
pub(super) struct LexError {
    pub(super) message: String,
    pub(super) span: Span,
}

/// Longest first, so that `<=` is not read as `<`.
const MARKS: [&str; 25] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ",", ".", "(", ")",
    "[", "]", "{", "}", "=",
];

pub(super) fn tokens(source: &str) -> Result<Vec<Token>, LexError> {
    let mut lexer = Lexer { source, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blank();
        let start = lexer.at;
        let kind = lexer.token()?;
        let end = kind == TokenKind::End;
        tokens.push(Token { kind, span: Span::new(start, lexer.at) });
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'s> {
    source: &'s str,
    // INVARIANT: on a character boundary.
    at: usize,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'s str {
        let rest = self.rest();
        let length = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn error<T>(&self, start: usize, message: impl Into<String>) -> Result<T, LexError> {
        Err(LexError { message: message.into(), span: Span::new(start, self.at.max(start + 1)) })
    }

    fn skip_blank(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}'));
            if !self.rest().starts_with("//") {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn token(&mut self) -> Result<TokenKind, LexError> {
        let start = self.at;
        let Some(c) = self.peek() else { return Ok(TokenKind::End) };
        let second = self.rest().chars().nth(1);
        if c.is_ascii_digit() || (c == '.' && second.is_some_and(|d| d.is_ascii_digit())) {
            return self.number();
        }
        if let Some((bytes, raw, prefix)) = literal_prefix(self.rest()) {
            self.at += prefix;
            return self.literal(start, bytes, raw);
        }
        if c == '_' || c.is_ascii_alphabetic() {
            let name = self.take_while(|c| c == '_' || c.is_ascii_alphanumeric());
            return Ok(TokenKind::Ident(name.into()));
        }
        if self.eat("`") {
            let name = self.take_while(|c| c.is_ascii_alphanumeric() || "_.-/ ".contains(c));
            if name.is_empty() || !self.eat("`") {
                return self.error(start, "expected letters, digits, `_.-/ ` and a closing backquote");
            }
            return Ok(TokenKind::Quoted(name.into()));
        }
        match MARKS.iter().find(|m| self.rest().starts_with(**m)) {
            Some(mark) => {
                self.at += mark.len();
                Ok(TokenKind::Mark(mark))
            }
            None => {
                self.bump();
                self.error(start, format!("unexpected character `{}`", c.escape_default()))
            }
        }
    }

    fn number(&mut self) -> Result<TokenKind, LexError> {
        let start = self.at;
        let digit = |c: char| c.is_ascii_digit();
        let (value, text) = if self.eat("0x") {
            let text = self.take_while(|c| c.is_ascii_hexdigit());
            (u64::from_str_radix(text, 16).ok(), text)
        } else {
            let text = self.take_while(digit);
            let rest = self.rest().as_bytes();
            let fraction = rest.first() == Some(&b'.') && rest.get(1).is_some_and(u8::is_ascii_digit);
            let exponent = matches!(rest.first(), Some(b'e' | b'E'));
            if fraction || exponent {
                return self.double(start);
            }
            (text.parse().ok(), text)
        };
        let unsigned = self.eat("u") || self.eat("U");
        if text.is_empty() || self.peek().is_some_and(|c| c == '_' || c.is_ascii_alphanumeric()) {
            self.take_while(|c| c == '_' || c.is_ascii_alphanumeric());
            return self.error(start, "malformed number");
        }
        match value {
            Some(n) if unsigned => Ok(TokenKind::Uint(n)),
            Some(n) => Ok(TokenKind::Int(n)),
            None => self.error(start, "number out of range"),
        }
    }

    fn double(&mut self, start: usize) -> Result<TokenKind, LexError> {
        if self.eat(".") {
            self.take_while(|c| c.is_ascii_digit());
        }
        if self.eat("e") || self.eat("E") {
            let _signed = self.eat("+") || self.eat("-");
            self.take_while(|c| c.is_ascii_digit());
        }
        let text = self.source.get(start..self.at).unwrap_or_default();
        let parsed = text.parse::<f64>().ok();
        if self.peek().is_some_and(|c| c == '_' || c.is_ascii_alphanumeric()) {
            return self.error(start, "malformed number");
        }
        match parsed {
            Some(d) if d.is_finite() => Ok(TokenKind::Double(d)),
            Some(_) => self.error(start, "number out of range"),
            None => self.error(start, "malformed number"),
        }
    }

    fn literal(&mut self, start: usize, bytes: bool, raw: bool) -> Result<TokenKind, LexError> {
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|q| self.eat(q)).unwrap_or("'");
        let long = quote.len() == 3;
        let mut out = Vec::new();
        loop {
            if self.eat(quote) {
                break;
            }
            let at = self.at;
            let Some(c) = self.bump() else { return self.error(start, "string is not closed") };
            match c {
                '\n' | '\r' if !long => return self.error(start, "string is not closed on its line"),
                '\\' if !raw => self.escape(at, bytes, &mut out)?,
                c => push(c, &mut out),
            }
        }
        if bytes {
            return Ok(TokenKind::Bytes(out.into()));
        }
        match String::from_utf8(out) {
            Ok(text) => Ok(TokenKind::String(text.into())),
            Err(_) => self.error(start, "string is not valid unicode"),
        }
    }

    fn escape(&mut self, start: usize, bytes: bool, out: &mut Vec<u8>) -> Result<(), LexError> {
        let Some(c) = self.bump() else { return self.error(start, "string is not closed") };
        let plain = match c {
            '\\' | '?' | '"' | '\'' | '`' => Some(c),
            'a' => Some('\u{7}'),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            _ => None,
        };
        if let Some(c) = plain {
            push(c, out);
            return Ok(());
        }
        let (digits, radix) = match c {
            'x' | 'X' => (2, 16),
            'u' if !bytes => (4, 16),
            'U' if !bytes => (8, 16),
            '0'..='3' => {
                self.at = start + 1;
                (3, 8)
            }
            _ => return self.error(start, "unknown escape in string"),
        };
        let text: String = self.rest().chars().take(digits).collect();
        if text.len() != digits || !text.chars().all(|c| c.is_digit(radix)) {
            return self.error(start, "malformed escape in string");
        }
        self.at += digits;
        let code = u32::from_str_radix(&text, radix).unwrap_or(u32::MAX);
        if bytes {
            // INVARIANT: two hexadecimal or three octal digits up to 377 fit in a byte.
            out.push(u8::try_from(code).unwrap_or(u8::MAX));
            return Ok(());
        }
        match char::from_u32(code) {
            Some(c) => {
                push(c, out);
                Ok(())
            }
            None => self.error(start, "escape is not a unicode character"),
        }
    }
}

fn push(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Whether a string starts here: is it bytes, is it raw, how long is the prefix before its quote.
fn literal_prefix(rest: &str) -> Option<(bool, bool, usize)> {
    let mut chars = rest.bytes().peekable();
    let bytes = chars.next_if(|c| matches!(c, b'b' | b'B')).is_some();
    let raw = chars.next_if(|c| matches!(c, b'r' | b'R')).is_some();
    let quoted = chars.next().is_some_and(|c| matches!(c, b'"' | b'\''));
    quoted.then_some((bytes, raw, usize::from(bytes) + usize::from(raw)))
}
