//! Sealed values, wherever they are, read by the page and sealed anew; and the key that origins seal with.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::Hash;

impl Store {
    /// Notes the name of the key that a starting origin seals with.
    pub async fn note_sealing_key(&self, key_id: String) -> Result<(), StoreError> {
        use_case!(self, write, note_sealing_key(&key_id))
    }

    /// That of the origin that started last, if one has.
    pub async fn sealing_key(&self) -> Result<Option<String>, StoreError> {
        use_case!(self, read, sealing_key())
    }

    /// A page of the sealed values in a column, in the order of their places, after `after`.
    pub async fn sealed_values(
        &self,
        column: SealedColumn,
        after: Option<SealedAt>,
        limit: u32,
    ) -> Result<Vec<SealedValue>, StoreError> {
        use_case!(self, read, values(column, after.as_ref(), limit))
    }

    /// Puts newly sealed values in the places of old ones, each only where the old one still is; gives how many.
    pub async fn reseal(&self, values: Vec<Resealing>) -> Result<u64, StoreError> {
        use_case!(self, write, reseal(&values))
    }
}

/// Where sealed values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SealedColumn {
    /// The numbers of subscribers.
    Subscribers,
    /// The numbers of flows of the last day.
    Flows,
    /// Numbers beside the lines of files that are being written.
    FileLines,
    /// Text messages that wait in the outbox.
    Messages,
}

impl SealedColumn {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Subscribers, Self::Flows, Self::FileLines, Self::Messages];

    /// Whether what is sealed is a message, and else a number.
    pub fn has_messages(self) -> bool {
        self == Self::Messages
    }
}

/// The place of a sealed value: its column, and its row's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SealedAt {
    /// A subscriber.
    Subscriber(String),
    /// A flow.
    Flow(Hash),
    /// A line of a file.
    FileLine(String, u32),
    /// An entry of the outbox.
    Message(i64),
}

/// A sealed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedValue {
    /// Where it is.
    pub at: SealedAt,
    /// The ciphertext.
    pub sealed: Vec<u8>,
}

/// A value that was sealed anew.
#[derive(Clone, Debug)]
pub struct Resealing {
    /// What was there when it was read.
    pub old: SealedValue,
    /// The new ciphertext.
    pub new: Vec<u8>,
}
