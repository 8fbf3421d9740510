//! The token of a session's forms: what another site has the browser send has none.
//!
//! It follows from the session's id, which the browser alone has, and which does not follow from it.

use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::hmac_sha256;

const LABEL: &[u8] = b"onbill console form";

/// The token that each form of a session has.
#[derive(Clone)]
pub(super) struct CsrfToken(String);

impl CsrfToken {
    pub(super) fn of_session(session_id: &str) -> Self {
        Self(encode_base64url(&hmac_sha256(session_id.as_bytes(), LABEL)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares hashes, so that the time it takes says nothing of the token.
    pub(super) fn matches(&self, given: &str) -> bool {
        sha256(self.0.as_bytes()) == sha256(given.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_of_one_session() {
        let token = CsrfToken::of_session("session-1");
        assert!(token.matches(CsrfToken::of_session("session-1").as_str()));
        for other in ["", "session-1", CsrfToken::of_session("session-2").as_str()] {
            assert!(!token.matches(other), "{other}");
        }
    }
}
