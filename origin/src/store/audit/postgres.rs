//! The audit in SQL.

use super::{AUDIT_END, AuditEnd, AuditFact, AuditFilter, AuditStamp, next_line};
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, parse_optional_column, read_time};
use crate::store::postgres::tx_error::TxError;
use onbill_domain::ids::ExtId;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{ActorRole, AuditAct, AuditLine, AuditOutcome};
use onbill_domain::wire::mandate::{ChainEnd, first_previous};
use tokio_postgres::Row;

/// Locks the end of the chain until the commit, so that two entries never follow the same one. A use
/// case adds its entry last: what it locks before is locked in the same order as elsewhere.
pub(in crate::store) async fn append(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    fact: &AuditFact<'_>,
) -> Result<(), TxError> {
    let line = next_line(&lock_end(tx).await?, now, stamp, fact)?;
    tx.execute_one(
        "audit",
        "INSERT INTO audit (sequence, recorded_at, actor, role, key_id, act, outcome, handle, subject, reason, reference,
             correlator, previous, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        &[
            &line.sequence,
            &line.at.unix_seconds(),
            &line.actor.as_str(),
            &line.role.as_str(),
            &line.key,
            &line.act.as_str(),
            &line.outcome.as_str(),
            &line.subscriber,
            &line.subject,
            &line.reason,
            &line.reference.as_ref().map(ExtId::as_str),
            &line.correlator,
            &line.previous,
            &line.hash,
        ],
    )
    .await?;
    tx.execute_one(
        "audit_end",
        "UPDATE audit_end SET lines = $1, hash = $2 WHERE chain = 'audit'",
        &[&line.sequence, &line.hash],
    )
    .await
}

/// The first entry makes the row.
async fn lock_end(tx: &PgConnection<'_>) -> Result<ChainEnd, TxError> {
    let row = tx
        .query_optional(
            "INSERT INTO audit_end (chain, lines, hash) VALUES ('audit', 0, $1)
             ON CONFLICT (chain) DO UPDATE SET lines = audit_end.lines RETURNING lines, hash",
            &[&first_previous()],
        )
        .await?;
    read_end(&row.ok_or_else(|| missing_row("audit_end"))?)
}

pub(super) async fn find_audit_end(db: &PgConnection<'_>) -> Result<AuditEnd, TxError> {
    let row = db.query_optional(AUDIT_END, &[]).await?.ok_or_else(|| missing_row("audit_end"))?;
    let lines: Option<i64> = row.try_get("lines")?;
    let stated = lines.is_some().then(|| read_end(&row)).transpose()?;
    let newest: i64 = row.try_get("newest")?;
    let newest = u64::try_from(newest).map_err(|_| inconsistent_row("audit.sequence"))?;
    Ok(AuditEnd { stated, newest })
}

fn read_end(row: &Row) -> Result<ChainEnd, TxError> {
    let lines: i64 = row.try_get("lines")?;
    let lines = u64::try_from(lines).map_err(|_| inconsistent_row("audit_end.lines"))?;
    Ok(ChainEnd { lines, hash: row.try_get("hash")? })
}

pub(super) async fn list_audit_lines(
    db: &PgConnection<'_>,
    after: i64,
    limit: u32,
) -> Result<Vec<AuditLine>, TxError> {
    let rows = db
        .query(
            "SELECT sequence, recorded_at, actor, role, key_id, act, outcome, handle, subject, reason, reference, correlator,
                 previous, hash
             FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2",
            &[&after, &i64::from(limit)],
        )
        .await?;
    rows.iter().map(read_line).collect()
}

pub(super) async fn find_audit_place_after(
    db: &PgConnection<'_>,
    after: i64,
) -> Result<Option<i64>, TxError> {
    let sql = "SELECT sequence FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT 1";
    let row = db.query_optional(sql, &[&after]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

pub(super) async fn list_newest_audit_lines(
    db: &PgConnection<'_>,
    filter: &AuditFilter,
    before: i64,
    limit: u32,
) -> Result<Vec<AuditLine>, TxError> {
    let sql = format!(
        "SELECT sequence, recorded_at, actor, role, key_id, act, outcome, handle, subject, reason, reference, correlator,
             previous, hash
         FROM audit WHERE {} AND sequence < $2 ORDER BY sequence DESC LIMIT $3",
        filter.to_sql("$1")
    );
    let rows = db.query(&sql, &[&filter.value(), &before, &i64::from(limit)]).await?;
    rows.iter().map(read_line).collect()
}

fn read_line(row: &Row) -> Result<AuditLine, TxError> {
    Ok(AuditLine {
        sequence: row.try_get("sequence")?,
        at: read_time(row, "audit.recorded_at")?,
        actor: parse_column(row, "audit.actor", ExtId::parse)?,
        role: parse_column(row, "audit.role", ActorRole::parse)?,
        key: row.try_get("key_id")?,
        act: parse_column(row, "audit.act", AuditAct::parse)?,
        outcome: parse_column(row, "audit.outcome", AuditOutcome::parse)?,
        subscriber: row.try_get("handle")?,
        subject: row.try_get("subject")?,
        reason: row.try_get("reason")?,
        reference: parse_optional_column(row, "audit.reference", ExtId::parse)?,
        correlator: row.try_get("correlator")?,
        previous: row.try_get("previous")?,
        hash: row.try_get("hash")?,
    })
}
