//! Everything that is kept on one subscriber, table by table, for the person who asks what that is.
//! Nothing of an earlier or later subscriber of the number is among it.

pub(super) mod postgres;
mod source;
mod sources;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::desk::DeskSubscriber;
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use source::KeptBy;
use sources::SOURCES;

impl Store {
    /// All rows of the subscriber, and of the number while it is theirs.
    pub async fn list_kept_rows(
        &self,
        subscriber: DeskSubscriber,
        number: NumberIndex,
    ) -> Result<Vec<KeptTable>, StoreError> {
        use_case!(self, read, list_kept_rows(&subscriber, number))
    }
}

/// The rows of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptTable {
    /// The table, as in docs/data-model.md.
    pub table: &'static str,
    /// What it has, in words.
    pub title: &'static str,
    pub columns: &'static [&'static str],
    /// The values of the columns as text, in their order.
    pub rows: Vec<Vec<Option<String>>>,
}
