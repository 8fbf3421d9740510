//! A number as the store keeps it: an index to find it by, and a ciphertext.

/// A keyed or plain SHA-256 hash.
pub type Hash = [u8; 32];

/// Finds a number without knowing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberIndex(pub Hash);

/// A number, sealed, with its index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedNumber {
    /// The index.
    pub index: NumberIndex,
    /// The ciphertext.
    pub sealed: Vec<u8>,
}

/// Whom billing has under a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The number.
    pub number: SealedNumber,
    /// Which holder of it: the operator's subscriber id, or the day of activation.
    pub subscriber_ref: String,
}
