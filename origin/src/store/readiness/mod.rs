//! Whether the ledger takes writes at this moment.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;

impl Store {
    /// Commits a write that changes nothing, and returns when it is durable: the number of the last
    /// migration that the database has. Reading would not do: a full disk, a standby server and a
    /// primary without its synchronous standby can be read. Fails as well once a newer onbill has
    /// made a schema that this one may not serve on.
    pub async fn check_writable(&self) -> Result<usize, StoreError> {
        use_case!(self, write, rewrite_schema_version())
    }
}
