//! Counts in SQL.

use crate::store::audit::{AuditStamp, sqlite as audit};
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use crate::store::tally::{
    Ceiling, CheckCounts, Counted, CountedNow, Exceeded, LOOK_UP_REFUSED, NumberCheck, Tallied, day_of,
    hour_of,
};
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Counts one more in this hour, and returns how many there are with it.
pub(in crate::store) fn count_in_hour(
    tx: &Connection,
    now: Timestamp,
    counted: Counted<'_>,
) -> Result<u32, StoreError> {
    Ok(tx
        .prepare_cached(
            "INSERT INTO hourly_counts (subject, hour, counted) VALUES (?1, ?2, 1)
             ON CONFLICT (subject, hour) DO UPDATE SET counted = counted + 1 RETURNING counted",
        )?
        .query_row(params![counted.subject(), hour_of(now)], |row| row.get(0))?)
}

/// How many were counted in this hour so far.
pub(in crate::store) fn find_count(
    db: &Connection,
    now: Timestamp,
    counted: Counted<'_>,
) -> Result<u32, StoreError> {
    let count = db
        .prepare_cached("SELECT counted FROM hourly_counts WHERE subject = ?1 AND hour = ?2")?
        .query_row(params![counted.subject(), hour_of(now)], |row| row.get(0))
        .optional()?;
    Ok(count.unwrap_or(0))
}

pub(super) fn count_look_up(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    per_hour: u32,
) -> Result<Option<Exceeded>, StoreError> {
    let count = count_in_hour(tx, now, Counted::LookUps(&stamp.actor))?;
    let exceeded = Ceiling::LookUps.judge(now, count, per_hour);
    if exceeded.is_some() {
        audit::append(tx, now, stamp, &LOOK_UP_REFUSED)?;
    }
    Ok(exceeded)
}

/// Counts a check that has an account, or of which it is not known yet.
pub(in crate::store) fn count_check(
    tx: &Connection,
    now: Timestamp,
    check: &NumberCheck,
) -> Result<Option<Exceeded>, StoreError> {
    count_call(tx, now, check, false)
}

pub(super) fn count_refused_check(
    tx: &Connection,
    now: Timestamp,
    check: &NumberCheck,
    is_unknown: bool,
) -> Result<Tallied<()>, StoreError> {
    Ok(count_call(tx, now, check, is_unknown)?.map_or(Tallied::Within(()), Tallied::Exceeded))
}

fn count_call(
    tx: &Connection,
    now: Timestamp,
    check: &NumberCheck,
    is_unknown: bool,
) -> Result<Option<Exceeded>, StoreError> {
    let of_number = tx
        .prepare_cached(
            "INSERT INTO number_checks (number_index, partner, day, counted) VALUES (?1, ?2, ?3, 1)
             ON CONFLICT (number_index, partner, day) DO UPDATE SET counted = counted + 1 RETURNING counted",
        )?
        .query_row(params![check.number.0, check.partner.as_str(), day_of(now)], |row| row.get(0))?;
    let checks = count_in_hour(tx, now, Counted::NumberChecks(&check.partner))?;
    let unknown = Counted::UnknownNumbers(&check.partner);
    let unknown = if is_unknown { count_in_hour(tx, now, unknown) } else { find_count(tx, now, unknown) }?;
    let counted = if is_unknown { CountedNow::UnknownNumber } else { CountedNow::Check };
    Ok(CheckCounts { of_number, checks, unknown, counted }.judge(now, check.limits))
}

pub(super) fn find_exceeded_check(
    db: &Connection,
    now: Timestamp,
    check: &NumberCheck,
) -> Result<Option<Exceeded>, StoreError> {
    let of_number: Option<u32> = db
        .prepare_cached(
            "SELECT counted FROM number_checks WHERE number_index = ?1 AND partner = ?2 AND day = ?3",
        )?
        .query_row(params![check.number.0, check.partner.as_str(), day_of(now)], |row| row.get(0))
        .optional()?;
    let checks = find_count(db, now, Counted::NumberChecks(&check.partner))?;
    let unknown = find_count(db, now, Counted::UnknownNumbers(&check.partner))?;
    let of_number = of_number.unwrap_or(0);
    let counted = CountedNow::Nothing;
    Ok(CheckCounts { of_number, checks, unknown, counted }.judge(now, check.limits))
}

pub(in crate::store) fn delete_checks_of_number(
    tx: &Connection,
    number: NumberIndex,
) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM number_checks WHERE number_index = ?1")?.execute([number.0])?;
    Ok(())
}

/// Two ranges of an index: for NOT BETWEEN, SQLite reads all rows, and no one else writes meanwhile.
const DELETE_OTHER_CHECKS: &str = "DELETE FROM number_checks WHERE (number_index, partner, day) IN
     (SELECT number_index, partner, day FROM number_checks WHERE day < ?1 - 1 OR day > ?1 + 1 LIMIT ?2)";

/// Deletes the counts of other hours and days than this one and its neighbors, also of those that
/// are to come: a clock that was ahead has counted them.
pub(in crate::store) fn delete_other_counts(
    tx: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize, StoreError> {
    let counts = tx
        .prepare_cached(
            "DELETE FROM hourly_counts WHERE (subject, hour) IN
                 (SELECT subject, hour FROM hourly_counts WHERE hour NOT BETWEEN ?1 - 1 AND ?1 + 1 LIMIT ?2)",
        )?
        .execute(params![hour_of(now), limit])?;
    let checks = tx.prepare_cached(DELETE_OTHER_CHECKS)?.execute(params![day_of(now), limit])?;
    Ok(counts + checks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    /// It is asked every five minutes under the writer's lock.
    #[test]
    fn other_checks_are_found_without_reading_all() {
        let plan = query_plan(DELETE_OTHER_CHECKS);
        assert!(plan.iter().all(|step| !step.starts_with("SCAN")), "{plan:?}");
    }
}
