//! Housekeeping over all nouns: what has expired is deleted, a few rows at a time.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::config::OperatorTimeZone;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// Deletes expired nonces, session assertions, sessions of the console, flows, counts, SIM swaps, SMS receipts, old alarms and messages without an id,
    /// ends the alarms of origins that are gone, and continues erasures that waited for a file. It takes many short transactions, so that charges
    /// get in between. A job that a clock which was ahead has put off becomes
    /// due. Flows are counted among the visits of their day, in the operator's time zone.
    pub async fn sweep(&self, now: Timestamp, zone: OperatorTimeZone) -> Result<(), StoreError> {
        use_case!(self, steps, sweep(now, zone))
    }
}
