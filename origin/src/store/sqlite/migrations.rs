//! Applies the migrations. `user_version` is the number of the last one, and the table `migrations`
//! says of each which origins may serve on it.

use crate::build_info;
use crate::store::error::StoreError;
use crate::store::ledger_identity::{LedgerFact, sqlite as ledger_identity};
use crate::store::migration::{MIGRATIONS, Migration, NewerMigration, check_served};
use crate::store::open_mode::OpenMode;
use crate::store::schema_version::SchemaVersion;
use rusqlite::{Connection, TransactionBehavior, params};
use std::ops::Range;

/// Applies what is missing, all of it in one transaction, as far as the mode allows it. A new ledger gets these
/// facts, and the ledger of another operator is left as it is.
pub(in crate::store) fn migrate(
    connection: &mut Connection,
    mode: OpenMode,
    facts: &[LedgerFact],
    migrations: &[Migration],
) -> Result<(), StoreError> {
    if mode == OpenMode::ReadOnly {
        missing_migrations(connection, mode, migrations.len())?;
        return ledger_identity::check_ledger_identity(connection, facts);
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let missing = missing_migrations(&tx, mode, migrations.len())?;
    if mode != OpenMode::Create {
        ledger_identity::check_ledger_identity(&tx, facts)?;
    }
    for n in missing {
        tx.execute_batch(&migrations[n].sqlite)?;
        tx.execute(
            "INSERT INTO migrations (number, served_from, onbill) VALUES (?1, ?2, ?3)",
            params![as_number(n + 1), as_number(migrations[n].served_from), build_info::VERSION],
        )?;
        tx.pragma_update(None, "user_version", as_number(n + 1))?;
    }
    if mode == OpenMode::Create {
        ledger_identity::record_ledger_identity(&tx, facts)?;
    }
    tx.commit()?;
    Ok(())
}

fn missing_migrations(
    connection: &Connection,
    mode: OpenMode,
    known: usize,
) -> Result<Range<usize>, StoreError> {
    let applied = read_version(connection)?;
    let missing = mode.missing_migrations(applied, known)?;
    check_served(applied, known, &list_newer(connection, applied, known)?)?;
    Ok(missing)
}

/// How far the schema is; 0 where there is no ledger. A ledger with other facts is an error.
pub(super) fn read_schema_version(
    connection: &Connection,
    facts: &[LedgerFact],
) -> Result<SchemaVersion, StoreError> {
    let (applied, known) = (read_version(connection)?, MIGRATIONS.len());
    let may_serve = check_served(applied, known, &list_newer(connection, applied, known)?).is_ok();
    let schema = SchemaVersion { applied, known, may_serve };
    if schema.is_readable() {
        ledger_identity::check_ledger_identity(connection, facts)?;
    }
    Ok(schema)
}

/// Fails if this onbill may not serve on a schema of `applied` migrations.
pub(in crate::store) fn check_schema(connection: &Connection, applied: usize) -> Result<(), StoreError> {
    let known = MIGRATIONS.len();
    check_served(applied, known, &list_newer(connection, applied, known)?)
}

fn read_version(connection: &Connection) -> Result<usize, StoreError> {
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(version as usize)
}

fn list_newer(
    connection: &Connection,
    applied: usize,
    known: usize,
) -> Result<Vec<NewerMigration>, StoreError> {
    if applied <= known {
        return Ok(Vec::new());
    }
    let sql = "SELECT served_from, onbill FROM migrations WHERE number > ?1 ORDER BY number";
    let mut select = connection.prepare(sql)?;
    let newer = select.query_map([as_number(known)], |row| {
        // A negative one is no schema's: it counts as the largest, which no onbill can serve.
        let served_from = usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX);
        Ok(NewerMigration { served_from, onbill: row.get(1)? })
    })?;
    Ok(newer.collect::<Result<_, _>>()?)
}

fn as_number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
