//! Housekeeping over all nouns: what is over is forgotten, a few rows at a time.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// Forgets nonces, flows, swapped SIMs and messages without a name whose time is over, and the numbers of those who are being erased, a few at a
    /// time: nobody waits for all of it. What a clock that ran ahead has put off for longer than [`PUT_OFF_SECONDS_MAX`]
    /// is due again.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        use_case!(self, steps, sweep(now))
    }
}
