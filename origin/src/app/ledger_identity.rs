//! The ledger's identity, compared by each verb that opens it, before its schema is brought up to date: the
//! operator, the key that numbers are found by, and the source of account status. `migrate --plan` opens none: it
//! only says how far the schema is.
//!
//! If one of them changed, every account would look unknown or replaced, and the next billing run
//! would decline each charge and close each PAI permanently. So no verb goes on. Out of scope:
//! changing one of them on purpose, which means rewriting the ledger.

use crate::config::{AccountSource, Config};
use crate::keys::Vault;
use crate::store::{LedgerFact, OpenMode, Store, StoreError};

/// Compares the identity, and records it in a ledger without subscribers. A ledger that is open for
/// reading is only compared. The error says what differs.
pub async fn check_ledger_identity(
    mode: OpenMode,
    store: &Store,
    config: &Config,
    vault: &Vault,
) -> Result<(), String> {
    let facts = ledger_facts(config, vault);
    explain_difference(match mode {
        OpenMode::ReadOnly => store.find_differing_fact(facts).await,
        OpenMode::Migrate | OpenMode::Create => store.record_ledger_identity(facts).await,
    })
}

fn explain_difference(found: Result<Option<&'static str>, StoreError>) -> Result<(), String> {
    match found {
        Ok(None) => Ok(()),
        Ok(Some(fact)) => Err(differs_in(fact)),
        Err(error) => Err(format!("the ledger cannot be read: {error}")),
    }
}

/// What a ledger must have been begun with, to be the one of this configuration and these keys.
pub(super) fn ledger_facts(config: &Config, vault: &Vault) -> Vec<LedgerFact> {
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
        "the ledger was begun with another {fact}: its subscribers would not be recognized, and their PAIs closed"
    )
}
