//! Migrations: numbered files that are only ever added. `user_version` is the number of the last
//! one that was applied.

use crate::store::error::StoreError;
use rusqlite::{Connection, TransactionBehavior};

const MIGRATIONS: [&str; 1] = [include_str!("../../../migrations/sqlite/0001_schema.sql")];

/// Applies what is missing, all of it in one transaction. The schema of a newer onbill is refused.
pub(in crate::store) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let applied: u32 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if applied as usize > MIGRATIONS.len() {
        return Err(StoreError::NewerSchema);
    }
    for (migration, number) in MIGRATIONS.iter().zip(1_u32..).filter(|(_, number)| *number > applied) {
        tx.execute_batch(migration)?;
        tx.pragma_update(None, "user_version", number)?;
    }
    tx.commit()?;
    Ok(())
}
