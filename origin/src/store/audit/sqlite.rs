//! The audit in SQL.

use super::{AUDIT_END, AuditEnd, AuditFact, AuditFilter, AuditStamp, next_line};
use crate::store::error::{StoreError, inconsistent_row};
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_time};
use onbill_domain::ids::ExtId;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{ActorRole, AuditAct, AuditLine, AuditOutcome};
use onbill_domain::wire::mandate::{ChainEnd, first_previous};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// Adds an entry.
pub(in crate::store) fn append(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    fact: &AuditFact<'_>,
) -> Result<(), StoreError> {
    let line = next_line(&find_stated_end(tx)?, now, stamp, fact)?;
    tx.prepare_cached(
        "INSERT INTO audit (sequence, recorded_at, actor, role, key_id, act, outcome, handle, subject, reason, reference,
             correlator, previous, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(params![
        line.sequence,
        line.at.unix_seconds(),
        line.actor.as_str(),
        line.role.as_str(),
        line.key,
        line.act.as_str(),
        line.outcome.as_str(),
        line.subscriber,
        line.subject,
        line.reason,
        line.reference.as_ref().map(ExtId::as_str),
        line.correlator,
        line.previous,
        line.hash,
    ])?;
    tx.prepare_cached(
        "INSERT INTO audit_end (chain, lines, hash) VALUES ('audit', ?1, ?2)
         ON CONFLICT (chain) DO UPDATE SET lines = excluded.lines, hash = excluded.hash",
    )?
    .execute(params![line.sequence, line.hash])?;
    Ok(())
}

pub(super) fn find_audit_end(db: &Connection) -> Result<AuditEnd, StoreError> {
    let (lines, hash, newest): (Option<i64>, Option<String>, i64) =
        db.prepare_cached(AUDIT_END)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let stated = lines.zip(hash).map(to_end).transpose()?;
    let newest = u64::try_from(newest).map_err(|_| inconsistent_row("audit.sequence"))?;
    Ok(AuditEnd { stated, newest })
}

fn find_stated_end(db: &Connection) -> Result<ChainEnd, StoreError> {
    let found: Option<(i64, String)> = db
        .prepare_cached("SELECT lines, hash FROM audit_end WHERE chain = 'audit'")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    // The first entry makes the row. Where it was removed, the next entry has the place of the first, and is
    // refused: no act continues as if nothing had been removed.
    to_end(found.unwrap_or_else(|| (0, first_previous())))
}

fn to_end((lines, hash): (i64, String)) -> Result<ChainEnd, StoreError> {
    let lines = u64::try_from(lines).map_err(|_| inconsistent_row("audit_end.lines"))?;
    Ok(ChainEnd { lines, hash })
}

pub(super) fn list_audit_lines(
    db: &Connection,
    after: i64,
    limit: u32,
) -> Result<Vec<AuditLine>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT sequence, recorded_at, actor, role, key_id, act, outcome, handle, subject, reason, reference, correlator,
             previous, hash
         FROM audit WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
    )?;
    let mut rows = select.query(params![after, limit])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(read_line(row)?);
    }
    Ok(lines)
}

pub(super) fn find_audit_place_after(db: &Connection, after: i64) -> Result<Option<i64>, StoreError> {
    let mut select =
        db.prepare_cached("SELECT sequence FROM audit WHERE sequence > ?1 ORDER BY sequence LIMIT 1")?;
    Ok(select.query_row([after], |row| row.get(0)).optional()?)
}

fn newest_sql(filter: &AuditFilter) -> String {
    format!(
        "SELECT sequence, recorded_at, actor, role, key_id, act, outcome, handle, subject, reason, reference, correlator,
             previous, hash
         FROM audit WHERE {} AND sequence < ?2 ORDER BY sequence DESC LIMIT ?3",
        filter.to_sql("?1")
    )
}

pub(super) fn list_newest_audit_lines(
    db: &Connection,
    filter: &AuditFilter,
    before: i64,
    limit: u32,
) -> Result<Vec<AuditLine>, StoreError> {
    let mut select = db.prepare_cached(&newest_sql(filter))?;
    let mut rows = select.query(params![filter.value(), before, limit])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(read_line(row)?);
    }
    Ok(lines)
}

fn read_line(row: &Row<'_>) -> Result<AuditLine, StoreError> {
    Ok(AuditLine {
        sequence: row.get("sequence")?,
        at: read_time(row, "audit.recorded_at")?,
        actor: parse_column(row, "audit.actor", ExtId::parse)?,
        role: parse_column(row, "audit.role", ActorRole::parse)?,
        key: row.get("key_id")?,
        act: parse_column(row, "audit.act", AuditAct::parse)?,
        outcome: parse_column(row, "audit.outcome", AuditOutcome::parse)?,
        subscriber: row.get("handle")?,
        subject: row.get("subject")?,
        reason: row.get("reason")?,
        reference: parse_optional_column(row, "audit.reference", ExtId::parse)?,
        correlator: row.get("correlator")?,
        previous: row.get("previous")?,
        hash: row.get("hash")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn page_of_the_audit_costs_the_same_in_any_audit() {
        let actor = ExtId::parse("care-17").expect("is an id");
        for (filter, index) in [
            (AuditFilter::All, "PRIMARY KEY"),
            (AuditFilter::Actor(actor), "audit_by_actor"),
            (AuditFilter::Act(AuditAct::LinkClosed), "audit_by_act"),
            (AuditFilter::Subscriber("handle-1".to_owned()), "audit_by_handle"),
        ] {
            let plan = query_plan(&newest_sql(&filter));
            assert!(plan.len() == 1 && plan[0].contains(index), "{filter:?}: {plan:?}");
        }
    }
}
