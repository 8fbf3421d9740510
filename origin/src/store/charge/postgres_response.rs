//! The response to a charge, in the order of `sqlite_response.rs`.

use crate::store::charge::StoredResponse;
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, parse_optional_column, read_charge_result};
use crate::store::postgres::tx_error::TxError;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::wire::ott::{TransactionResponse, TransactionStatus};
use tokio_postgres::Row;

/// Stores the response that every replay gets, from the present state, unless there is one.
pub(in crate::store) async fn store_response(
    tx: &PgConnection<'_>,
    transaction_id: &str,
) -> Result<StoredResponse, TxError> {
    let row = tx
        .query_optional(
            "SELECT transaction_id, ext_transaction_id, status, decline_reason, raw_scope, raw_code, stored_response FROM transactions
             WHERE transaction_id = $1 FOR UPDATE",
            &[&transaction_id],
        )
        .await?
        .ok_or_else(|| missing_row("transactions"))?;
    if let Some(answer) = row.try_get("stored_response")? {
        return Ok(StoredResponse { answer, before: true });
    }
    let answer = to_response_bytes(&read_response(&row)?)?;
    tx.execute_one(
        "transactions",
        "UPDATE transactions SET stored_response = $2 WHERE transaction_id = $1",
        &[&transaction_id, &answer],
    )
    .await?;
    Ok(StoredResponse { answer, before: false })
}

pub(in crate::store) fn to_response_bytes(response: &TransactionResponse) -> Result<Vec<u8>, TxError> {
    Ok(serde_json::to_vec(response).map_err(|_| inconsistent_row("transactions.stored_response"))?)
}

pub(in crate::store) async fn find_charge_response(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    id: &ExtId,
) -> Result<Option<TransactionResponse>, TxError> {
    let row = db
        .query_optional(
            "SELECT transaction_id, ext_transaction_id, status, decline_reason, raw_scope, raw_code FROM transactions
             WHERE partner = $1 AND ext_transaction_id = $2",
            &[&partner.as_str(), &id.as_str()],
        )
        .await?;
    row.as_ref().map(read_response).transpose()
}

pub(super) fn read_response(row: &Row) -> Result<TransactionResponse, TxError> {
    Ok(TransactionResponse {
        transaction_id: row.try_get("transaction_id")?,
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        status: parse_column(row, "transactions.status", TransactionStatus::parse)?,
        decline_reason: parse_optional_column(row, "transactions.decline_reason", DeclineReason::parse)?,
        raw_result: read_charge_result(row)?,
    })
}
