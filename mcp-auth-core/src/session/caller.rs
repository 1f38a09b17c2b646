//! Who a session belongs to, as one digest.

use zeroize::Zeroizing;

use crate::crypto::CryptoProvider;
use crate::principal::Principal;

/// The same for the same caller, across tokens.
pub(super) fn digest(caller: Option<&Principal>, provider: &dyn CryptoProvider) -> [u8; 32] {
    let mut message = Message(Zeroizing::new(Vec::with_capacity(256)));
    match caller {
        None => message.add(Some("anonymous")),
        Some(principal) => {
            let (subject, client) = (principal.subject(), principal.client_id());
            let is_named = subject.is_some() || client.is_some();
            message.add(Some(if is_named { "caller" } else { "token" }));
            message.add(Some(principal.issuer()));
            if is_named {
                message.add(subject);
                message.add(client);
            } else {
                message.add(principal.token().map(|token| token.expose()));
            }
        }
    }
    provider.sha256(&message.0)
}

struct Message(Zeroizing<Vec<u8>>);

impl Message {
    /// With its length, so that no two lists of parts are the same bytes; absent is not empty.
    fn add(&mut self, part: Option<&str>) {
        let Some(part) = part else { return self.0.push(0) };
        self.0.push(1);
        self.0.extend_from_slice(&(part.len() as u64).to_be_bytes());
        self.0.extend_from_slice(part.as_bytes());
    }
}
