//! Figures in SQL. Each statement reads along an index, and stops at a limit. Of jobs and open coupons there can be
//! many, and their indexes have all that is counted: a look at each row took half a second in all.

use crate::store::error::{StoreError, inconsistent_row};
use crate::store::figures::{COUNTED_MAX, CouponFigure, LedgerFigures, age_seconds};
use crate::store::queue::JobKind;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

const JOBS: &str = "SELECT count(*), min(queued_at) FROM
    (SELECT queued_at FROM outbox WHERE dead_lettered_at IS NULL AND kind = ?1 ORDER BY due_at LIMIT ?2)";

const DEAD_LETTERS: &str = "SELECT kind, count(*) FROM
    (SELECT kind FROM outbox WHERE dead_lettered_at IS NOT NULL ORDER BY job_id LIMIT ?1) GROUP BY kind";

const FILES: &str = "SELECT count(*), min(created_at) FROM
    (SELECT created_at FROM files WHERE acknowledged_at IS NULL ORDER BY created_at LIMIT ?1)";

const OPEN_COUPONS: &str = "SELECT CASE WHEN undelivered_at IS NOT NULL THEN 'undelivered'
        WHEN delivered_at IS NOT NULL THEN 'delivered' WHEN sent_at IS NOT NULL THEN 'sent' ELSE 'issued' END,
        count(*) FROM
    (SELECT undelivered_at, delivered_at, sent_at FROM coupons
     WHERE voided_at IS NULL AND redeemed_at IS NULL AND expires_at > ?1 ORDER BY expires_at LIMIT ?2) GROUP BY 1";

const UNPAID_COUPONS: &str = "SELECT count(*) FROM
    (SELECT 1 FROM coupons WHERE unpaid_at IS NOT NULL ORDER BY ext_coupon_id LIMIT ?1)";

pub(super) fn read_figures(db: &Connection, now: Timestamp) -> Result<LedgerFigures, StoreError> {
    let mut figures = LedgerFigures::empty();
    let mut jobs = db.prepare_cached(JOBS)?;
    for kind in JobKind::ALL {
        let (entries, oldest): (i64, Option<i64>) =
            jobs.query_row(params![kind.as_str(), COUNTED_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let age = age_seconds(now, oldest);
        figures.add_jobs(kind.spec().queue, |queue| {
            queue.entries += entries;
            queue.oldest_age_seconds = queue.oldest_age_seconds.max(age);
        });
    }
    let mut dead_letters = db.prepare_cached(DEAD_LETTERS)?;
    let mut rows = dead_letters.query([COUNTED_MAX])?;
    while let Some(row) = rows.next()? {
        let (kind, count): (String, i64) = (row.get(0)?, row.get(1)?);
        let kind = JobKind::parse(&kind).ok_or_else(|| inconsistent_row("outbox.kind"))?;
        figures.add_jobs(kind.spec().queue, |queue| queue.dead_letters += count);
    }
    let (unacknowledged, oldest) =
        db.prepare_cached(FILES)?.query_row([COUNTED_MAX], |row| Ok((row.get(0)?, row.get(1)?)))?;
    figures.files.unacknowledged = unacknowledged;
    figures.files.oldest_age_seconds = age_seconds(now, oldest);
    read_coupons(db, now, &mut figures)?;
    Ok(figures)
}

fn read_coupons(db: &Connection, now: Timestamp, figures: &mut LedgerFigures) -> Result<(), StoreError> {
    let mut coupons = db.prepare_cached(OPEN_COUPONS)?;
    let mut rows = coupons.query(params![now.unix_seconds(), COUNTED_MAX])?;
    while let Some(row) = rows.next()? {
        let (state, count): (String, i64) = (row.get(0)?, row.get(1)?);
        let state = CouponFigure::parse(&state).ok_or_else(|| inconsistent_row("coupons"))?;
        figures.set_coupons(state, count);
    }
    let unpaid = db.prepare_cached(UNPAID_COUPONS)?.query_row([COUNTED_MAX], |row| row.get(0))?;
    figures.set_coupons(CouponFigure::Unpaid, unpaid);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn figures_are_read_along_indexes() {
        for (sql, index) in [
            (JOBS, "COVERING INDEX outbox_by_kind_and_due"),
            (DEAD_LETTERS, "COVERING INDEX outbox_dead_letters"),
            (FILES, "INDEX files_unacknowledged"),
            (OPEN_COUPONS, "COVERING INDEX coupons_open"),
            (UNPAID_COUPONS, "INDEX coupons_unpaid"),
        ] {
            let plan = query_plan(sql);
            assert!(plan.iter().any(|step| step.contains(index)), "{index}: {plan:?}");
        }
    }
}
