//! Whether what is about to be switched is whole.

use crate::cli::opening::database_failed;
use onbill_origin::store::Store;
use std::path::PathBuf;

/// PAIs are switched while no file is half loaded: a load takes over the new state of what is dark, and refuses it
/// for what is on. The ledger has the names of files without their folders.
pub(super) async fn check_loads(store: &Store, superseded: &[PathBuf]) -> anyhow::Result<()> {
    let mut unfinished = store.list_unfinished_loads().await.map_err(database_failed)?;
    let is_superseded =
        |name: &str| superseded.iter().any(|file| file.file_name().is_some_and(|last| last == name));
    unfinished.retain(|name| !is_superseded(name));
    anyhow::ensure!(
        unfinished.is_empty(),
        "the load of {} has not come to its end: run switch load again first, or say --superseded if a later \
         file that was loaded has all of it",
        unfinished.join(", ")
    );
    Ok(())
}
