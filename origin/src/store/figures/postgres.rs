//! Figures in SQL. Each statement reads along an index, and stops at a limit.

use crate::store::dead_letter::postgres::IS_DEAD_LETTER;
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::figures::{COUNTED_MAX, CouponFigure, LedgerFigures, age_seconds};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::JobKind;
use onbill_domain::timestamp::Timestamp;

/// The rows of each kind are counted by themselves, so that a backlog of one hides no other.
const JOBS: &str = "SELECT kinds.kind, waiting.count, waiting.oldest
    FROM unnest($1::TEXT[]) AS kinds (kind) CROSS JOIN LATERAL
        (SELECT count(*) AS count, min(queued_at) AS oldest FROM
            (SELECT queued_at FROM outbox WHERE dead_lettered_at IS NULL AND kind = kinds.kind
             ORDER BY due_at LIMIT $2) AS first) AS waiting";

const FILES: &str = "SELECT count(*) AS count, min(created_at) AS oldest FROM
    (SELECT created_at FROM files WHERE acknowledged_at IS NULL ORDER BY created_at LIMIT $1) AS first";

const OPEN_COUPONS: &str = "SELECT CASE WHEN undelivered_at IS NOT NULL THEN 'undelivered'
        WHEN delivered_at IS NOT NULL THEN 'delivered' WHEN sent_at IS NOT NULL THEN 'sent' ELSE 'issued' END AS state,
        count(*) AS count FROM
    (SELECT undelivered_at, delivered_at, sent_at FROM coupons
     WHERE voided_at IS NULL AND redeemed_at IS NULL AND expires_at > $1 ORDER BY expires_at LIMIT $2) AS first
    GROUP BY 1";

const UNPAID_COUPONS: &str = "SELECT count(*) AS count FROM
    (SELECT 1 FROM coupons WHERE unpaid_at IS NOT NULL ORDER BY ext_coupon_id LIMIT $1) AS first";

pub(super) async fn read_figures(db: &PgConnection<'_>, now: Timestamp) -> Result<LedgerFigures, TxError> {
    let mut figures = LedgerFigures::empty();
    let kinds = JobKind::ALL.map(JobKind::as_str).to_vec();
    for row in db.query(JOBS, &[&kinds, &COUNTED_MAX]).await? {
        let (entries, oldest) = (row.try_get::<_, i64>("count")?, row.try_get("oldest")?);
        let age = age_seconds(now, oldest);
        figures.add_jobs(parse_kind(row.try_get("kind")?)?.spec().queue, |queue| {
            queue.entries += entries;
            queue.oldest_age_seconds = queue.oldest_age_seconds.max(age);
        });
    }
    let dead_letters = format!(
        "SELECT kind, count(*) AS count FROM
             (SELECT kind FROM outbox WHERE {IS_DEAD_LETTER} ORDER BY job_id LIMIT $1) AS first GROUP BY kind"
    );
    for row in db.query(&dead_letters, &[&COUNTED_MAX]).await? {
        let count = row.try_get::<_, i64>("count")?;
        let queue = parse_kind(row.try_get("kind")?)?.spec().queue;
        figures.add_jobs(queue, |queue| queue.dead_letters += count);
    }
    let files = db.query_optional(FILES, &[&COUNTED_MAX]).await?.ok_or_else(|| missing_row("files"))?;
    figures.files.unacknowledged = files.try_get("count")?;
    figures.files.oldest_age_seconds = age_seconds(now, files.try_get("oldest")?);
    read_coupons(db, now, &mut figures).await?;
    Ok(figures)
}

async fn read_coupons(
    db: &PgConnection<'_>,
    now: Timestamp,
    figures: &mut LedgerFigures,
) -> Result<(), TxError> {
    for row in db.query(OPEN_COUPONS, &[&now.unix_seconds(), &COUNTED_MAX]).await? {
        let state = CouponFigure::parse(row.try_get("state")?).ok_or_else(|| inconsistent_row("coupons"))?;
        figures.set_coupons(state, row.try_get("count")?);
    }
    let unpaid = db.query_optional(UNPAID_COUPONS, &[&COUNTED_MAX]).await?;
    let unpaid = unpaid.ok_or_else(|| missing_row("coupons"))?;
    figures.set_coupons(CouponFigure::Unpaid, unpaid.try_get("count")?);
    Ok(())
}

fn parse_kind(word: &str) -> Result<JobKind, TxError> {
    Ok(JobKind::parse(word).ok_or_else(|| inconsistent_row("outbox.kind"))?)
}
