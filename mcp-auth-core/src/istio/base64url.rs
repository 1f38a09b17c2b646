//! Base64url as Envoy reads it.

use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};

const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// White space anywhere is skipped, stray bits at the end are ignored, and there is either no padding or all of
/// it. `None` for anything else.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    // Vertical tab is white space to C++ and not to Rust.
    let is_space = |b: &u8| b.is_ascii_whitespace() || *b == 0x0b;
    if text.iter().any(is_space) {
        let solid: Vec<u8> = text.iter().copied().filter(|b| !is_space(b)).collect();
        return decode_solid(&solid);
    }
    decode_solid(text)
}

fn decode_solid(text: &[u8]) -> Option<Vec<u8>> {
    let data = text.iter().rposition(|b| *b != b'=').map_or(0, |last| last + 1);
    let padding = text.len() - data;
    if padding != 0 && (data % 4 < 2 || padding != 4 - data % 4) {
        return None;
    }
    TOLERANT.decode(text.get(..data)?).ok()
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn as_envoy_decodes() {
        for good in ["", "QQ", "QQ==", "QUI", "QUI=", "QUJD", " Q\tQ\r\n=\x0b=\x0c", "QR", "-_-_"] {
            assert!(decode(good.as_bytes()).is_some(), "{good:?}");
        }
        for bad in
            ["Q", "QQ=", "QQ===", "QUI==", "QUJD=", "QUJD====", "=", "====", "Q=Q", "+/+/", "QQ\0", "Q=="]
        {
            assert!(decode(bad.as_bytes()).is_none(), "{bad:?}");
        }
        assert_eq!(decode(b"QR"), decode(b"QQ"), "stray bits");
        assert_eq!(decode(b"\xff"), None);
    }
}
