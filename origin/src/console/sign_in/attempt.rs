//! A sign-in that is under way. The browser keeps its secret in a cookie, and everything that belongs to
//! it follows from the secret: the origin that ends a sign-in need not be the one that began it.

use crate::ambient::Random;
use onbill_domain::digest::sha256;
use onbill_domain::encoding::{decode_base64url, encode_base64url};
use onbill_domain::key::hmac_sha256;

/// How long a person may take at the identity provider, in seconds: ten minutes, with a forgotten password.
pub(super) const ATTEMPT_SECONDS: i64 = 600;
const SECRET_BYTES: usize = 32;

/// The values of one sign-in.
pub(super) struct Attempt {
    secret: [u8; SECRET_BYTES],
}

impl Attempt {
    pub(super) fn begin(random: &dyn Random) -> Self {
        Self { secret: random.bytes() }
    }

    /// From the cookie.
    pub(super) fn read(cookie: &str) -> Option<Self> {
        Some(Self { secret: decode_base64url(cookie)?.try_into().ok()? })
    }

    /// For the cookie.
    pub(super) fn write(&self) -> String {
        encode_base64url(&self.secret)
    }

    /// Comes back with the code: a callback that another browser began has another one.
    pub(super) fn state(&self) -> String {
        self.derive("state")
    }

    /// Is in the ID token: a token of another sign-in has another one.
    pub(super) fn nonce(&self) -> String {
        self.derive("nonce")
    }

    /// Goes with the code to the token endpoint (RFC 7636 §4.1): a stolen code is worth nothing without it.
    pub(super) fn verifier(&self) -> String {
        self.derive("verifier")
    }

    /// Goes ahead of the code (RFC 7636 §4.2, method S256).
    pub(super) fn challenge(&self) -> String {
        encode_base64url(&sha256(self.verifier().as_bytes()))
    }

    fn derive(&self, label: &str) -> String {
        encode_base64url(&hmac_sha256(&self.secret, label.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SystemRandom;

    #[test]
    fn values_follow_from_the_cookie_and_from_nothing_else() {
        let first = Attempt::begin(&SystemRandom);
        let read = Attempt::read(&first.write()).expect("is a cookie of ours");
        assert_eq!(
            (read.state(), read.nonce(), read.verifier()),
            (first.state(), first.nonce(), first.verifier())
        );
        let all = [first.state(), first.nonce(), first.verifier(), first.challenge(), first.write()];
        for (n, value) in all.iter().enumerate() {
            assert!(!all[..n].contains(value), "no value gives another away");
        }
        assert_ne!(Attempt::begin(&SystemRandom).state(), first.state());
        for other in ["", "x", "AAAA", &encode_base64url(&[0; 33])] {
            assert!(Attempt::read(other).is_none(), "{other}");
        }
        // RFC 7636 §4.1: 43 to 128 characters.
        assert_eq!(first.verifier().len(), 43);
    }
}
