//! Dead letters in SQL.

use crate::last_answer::{AnswerKind, LastAnswer};
use crate::store::dead_letter::DeadLetter;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, parse_optional_column, read_count, read_time};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::JobKind;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::timestamp::Timestamp;
use tokio_postgres::Row;

const DEAD_LETTERS: &str =
    "SELECT o.job_id, o.kind, coalesce(o.transaction_id, o.refund_id, o.coupon_id, o.dispute_id) AS id,
        coalesce(t.partner, r.partner, p.partner, x.partner) AS partner,
        coalesce(t.ext_transaction_id, r.ext_refund_id, c.ext_coupon_id, d.reference) AS ext_id,
        o.attempts, o.dead_lettered_at, o.answer_kind, o.answer_code, o.answer_text
    FROM outbox o LEFT JOIN transactions t ON t.transaction_id = o.transaction_id
        LEFT JOIN refunds r ON r.refund_id = o.refund_id
        LEFT JOIN coupons c ON c.coupon_id = o.coupon_id LEFT JOIN pais p ON p.pai = c.pai
        LEFT JOIN disputes d ON d.dispute_id = o.dispute_id
        LEFT JOIN transactions x ON x.transaction_id = d.transaction_id
    WHERE o.dead_lettered_at IS NOT NULL AND o.job_id > $1 ORDER BY o.job_id LIMIT $2";

pub(super) async fn dead_letters(
    db: &PgConnection<'_>,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<DeadLetter>, TxError> {
    let rows = db.query(DEAD_LETTERS, &[&after.unwrap_or(i64::MIN), &i64::from(limit)]).await?;
    rows.iter().map(read_dead_letter).collect()
}

/// A condition that PostgreSQL looks up in the index of dead letters. Without statistics it expects nearly every job to
/// be one, and reads all jobs. In a range with two ends it expects one in 200, and this range has the ids of all jobs.
pub(in crate::store) const IS_DEAD_LETTER: &str =
    "dead_lettered_at IS NOT NULL AND job_id BETWEEN 0 AND 9223372036854775807";

pub(super) async fn list_dead_letter_kinds(db: &PgConnection<'_>) -> Result<Vec<JobKind>, TxError> {
    let rows = db.query(&format!("SELECT DISTINCT kind FROM outbox WHERE {IS_DEAD_LETTER}"), &[]).await?;
    rows.iter().map(|row| parse_column(row, "outbox.kind", JobKind::parse)).collect()
}

fn read_dead_letter(row: &Row) -> Result<DeadLetter, TxError> {
    Ok(DeadLetter {
        job_id: row.try_get("job_id")?,
        kind: parse_column(row, "outbox.kind", JobKind::parse)?,
        id: row.try_get("id")?,
        partner: parse_column(row, "outbox.partner", PartnerId::parse)?,
        ext_id: parse_column(row, "outbox.ext_id", ExtId::parse)?,
        attempts: read_count(row, "outbox.attempts")?,
        dead_lettered_at: read_time(row, "outbox.dead_lettered_at")?,
        last_answer: read_last_answer(row)?,
    })
}

fn read_last_answer(row: &Row) -> Result<Option<LastAnswer>, TxError> {
    let Some(kind) = parse_optional_column(row, "outbox.answer_kind", AnswerKind::parse)? else {
        return Ok(None);
    };
    Ok(Some(LastAnswer { kind, code: row.try_get("answer_code")?, text: row.try_get("answer_text")? }))
}

pub(in crate::store) async fn redrive_dead_letter(
    tx: &PgConnection<'_>,
    now: Timestamp,
    job_id: i64,
) -> Result<bool, TxError> {
    let changed = tx
        .execute(
            "UPDATE outbox SET dead_lettered_at = NULL, due_at = $2, attempts = 1,
                 answer_kind = NULL, answer_code = NULL, answer_text = NULL
             WHERE job_id = $1 AND dead_lettered_at IS NOT NULL",
            &[&job_id, &now.unix_seconds()],
        )
        .await?;
    Ok(changed == 1)
}
