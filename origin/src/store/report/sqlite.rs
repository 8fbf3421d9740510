//! Reports in SQL: pages along an index, and rows by id.

use crate::store::error::StoreError;
use crate::store::page::{Cursor, Page};
use crate::store::report::{LookupIds, ReportDate, ReportFilter, ReportedCharge, ReportedRefund};
use crate::store::sqlite::rows::{
    parse_column, parse_optional_column, read_amount, read_charge_code, read_pai, read_time,
};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::care::BorneBy;
use onbill_domain::wire::ott::TransactionStatus;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

const CHARGE: &str = "SELECT t.transaction_id, t.ext_transaction_id, t.pai, t.amount_minor, t.currency,
        coalesce(t.tax_minor, 0) AS tax_minor, t.refunded_minor, t.status, t.decline_reason, t.created_at,
        t.settled_at, t.charge_code, t.migration_file IS NOT NULL AS is_claim
    FROM transactions t";

const REFUND: &str = "SELECT t.refund_id, t.ext_refund_id, t.transaction_id, c.ext_transaction_id, c.pai,
        t.amount_minor, c.currency, c.amount_minor AS charged_minor, coalesce(c.tax_minor, 0) AS charged_tax_minor,
        (SELECT coalesce(sum(e.amount_minor), 0) FROM refunds e
         WHERE e.transaction_id = t.transaction_id AND e.status = 'APPROVED'
             AND (e.settled_at, e.refund_id) < (t.settled_at, t.refund_id)) AS refunded_before_minor,
        (SELECT coalesce(sum(e.amount_minor), 0) FROM refunds e
         WHERE e.transaction_id = t.transaction_id AND e.status = 'APPROVED' AND e.borne_by IS NOT 'operator'
             AND (e.settled_at, e.refund_id) < (t.settled_at, t.refund_id)) AS borne_by_partner_before_minor,
        t.status, t.created_at, t.settled_at, c.charge_code, t.borne_by,
        coalesce(c.billing_ref, t.transaction_id) AS billed_as
    FROM refunds t JOIN transactions c ON c.transaction_id = t.transaction_id";

/// Of the charges, those that another system has posted are left out: they are in its own reports.
const OWN_CHARGES: &str = "AND t.migration_file IS NULL";

/// Builds the SQL of a page. It contains only constant words. The status is written out, because
/// the partial indexes of pending rows and of declined charges are used only then.
fn page_sql(
    lines: &str,
    which: &str,
    id: &str,
    dated: ReportDate,
    status: Option<TransactionStatus>,
) -> String {
    let at = match dated {
        ReportDate::Created => "t.created_at",
        ReportDate::Settled => "t.settled_at",
    };
    let status = status.map(|status| format!("AND t.status = '{}'", status.as_str())).unwrap_or_default();
    format!(
        "{lines} WHERE t.partner = ?1 AND {at} < ?2 AND ({at}, {id}) > (?3, ?4) {which} {status}
         ORDER BY {at}, {id} LIMIT ?5"
    )
}

fn read_page<T>(
    db: &Connection,
    sql: &str,
    select: &ReportFilter,
    after: Option<&Cursor>,
    limit: u32,
    read: fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let (at, id) = after.map_or((select.period.from, ""), |cursor| (cursor.at, &cursor.id));
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![
        select.partner.as_str(),
        select.period.until.unix_seconds(),
        at.unix_seconds(),
        id,
        limit
    ])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(read(row)?);
    }
    Ok(lines)
}

/// One look-up for each id, on one connection.
fn find_by_ids<T>(
    db: &Connection,
    lines: &str,
    (id_column, ext_id_column): (&str, &str),
    partner: &PartnerId,
    names: &LookupIds,
    read: fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let (column, names): (_, Vec<&str>) = match names {
        LookupIds::Internal(ids) => (id_column, ids.iter().map(String::as_str).collect()),
        LookupIds::External(ids) => (ext_id_column, ids.iter().map(ExtId::as_str).collect()),
    };
    let mut statement = db.prepare_cached(&format!("{lines} WHERE t.partner = ?1 AND {column} = ?2"))?;
    let mut found = Vec::new();
    for name in names {
        if let Some(row) = statement.query(params![partner.as_str(), name])?.next()? {
            found.push(read(row)?);
        }
    }
    Ok(found)
}

fn settled_at(row: &Row<'_>) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.get::<_, Option<i64>>("settled_at")?.map(Timestamp::from_unix_seconds))
}

