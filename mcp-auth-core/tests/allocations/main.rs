//! How often the hot path allocates. A program of its own: its allocator counts.

mod count;

use count::allocations;
use mcp_auth_core::json::{Document, Limits, Value};
use mcp_auth_core::mcp::{EventStreamFilter, EventTooLong, Filtered, filter_message, peek};

const CLAIMS: &str =
    r#"{"iss":"https://login.example.com/","sub":"alice","aud":["mcp"],"exp":1794990300,"ratio":1.5e3}"#;

#[test]
fn a_document_is_two_allocations_whatever_it_holds() {
    let limits = Limits::default();
    // The copy of the text, the list, and the list again when it is cut to its length.
    assert_eq!(allocations(|| Document::parse(CLAIMS.as_bytes(), &limits).unwrap()), 3);
    let mut owned = vec![CLAIMS.as_bytes().to_vec(); count::RUNS];
    assert_eq!(allocations(|| Document::parse_vec(owned.pop().unwrap(), &limits).unwrap()), 2);
    let escaped = CLAIMS.replace('/', "\\/").replace("alice", "\\u0061lice");
    assert_eq!(
        allocations(|| Document::parse(escaped.as_bytes(), &limits).unwrap()),
        3,
        "decoded where it stands"
    );
}

#[test]
fn reading_a_document_allocates_nothing() {
    let document = Document::parse(CLAIMS.as_bytes(), &Limits::default()).unwrap();
    let read = || {
        let claims = document.as_object().unwrap();
        assert_eq!(claims.get("sub"), Some(Value::String("alice")));
        assert_eq!(claims.get("ratio"), Some(Value::Double(1500.0)));
        assert_eq!(claims.get("none"), None);
        claims.iter().filter(|(name, value)| name.len() > 3 && value.as_array().is_none()).count()
    };
    assert_eq!(allocations(read), 0);
}

#[test]
fn a_message_is_scanned_without_a_tree() {
    let call = |arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"read","arguments":{arguments}}}}}"#
        )
    };
    let (small, large) = (call("{}"), call(&format!("[{}0]", r#"{"a":["b\n",1.5]},"#.repeat(2000))));
    // Method, id and name, which outlive the body.
    assert_eq!(allocations(|| peek(small.as_bytes()).unwrap()), 3);
    assert_eq!(allocations(|| peek(large.as_bytes()).unwrap()), 3);
}

/// What passes unchanged is looked at where it stands, however long the stream.
#[test]
fn a_stream_that_needs_no_change_passes_without_allocations() {
    let list = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"},{"name":"b"}]}}"#;
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}"#;
    assert_eq!(allocations(|| filter_message(list.as_bytes(), &mut |_| true).unwrap()), 0);
    let events = format!("event: message\ndata: {list}\n\n: ping\n\ndata: {progress}\n\n").repeat(20);
    let mut filter = EventStreamFilter::new(10_000);
    let mut out = Vec::with_capacity(2 * events.len());
    let mut pass = || {
        out.clear();
        for chunk in events.as_bytes().chunks(700) {
            let mut judge = |data: &[u8]| -> Result<Filtered, EventTooLong> {
                Ok(filter_message(data, &mut |_| true).unwrap())
            };
            filter.push(chunk, &mut out, &mut judge).unwrap();
        }
        assert_eq!(out.len(), events.len());
    };
    pass();
    assert_eq!(allocations(pass), 0);
}

/// A remembered token costs no allocation, whatever is checked again.
#[cfg(feature = "aws-lc-rs")]
#[test]
fn a_warm_validation_allocates_nothing() {
    use std::sync::Arc;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use mcp_auth_core::UnixTime;
    use mcp_auth_core::crypto::{AwsLc, CryptoProvider as _};
    use mcp_auth_core::jwk::KeySet;
    use mcp_auth_core::jwt::{Algorithm, Checks, Issuer, Revocations, TokenCache, Validator};

    let secret = [7; 32];
    let issuer = Issuer::new("https://idp.example").audience("mcp").algorithms(&[Algorithm::HS256]);
    let validator = Validator::new([issuer]).unwrap();
    let keys = KeySet::secret(&secret, &AwsLc::new(), Algorithm::HS256).unwrap();
    let claims =
        r#"{"iss":"https://idp.example","aud":["x","mcp"],"sub":"alice","jti":"1","exp":2000,"iat":900}"#;
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"at+jwt"}"#),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let tag = AwsLc::new().hmac_sha256(&secret, signed.as_bytes());
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag));
    let revocations = Revocations::default().token("https://idp.example", "2");
    let checks = Checks::at(UnixTime::from_secs(1000)).revocations(&revocations);

    let cache = TokenCache::new(1 << 20, 1);
    let principal = Arc::new(validator.verify(validator.parse(&token).unwrap(), &keys, &checks).unwrap());
    cache.insert(principal, UnixTime::from_secs(1000));
    let warm = || {
        let principal = cache.get(&token).unwrap();
        validator.recheck(&principal, &keys, &checks).unwrap();
        principal
    };
    assert_eq!(allocations(warm), 0);
    assert!(allocations(|| validator.parse(&token).unwrap()) > 0, "the counter counts");
}
