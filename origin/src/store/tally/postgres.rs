//! Counts in SQL. A row that is counted up is locked until the commit, so the counts are exact. A
//! use case that also locks a number does that first.

use crate::store::audit::{AuditStamp, postgres as audit};
use crate::store::error::missing_row;
use crate::store::number::NumberIndex;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::read_count;
use crate::store::postgres::tx_error::TxError;
use crate::store::tally::{
    Ceiling, CheckCounts, Counted, CountedNow, Exceeded, LOOK_UP_REFUSED, NumberCheck, Tallied, day_of,
    hour_of,
};
use onbill_domain::timestamp::Timestamp;

/// Counts one more in this hour, and returns how many there are with it.
pub(in crate::store) async fn count_in_hour(
    tx: &PgConnection<'_>,
    now: Timestamp,
    counted: Counted<'_>,
) -> Result<u32, TxError> {
    let row = tx
        .query_optional(
            "INSERT INTO hourly_counts (subject, hour, counted) VALUES ($1, $2, 1)
             ON CONFLICT (subject, hour) DO UPDATE SET counted = hourly_counts.counted + 1 RETURNING counted",
            &[&counted.subject(), &hour_of(now)],
        )
        .await?
        .ok_or_else(|| missing_row("hourly_counts"))?;
    read_count(&row, "hourly_counts.counted")
}

/// How many were counted in this hour so far.
pub(in crate::store) async fn find_count(
    db: &PgConnection<'_>,
    now: Timestamp,
    counted: Counted<'_>,
) -> Result<u32, TxError> {
    let row = db
        .query_optional(
            "SELECT counted FROM hourly_counts WHERE subject = $1 AND hour = $2",
            &[&counted.subject(), &hour_of(now)],
        )
        .await?;
    row.map_or(Ok(0), |row| read_count(&row, "hourly_counts.counted"))
}

pub(super) async fn count_look_up(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    per_hour: u32,
) -> Result<Option<Exceeded>, TxError> {
    let count = count_in_hour(tx, now, Counted::LookUps(&stamp.actor)).await?;
    let exceeded = Ceiling::LookUps.judge(now, count, per_hour);
    if exceeded.is_some() {
        audit::append(tx, now, stamp, &LOOK_UP_REFUSED).await?;
    }
    Ok(exceeded)
}

/// Counts a check that has an account, or of which it is not known yet.
pub(in crate::store) async fn count_check(
    tx: &PgConnection<'_>,
    now: Timestamp,
    check: &NumberCheck,
) -> Result<Option<Exceeded>, TxError> {
    count_call(tx, now, check, false).await
}

pub(super) async fn count_refused_check(
    tx: &PgConnection<'_>,
    now: Timestamp,
    check: &NumberCheck,
    is_unknown: bool,
) -> Result<Tallied<()>, TxError> {
    Ok(count_call(tx, now, check, is_unknown).await?.map_or(Tallied::Within(()), Tallied::Exceeded))
}

async fn count_call(
    tx: &PgConnection<'_>,
    now: Timestamp,
    check: &NumberCheck,
    is_unknown: bool,
) -> Result<Option<Exceeded>, TxError> {
    let row = tx
        .query_optional(
            "INSERT INTO number_checks (number_index, partner, day, counted) VALUES ($1, $2, $3, 1)
             ON CONFLICT (number_index, partner, day) DO UPDATE SET counted = number_checks.counted + 1
             RETURNING counted",
            &[&check.number.0.as_slice(), &check.partner.as_str(), &day_of(now)],
        )
        .await?
        .ok_or_else(|| missing_row("number_checks"))?;
    let of_number = read_count(&row, "number_checks.counted")?;
    let checks = count_in_hour(tx, now, Counted::NumberChecks(&check.partner)).await?;
    let unknown = Counted::UnknownNumbers(&check.partner);
    let unknown = if is_unknown {
        count_in_hour(tx, now, unknown).await?
    } else {
        find_count(tx, now, unknown).await?
    };
    let counted = if is_unknown { CountedNow::UnknownNumber } else { CountedNow::Check };
    Ok(CheckCounts { of_number, checks, unknown, counted }.judge(now, check.limits))
}

pub(super) async fn find_exceeded_check(
    db: &PgConnection<'_>,
    now: Timestamp,
    check: &NumberCheck,
) -> Result<Option<Exceeded>, TxError> {
    let row = db
        .query_optional(
            "SELECT coalesce((SELECT counted FROM number_checks
                              WHERE number_index = $1 AND partner = $2 AND day = $3), 0) AS of_number,
                 coalesce((SELECT counted FROM hourly_counts WHERE subject = $4 AND hour = $6), 0) AS checks,
                 coalesce((SELECT counted FROM hourly_counts WHERE subject = $5 AND hour = $6), 0) AS unknown_numbers",
            &[
                &check.number.0.as_slice(),
                &check.partner.as_str(),
                &day_of(now),
                &Counted::NumberChecks(&check.partner).subject(),
                &Counted::UnknownNumbers(&check.partner).subject(),
                &hour_of(now),
            ],
        )
        .await?
        .ok_or_else(|| missing_row("hourly_counts"))?;
    let counts = CheckCounts {
        of_number: read_count(&row, "number_checks.of_number")?,
        checks: read_count(&row, "hourly_counts.checks")?,
        unknown: read_count(&row, "hourly_counts.unknown_numbers")?,
        counted: CountedNow::Nothing,
    };
    Ok(counts.judge(now, check.limits))
}

pub(in crate::store) async fn delete_checks_of_number(
    tx: &PgConnection<'_>,
    number: NumberIndex,
) -> Result<(), TxError> {
    tx.execute("DELETE FROM number_checks WHERE number_index = $1", &[&number.0.as_slice()]).await?;
    Ok(())
}

/// Deletes the counts of other hours and days than this one and its neighbors, also of those that
/// are to come: a clock that was ahead has counted them.
pub(in crate::store) async fn delete_other_counts(
    tx: &PgConnection<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<u64, TxError> {
    let hour = hour_of(now);
    let counts = tx
        .execute(
            "DELETE FROM hourly_counts WHERE (subject, hour) IN
                 (SELECT subject, hour FROM hourly_counts WHERE hour NOT BETWEEN $1 AND $2 LIMIT $3)",
            &[&(hour - 1), &(hour + 1), &limit],
        )
        .await?;
    let day = day_of(now);
    let checks = tx
        .execute(
            // By their places: nothing changes the day of a check.
            "DELETE FROM number_checks WHERE ctid = ANY (ARRAY
                 ((SELECT ctid FROM number_checks WHERE day BETWEEN 0 AND $1 ORDER BY day LIMIT $3)
                  UNION ALL
                  (SELECT ctid FROM number_checks WHERE day BETWEEN $2 AND 9223372036854775807
                   ORDER BY day LIMIT $3)))",
            &[&(day - 2), &(day + 2), &limit],
        )
        .await?;
    Ok(counts + checks)
}
