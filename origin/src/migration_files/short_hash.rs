//! Texts of any length, compared in 16 bytes each: millions of lines are in memory together.

use onbill_domain::digest::sha256;

/// Half a SHA-256 hash, by which texts of any length are compared in memory.
pub(super) type ShortHash = [u8; 16];

pub(super) fn short_hash(parts: &[&str]) -> ShortHash {
    // No part has a line feed in it.
    let hash = sha256(parts.join("\n").as_bytes());
    std::array::from_fn(|place| hash[place])
}
