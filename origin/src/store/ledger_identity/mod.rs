//! What the database was begun with: facts that it depends on and that must not change.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;

impl Store {
    /// Compares facts that the books depend on with those they were begun with, and gives the name of the first that
    /// differs; then nothing is written. Facts that are new are noted. As long as there is no subscriber nobody can be
    /// mistaken for somebody else, and the facts are noted anew.
    pub async fn begin_with(
        &self,
        facts: Vec<(&'static str, Vec<u8>)>,
    ) -> Result<Option<&'static str>, StoreError> {
        use_case!(self, write_serializable, compare(&facts))
    }
}
