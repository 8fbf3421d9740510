//! The real clock and randomness. No other file of the program may name them.

use anyhow::anyhow;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::timestamp::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// 128 bits: no two calls get the same nonce.
const NONCE_BYTES: usize = 16;

#[expect(clippy::disallowed_methods, reason = "a signature says when it was made")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

#[expect(clippy::disallowed_methods, reason = "keys and nonces need the randomness of the operating system")]
pub(crate) fn random_bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow!("the operating system gave no randomness: {error}"))?;
    Ok(bytes)
}

pub(crate) fn nonce() -> anyhow::Result<String> {
    Ok(encode_base64url(&random_bytes::<NONCE_BYTES>()?))
}
