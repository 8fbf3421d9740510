//! A number as the store keeps it: an index to find it by, and a ciphertext.

/// A keyed or plain SHA-256 hash.
pub type Hash = [u8; 32];

/// Keyed hash of a number, by which it is found without being known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberIndex(pub Hash);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedNumber {
    pub index: NumberIndex,
    pub sealed: Vec<u8>,
}

/// A subscriber as the operator knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BilledSubscriber {
    pub number: SealedNumber,
    /// The operator's id of the subscriber, or the day of activation: differs between subscribers
    /// of one number.
    pub subscriber_ref: String,
}
