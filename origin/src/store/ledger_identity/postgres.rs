//! The identity of the ledger in SQL.

use super::LedgerFact;
use crate::store::error::StoreError;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::tx_error::TxError;

pub(in crate::store) async fn check_ledger_identity(
    db: &PgConnection<'_>,
    facts: &[LedgerFact],
) -> Result<(), TxError> {
    match find_differing_fact(db, facts).await? {
        None => Ok(()),
        Some(fact) => Err(StoreError::AnotherLedger { fact }.into()),
    }
}

pub(in crate::store) async fn find_differing_fact(
    db: &PgConnection<'_>,
    facts: &[LedgerFact],
) -> Result<Option<&'static str>, TxError> {
    if db.query_optional("SELECT 1 FROM subscribers LIMIT 1", &[]).await?.is_none() {
        return Ok(None);
    }
    for (fact, value) in facts {
        let noted = db.query_optional("SELECT value FROM ledger_identity WHERE fact = $1", &[fact]).await?;
        if let Some(row) = noted
            && row.try_get::<_, &[u8]>("value")? != value
        {
            return Ok(Some(fact));
        }
    }
    Ok(None)
}

/// At SERIALIZABLE, because it decides by rows that may not exist yet and so cannot be locked.
pub(in crate::store) async fn record_ledger_identity(
    tx: &PgConnection<'_>,
    facts: &[LedgerFact],
) -> Result<Option<&'static str>, TxError> {
    if let Some(fact) = find_differing_fact(tx, facts).await? {
        return Ok(Some(fact));
    }
    for (fact, value) in facts {
        tx.execute_one(
            "ledger_identity",
            "INSERT INTO ledger_identity (fact, value) VALUES ($1, $2)
             ON CONFLICT (fact) DO UPDATE SET value = excluded.value",
            &[fact, value],
        )
        .await?;
    }
    Ok(None)
}
