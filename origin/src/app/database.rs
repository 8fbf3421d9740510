//! Opens the database that a configuration names, or reads how far its schema is.

use super::ledger_identity::ledger_facts;
use crate::config::{Config, Database, PostgresAddress};
use crate::keys::{Vault, password_file};
use crate::store::postgres::CONNECTIONS_DEFAULT;
use crate::store::sqlite::READERS_DEFAULT;
use crate::store::{LedgerFact, OpenMode, SchemaVersion, Store, StoreError};
use std::sync::Arc;

/// The name of a database on a server, in errors.
const SERVER: &str = "the database";

/// Opens the database that a configuration names, if the ledger in it is the one of this configuration and its keys.
/// The error says what to correct.
pub async fn open_database(config: &Config, vault: &Vault, mode: OpenMode) -> Result<Arc<Store>, String> {
    let facts = ledger_facts(config, vault);
    let (place, opened) = match &config.database {
        Database::Sqlite(path) => {
            let place = path.display().to_string();
            if mode == OpenMode::Create
                && let Some(folder) = path.parent()
            {
                std::fs::create_dir_all(folder)
                    .map_err(|error| format!("{place} cannot be opened: {error}"))?;
            }
            (place, Store::open_sqlite(path, READERS_DEFAULT, mode, &facts))
        }
        Database::Postgres(address) => {
            let address = with_settings(config, address)?;
            let connections = config.database_connections.unwrap_or(CONNECTIONS_DEFAULT);
            let opened = Store::open_postgres(&address, connections, mode, &facts).await;
            (SERVER.to_owned(), opened)
        }
    };
    opened.map(Arc::new).map_err(|error| explain_error(&place, &error))
}

/// Reads how far the schema of the ledger is, if it is the ledger of this configuration and its keys. Nothing is changed,
/// and the schema may be an older one.
pub async fn read_schema_version(config: &Config, vault: &Vault) -> Result<SchemaVersion, String> {
    read_schema(config, &ledger_facts(config, vault)).await
}

/// The same of any ledger, where the keys are missing.
pub(super) async fn read_any_schema_version(config: &Config) -> Result<SchemaVersion, String> {
    read_schema(config, &[]).await
}

async fn read_schema(config: &Config, facts: &[LedgerFact]) -> Result<SchemaVersion, String> {
    let (place, read) = match &config.database {
        Database::Sqlite(path) => (path.display().to_string(), SchemaVersion::read_sqlite(path, facts)),
        Database::Postgres(address) => {
            let address = with_settings(config, address)?;
            (SERVER.to_owned(), SchemaVersion::read_postgres(&address, facts).await)
        }
    };
    read.map_err(|error| explain_error(&place, &error))
}

/// The address with what other settings say about it.
fn with_settings(config: &Config, address: &PostgresAddress) -> Result<PostgresAddress, String> {
    let address = address.clone().with_tears_no_pages(config.database_tears_no_pages);
    match &config.database_password_file {
        Some(file) => {
            let password = password_file::read_password("database_password_file", file)?;
            Ok(address.with_password(&password))
        }
        None => Ok(address),
    }
}

fn explain_error(place: &str, error: &StoreError) -> String {
    match error {
        StoreError::NoLedger => format!(
            "{place} has no ledger. Is the volume mounted, and is the name in the configuration right? Only \
             `onbill-origin init` begins a new ledger, without any sign-up"
        ),
        StoreError::LedgerExists => {
            format!("{place} has a ledger already, or what is left of one: init replaces nothing")
        }
        StoreError::OlderSchema => {
            format!("{place}: {error}. `onbill-origin migrate` or `serve` brings it up to date")
        }
        StoreError::NewerSchema { .. } => format!(
            "{place}: {error}. Start the newer onbill again, or put the backup of before the upgrade back: \
             docs/operate/upgrade.md"
        ),
        StoreError::AnotherLedger { has_subscribers: true, .. } => {
            format!("{error}: its subscribers would not be recognized, and their PAIs closed")
        }
        StoreError::AnotherLedger { has_subscribers: false, .. } => format!(
            "{error}. No customer has signed up in it: if this configuration is the right one, begin another ledger in \
             its place, as docs/operate/running.md says"
        ),
        error => format!("{place} cannot be opened: {error}"),
    }
}
