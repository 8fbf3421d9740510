//! Alarms in SQL.

use super::{
    AlarmFilter, GONE_SECONDS, KEPT_SECONDS, list_sql, mark_sql, note_sql, reported_row, stored_instance,
};
use crate::instruments::{Alarm, AlarmRecord, ReportedAlarm, StoredAlarm};
use crate::store::error::StoreError;
use crate::store::sqlite::rows::read_time;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, Row, params};

pub(super) fn record_alarms(
    tx: &Connection,
    instance: &str,
    records: &[AlarmRecord],
) -> Result<(), StoreError> {
    for record in records {
        let instance = stored_instance(record.alarm, instance);
        match (record.count, record.cleared_at) {
            // The origin may have noticed nothing since: then the row ends, unless another origin has
            // seen its reason later.
            (0, None) => {}
            (0, Some(at)) => {
                tx.prepare_cached(
                    "UPDATE alarms SET cleared_at = ?4
                     WHERE alarm = ?1 AND subject = ?2 AND instance = ?3 AND cleared_at IS NULL
                         AND last_seen_at <= ?4",
                )?
                .execute(params![
                    record.alarm.as_str(),
                    record.subject,
                    instance,
                    at.unix_seconds()
                ])?;
            }
            (count, cleared_at) => {
                tx.prepare_cached(&note_sql("?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8", "?9"))?.execute(params![
                    record.alarm.as_str(),
                    record.subject,
                    instance,
                    record.first_seen_at.unix_seconds(),
                    record.last_seen_at.unix_seconds(),
                    i64::try_from(count).unwrap_or(i64::MAX),
                    record.ends_at.map(Timestamp::unix_seconds),
                    cleared_at.map(Timestamp::unix_seconds),
                    record.is_new,
                ])?;
            }
        }
    }
    Ok(())
}

pub(super) fn mark_alarms_reported(
    tx: &Connection,
    instance: &str,
    reported: &[ReportedAlarm],
) -> Result<(), StoreError> {
    for change in reported {
        let (alarm, subject, instance) = reported_row(change, instance);
        tx.prepare_cached(&mark_sql(change.change, ["?1", "?2", "?3", "?4"]))?.execute(params![
            alarm.as_str(),
            subject,
            instance,
            change.raised_at.unix_seconds()
        ])?;
    }
    Ok(())
}

pub(super) fn list_alarms(db: &Connection, filter: &AlarmFilter) -> Result<Vec<StoredAlarm>, StoreError> {
    let mut select = db.prepare_cached(&list_sql(filter, "?1"))?;
    let mut rows = match filter {
        AlarmFilter::OfOrigin(instance) => select.query([instance])?,
        AlarmFilter::Active | AlarmFilter::All => select.query([])?,
    };
    let mut alarms = Vec::new();
    while let Some(row) = rows.next()? {
        alarms.extend(read_alarm(row)?);
    }
    Ok(alarms)
}

/// `None` for an alarm of a newer onbill, which this one does not know.
fn read_alarm(row: &Row<'_>) -> Result<Option<StoredAlarm>, StoreError> {
    let Some(alarm) = Alarm::parse(&row.get::<_, String>("alarm")?) else { return Ok(None) };
    let optional_time = |column: &str| -> Result<_, StoreError> {
        let seconds: Option<i64> = row.get(column)?;
        Ok(seconds.map(Timestamp::from_unix_seconds))
    };
    let counted: i64 = row.get("counted")?;
    Ok(Some(StoredAlarm {
        alarm,
        subject: row.get("subject")?,
        instance: row.get("instance")?,
        raised_at: read_time(row, "alarms.raised_at")?,
        last_seen_at: read_time(row, "alarms.last_seen_at")?,
        count: counted.unsigned_abs(),
        ends_at: optional_time("ends_at")?,
        cleared_at: optional_time("cleared_at")?,
        is_reported: row.get("is_reported")?,
    }))
}

pub(in crate::store) fn close_alarms(
    tx: &Connection,
    now: Timestamp,
    alarm: Alarm,
    subject: Option<&str>,
) -> Result<u64, StoreError> {
    let mut close = tx.prepare_cached(
        "UPDATE alarms SET cleared_at = ?3
         WHERE alarm = ?1 AND (?2 IS NULL OR subject = ?2) AND cleared_at IS NULL",
    )?;
    Ok(close.execute(params![alarm.as_str(), subject, now.unix_seconds()])? as u64)
}

/// Ends the alarms of origins that are gone: they have not written for long, neither the alarm nor their
/// own row. An alarm that only calls show is not written again while there are none.
pub(in crate::store) fn end_alarms_of_gone_origins(
    tx: &Connection,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE alarms SET cleared_at = ?1 WHERE cleared_at IS NULL AND instance <> '' AND last_seen_at < ?2
             AND NOT EXISTS (SELECT 1 FROM origins o WHERE o.instance = alarms.instance AND o.seen_at >= ?2)",
    )?
    .execute(params![now.unix_seconds(), now.plus_seconds(-GONE_SECONDS).unix_seconds()])?;
    Ok(())
}

pub(in crate::store) fn delete_old_alarms(
    tx: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize, StoreError> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM alarms WHERE (alarm, subject, instance) IN
             (SELECT alarm, subject, instance FROM alarms WHERE cleared_at < ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute(params![now.plus_seconds(-KEPT_SECONDS).unix_seconds(), limit])?)
}
