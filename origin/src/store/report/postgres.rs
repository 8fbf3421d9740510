//! Reports in SQL: pages along an index, and rows by id.

use crate::store::page::{Cursor, Page};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{
    parse_column, parse_optional_column, read_amount, read_charge_code, read_pai, read_time,
};
use crate::store::postgres::tx_error::TxError;
use crate::store::report::{LookupIds, ReportDate, ReportFilter, ReportedCharge, ReportedRefund};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::care::BorneBy;
use onbill_domain::wire::ott::TransactionStatus;
use tokio_postgres::Row;

const CHARGE: &str = "SELECT t.transaction_id, t.ext_transaction_id, t.pai, t.amount_minor, t.currency,
        coalesce(t.tax_minor, 0) AS tax_minor, t.refunded_minor, t.status, t.decline_reason, t.created_at,
        t.settled_at, t.charge_code, t.migration_file IS NOT NULL AS is_claim
    FROM transactions t";

const REFUND: &str = "SELECT t.refund_id, t.ext_refund_id, t.transaction_id, c.ext_transaction_id, c.pai,
        t.amount_minor, c.currency, c.amount_minor AS charged_minor, coalesce(c.tax_minor, 0) AS charged_tax_minor,
        (SELECT CAST(coalesce(sum(e.amount_minor), 0) AS BIGINT) FROM refunds e
         WHERE e.transaction_id = t.transaction_id AND e.status = 'APPROVED'
             AND (e.settled_at, e.refund_id) < (t.settled_at, t.refund_id)) AS refunded_before_minor,
        (SELECT CAST(coalesce(sum(e.amount_minor), 0) AS BIGINT) FROM refunds e
         WHERE e.transaction_id = t.transaction_id AND e.status = 'APPROVED' AND e.borne_by IS DISTINCT FROM 'operator'
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
        "{lines} WHERE t.partner = $1 AND {at} < $2 AND ({at}, {id}) > ($3, $4) {which} {status}
         ORDER BY {at}, {id} LIMIT $5"
    )
}

async fn read_page<T>(
    db: &PgConnection<'_>,
    sql: &str,
    select: &ReportFilter,
    after: Option<&Cursor>,
    limit: u32,
    read: fn(&Row) -> Result<T, TxError>,
) -> Result<Vec<T>, TxError> {
    let (at, id) = after.map_or((select.period.from, ""), |cursor| (cursor.at, &cursor.id));
    let (until, at, limit) = (select.period.until.unix_seconds(), at.unix_seconds(), i64::from(limit));
    let rows = db.query(sql, &[&select.partner.as_str(), &until, &at, &id, &limit]).await?;
    rows.iter().map(read).collect()
}

async fn find_by_ids<T>(
    db: &PgConnection<'_>,
    lines: &str,
    (id_column, ext_id_column): (&str, &str),
    partner: &PartnerId,
    names: &LookupIds,
    read: fn(&Row) -> Result<T, TxError>,
) -> Result<Vec<T>, TxError> {
    let (column, names): (_, Vec<&str>) = match names {
        LookupIds::Internal(ids) => (id_column, ids.iter().map(String::as_str).collect()),
        LookupIds::External(ids) => (ext_id_column, ids.iter().map(ExtId::as_str).collect()),
    };
    let sql = format!("{lines} WHERE t.partner = $1 AND {column} = ANY($2)");
    db.query(&sql, &[&partner.as_str(), &names]).await?.iter().map(read).collect()
}

fn settled_at(row: &Row) -> Result<Option<Timestamp>, TxError> {
    Ok(row.try_get::<_, Option<i64>>("settled_at")?.map(Timestamp::from_unix_seconds))
}

fn charge_line(row: &Row) -> Result<ReportedCharge, TxError> {
    Ok(ReportedCharge {
        transaction_id: row.try_get("transaction_id")?,
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        pai: read_pai(row, "transactions.pai")?,
        amount: read_amount(row, "transactions.currency")?,
        charge_code: read_charge_code(row)?,
        tax_minor: row.try_get("tax_minor")?,
        refunded_minor: row.try_get("refunded_minor")?,
        status: parse_column(row, "transactions.status", TransactionStatus::parse)?,
        decline_reason: parse_optional_column(row, "transactions.decline_reason", DeclineReason::parse)?,
        created_at: read_time(row, "transactions.created_at")?,
        settled_at: settled_at(row)?,
        is_claim: row.try_get("is_claim")?,
    })
}

fn refund_line(row: &Row) -> Result<ReportedRefund, TxError> {
    Ok(ReportedRefund {
        refund_id: row.try_get("refund_id")?,
        ext_refund_id: parse_column(row, "refunds.ext_refund_id", ExtId::parse)?,
        transaction_id: row.try_get("transaction_id")?,
        billed_as: row.try_get("billed_as")?,
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        pai: read_pai(row, "transactions.pai")?,
        amount: read_amount(row, "transactions.currency")?,
        charge_code: read_charge_code(row)?,
        charged_minor: row.try_get("charged_minor")?,
        charged_tax_minor: row.try_get("charged_tax_minor")?,
        refunded_before_minor: row.try_get("refunded_before_minor")?,
        borne_by_partner_before_minor: row.try_get("borne_by_partner_before_minor")?,
        borne_by: parse_optional_column(row, "refunds.borne_by", BorneBy::parse)?.unwrap_or(BorneBy::Partner),
        status: parse_column(row, "refunds.status", TransactionStatus::parse)?,
        created_at: read_time(row, "refunds.created_at")?,
        settled_at: settled_at(row)?,
    })
}

pub(in crate::store) async fn list_charges(
    db: &PgConnection<'_>,
    select: &ReportFilter,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Page<ReportedCharge>, TxError> {
    let sql = page_sql(CHARGE, OWN_CHARGES, "t.transaction_id", select.dated, select.status);
    let lines = read_page(db, &sql, select, after, limit, charge_line).await?;
    Ok(Page::of(lines, limit, |line| line.cursor(select.dated)))
}

pub(in crate::store) async fn list_refunds(
    db: &PgConnection<'_>,
    select: &ReportFilter,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Page<ReportedRefund>, TxError> {
    let sql = page_sql(REFUND, "", "t.refund_id", select.dated, select.status);
    let lines = read_page(db, &sql, select, after, limit, refund_line).await?;
    Ok(Page::of(lines, limit, |line| line.cursor(select.dated)))
}

pub(in crate::store) async fn find_charges_by_id(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    names: &LookupIds,
) -> Result<Vec<ReportedCharge>, TxError> {
    find_by_ids(db, CHARGE, ("t.transaction_id", "t.ext_transaction_id"), partner, names, charge_line).await
}

pub(in crate::store) async fn find_refunds_by_id(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    names: &LookupIds,
) -> Result<Vec<ReportedRefund>, TxError> {
    find_by_ids(db, REFUND, ("t.refund_id", "t.ext_refund_id"), partner, names, refund_line).await
}

pub(super) async fn find_newest_charge_time(
    db: &PgConnection<'_>,
    partner: &PartnerId,
) -> Result<Option<Timestamp>, TxError> {
    // The partner has not posted a claim here.
    let sql = "SELECT created_at FROM transactions
         WHERE partner = $1 AND migration_file IS NULL ORDER BY created_at DESC LIMIT 1";
    let row = db.query_optional(sql, &[&partner.as_str()]).await?;
    row.map(|row| read_time(&row, "transactions.created_at")).transpose()
}
