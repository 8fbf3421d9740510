//! The identity of the ledger in SQL.

use super::LedgerFact;
use crate::store::error::StoreError;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::tx_error::TxError;

pub(in crate::store) async fn check_ledger_identity(
    db: &PgConnection<'_>,
    facts: &[LedgerFact],
) -> Result<(), TxError> {
    for (fact, value) in facts {
        let noted = db.query_optional("SELECT value FROM ledger_identity WHERE fact = $1", &[fact]).await?;
        if let Some(row) = noted
            && row.try_get::<_, &[u8]>("value")? != value
        {
            let subscriber = db.query_optional("SELECT 1 FROM subscribers LIMIT 1", &[]).await?;
            let has_subscribers = subscriber.is_some();
            return Err(StoreError::AnotherLedger { fact, has_subscribers }.into());
        }
    }
    Ok(())
}

pub(in crate::store) async fn record_ledger_identity(
    tx: &PgConnection<'_>,
    facts: &[LedgerFact],
) -> Result<(), TxError> {
    for (fact, value) in facts {
        tx.execute_one(
            "ledger_identity",
            "INSERT INTO ledger_identity (fact, value) VALUES ($1, $2)",
            &[fact, value],
        )
        .await?;
    }
    Ok(())
}
