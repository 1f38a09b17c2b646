/// Why a path is not in its canonical spelling. The texts are fixed, so that they may be sent to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path is empty or does not begin with `/`: `*`, an authority, a whole URI.
    #[error("the path does not begin with `/`")]
    NotAbsolute,
    /// `//`: some servers merge slashes.
    #[error("the path holds `//`: write one slash")]
    EmptySegment,
    /// A segment `.` or `..`: some servers resolve them.
    #[error("the path holds a segment `.` or `..`: send the path that is meant")]
    DotSegment,
    /// `\`, which some servers take for `/`.
    #[error("the path holds a backslash")]
    Backslash,
    /// `;`: some servers cut path parameters off before they choose what to serve.
    #[error("the path holds `;`: write %3B where it is data")]
    Parameter,
    /// `?` or `#`: this is more than a path.
    #[error("the path holds `?` or `#`: write %3F or %23 where it is data")]
    Delimiter,
    /// A control character, a space or another character that RFC 3986 §3.3 does not allow in a path.
    #[error("the path holds a character that has to be percent-encoded")]
    Character,
    /// `%` without two hexadecimal digits.
    #[error("the path holds `%` without two hexadecimal digits")]
    Encoding,
    /// Hexadecimal digits in lower case: RFC 3986 §6.2.2.1 has `%C3` and `%c3` mean the same.
    #[error("the path has percent-encoding in lower case: write %C3, not %c3")]
    LowerCaseEncoding,
    /// An encoded letter, digit, `-`, `.`, `_` or `~`: RFC 3986 §6.2.2.2 has it mean the same as the character.
    #[error("the path encodes a letter, a digit or one of `-._~`: write the character itself")]
    EncodedUnreserved,
    /// `%2F` or `%5C`: some servers decode them to a separator before they choose what to serve.
    #[error("the path encodes a slash or a backslash")]
    EncodedSeparator,
    /// An encoded control character, such as `%00` or `%0A`.
    #[error("the path encodes a control character")]
    EncodedControl,
    /// `%25` in front of two hexadecimal digits: who decodes twice reads another path.
    #[error("the path is percent-encoded twice")]
    DoubleEncoding,
    /// Encoded bytes that are not UTF-8, overlong forms and surrogates among them.
    #[error("the percent-encoded bytes of the path are not UTF-8")]
    NotUtf8,
}

/// Whether `path`, without a query, is in its canonical spelling; see the [module page](super).
///
/// # Errors
///
/// [`PathError`] with the first thing that is wrong. A request with such a path is answered with 400.
pub fn check_path(path: &str) -> Result<(), PathError> {
    let mut rest = path.as_bytes().strip_prefix(b"/").ok_or(PathError::NotAbsolute)?;
    let mut segment = Segment::default();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'/' => {
                if segment.length == 0 {
                    return Err(PathError::EmptySegment);
                }
                segment.end()?;
            }
            b'%' => {
                rest = encoded(rest)?;
                segment.add(false);
            }
            b'\\' => return Err(PathError::Backslash),
            b';' => return Err(PathError::Parameter),
            b'?' | b'#' => return Err(PathError::Delimiter),
            _ if is_unreserved(byte) || b"!$&'()*+,=:@".contains(&byte) => segment.add(byte == b'.'),
            _ => return Err(PathError::Character),
        }
    }
    // The last segment may be empty: `/`, or a slash at the end.
    segment.end()
}

/// The segment that is being read.
#[derive(Default)]
struct Segment {
    length: usize,
    other_than_dots: bool,
}

impl Segment {
    fn add(&mut self, dot: bool) {
        self.length += 1;
        self.other_than_dots |= !dot;
    }

    fn end(&mut self) -> Result<(), PathError> {
        let Self { length, other_than_dots } = std::mem::take(self);
        if matches!(length, 1 | 2) && !other_than_dots { Err(PathError::DotSegment) } else { Ok(()) }
    }
}

/// Reads what stands behind a `%`, and the further bytes of the same character. Gives what is left.
fn encoded(rest: &[u8]) -> Result<&[u8], PathError> {
    let (first, mut rest) = hex_pair(rest)?;
    match first {
        b'/' | b'\\' => return Err(PathError::EncodedSeparator),
        b'%' if matches!(rest, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()) => {
            return Err(PathError::DoubleEncoding);
        }
        _ if first.is_ascii_control() => return Err(PathError::EncodedControl),
        _ if is_unreserved(first) => return Err(PathError::EncodedUnreserved),
        _ => {}
    }
    let length = match first {
        0..=0x7f => return Ok(rest),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Err(PathError::NotUtf8),
    };
    let mut bytes = [first, 0, 0, 0];
    for byte in bytes.iter_mut().take(length).skip(1) {
        (*byte, rest) = hex_pair(rest.strip_prefix(b"%").ok_or(PathError::NotUtf8)?)?;
    }
    let character = bytes.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
    match character.and_then(|text| text.chars().next()) {
        Some(c) if c.is_control() => Err(PathError::EncodedControl),
        Some(_) => Ok(rest),
        None => Err(PathError::NotUtf8),
    }
}

fn hex_pair(rest: &[u8]) -> Result<(u8, &[u8]), PathError> {
    let [high, low, rest @ ..] = rest else { return Err(PathError::Encoding) };
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        b'a'..=b'f' => Err(PathError::LowerCaseEncoding),
        _ => Err(PathError::Encoding),
    };
    // `%cz` is broken, not in lower case.
    if !low.is_ascii_hexdigit() {
        return Err(PathError::Encoding);
    }
    Ok((digit(*high)? << 4 | digit(*low)?, rest))
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