fn charge_line(row: &Row<'_>) -> Result<ReportedCharge, StoreError> {
    Ok(ReportedCharge {
        transaction_id: row.get("transaction_id")?,
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        pai: read_pai(row, "transactions.pai")?,
        amount: read_amount(row, "transactions.currency")?,
        charge_code: read_charge_code(row)?,
        tax_minor: row.get("tax_minor")?,
        refunded_minor: row.get("refunded_minor")?,
        status: parse_column(row, "transactions.status", TransactionStatus::parse)?,
        decline_reason: parse_optional_column(row, "transactions.decline_reason", DeclineReason::parse)?,
        created_at: read_time(row, "transactions.created_at")?,
        settled_at: settled_at(row)?,
        is_claim: row.get("is_claim")?,
    })
}

fn refund_line(row: &Row<'_>) -> Result<ReportedRefund, StoreError> {
    Ok(ReportedRefund {
        refund_id: row.get("refund_id")?,
        ext_refund_id: parse_column(row, "refunds.ext_refund_id", ExtId::parse)?,
        transaction_id: row.get("transaction_id")?,
        billed_as: row.get("billed_as")?,
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        pai: read_pai(row, "transactions.pai")?,
        amount: read_amount(row, "transactions.currency")?,
        charge_code: read_charge_code(row)?,
        charged_minor: row.get("charged_minor")?,
        charged_tax_minor: row.get("charged_tax_minor")?,
        refunded_before_minor: row.get("refunded_before_minor")?,
        borne_by_partner_before_minor: row.get("borne_by_partner_before_minor")?,
        borne_by: parse_optional_column(row, "refunds.borne_by", BorneBy::parse)?.unwrap_or(BorneBy::Partner),
        status: parse_column(row, "refunds.status", TransactionStatus::parse)?,
        created_at: read_time(row, "refunds.created_at")?,
        settled_at: settled_at(row)?,
    })
}

pub(in crate::store) fn list_charges(
    db: &Connection,
    select: &ReportFilter,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Page<ReportedCharge>, StoreError> {
    let sql = page_sql(CHARGE, OWN_CHARGES, "t.transaction_id", select.dated, select.status);
    let lines = read_page(db, &sql, select, after, limit, charge_line)?;
    Ok(Page::of(lines, limit, |line| line.cursor(select.dated)))
}

pub(in crate::store) fn list_refunds(
    db: &Connection,
    select: &ReportFilter,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Page<ReportedRefund>, StoreError> {
    let sql = page_sql(REFUND, "", "t.refund_id", select.dated, select.status);
    let lines = read_page(db, &sql, select, after, limit, refund_line)?;
    Ok(Page::of(lines, limit, |line| line.cursor(select.dated)))
}

pub(in crate::store) fn find_charges_by_id(
    db: &Connection,
    partner: &PartnerId,
    names: &LookupIds,
) -> Result<Vec<ReportedCharge>, StoreError> {
    find_by_ids(db, CHARGE, ("t.transaction_id", "t.ext_transaction_id"), partner, names, charge_line)
}

pub(in crate::store) fn find_refunds_by_id(
    db: &Connection,
    partner: &PartnerId,
    names: &LookupIds,
) -> Result<Vec<ReportedRefund>, StoreError> {
    find_by_ids(db, REFUND, ("t.refund_id", "t.ext_refund_id"), partner, names, refund_line)
}

/// The end of an index. The partner has not posted a claim here.
const NEWEST_CHARGE: &str = "SELECT created_at FROM transactions
    WHERE partner = ?1 AND migration_file IS NULL ORDER BY created_at DESC LIMIT 1";

pub(super) fn find_newest_charge_time(
    db: &Connection,
    partner: &PartnerId,
) -> Result<Option<Timestamp>, StoreError> {
    let newest: Option<i64> =
        db.prepare_cached(NEWEST_CHARGE)?.query_row([partner.as_str()], |row| row.get(0)).optional()?;
    Ok(newest.map(Timestamp::from_unix_seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn report_page_costs_the_same_in_any_ledger() {
        let mut pages = Vec::new();
        for dated in [ReportDate::Created, ReportDate::Settled] {
            for status in [None].into_iter().chain(TransactionStatus::ALL.into_iter().map(Some)) {
                pages.push(page_sql(CHARGE, OWN_CHARGES, "t.transaction_id", dated, status));
                pages.push(page_sql(REFUND, "", "t.refund_id", dated, status));
            }
        }
        pages.push(NEWEST_CHARGE.to_owned());
        for sql in pages {
            let plan = query_plan(&sql);
            for step in &plan {
                assert!(!step.starts_with("SCAN t") && !step.contains("TEMP B-TREE"), "{sql}: {step}");
            }
            if sql.contains("'PENDING'") && sql.contains("t.created_at <") {
                assert!(plan[0].contains("_pending"), "{sql}");
            }
            if sql.contains("status = 'DECLINED'")
                && sql.contains("FROM transactions t WHERE t.partner = ?1 AND t.created_at")
            {
                assert!(plan[0].contains("transactions_declined"), "{sql}: {plan:?}");
            }
        }
    }
}
