//! Whether the ledger takes writes of this origin at this moment.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use onbill_domain::timestamp::Timestamp;

/// How long the row of an origin is kept after its last write, in seconds. Where names change with each
/// start, as in containers, there are as many rows as starts in a day.
const KEPT_SECONDS: i64 = 86_400;

impl Store {
    /// Commits a write of this origin's own row, and returns when it is durable: the number of the last
    /// migration that the database has. Reading would not do: a full disk, a standby server and a
    /// primary without its synchronous standby can be read. Nor would a row that others write: an origin
    /// that was cut off while it held its lock, or a migration, would stop all of them. Fails as well once a
    /// newer onbill has made a schema that this one may not serve on; no other use case runs then.
    pub async fn check_writable(
        &self,
        now: Timestamp,
        instance: String,
        started_at: Timestamp,
    ) -> Result<usize, StoreError> {
        use_case!(self, write, write_origin(now, &instance, started_at))
    }

    /// The origins of this ledger that have written within the last day, by name.
    pub async fn list_origins(&self) -> Result<Vec<OriginStatus>, StoreError> {
        use_case!(self, read, list_origins())
    }
}

/// An origin, as its row shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginStatus {
    pub instance: String,
    /// Version and commit of its program.
    pub version: String,
    pub started_at: Timestamp,
    /// When it has written last.
    pub seen_at: Timestamp,
}

/// There are a handful, and as many as starts in a day where names change.
const LIST_ORIGINS: &str = "SELECT instance, version, started_at, seen_at FROM origins ORDER BY instance";
