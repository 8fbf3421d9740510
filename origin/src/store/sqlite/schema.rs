//! Migrations: numbered files that only ever get added. `user_version` tells how many a file has had.

use super::StoreError;
use rusqlite::{Connection, TransactionBehavior};

const MIGRATIONS: [&str; 17] = [
    include_str!("../../../migrations/sqlite/0001_ledger.sql"),
    include_str!("../../../migrations/sqlite/0002_begun_with.sql"),
    include_str!("../../../migrations/sqlite/0003_outbox_lanes.sql"),
    include_str!("../../../migrations/sqlite/0004_refunds.sql"),
    include_str!("../../../migrations/sqlite/0005_reports.sql"),
    include_str!("../../../migrations/sqlite/0006_files.sql"),
    include_str!("../../../migrations/sqlite/0007_account_events.sql"),
    include_str!("../../../migrations/sqlite/0008_device_flows.sql"),
    include_str!("../../../migrations/sqlite/0009_subscription_changes.sql"),
    include_str!("../../../migrations/sqlite/0010_erasures.sql"),
    include_str!("../../../migrations/sqlite/0011_coupons.sql"),
    include_str!("../../../migrations/sqlite/0012_number_since.sql"),
    include_str!("../../../migrations/sqlite/0013_customers.sql"),
    include_str!("../../../migrations/sqlite/0014_gifts.sql"),
    include_str!("../../../migrations/sqlite/0015_undelivered.sql"),
    include_str!("../../../migrations/sqlite/0016_resends.sql"),
    include_str!("../../../migrations/sqlite/0017_notifications.sql"),
];

/// Applies what is missing, all of it in one transaction. Books of a newer onbill are refused.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let applied: u32 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if applied as usize > MIGRATIONS.len() {
        return Err(StoreError::Failed("the books were written by a newer onbill than this one".to_owned()));
    }
    for (migration, number) in MIGRATIONS.iter().zip(1_u32..).filter(|(_, number)| *number > applied) {
        tx.execute_batch(migration)?;
        tx.pragma_update(None, "user_version", number)?;
    }
    tx.commit()?;
    Ok(())
}
