//! The response to a charge: stored once, and read again for every replay.

use crate::store::charge::StoredResponse;
use crate::store::error::{StoreError, inconsistent_row, missing_row};
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_charge_result};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::wire::ott::{TransactionResponse, TransactionStatus};
use rusqlite::{Connection, Row, params};

/// Stores the response that every replay gets, from the present state, unless there is one.
pub(in crate::store) fn store_response(
    tx: &Connection,
    transaction_id: &str,
) -> Result<StoredResponse, StoreError> {
    let mut select = tx.prepare_cached("SELECT * FROM transactions WHERE transaction_id = ?1")?;
    let mut rows = select.query([transaction_id])?;
    let row = rows.next()?.ok_or_else(|| missing_row("transactions"))?;
    if let Some(answer) = row.get::<_, Option<Vec<u8>>>("stored_response")? {
        return Ok(StoredResponse { answer, before: true });
    }
    let answer = encode_response(&read_response(row)?)?;
    tx.prepare_cached("UPDATE transactions SET stored_response = ?2 WHERE transaction_id = ?1")?
        .execute(params![transaction_id, answer])?;
    Ok(StoredResponse { answer, before: false })
}

/// The bytes of a response.
pub(in crate::store) fn encode_response(response: &TransactionResponse) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(response).map_err(|_| inconsistent_row("transactions.stored_response"))
}

pub(in crate::store) fn find_charge_response(
    db: &Connection,
    partner: &PartnerId,
    id: &ExtId,
) -> Result<Option<TransactionResponse>, StoreError> {
    let mut select =
        db.prepare_cached("SELECT * FROM transactions WHERE partner = ?1 AND ext_transaction_id = ?2")?;
    let mut rows = select.query(params![partner.as_str(), id.as_str()])?;
    rows.next()?.map(read_response).transpose()
}

pub(super) fn read_response(row: &Row<'_>) -> Result<TransactionResponse, StoreError> {
    Ok(TransactionResponse {
        transaction_id: row.get("transaction_id")?,
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        status: parse_column(row, "transactions.status", TransactionStatus::parse)?,
        decline_reason: parse_optional_column(row, "transactions.decline_reason", DeclineReason::parse)?,
        raw_result: read_charge_result(row)?,
    })
}
