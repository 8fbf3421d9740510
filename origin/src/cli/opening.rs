//! What a verb opens before it works: the configuration, its keys, the database, and the whole
//! origin.

use anyhow::Context as _;
use onbill_domain::key::Keyring;
use onbill_origin::ambient::{SystemClock, SystemRandom};
use onbill_origin::app::{App, database};
use onbill_origin::config::Config;
use onbill_origin::http::HttpPeer;
use onbill_origin::keys::Vault;
use onbill_origin::store::{OpenMode, Store, StoreError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Deadline of one call to another party. Three calls to the CSP API (account, look-up, charge) fit
/// into the time in which a posted charge may be processed.
pub(super) const PEER_DEADLINE: Duration = Duration::from_secs(8);

/// Opens the configuration and the database.
pub(super) async fn open_store(config: &Path, mode: OpenMode) -> anyhow::Result<(Config, Arc<Store>)> {
    let (config, _, store) = open_origin(config, mode).await?;
    Ok((config, store))
}

/// Opens the database for a look that goes into the audit. It is never migrated by that: an older schema
/// is an error, as for any verb that only reads.
pub(super) async fn open_store_for_look(config: &Path) -> anyhow::Result<(Config, Arc<Store>)> {
    let (config, keys, read_only) = open_origin(config, OpenMode::ReadOnly).await?;
    drop(read_only);
    let store = open_database(&config, &keys, OpenMode::Migrate).await?;
    Ok((config, store))
}

/// Opens the configuration, its keys and the database.
pub(super) async fn open_origin(
    config: &Path,
    mode: OpenMode,
) -> anyhow::Result<(Config, Keyring, Arc<Store>)> {
    let (config, keys) = load_config(config)?;
    let store = open_database(&config, &keys, mode).await?;
    Ok((config, keys, store))
}

/// Reads the configuration and its keys.
pub(super) fn load_config(config: &Path) -> anyhow::Result<(Config, Keyring)> {
    Config::load(config).map_err(anyhow::Error::msg)
}

/// Opens the database, if it belongs to the configuration and its keys. With another key no number would be found: every
/// subscriber would seem to be unknown.
pub(super) async fn open_database(
    config: &Config,
    keys: &Keyring,
    mode: OpenMode,
) -> anyhow::Result<Arc<Store>> {
    let vault = Vault::new(keys).map_err(anyhow::Error::msg)?;
    database::open_database(config, &vault, mode).await.map_err(anyhow::Error::msg)
}

/// Opens the whole origin, for a verb that calls other parties.
pub(super) async fn open_app(config: &Path, mode: OpenMode) -> anyhow::Result<App> {
    let (config, keys, store) = open_origin(config, mode).await?;
    let peer = Arc::new(HttpPeer::new(PEER_DEADLINE).context("the HTTP client does not start")?);
    let app = App::new(config, keys, store, peer, Arc::new(SystemClock), Arc::new(SystemRandom));
    app.map_err(anyhow::Error::msg)
}

/// The error that the operator's engineer gets when the database fails.
#[expect(clippy::needless_pass_by_value, reason = "map_err passes it by value")]
pub(super) fn database_failed(error: StoreError) -> anyhow::Error {
    anyhow::anyhow!("the database failed: {error}")
}
