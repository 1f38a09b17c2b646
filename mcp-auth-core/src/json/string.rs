//! The inside of strings: finding the end of a plain run a word at a time, checking escapes, decoding them in place.

use super::error::Problem;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Marks the bytes of `word` that end a plain run: quote, backslash, control characters. Marks above the lowest one
/// may be wrong (a borrow runs upwards); the lowest never is.
#[inline(always)]
const fn ends(word: u64) -> u64 {
    // Flipping this bit puts the quote right above the control characters, and nothing else below 0x21.
    let quote_or_control = (word ^ (ONES * 2)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (quote_or_control | backslash) & !word & HIGHS
}

/// Where the first quote, backslash or control character stands, from `at` on, and which it is; 0 at the end.
#[inline(always)]
pub(super) fn plain_end(text: &[u8], at: usize) -> (usize, u8) {
    let Some(mut rest) = text.get(at..) else { return (at, 0) };
    for _ in 0..SHORT {
        let Some((word, tail)) = rest.split_first_chunk::<8>() else { break };
        let word = u64::from_le_bytes(*word);
        let ends = ends(word);
        if ends != 0 {
            let bit = ends.trailing_zeros() & 56;
            return (text.len() - rest.len() + bit as usize / 8, (word >> bit).to_le_bytes()[0]);
        }
        rest = tail;
    }
    plain_end_far(text, text.len() - rest.len())
}

/// Beyond this many words a string counts as long.
const SHORT: usize = 8;

/// The rest of a long string, or the last bytes of the text.
#[inline(never)]
fn plain_end_far(text: &[u8], at: usize) -> (usize, u8) {
    let mut rest = text.get(at..).unwrap_or_default();
    // The compiler makes vector code of this.
    while let Some((block, tail)) = rest.split_first_chunk::<32>() {
        if block.iter().fold(false, |any, &byte| any | (byte < 0x20) | (byte == b'"') | (byte == b'\\')) {
            break;
        }
        rest = tail;
    }
    let plain = |byte: &u8| *byte >= 0x20 && !matches!(*byte, b'"' | b'\\');
    while let Some((byte, tail)) = rest.split_first()
        && plain(byte)
    {
        rest = tail;
    }
    (text.len() - rest.len(), rest.first().copied().unwrap_or(0))
}

/// Checks the escape that `rest` starts with; answers its length. A pair of surrogates is one escape, half a pair is
/// none: parsers disagree on what it would mean.
#[inline(never)]
pub(super) fn escape(rest: &[u8]) -> Result<usize, Problem> {
    match rest {
        [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Ok(2),
        [_, b'u', a, b, c, d, tail @ ..] => match hex([*a, *b, *c, *d]).ok_or(Problem::Escape)? {
            0xd800..=0xdbff => match tail {
                [b'\\', b'u', a, b, c, d, ..] if matches!(hex([*a, *b, *c, *d]), Some(0xdc00..=0xdfff)) => {
                    Ok(12)
                }
                _ => Err(Problem::Surrogate),
            },
            0xdc00..=0xdfff => Err(Problem::Surrogate),
            _ => Ok(6),
        },
        _ => Err(Problem::Escape),
    }
}

fn hex(digits: [u8; 4]) -> Option<u32> {
    let mut unit = 0;
    for digit in digits {
        unit = unit << 4 | char::from(digit).to_digit(16)?;
    }
    Some(unit)
}

/// The value of a checked string. `None` only if it was not checked.
pub(super) fn decode(raw: &str) -> Option<String> {
    let mut bytes = raw.as_bytes().to_vec();
    let len = decode_in_place(&mut bytes)?;
    bytes.truncate(len);
    String::from_utf8(bytes).ok()
}

/// Decodes the escapes of a checked string; answers how long it is now. No escape is shorter than what it stands for.
pub(super) fn decode_in_place(text: &mut [u8]) -> Option<usize> {
    let (mut from, mut to) = (0, 0);
    loop {
        // What is not an escape moves as it is.
        let (escape, _) = plain_end(text, from);
        text.copy_within(from..escape, to);
        to += escape - from;
        let rest = text.get(escape..)?;
        if rest.is_empty() {
            return Some(to);
        }
        let (decoded, used) = one(rest)?;
        let mut utf8 = [0; 4];
        let utf8 = decoded.encode_utf8(&mut utf8).as_bytes();
        text.get_mut(to..to + utf8.len())?.copy_from_slice(utf8);
        to += utf8.len();
        from = escape + used;
    }
}

/// What the escape that `rest` starts with stands for, and its length.
fn one(rest: &[u8]) -> Option<(char, usize)> {
    Some(match rest {
        [b'\\', b'u', a, b, c, d, tail @ ..] => {
            let unit = hex([*a, *b, *c, *d])?;
            match tail {
                [b'\\', b'u', a, b, c, d, ..] if (0xd800..=0xdbff).contains(&unit) => {
                    let low = hex([*a, *b, *c, *d])?;
                    (char::from_u32(0x1_0000 + ((unit & 0x3ff) << 10 | low & 0x3ff))?, 12)
                }
                _ => (char::from_u32(unit)?, 6),
            }
        }
        [b'\\', b'b', ..] => ('\x08', 2),
        [b'\\', b'f', ..] => ('\x0c', 2),
        [b'\\', b'n', ..] => ('\n', 2),
        [b'\\', b'r', ..] => ('\r', 2),
        [b'\\', b't', ..] => ('\t', 2),
        [b'\\', other @ (b'"' | b'\\' | b'/'), ..] => (char::from(*other), 2),
        _ => return None,
    })
}
