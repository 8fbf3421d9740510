//! Opens the database that a configuration names.

use crate::config::{Config, Database};
use crate::keys::password_file;
use crate::store::postgres::CONNECTIONS_DEFAULT;
use crate::store::sqlite::{READERS_DEFAULT, list_files_open_to_others};
use crate::store::{OpenMode, Store, StoreError};
use std::sync::Arc;

/// Opens the database that a configuration names. The error says what to correct.
pub async fn open_database(config: &Config, mode: OpenMode) -> Result<Arc<Store>, String> {
    let (place, opened) = match &config.database {
        Database::Sqlite(path) => {
            let place = path.display().to_string();
            if mode == OpenMode::Create
                && let Some(folder) = path.parent()
            {
                std::fs::create_dir_all(folder)
                    .map_err(|error| format!("{place} cannot be opened: {error}"))?;
            }
            (place, Store::open_sqlite(path, READERS_DEFAULT, mode))
        }
        Database::Postgres(address) => {
            let address = match &config.database_password_file {
                Some(file) => {
                    let password = password_file::read_password("database_password_file", file)?;
                    address.clone().with_password(&password)
                }
                None => address.clone(),
            };
            let connections = config.database_connections.unwrap_or(CONNECTIONS_DEFAULT);
            let address = address.with_tears_no_pages(config.database_tears_no_pages);
            let opened = Store::open_postgres(&address, connections, mode).await;
            ("the database".to_owned(), opened)
        }
    };
    opened.map(Arc::new).map_err(|error| explain(&place, &error))
}

fn explain(place: &str, error: &StoreError) -> String {
    match error {
        StoreError::NoLedger => format!(
            "{place} has no ledger. Is the volume mounted, and is the name in the configuration right? Only \
             `onbill-origin init` begins a new ledger, in which nobody has signed up"
        ),
        StoreError::LedgerExists => {
            format!("{place} has a ledger already, or what is left of one: init replaces nothing")
        }
        StoreError::OlderSchema => {
            format!("{place}: {error}. `onbill-origin serve` brings it up to date")
        }
        StoreError::NewerSchema { .. } => format!(
            "{place}: {error}. Start the newer onbill again, or put the backup of before the upgrade back: \
             docs/operate/upgrade.md"
        ),
        error => format!("{place} cannot be opened: {error}"),
    }
}

/// Says in the log which files of the database others than their owner may read or write. They have
/// sealed numbers and the amounts of all charges.
pub fn warn_of_open_files(config: &Config) {
    let Database::Sqlite(path) = &config.database else { return };
    for (path, mode) in list_files_open_to_others(path) {
        tracing::warn!(
            path = %path.display(),
            mode = format!("{mode:o}"),
            "a file of the database is open to others: set its mode to 600"
        );
    }
}
