//! Kept reports in SQL.

use super::{KeptFinding, KeptReport, REPORTS_LISTED_MAX, ReportKind};
use crate::store::error::StoreError;
use crate::store::sqlite::rows::{parse_column, read_time};
use onbill_domain::day::Day;
use onbill_domain::ids::PartnerId;
use rusqlite::{Connection, params};

pub(super) fn keep_report(
    tx: &Connection,
    report: &KeptReport,
    findings: &[KeptFinding],
) -> Result<(), StoreError> {
    let (from, to) = (report.from.to_string(), report.to.to_string());
    tx.prepare_cached(
        "INSERT INTO kept_reports (kind, partner, period_from, period_to, made_at, report)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (kind, partner, period_from, period_to)
             DO UPDATE SET made_at = excluded.made_at, report = excluded.report",
    )?
    .execute(params![
        report.kind.as_str(),
        report.partner.as_str(),
        from,
        to,
        report.made_at.unix_seconds(),
        report.report
    ])?;
    if report.kind != ReportKind::Reconciliation {
        return Ok(());
    }
    tx.prepare_cached(
        "DELETE FROM kept_findings WHERE partner = ?1 AND period_from = ?2 AND period_to = ?3",
    )?
    .execute(params![report.partner.as_str(), from, to])?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO kept_findings (partner, period_from, period_to, cause, place, finding)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for KeptFinding { place, cause, finding } in findings {
        insert.execute(params![report.partner.as_str(), from, to, cause, place, finding])?;
    }
    Ok(())
}

pub(super) fn list_kept_reports(db: &Connection, from: Day, to: Day) -> Result<Vec<KeptReport>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT kind, partner, period_from, period_to, made_at, report FROM kept_reports
         WHERE period_from <= ?2 AND period_to >= ?1 ORDER BY kind, partner, period_from, period_to LIMIT ?3",
    )?;
    let mut rows = select.query(params![from.to_string(), to.to_string(), REPORTS_LISTED_MAX])?;
    let mut reports = Vec::new();
    while let Some(row) = rows.next()? {
        reports.push(KeptReport {
            kind: parse_column(row, "kept_reports.kind", ReportKind::parse)?,
            partner: parse_column(row, "kept_reports.partner", PartnerId::parse)?,
            from: parse_column(row, "kept_reports.period_from", Day::parse)?,
            to: parse_column(row, "kept_reports.period_to", Day::parse)?,
            made_at: read_time(row, "kept_reports.made_at")?,
            report: row.get("report")?,
        });
    }
    Ok(reports)
}

/// A stretch of the primary key.
const FINDINGS: &str = "SELECT place, cause, finding FROM kept_findings
    WHERE partner = ?1 AND period_from = ?2 AND period_to = ?3 AND cause = ?4 AND place > ?5
    ORDER BY place LIMIT ?6";

pub(super) fn list_kept_findings(
    db: &Connection,
    partner: &PartnerId,
    [from, to]: [Day; 2],
    cause: &str,
    after: i64,
    limit: u32,
) -> Result<Vec<KeptFinding>, StoreError> {
    let mut select = db.prepare_cached(FINDINGS)?;
    let values = params![partner.as_str(), from.to_string(), to.to_string(), cause, after, limit];
    let mut rows = select.query(values)?;
    let mut findings = Vec::new();
    while let Some(row) = rows.next()? {
        findings.push(KeptFinding {
            place: row.get("place")?,
            cause: row.get("cause")?,
            finding: row.get("finding")?,
        });
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn page_of_findings_costs_the_same_in_any_report() {
        let plan = query_plan(FINDINGS);
        assert!(
            plan.len() == 1 && plan[0].starts_with("SEARCH") && plan[0].contains("PRIMARY KEY"),
            "{plan:?}"
        );
    }
}
