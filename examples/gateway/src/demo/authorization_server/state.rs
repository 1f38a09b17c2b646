//! What the server remembers: all of it in memory, bounded, and most of it expiring.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{constant_time, digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth_core::crypto::SigningFailed;
use mcp_auth_exchange::grant::authorization_code::PkceChallenge;
use url::Url;

use super::User;

/// Most clients that are remembered; the oldest makes room, and has to register again.
pub(super) const MAX_CLIENTS: usize = 1_000;
/// Most login pages that are open at one time.
const MAX_LOGINS: usize = 1_000;
const MAX_CODES: usize = 1_000;
const MAX_GRANTS: usize = 1_000;

/// Seconds that a login page stays good.
const LOGIN_SECONDS: u64 = 600;
/// Seconds that a code can be redeemed.
pub(super) const CODE_SECONDS: u64 = 60;
/// Seconds that a grant can be refreshed.
const GRANT_SECONDS: u64 = 8 * 3600;

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// 32 random bytes as text.
pub(super) fn random() -> Result<String, SigningFailed> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| SigningFailed)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Compares two secrets; the time tells neither where they differ nor how long they are.
pub(super) fn same_secret(a: &str, b: &str) -> bool {
    let hash = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    constant_time::verify_slices_are_equal(hash(a).as_ref(), hash(b).as_ref()).is_ok()
}

/// A map that holds the last so many entries, each for so long.
pub(super) struct Bounded<V> {
    entries: HashMap<String, (u64, V)>,
    /// Keys in the order they came. A removed entry's key stays until it is pushed out.
    order: VecDeque<String>,
    capacity: usize,
    seconds: u64,
}

impl<V> Bounded<V> {
    fn new(capacity: usize, seconds: u64) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), capacity, seconds }
    }

    /// Stores `value` under `key`, which is new. The oldest entry makes room.
    pub(super) fn insert(&mut self, key: String, value: V, now: u64) {
        while let Some(oldest) = self.order.front() {
            let live = self.entries.get(oldest).is_some_and(|(expires, _)| now < *expires);
            if live && self.order.len() < self.capacity {
                break;
            }
            self.entries.remove(oldest);
            self.order.pop_front();
        }
        self.order.push_back(key.clone());
        self.entries.insert(key, (now.saturating_add(self.seconds), value));
    }

    /// The entry, unless it is past its time.
    pub(super) fn get_mut(&mut self, key: &str, now: u64) -> Option<&mut V> {
        self.entries.get_mut(key).filter(|(expires, _)| now < *expires).map(|(_, value)| value)
    }

    /// Takes the entry out.
    pub(super) fn remove(&mut self, key: &str) {
        self.entries.remove(key);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// All that changes while the server runs.
pub(super) struct Store {
    pub(super) clients: Bounded<Client>,
    pub(super) logins: Bounded<Login>,
    pub(super) codes: Bounded<Code>,
    pub(super) grants: Bounded<Grant>,
}

impl Store {
    pub(super) fn new() -> Self {
        Self {
            clients: Bounded::new(MAX_CLIENTS, u64::MAX),
            logins: Bounded::new(MAX_LOGINS, LOGIN_SECONDS),
            // Longer than a code is good: a code that comes a second time still takes its grant along.
            codes: Bounded::new(MAX_CODES, GRANT_SECONDS),
            grants: Bounded::new(MAX_GRANTS, GRANT_SECONDS),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store([redacted])")
    }
}

/// A registered client.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) name: Option<String>,
    pub(super) redirect_uris: Vec<String>,
}

/// What a request for authorization asks, all checked.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) client_id: String,
    pub(super) client_name: Option<String>,
    /// As the client wrote it; the token request must repeat it to the letter.
    pub(super) redirect_uri: String,
    pub(super) redirect: Url,
    pub(super) state: Option<String>,
    pub(super) challenge: PkceChallenge,
    pub(super) scope: String,
}

/// An open login page.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) request: Request,
    /// Is in the page's form.
    pub(super) csrf: String,
    /// Is in the cookie of the browser that got the page.
    pub(super) browser: String,
    pub(super) failures: u8,
}

/// An authorization code, or what is left of one.
pub(super) struct Code {
    pub(super) request: Request,
    pub(super) user: User,
    pub(super) expires: u64,
    /// Shown once already, with or without success.
    pub(super) spent: bool,
    /// The grant that it was redeemed for.
    pub(super) grant: Option<String>,
}

/// What a user granted a client. A refresh token is the grant's name and the one secret that is its turn.
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) user: User,
    pub(super) scope: String,
    pub(super) secret: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room_and_time_runs_out() {
        let mut map = Bounded::new(2, 10);
        map.insert("a".into(), 1, 100);
        map.insert("b".into(), 2, 101);
        map.insert("c".into(), 3, 102);
        assert!(map.get_mut("a", 102).is_none());
        assert_eq!(map.get_mut("b", 110), Some(&mut 2));
        assert!(map.get_mut("b", 111).is_none());
        map.remove("c");
        assert!(map.get_mut("c", 103).is_none());
        for i in 0..100 {
            map.insert(format!("k{i}"), i, 200);
        }
        assert!(map.len() <= 2 && map.order.len() <= 2);
    }

    #[test]
    fn secrets_compare() {
        assert!(same_secret("abc", "abc"));
        assert!(!same_secret("abc", "abd") && !same_secret("abc", "abcd") && !same_secret("abc", ""));
    }
}
