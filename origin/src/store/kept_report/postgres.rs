//! Kept reports in SQL.

use super::{KeptFinding, KeptReport, REPORTS_LISTED_MAX, ReportKind};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, read_time};
use crate::store::postgres::tx_error::TxError;
use onbill_domain::day::Day;
use onbill_domain::ids::PartnerId;
use tokio_postgres::Row;

/// The row of the report is locked until the commit, so that two runs take turns.
pub(super) async fn keep_report(
    tx: &PgConnection<'_>,
    report: &KeptReport,
    findings: &[KeptFinding],
) -> Result<(), TxError> {
    let (from, to) = (report.from.to_string(), report.to.to_string());
    tx.execute(
        "INSERT INTO kept_reports (kind, partner, period_from, period_to, made_at, report)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (kind, partner, period_from, period_to)
             DO UPDATE SET made_at = excluded.made_at, report = excluded.report",
        &[
            &report.kind.as_str(),
            &report.partner.as_str(),
            &from,
            &to,
            &report.made_at.unix_seconds(),
            &report.report,
        ],
    )
    .await?;
    if report.kind != ReportKind::Reconciliation {
        return Ok(());
    }
    tx.execute(
        "DELETE FROM kept_findings WHERE partner = $1 AND period_from = $2 AND period_to = $3",
        &[&report.partner.as_str(), &from, &to],
    )
    .await?;
    let causes: Vec<&str> = findings.iter().map(|finding| finding.cause.as_str()).collect();
    let places: Vec<i64> = findings.iter().map(|finding| finding.place).collect();
    let texts: Vec<&str> = findings.iter().map(|finding| finding.finding.as_str()).collect();
    tx.execute(
        "INSERT INTO kept_findings (partner, period_from, period_to, cause, place, finding)
         SELECT $1, $2, $3, * FROM unnest($4::TEXT[], $5::BIGINT[], $6::TEXT[])",
        &[&report.partner.as_str(), &from, &to, &causes, &places, &texts],
    )
    .await?;
    Ok(())
}

pub(super) async fn list_kept_reports(
    db: &PgConnection<'_>,
    from: Day,
    to: Day,
) -> Result<Vec<KeptReport>, TxError> {
    let rows = db
        .query(
            "SELECT kind, partner, period_from, period_to, made_at, report FROM kept_reports
             WHERE period_from <= $2 AND period_to >= $1 ORDER BY kind, partner, period_from, period_to LIMIT $3",
            &[&from.to_string(), &to.to_string(), &i64::from(REPORTS_LISTED_MAX)],
        )
        .await?;
    let read = |row: &Row| {
        Ok(KeptReport {
            kind: parse_column(row, "kept_reports.kind", ReportKind::parse)?,
            partner: parse_column(row, "kept_reports.partner", PartnerId::parse)?,
            from: parse_column(row, "kept_reports.period_from", Day::parse)?,
            to: parse_column(row, "kept_reports.period_to", Day::parse)?,
            made_at: read_time(row, "kept_reports.made_at")?,
            report: row.try_get("report")?,
        })
    };
    rows.iter().map(read).collect()
}

const FINDINGS: &str = "SELECT place, cause, finding FROM kept_findings
    WHERE partner = $1 AND period_from = $2 AND period_to = $3 AND cause = $4 AND place > $5
    ORDER BY place LIMIT $6";

pub(super) async fn list_kept_findings(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    [from, to]: [Day; 2],
    cause: &str,
    after: i64,
    limit: u32,
) -> Result<Vec<KeptFinding>, TxError> {
    let (from, to, limit) = (from.to_string(), to.to_string(), i64::from(limit));
    let rows = db.query(FINDINGS, &[&partner.as_str(), &from, &to, &cause, &after, &limit]).await?;
    let read = |row: &Row| {
        Ok(KeptFinding {
            place: row.try_get("place")?,
            cause: row.try_get("cause")?,
            finding: row.try_get("finding")?,
        })
    };
    rows.iter().map(read).collect()
}
