//! Dead letters in SQL.

use crate::last_answer::{AnswerKind, LastAnswer};
use crate::store::dead_letter::DeadLetter;
use crate::store::error::StoreError;
use crate::store::queue::JobKind;
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_time};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, Row, params};

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
    WHERE o.dead_lettered_at IS NOT NULL AND o.job_id > ?1 ORDER BY o.job_id LIMIT ?2";

pub(super) fn dead_letters(
    db: &Connection,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<DeadLetter>, StoreError> {
    let mut select = db.prepare_cached(DEAD_LETTERS)?;
    let mut rows = select.query(params![after.unwrap_or(i64::MIN), limit])?;
    let mut dead_letters = Vec::new();
    while let Some(row) = rows.next()? {
        dead_letters.push(DeadLetter {
            job_id: row.get("job_id")?,
            kind: parse_column(row, "outbox.kind", JobKind::parse)?,
            id: row.get("id")?,
            partner: parse_column(row, "outbox.partner", PartnerId::parse)?,
            ext_id: parse_column(row, "outbox.ext_id", ExtId::parse)?,
            attempts: row.get("attempts")?,
            dead_lettered_at: read_time(row, "outbox.dead_lettered_at")?,
            last_answer: read_last_answer(row)?,
        });
    }
    Ok(dead_letters)
}

fn read_last_answer(row: &Row<'_>) -> Result<Option<LastAnswer>, StoreError> {
    let Some(kind) = parse_optional_column(row, "outbox.answer_kind", AnswerKind::parse)? else {
        return Ok(None);
    };
    Ok(Some(LastAnswer { kind, code: row.get("answer_code")?, text: row.get("answer_text")? }))
}

/// Along the index of dead letters, of which there are few.
const DEAD_LETTER_KINDS: &str =
    "SELECT DISTINCT kind FROM outbox INDEXED BY outbox_dead_letters WHERE dead_lettered_at IS NOT NULL";

pub(super) fn list_dead_letter_kinds(db: &Connection) -> Result<Vec<JobKind>, StoreError> {
    let mut select = db.prepare_cached(DEAD_LETTER_KINDS)?;
    let mut rows = select.query([])?;
    let mut kinds = Vec::new();
    while let Some(row) = rows.next()? {
        kinds.push(parse_column(row, "outbox.kind", JobKind::parse)?);
    }
    Ok(kinds)
}

pub(in crate::store) fn redrive_dead_letter(
    tx: &Connection,
    now: Timestamp,
    job_id: i64,
) -> Result<bool, StoreError> {
    let changed = tx
        .prepare_cached(
            "UPDATE outbox SET dead_lettered_at = NULL, due_at = ?2, attempts = 1,
                 answer_kind = NULL, answer_code = NULL, answer_text = NULL
             WHERE job_id = ?1 AND dead_lettered_at IS NOT NULL",
        )?
        .execute(params![job_id, now.unix_seconds()])?;
    Ok(changed == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn dead_letters_are_read_along_their_index() {
        for step in query_plan(DEAD_LETTERS) {
            assert!(!step.contains("SCAN o") || step.contains("outbox_dead_letters"), "{step}");
            assert!(!step.starts_with("SCAN t") && !step.contains("TEMP B-TREE"), "{step}");
        }
    }
}
