//! Keys and the key ring. A key belongs to one party and has one use; its secret cannot be printed.
//!
//! A ring is a JSON array of `{"id", "party", "use", "alg", ...}`. An `hmac-sha256` key has
//! `secret`; an `ed25519` key has `public`, `private` (its seed) or both; all are unpadded
//! base64url. One party and use can have several keys, which is how they rotate: every key
//! verifies, the last one signs. `expiresAt` (RFC 3339) is when the parties have agreed to have
//! replaced a key. It is there for a warning before: a key works until it is taken out of the ring,
//! because a forgotten date must not stop payments at midnight.
//!
//! A JWKS (`key/jwks.rs`) may stand for a whole ring. Within a ring it may stand for the keys of one party
//! and use: `{"party", "use", "jwks": {"keys": [...]}}`.

mod jwks;
mod party;
mod ring;
mod signing_key;

pub use party::{KeyUse, Party};
pub use ring::Keyring;
pub use signing_key::{Key, hmac_sha256};
