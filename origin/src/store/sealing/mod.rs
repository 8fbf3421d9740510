//! Sealed values of all tables, for the rotation of keys, and the id of the key that origins seal
//! with.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::Hash;

impl Store {
    /// Records the id of the key that a starting origin seals with.
    pub async fn note_sealing_key(&self, key_id: String) -> Result<(), StoreError> {
        use_case!(self, write, note_sealing_key(&key_id))
    }

    /// The key id of the origin that started last.
    pub async fn find_sealing_key(&self) -> Result<Option<String>, StoreError> {
        use_case!(self, read, find_sealing_key())
    }

    /// A page of the sealed values of a column after `after`, ordered by row.
    pub async fn list_sealed_values(
        &self,
        column: SealedColumn,
        after: Option<SealedAt>,
        limit: u32,
    ) -> Result<Vec<SealedValue>, StoreError> {
        use_case!(self, read, list_sealed_values(column, after.as_ref(), limit))
    }

    /// Replaces sealed values, each only where the old one still is. Returns how many were
    /// replaced.
    pub async fn replace_sealed_values(&self, values: Vec<SealedValueUpdate>) -> Result<u64, StoreError> {
        use_case!(self, write, replace_sealed_values(&values))
    }
}

onbill_domain::word_enum! {
    /// A column with sealed values; the word is its name in the database.
    #[derive(PartialOrd, Ord)]
    pub enum SealedColumn {
        /// The numbers of subscribers.
        Subscribers = "subscribers.number_sealed",
        /// The numbers of flows of the last day.
        Flows = "flows.number_sealed",
        /// The numbers of lines of billing files that are being written.
        FileLines = "file_lines.number_sealed",
        /// The bodies of queued SMS.
        Messages = "outbox.payload",
    }
}

impl SealedColumn {
    /// Whether the sealed values are messages; otherwise they are numbers.
    pub fn has_messages(self) -> bool {
        match self {
            Self::Messages => true,
            Self::Subscribers | Self::Flows | Self::FileLines => false,
        }
    }
}

/// The row of a sealed value, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SealedAt {
    Subscriber(String),
    Flow(Hash),
    BillingFileLine(String, u32),
    Message(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedValue {
    pub at: SealedAt,
    pub sealed: Vec<u8>,
}

/// A value to be replaced.
#[derive(Clone, Debug)]
pub struct SealedValueUpdate {
    /// The value as it was read.
    pub old: SealedValue,
    /// The new ciphertext.
    pub new: Vec<u8>,
}
