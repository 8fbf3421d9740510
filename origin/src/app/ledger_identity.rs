//! The ledger's identity, compared at every start: the operator, the key that numbers are found by,
//! and the source of account status.
//!
//! If one of them changed, every account would look unknown or replaced, and the next billing run
//! would decline each charge and close each PAI permanently. So the origin does not start. Out of
//! scope: changing one of them on purpose, which means rewriting the ledger.

use crate::config::{AccountSource, Config};
use crate::keys::Vault;
use crate::store::{OpenMode, Store, StoreError};

/// Records the identity at the first start, and compares it at every later one. The error says what
/// differs.
pub async fn check_ledger_identity(store: &Store, config: &Config, vault: &Vault) -> Result<(), String> {
    explain_difference(store.record_ledger_identity(ledger_facts(config, vault)).await)
}

/// Checks it for a verb that may have opened the ledger for reading, where it compares and records nothing.
pub async fn check_ledger_identity_in(
    mode: OpenMode,
    store: &Store,
    config: &Config,
    vault: &Vault,
) -> Result<(), String> {
    if mode == OpenMode::ReadOnly {
        return explain_difference(store.find_differing_fact(ledger_facts(config, vault)).await);
    }
    check_ledger_identity(store, config, vault).await
}

fn explain_difference(found: Result<Option<&'static str>, StoreError>) -> Result<(), String> {
    match found {
        Ok(None) => Ok(()),
        Ok(Some(fact)) => Err(differs_in(fact)),
        Err(error) => Err(format!("the ledger cannot be read: {error}")),
    }
}

/// What a ledger must have been begun with, to be the one of this configuration and these keys.
pub(super) fn ledger_facts(config: &Config, vault: &Vault) -> Vec<(&'static str, Vec<u8>)> {
    let source: &[u8] = match config.accounts {
        AccountSource::Table => b"table",
        AccountSource::Csp => b"csp",
    };
    vec![
        ("operator", config.operator.as_str().as_bytes().to_vec()),
        ("numbers key", vault.index_check().to_vec()),
        ("source of accounts", source.to_vec()),
    ]
}

/// The error for a ledger that differs in a fact.
pub(super) fn differs_in(fact: &str) -> String {
    format!(
        "the ledger was begun with another {fact}: their subscribers would not be recognised and their PAIs closed"
    )
}
