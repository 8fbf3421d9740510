//! One transaction for each round, so that charges get their turn in between. Each kind of row has rounds of its own:
//! some are found by reading a whole table, and many expired nonces would repeat that.

use crate::config::OperatorTimeZone;
use crate::store::account_event::sqlite as account_event;
use crate::store::alarm::sqlite as alarm;
use crate::store::console_session::sqlite as console_session;
use crate::store::coupon_sms::sqlite as coupon_sms;
use crate::store::error::StoreError;
use crate::store::flow::sqlite as flow;
use crate::store::nonce::sqlite as nonce;
use crate::store::notification::sqlite as notification;
use crate::store::queue::sqlite as queue;
use crate::store::readiness::sqlite as readiness;
use crate::store::session_assertion::sqlite as session_assertion;
use crate::store::sqlite::SqliteDatabase;
use crate::store::subscriber::sqlite as subscriber;
use crate::store::tally::sqlite as tally;
use onbill_domain::timestamp::Timestamp;
use rusqlite::Connection;

/// Rows deleted in one transaction, which takes a few milliseconds.
const ROWS_MAX: u32 = 1000;

pub(super) async fn sweep(
    db: &SqliteDatabase,
    now: Timestamp,
    zone: OperatorTimeZone,
) -> Result<(), StoreError> {
    db.write(move |tx| queue::hasten_overdelayed(tx, now)).await?;
    db.write(move |tx| alarm::end_alarms_of_gone_origins(tx, now)).await?;
    db.write(move |tx| readiness::forget_gone_origins(tx, now)).await?;
    for delete in DELETIONS {
        loop {
            let zone = zone.clone();
            if db.write(move |tx| delete(tx, now, &zone)).await? == 0 {
                break;
            }
        }
    }
    db.scrub().await
}

/// Deletes some rows of one kind, and returns how many.
type Deletion = fn(&Connection, Timestamp, &OperatorTimeZone) -> Result<usize, StoreError>;

const DELETIONS: [Deletion; 10] = [
    |tx, now, _| nonce::delete_expired_nonces(tx, now, ROWS_MAX),
    |tx, now, _| session_assertion::delete_expired_assertions(tx, now, ROWS_MAX),
    |tx, now, _| console_session::delete_old_sessions(tx, now, ROWS_MAX),
    |tx, now, zone| flow::delete_old_flows(tx, now, zone, ROWS_MAX),
    |tx, now, _| coupon_sms::delete_old_receipts(tx, now, ROWS_MAX),
    |tx, now, _| notification::delete_old_unnamed(tx, now, ROWS_MAX),
    |tx, now, _| account_event::delete_old_sim_swaps(tx, now, ROWS_MAX),
    |tx, now, _| tally::delete_other_counts(tx, now, ROWS_MAX),
    |tx, now, _| alarm::delete_old_alarms(tx, now, ROWS_MAX),
    |tx, _, _| subscriber::continue_erasures(tx, ROWS_MAX),
];
