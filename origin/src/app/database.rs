//! Opens the database that a configuration names.

use crate::config::{Config, Database};
use crate::keys::password_file;
use crate::store::Store;
use crate::store::postgres::CONNECTIONS_DEFAULT;
use crate::store::sqlite::READERS_DEFAULT;
use std::sync::Arc;

/// Opens an existing database, for reports. With a misspelled path, an empty ledger would report
/// that no one owes anything.
pub async fn open_existing_database(config: &Config) -> Result<Arc<Store>, String> {
    config.database.must_exist()?;
    open_database(config).await
}

/// Opens the database that a configuration names, or creates it. The error says what to correct.
pub async fn open_database(config: &Config) -> Result<Arc<Store>, String> {
    match &config.database {
        Database::Sqlite(path) => {
            let failed = |why: String| format!("{} cannot be opened: {why}", path.display());
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
            }
            Ok(Arc::new(
                Store::open_sqlite(path, READERS_DEFAULT).map_err(|error| failed(error.to_string()))?,
            ))
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
            let store = Store::open_postgres(&address, connections).await;
            Ok(Arc::new(store.map_err(|error| format!("the database cannot be opened: {error}"))?))
        }
    }
}
