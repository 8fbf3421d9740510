//! One transaction for each round, so that callers who wait for one of its rows get it.
//!
//! What is over is looked up in the order of an index by time, in a range with two ends, and deleted by its key or its
//! place. Without statistics PostgreSQL expects a third of the rows to lie before a time, and reads all of them. In a
//! range it expects one in 200, and takes the index. Joined by their keys, it would read all rows once more.

use crate::config::OperatorTimeZone;
use crate::store::account_event::postgres as account_event;
use crate::store::alarm::postgres as alarm;
use crate::store::console_session::postgres as console_session;
use crate::store::coupon_sms::postgres as coupon_sms;
use crate::store::error::StoreError;
use crate::store::flow::postgres as flow;
use crate::store::nonce::postgres as nonce;
use crate::store::notification::postgres as notification;
use crate::store::postgres::transaction::in_transaction;
use crate::store::postgres::{PostgresDatabase, number_lock};
use crate::store::queue::postgres as queue;
use crate::store::readiness::postgres as readiness;
use crate::store::session_assertion::postgres as session_assertion;
use crate::store::subscriber::postgres as subscriber;
use crate::store::tally::postgres as tally;
use onbill_domain::timestamp::Timestamp;

/// Rows deleted in one transaction, which takes a few milliseconds.
const ROWS_MAX: i64 = 1000;

pub(super) async fn sweep(
    db: &PostgresDatabase,
    now: Timestamp,
    zone: OperatorTimeZone,
) -> Result<(), StoreError> {
    let pool = db.pool();
    in_transaction!(pool, |tx| { queue::hasten_overdelayed(tx, now).await? })?;
    in_transaction!(pool, |tx| { alarm::end_alarms_of_gone_origins(tx, now).await? })?;
    in_transaction!(pool, |tx| { readiness::forget_gone_origins(tx, now).await? })?;
    while in_transaction!(pool, |tx| {
        nonce::delete_expired_nonces(tx, now, ROWS_MAX).await?
            + session_assertion::delete_expired_assertions(tx, now, ROWS_MAX).await?
            + console_session::delete_old_sessions(tx, now, ROWS_MAX).await?
            + flow::delete_old_flows(tx, now, &zone, ROWS_MAX).await?
            + number_lock::delete_unused(tx, now, ROWS_MAX).await?
            + coupon_sms::delete_old_receipts(tx, now, ROWS_MAX).await?
            + notification::delete_old_unnamed(tx, now, ROWS_MAX).await?
            + account_event::delete_old_sim_swaps(tx, now, ROWS_MAX).await?
            + tally::delete_other_counts(tx, now, ROWS_MAX).await?
            + alarm::delete_old_alarms(tx, now, ROWS_MAX).await?
            + subscriber::continue_erasures(tx, ROWS_MAX).await?
    })? > 0
    {}
    Ok(())
}
