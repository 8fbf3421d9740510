//! Answering charges in groups: the steps of [`answer_transaction()`], each for all of them.
//!
//! Most are approved at once. Any other outcome is written in a transaction of its own, and so is
//! the answer to a charge that was settled or answered meanwhile.

use super::answered_charge::AnsweredCharge;
use super::postgres::answer_transaction;
use crate::store::charge::postgres::to_response_bytes;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::group::Grouped;
use crate::store::postgres::rows::{billing_result, parse_column, read_place};
use crate::store::postgres::tx_error::{TxError, conflict};
use crate::store::queue::{BillingOutcome, ChargeDecision, JobKind, SettleResult, postgres as queue};
use onbill_domain::ids::ExtId;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{TransactionResponse, TransactionStatus};

/// An approved charge, with the response that every replay gets.
struct ApprovedCharge<'a> {
    /// Its index in the group.
    place: usize,
    now: Timestamp,
    transaction_id: &'a str,
    raw_code: Option<&'a str>,
    billed_on: Option<String>,
    response: Vec<u8>,
}

impl Grouped for AnsweredCharge {
    type Answer = (Vec<u8>, SettleResult);

    async fn run_alone(&self, tx: &PgConnection<'_>) -> Result<Self::Answer, TxError> {
        answer_transaction(tx, self.now, &self.transaction_id, &self.outcome).await
    }

    async fn run_group(tx: &PgConnection<'_>, group: &[Self]) -> Result<Vec<Option<Self::Answer>>, TxError> {
        let mut answers: Vec<_> = group.iter().map(|_| None).collect();
        let approved = find_approved_charges(tx, group).await?;
        if approved.is_empty() {
            return Ok(answers);
        }
        let ids: Vec<&str> = approved.iter().map(|charge| charge.transaction_id).collect();
        // The charges are locked before their jobs, as everywhere.
        tokio::try_join!(
            settle_approved_charges(tx, &approved),
            queue::delete_all(tx, JobKind::Charge, &ids)
        )?;
        for charge in approved {
            answers[charge.place] = Some((charge.response, SettleResult::Written));
        }
        Ok(answers)
    }
}

/// The approved ones of the group that are neither settled nor answered, in the order of their ids, in
/// which all groups lock them.
async fn find_approved_charges<'a>(
    tx: &PgConnection<'_>,
    group: &'a [AnsweredCharge],
) -> Result<Vec<ApprovedCharge<'a>>, TxError> {
    let ids: Vec<&str> = group.iter().map(|answered| answered.transaction_id.as_str()).collect();
    let rows = tx
        .query(
            "SELECT c.place, t.ext_transaction_id
             FROM unnest($1::TEXT[]) WITH ORDINALITY AS c (transaction_id, place) JOIN transactions t USING (transaction_id)
             WHERE t.settled_at IS NULL AND t.stored_response IS NULL",
            &[&ids],
        )
        .await?;
    let mut approved = Vec::new();
    for row in rows {
        let place = read_place(&row)?;
        let AnsweredCharge { now, transaction_id, outcome } = &group[place];
        let BillingOutcome::Decided(ChargeDecision::Approved { raw_code, billed_on }) = outcome else {
            continue;
        };
        let (raw_code, billed_on) = (raw_code.as_deref(), billed_on.map(|day| day.to_string()));
        let response = to_response_bytes(&TransactionResponse {
            transaction_id: transaction_id.clone(),
            ext_transaction_id: parse_column(&row, "transactions.ext_transaction_id", ExtId::parse)?,
            status: TransactionStatus::Approved,
            decline_reason: None,
            raw_result: raw_code.map(billing_result),
        })?;
        approved.push(ApprovedCharge { place, now: *now, transaction_id, raw_code, billed_on, response });
    }
    approved.sort_by(|one, other| one.transaction_id.cmp(other.transaction_id));
    approved.dedup_by(|one, other| one.transaction_id == other.transaction_id);
    Ok(approved)
}

/// A charge that another transaction settles or answers at the same moment is a conflict.
async fn settle_approved_charges(
    tx: &PgConnection<'_>,
    approved: &[ApprovedCharge<'_>],
) -> Result<(), TxError> {
    let ids: Vec<&str> = approved.iter().map(|charge| charge.transaction_id).collect();
    let raw_codes: Vec<Option<&str>> = approved.iter().map(|charge| charge.raw_code).collect();
    let bills: Vec<Option<&str>> = approved.iter().map(|charge| charge.billed_on.as_deref()).collect();
    let times: Vec<i64> = approved.iter().map(|charge| charge.now.unix_seconds()).collect();
    let responses: Vec<&[u8]> = approved.iter().map(|charge| charge.response.as_slice()).collect();
    let written = tx
        .execute(
            "UPDATE transactions t
             SET status = $5, raw_code = c.raw_code, settled_at = c.settled_at, stored_response = c.response,
                 billed_on = c.billed_on
             FROM unnest($1::TEXT[], $2::TEXT[], $3::BIGINT[], $4::BYTEA[], $6::TEXT[])
                 AS c (transaction_id, raw_code, settled_at, response, billed_on)
             WHERE t.transaction_id = c.transaction_id AND t.settled_at IS NULL
                 AND t.stored_response IS NULL",
            &[&ids, &raw_codes, &times, &responses, &TransactionStatus::Approved.as_str(), &bills],
        )
        .await?;
    if written == approved.len() as u64 { Ok(()) } else { Err(conflict("transactions")) }
}
