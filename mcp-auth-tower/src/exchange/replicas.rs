//! One exchange at a time under one key, among all replicas that share a store.

use std::time::Duration;

use mcp_auth_exchange::cache::CacheKey;
use mcp_auth_exchange::plan::IssuedToken;
use tokio::time::{Instant, timeout};

use super::driver::GRACE;
use super::exchanger::{Asking, Inner};
use super::{Claim, SharedFuture, SharedTokens};

/// How often a replica looks whether another one has brought a token.
const LOOK: Duration = Duration::from_millis(50);

/// What a replica does.
pub(super) enum Turn {
    /// Uses what another one got.
    Token(IssuedToken),
    /// Exchanges, with this claim.
    Exchange(Claim),
}

impl Inner {
    pub(super) async fn share(&self, asking: &Asking, token: &IssuedToken) {
        self.in_store(|shared| shared.put(asking.key, token)).await;
    }

    /// One call to the shared store; `None` where there is none, or it did not answer in time.
    pub(super) async fn in_store<'s, T>(
        &'s self,
        call: impl FnOnce(&'s dyn SharedTokens) -> SharedFuture<'s, T>,
    ) -> Option<T> {
        let answer = timeout(self.shared_timeout, call(&**self.shared.as_ref()?)).await.ok();
        if answer.is_none() {
            tracing::warn!(target: "mcp_auth", "the shared store of issued tokens is slow");
        }
        answer
    }

    /// What another replica got; one that is due for renewal is renewed here. Outer `None`: the store does not answer.
    async fn shared_token(&self, key: CacheKey) -> Option<Option<IssuedToken>> {
        let token = self.in_store(|shared| shared.get(key)).await?;
        Some(token.filter(|token| self.clock.now() < token.refresh_at()))
    }

    /// Whose turn it is: with a shared store, one replica exchanges and the others wait for it a while.
    pub(super) async fn among_replicas(&self, key: CacheKey) -> Turn {
        let patience = Instant::now() + self.timeout;
        // Released long before: a claim that outlives its replica holds the others up for this time at most.
        let hold = self.deadline + GRACE;
        loop {
            match self.shared_token(key).await {
                None => return Turn::Exchange(Claim::Unknown),
                Some(Some(token)) => return Turn::Token(token),
                Some(None) => {}
            }
            match self.in_store(|shared| shared.claim(key, hold)).await {
                Some(Claim::Ours) => {
                    // Between the look and the claim somebody may have come to his end.
                    let Some(Some(token)) = self.shared_token(key).await else {
                        return Turn::Exchange(Claim::Ours);
                    };
                    self.in_store(|shared| shared.release(key)).await;
                    return Turn::Token(token);
                }
                Some(Claim::Theirs) if Instant::now() + LOOK < patience => tokio::time::sleep(LOOK).await,
                _ => return Turn::Exchange(Claim::Unknown),
            }
        }
    }
}
