//! The randomness that keys and passwords are made of.

use onbill_domain::encoding::encode_base64url;

use crate::failure::{Context, Outcome};

/// Length of every secret and seed: that of an HMAC-SHA-256 key and of an Ed25519 seed.
const SECRET_BYTES: usize = 32;

#[expect(clippy::disallowed_methods, reason = "keys need the randomness of the operating system")]
pub(crate) fn random_secret() -> Outcome<[u8; SECRET_BYTES]> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).context("get random bytes from the operating system")?;
    Ok(bytes)
}

/// Makes a password of eight characters, the limit of SMPP: 48 random bits, for this machine only.
pub(crate) fn random_short_password() -> Outcome<String> {
    Ok(encode_base64url(&random_secret()?[..6]))
}

/// A password for programs, which no person types.
pub(crate) fn random_long_password() -> Outcome<String> {
    Ok(encode_base64url(&random_secret()?))
}
