//! Whether a user's token lets somebody act for him (RFC 8693 §4.4).

use mcp_auth_core::json::Value;

use super::{ActorToken, Subject};

/// Why an actor may not act for a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MayActError {
    /// The user's token has no `may_act`, or one that names nobody.
    #[error("the user's token has no `may_act` that names somebody: the provider has to add it")]
    Absent,
    /// `may_act` is no object of texts, of which alone RFC 8693 says what they mean.
    #[error("`may_act` of the user's token is not an object whose members are texts")]
    Unreadable,
    /// The actor's token is no JWT, so that nobody here can tell whom it names.
    #[error("the actor's token is no JWT: `may_act` cannot be compared with it")]
    ActorUnreadable,
    /// It names somebody else.
    #[error("`may_act` of the user's token names another actor")]
    Other,
}

impl Subject {
    /// Whether the validated token says in `may_act` that this actor may act: every member of it, such as `iss` and
    /// `sub`, has to stand in the actor's token with the same text (RFC 8693 §4.4). The actor's token is read and not
    /// verified; the provider does that.
    ///
    /// # Errors
    ///
    /// [`MayActError`], for anything else.
    pub fn permits(&self, actor: &ActorToken) -> Result<(), MayActError> {
        let members = match self.principal().claims().get("may_act") {
            None | Some(Value::Null) => return Err(MayActError::Absent),
            Some(Value::Object(members)) => members,
            Some(_) => return Err(MayActError::Unreadable),
        };
        let claims = actor.claims().ok_or(MayActError::ActorUnreadable)?;
        let mut named = false;
        for (name, wanted) in members.iter() {
            let wanted = wanted.as_str().ok_or(MayActError::Unreadable)?;
            if claims.get(name).and_then(|has| has.as_str()) != Some(wanted) {
                return Err(MayActError::Other);
            }
            // An issuer is nobody.
            named |= matches!(name, "sub" | "client_id" | "azp");
        }
        if named { Ok(()) } else { Err(MayActError::Absent) }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use mcp_auth_discovery::Secret;
    use serde_json::{Value, json};

    use super::*;
    use crate::TokenTypeUri;
    use crate::testing::principal;

    fn actor(claims: &Value) -> ActorToken {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let token = format!("{}.{}.c2ln", part(&json!({"alg": "RS256"})), part(claims));
        ActorToken::new(Secret::new(token), TokenTypeUri::JWT)
    }

    fn permits(user: Value, actor: &ActorToken) -> Result<(), MayActError> {
        Subject::of(principal("t", user)).unwrap().permits(actor)
    }

    #[test]
    fn every_member_of_may_act_stands_in_the_actors_token() {
        use MayActError::{Absent, Other, Unreadable};
        let agent =
            actor(&json!({"iss": "https://idp.example", "sub": "agent", "client_id": "agents", "n": 1}));
        let table = [
            (json!({"sub": "agent"}), Ok(())),
            (json!({"sub": "agent", "iss": "https://idp.example"}), Ok(())),
            (json!({"client_id": "agents"}), Ok(())),
            (json!({"sub": "other"}), Err(Other)),
            (json!({"sub": "Agent"}), Err(Other)),
            (json!({"sub": "agent", "iss": "https://other.example"}), Err(Other)),
            (json!({"sub": "agent", "email": "a@example"}), Err(Other)),
            (json!({"iss": "https://idp.example"}), Err(Absent)),
            (json!({}), Err(Absent)),
            (json!(null), Err(Absent)),
            (json!("agent"), Err(Unreadable)),
            (json!([{"sub": "agent"}]), Err(Unreadable)),
            (json!({"sub": ["agent"]}), Err(Unreadable)),
            (json!({"sub": "agent", "n": 1}), Err(Unreadable)),
        ];
        for (may_act, expected) in table {
            assert_eq!(permits(json!({"may_act": may_act}), &agent), expected, "{may_act}");
        }
        assert_eq!(permits(json!({}), &agent), Err(Absent));
    }

    #[test]
    fn an_actor_that_cannot_be_read_is_nobody() {
        let may_act = || json!({"may_act": {"sub": "agent"}});
        let opaque = ActorToken::new(Secret::new("opaque"), TokenTypeUri::ACCESS_TOKEN);
        assert_eq!(permits(may_act(), &opaque), Err(MayActError::ActorUnreadable));
        let nameless = actor(&json!({"iss": "https://idp.example"}));
        assert_eq!(permits(may_act(), &nameless), Err(MayActError::Other));
    }
}
