//! The ledger's identity: the operator, the key that numbers are found by, and the source of account status. `init`
//! records them, and nothing changes them later. Each verb that opens the ledger compares them, before its schema is
//! brought up to date. So do `config check` and `migrate --plan`, whatever the schema.
//!
//! If one of them changed, every account would look unknown or replaced, and the next billing run
//! would decline each charge and close each PAI permanently. So no verb goes on. Out of scope:
//! changing one of them on purpose, which means rewriting the ledger.

use crate::config::{AccountSource, Config};
use crate::keys::Vault;
use crate::store::LedgerFact;

/// What a ledger must have been begun with, to be the one of this configuration and these keys.
pub fn ledger_facts(config: &Config, vault: &Vault) -> Vec<LedgerFact> {
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
