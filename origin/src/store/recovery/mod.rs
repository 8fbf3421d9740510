//! Marks of a ledger that is not known to be complete: it is a copy, or it is being recovered. They
//! are in `ledger_identity`, so that every copy of the ledger has them too.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use onbill_domain::timestamp::Timestamp;

/// When `backup` took this copy.
pub(in crate::store) const COPIED_AT: &str = "copied at";
/// Since when an origin has been serving this ledger with `--recovering`.
pub(in crate::store) const RECOVERING_SINCE: &str = "recovering since";

/// Why a ledger is not known to be complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecoveryMarks {
    /// It is a copy of this time.
    pub copied_at: Option<Timestamp>,
    /// It is being recovered since this time.
    pub recovering_since: Option<Timestamp>,
}

impl RecoveryMarks {
    /// Whether there is any of them.
    pub fn is_incomplete(self) -> bool {
        self.copied_at.is_some() || self.recovering_since.is_some()
    }
}

impl Store {
    /// The marks of this ledger.
    pub async fn find_recovery_marks(&self) -> Result<RecoveryMarks, StoreError> {
        use_case!(self, read, find_recovery_marks())
    }

    /// Marks the ledger as being recovered, unless it is already.
    pub async fn begin_recovery(&self, now: Timestamp) -> Result<(), StoreError> {
        use_case!(self, write, begin_recovery(now))
    }

    /// Removes all marks. False when there was none.
    pub async fn end_recovery(&self) -> Result<bool, StoreError> {
        use_case!(self, write, end_recovery())
    }
}

/// The stored form of a mark's time: its Unix seconds in big-endian order.
fn to_stored(at: Timestamp) -> Vec<u8> {
    at.unix_seconds().to_be_bytes().to_vec()
}

fn from_stored(value: &[u8]) -> Option<Timestamp> {
    Some(Timestamp::from_unix_seconds(i64::from_be_bytes(value.try_into().ok()?)))
}
