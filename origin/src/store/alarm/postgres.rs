//! Alarms in SQL.

use super::{
    AlarmFilter, GONE_SECONDS, KEPT_SECONDS, list_sql, mark_sql, note_sql, reported_row, stored_instance,
};
use crate::instruments::{Alarm, AlarmRecord, ReportedAlarm, StoredAlarm};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::read_time;
use crate::store::postgres::tx_error::TxError;
use onbill_domain::timestamp::Timestamp;
use tokio_postgres::Row;

pub(super) async fn record_alarms(
    tx: &PgConnection<'_>,
    instance: &str,
    records: &[AlarmRecord],
) -> Result<(), TxError> {
    let note = note_sql("$1, $2, $3, $4, $5, $6, $7, $8", "$9");
    for record in records {
        let (alarm, instance) = (record.alarm.as_str(), stored_instance(record.alarm, instance));
        match (record.count, record.cleared_at) {
            (0, None) => {}
            (0, Some(at)) => {
                tx.execute(
                    "UPDATE alarms SET cleared_at = $4
                     WHERE alarm = $1 AND subject = $2 AND instance = $3 AND cleared_at IS NULL
                         AND last_seen_at <= $4",
                    &[&alarm, &record.subject, &instance, &at.unix_seconds()],
                )
                .await?;
            }
            (count, cleared_at) => {
                tx.execute(
                    &note,
                    &[
                        &alarm,
                        &record.subject,
                        &instance,
                        &record.first_seen_at.unix_seconds(),
                        &record.last_seen_at.unix_seconds(),
                        &i64::try_from(count).unwrap_or(i64::MAX),
                        &record.ends_at.map(Timestamp::unix_seconds),
                        &cleared_at.map(Timestamp::unix_seconds),
                        &record.is_new,
                    ],
                )
                .await?;
            }
        }
    }
    Ok(())
}

pub(super) async fn mark_alarms_reported(
    tx: &PgConnection<'_>,
    instance: &str,
    reported: &[ReportedAlarm],
) -> Result<(), TxError> {
    for change in reported {
        let (alarm, subject, instance) = reported_row(change, instance);
        let (alarm, raised_at) = (alarm.as_str(), change.raised_at.unix_seconds());
        let sql = mark_sql(change.change, ["$1", "$2", "$3", "$4"]);
        tx.execute(&sql, &[&alarm, &subject, &instance, &raised_at]).await?;
    }
    Ok(())
}

pub(super) async fn list_alarms(
    db: &PgConnection<'_>,
    filter: &AlarmFilter,
) -> Result<Vec<StoredAlarm>, TxError> {
    let sql = list_sql(filter, "$1");
    let rows = match filter {
        AlarmFilter::OfOrigin(instance) => db.query(&sql, &[instance]).await?,
        AlarmFilter::Active | AlarmFilter::All => db.query(&sql, &[]).await?,
    };
    let alarms = rows.iter().map(read_alarm).collect::<Result<Vec<_>, _>>()?;
    Ok(alarms.into_iter().flatten().collect())
}

fn read_alarm(row: &Row) -> Result<Option<StoredAlarm>, TxError> {
    let Some(alarm) = Alarm::parse(row.try_get("alarm")?) else { return Ok(None) };
    let optional_time = |column: &str| -> Result<_, TxError> {
        let seconds: Option<i64> = row.try_get(column)?;
        Ok(seconds.map(Timestamp::from_unix_seconds))
    };
    let counted: i64 = row.try_get("counted")?;
    Ok(Some(StoredAlarm {
        alarm,
        subject: row.try_get("subject")?,
        instance: row.try_get("instance")?,
        raised_at: read_time(row, "alarms.raised_at")?,
        last_seen_at: read_time(row, "alarms.last_seen_at")?,
        count: counted.unsigned_abs(),
        ends_at: optional_time("ends_at")?,
        cleared_at: optional_time("cleared_at")?,
        is_reported: row.try_get("is_reported")?,
    }))
}

pub(in crate::store) async fn close_alarms(
    tx: &PgConnection<'_>,
    now: Timestamp,
    alarm: Alarm,
    subject: Option<&str>,
) -> Result<u64, TxError> {
    tx.execute(
        "UPDATE alarms SET cleared_at = $3
         WHERE alarm = $1 AND ($2 IS NULL OR subject = $2) AND cleared_at IS NULL",
        &[&alarm.as_str(), &subject, &now.unix_seconds()],
    )
    .await
}

/// Ends the alarms of origins that are gone: they have not written for long, neither the alarm nor their
/// own row. An alarm that only calls show is not written again while there are none.
pub(in crate::store) async fn end_alarms_of_gone_origins(
    tx: &PgConnection<'_>,
    now: Timestamp,
) -> Result<(), TxError> {
    tx.execute(
        "UPDATE alarms SET cleared_at = $1 WHERE cleared_at IS NULL AND instance <> '' AND last_seen_at < $2
             AND NOT EXISTS (SELECT 1 FROM origins o WHERE o.instance = alarms.instance AND o.seen_at >= $2)",
        &[&now.unix_seconds(), &now.plus_seconds(-GONE_SECONDS).unix_seconds()],
    )
    .await?;
    Ok(())
}

pub(in crate::store) async fn delete_old_alarms(
    tx: &PgConnection<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<u64, TxError> {
    tx.execute(
        "DELETE FROM alarms WHERE (alarm, subject, instance) IN
             (SELECT alarm, subject, instance FROM alarms WHERE cleared_at < $1 LIMIT $2)",
        &[&now.plus_seconds(-KEPT_SECONDS).unix_seconds(), &limit],
    )
    .await
}
