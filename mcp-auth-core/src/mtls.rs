//! Client certificates that a proxy hands on (RFC 9440), for tokens that are bound to one (RFC 8705 §3).
//!
//! Who ends TLS himself needs none of this: he has the certificate of the connection. Otherwise the proxy that ends
//! TLS puts it into the header `Client-Cert`. Anybody can send such a header, so it is worth something only from a
//! proxy that removes what clients send under the same name (RFC 9440 §4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

/// The greatest length of a certificate, in bytes of DER.
pub const MAX_CERTIFICATE_BYTES: usize = 16 * 1024;

/// The DER bytes of the certificate in the one header `Client-Cert` of a request: a byte sequence of structured
/// fields (RFC 8941 §3.3.5). `None` where there is no such header, more than one, or not a certificate's form; a
/// token that is bound to a certificate is refused then.
///
/// ```
/// use http::HeaderMap;
/// use mcp_auth_core::mtls::client_cert_header;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("client-cert", ":MAA=:".parse()?);
/// assert_eq!(client_cert_header(&headers), Some(vec![0x30, 0x00]));
/// headers.append("client-cert", ":MAA=:".parse()?);
/// assert_eq!(client_cert_header(&headers), None);
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
pub fn client_cert_header(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut values = headers.get_all("client-cert").iter();
    let (value, None) = (values.next()?.to_str().ok()?, values.next()) else { return None };
    let base64 = value.strip_prefix(':')?.strip_suffix(':')?;
    if base64.len() > MAX_CERTIFICATE_BYTES / 3 * 4 {
        return None;
    }
    let der = STANDARD.decode(base64).ok()?;
    // An X.509 certificate is an ASN.1 SEQUENCE.
    (der.first() == Some(&0x30)).then_some(der)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&[u8]]) -> Option<Vec<u8>> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("client-cert", http::HeaderValue::from_bytes(value).unwrap());
        }
        client_cert_header(&headers)
    }

    #[test]
    fn one_byte_sequence_is_read_and_nothing_else() {
        assert_eq!(read(&[b":MAMCAQE=:"]), Some(vec![0x30, 3, 2, 1, 1]));
        let long = format!(":{}:", STANDARD.encode([vec![0x30], vec![0; MAX_CERTIFICATE_BYTES]].concat()));
        for bad in [
            &[][..],
            &[&b":MAMCAQE=:"[..], b":MAMCAQE=:"],
            &[b":MAMCAQE=:, :MAMCAQE=:"],
            &[b"MAMCAQE="],
            &[b":MAMCAQE="],
            &[b"MAMCAQE=:"],
            &[b":"],
            &[b"::"],
            &[b":MAMCAQE=:;a=1"],
            &[b":MAMCAQE:"],
            &[b":MAMCAQF=:"],
            &[b":MA MCAQE=:"],
            &[b":-_==:"],
            &[b":AAAA:"],
            &[b":\xff:"],
            &[b"\"-----BEGIN CERTIFICATE-----\""],
            &[long.as_bytes()],
        ] {
            assert_eq!(read(bad), None, "{:?}", bad.first());
        }
    }
}
