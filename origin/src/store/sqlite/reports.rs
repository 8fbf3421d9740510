//! Reports: pages along an index, rows by name, and what a person does about them.

use super::rows::{amount, optional_text, pai as read_pai, text};
use super::{SqliteStore, filing, outbox, pais};
use crate::store::{
    ChargeLine, Cursor, Dated, Errand, LEASE_SECONDS_MAX, Names, Page, PaiEnd, ParkedEntry, RefundLine,
    Reports, SeenTo, Select, StoreError,
};
use async_trait::async_trait;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

const CHARGE: &str = "SELECT t.transaction_id, t.ext_transaction_id, t.pai, t.amount_minor, t.currency,
        coalesce(t.tax_minor, 0) AS tax_minor, t.refunded_minor, t.status, t.decline_reason, t.created_at,
        t.settled_at
    FROM transactions t";

const REFUND: &str = "SELECT t.refund_id, t.ext_refund_id, t.transaction_id, c.ext_transaction_id, c.pai,
        t.amount_minor, c.currency, c.amount_minor AS charged_minor, coalesce(c.tax_minor, 0) AS charged_tax_minor,
        (SELECT coalesce(sum(e.amount_minor), 0) FROM refunds e
         WHERE e.transaction_id = t.transaction_id AND e.status = 'APPROVED'
             AND (e.settled_at, e.refund_id) < (t.settled_at, t.refund_id)) AS given_back_before_minor,
        t.status, t.created_at, t.settled_at
    FROM refunds t JOIN transactions c ON c.transaction_id = t.transaction_id";

const PARKED: &str = "SELECT o.entry_id, o.kind, coalesce(o.transaction_id, o.refund_id, o.coupon_id) AS id,
        coalesce(t.partner, r.partner, p.partner) AS partner,
        coalesce(t.ext_transaction_id, r.ext_refund_id, c.ext_coupon_id) AS ext_id,
        o.attempts, o.parked_at
    FROM outbox o LEFT JOIN transactions t ON t.transaction_id = o.transaction_id
        LEFT JOIN refunds r ON r.refund_id = o.refund_id
        LEFT JOIN coupons c ON c.coupon_id = o.coupon_id LEFT JOIN pais p ON p.pai = c.pai
    WHERE o.parked_at IS NOT NULL AND o.entry_id > ?1 ORDER BY o.entry_id LIMIT ?2";

/// The statement of a page: what is read, by which time, and how it stands. Words of ours only, so it is safe to write
/// them out, and an index of pending lines is only found by a status that is written out.
fn page_of(lines: &str, id: &str, dated: Dated, status: Option<TransactionStatus>) -> String {
    let at = match dated {
        Dated::Created => "t.created_at",
        Dated::Settled => "t.settled_at",
    };
    let status = status.map(|status| format!("AND t.status = '{}'", status.as_str())).unwrap_or_default();
    format!(
        "{lines} WHERE t.partner = ?1 AND {at} < ?2 AND ({at}, {id}) > (?3, ?4) {status}
         ORDER BY {at}, {id} LIMIT ?5"
    )
}

fn page<T>(
    db: &Connection,
    sql: &str,
    select: &Select,
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

/// Rows by name: one look-up each, on one connection.
fn named<T>(
    db: &Connection,
    lines: &str,
    (our_id, their_id): (&str, &str),
    partner: &PartnerId,
    names: &Names,
    read: fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let (column, names): (_, Vec<&str>) = match names {
        Names::Ours(ids) => (our_id, ids.iter().map(String::as_str).collect()),
        Names::Partners(ids) => (their_id, ids.iter().map(ExtId::as_str).collect()),
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

fn time(row: &Row<'_>, column: &str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_unix_seconds(row.get(column)?))
}

fn settled_at(row: &Row<'_>) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.get::<_, Option<i64>>("settled_at")?.map(Timestamp::from_unix_seconds))
}

fn charge_line(row: &Row<'_>) -> Result<ChargeLine, StoreError> {
    Ok(ChargeLine {
        transaction_id: row.get("transaction_id")?,
        ext_transaction_id: text(row, "ext_transaction_id", ExtId::parse)?,
        pai: read_pai(row)?,
        amount: amount(row)?,
        tax_minor: row.get("tax_minor")?,
        refunded_minor: row.get("refunded_minor")?,
        status: text(row, "status", TransactionStatus::parse)?,
        decline_reason: optional_text(row, "decline_reason", DeclineReason::parse)?,
        created_at: time(row, "created_at")?,
        settled_at: settled_at(row)?,
    })
}

fn refund_line(row: &Row<'_>) -> Result<RefundLine, StoreError> {
    Ok(RefundLine {
        refund_id: row.get("refund_id")?,
        ext_refund_id: text(row, "ext_refund_id", ExtId::parse)?,
        transaction_id: row.get("transaction_id")?,
        ext_transaction_id: text(row, "ext_transaction_id", ExtId::parse)?,
        pai: read_pai(row)?,
        amount: amount(row)?,
        charged_minor: row.get("charged_minor")?,
        charged_tax_minor: row.get("charged_tax_minor")?,
        given_back_before_minor: row.get("given_back_before_minor")?,
        status: text(row, "status", TransactionStatus::parse)?,
        created_at: time(row, "created_at")?,
        settled_at: settled_at(row)?,
    })
}

fn parked(db: &Connection, after: Option<i64>, limit: u32) -> Result<Vec<ParkedEntry>, StoreError> {
    let mut select = db.prepare_cached(PARKED)?;
    let mut rows = select.query(params![after.unwrap_or(i64::MIN), limit])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(ParkedEntry {
            entry_id: row.get("entry_id")?,
            kind: row.get("kind")?,
            id: row.get("id")?,
            partner: text(row, "partner", PartnerId::parse)?,
            ext_id: text(row, "ext_id", ExtId::parse)?,
            attempts: row.get("attempts")?,
            parked_at: time(row, "parked_at")?,
        });
    }
    Ok(entries)
}

fn redrive(tx: &Connection, now: Timestamp, entry_id: i64) -> Result<bool, StoreError> {
    let changed = tx
        .prepare_cached(
            "UPDATE outbox SET parked_at = NULL, due_at = ?2, attempts = 1
             WHERE entry_id = ?1 AND parked_at IS NOT NULL",
        )?
        .execute(params![entry_id, now.unix_seconds()])?;
    Ok(changed == 1)
}

fn see_to(tx: &Connection, now: Timestamp, errand: &Errand) -> Result<SeenTo, StoreError> {
    let (kind, id) = errand.parts();
    let subject = outbox::subject(kind);
    let table = if subject == "transaction_id" { "transactions" } else { "refunds" };
    let is_settled: Option<bool> = tx
        .prepare_cached(&format!("SELECT settled_at IS NOT NULL FROM {table} WHERE {subject} = ?1"))?
        .query_row([id], |row| row.get(0))
        .optional()?;
    if is_settled != Some(errand.wants_settled()) {
        return Ok(SeenTo::NotNeeded);
    }
    let entry: Option<(i64, i64, bool)> = tx
        .prepare_cached(&format!(
            "SELECT entry_id, due_at, parked_at IS NOT NULL FROM outbox WHERE kind = ?1 AND {subject} = ?2"
        ))?
        .query_row([kind, id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    match entry {
        None if !errand.wants_settled() && filing::is_in_a_file(tx, subject, id)? => Ok(SeenTo::UnderWay),
        None => {
            outbox::put(tx, kind, id, now, 1)?;
            Ok(SeenTo::PutBack)
        }
        Some((entry_id, _, true)) => {
            redrive(tx, now, entry_id)?;
            Ok(SeenTo::Redriven)
        }
        Some((entry_id, due_at, false)) if due_at > now.plus_seconds(LEASE_SECONDS_MAX).unix_seconds() => {
            tx.prepare_cached("UPDATE outbox SET due_at = ?2 WHERE entry_id = ?1")?
                .execute(params![entry_id, now.unix_seconds()])?;
            Ok(SeenTo::Hurried)
        }
        Some(_) => Ok(SeenTo::UnderWay),
    }
}

fn close_pai(
    tx: &Connection,
    now: Timestamp,
    partner: &PartnerId,
    pai: Pai,
    reason: DeclineReason,
) -> Result<PaiEnd, StoreError> {
    if !reason.closes_pai() {
        return Ok(PaiEnd::NotAnEnd);
    }
    let mut select = tx.prepare_cached("SELECT closed_reason FROM pais WHERE partner = ?1 AND pai = ?2")?;
    let mut rows = select.query(params![partner.as_str(), pai.to_string()])?;
    let Some(row) = rows.next()? else { return Ok(PaiEnd::NotFound) };
    if let Some(first) = optional_text(row, "closed_reason", DeclineReason::parse)? {
        return Ok(PaiEnd::WasClosed(first));
    }
    pais::close(tx, now, &pai.to_string(), reason)?;
    Ok(PaiEnd::Closed)
}

#[async_trait]
impl Reports for SqliteStore {
    async fn charges(
        &self,
        select: Select,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<ChargeLine>, StoreError> {
        self.read(move |db| {
            let sql = page_of(CHARGE, "t.transaction_id", select.dated, select.status);
            let lines = page(db, &sql, &select, after.as_ref(), limit, charge_line)?;
            Ok(Page::of(lines, limit, |line| line.cursor(select.dated)))
        })
        .await
    }

    async fn refunds(
        &self,
        select: Select,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<RefundLine>, StoreError> {
        self.read(move |db| {
            let sql = page_of(REFUND, "t.refund_id", select.dated, select.status);
            let lines = page(db, &sql, &select, after.as_ref(), limit, refund_line)?;
            Ok(Page::of(lines, limit, |line| line.cursor(select.dated)))
        })
        .await
    }

    async fn charges_named(&self, partner: PartnerId, names: Names) -> Result<Vec<ChargeLine>, StoreError> {
        let columns = ("t.transaction_id", "t.ext_transaction_id");
        self.read(move |db| named(db, CHARGE, columns, &partner, &names, charge_line)).await
    }

    async fn refunds_named(&self, partner: PartnerId, names: Names) -> Result<Vec<RefundLine>, StoreError> {
        let columns = ("t.refund_id", "t.ext_refund_id");
        self.read(move |db| named(db, REFUND, columns, &partner, &names, refund_line)).await
    }

    async fn parked(&self, after: Option<i64>, limit: u32) -> Result<Vec<ParkedEntry>, StoreError> {
        self.read(move |db| parked(db, after, limit)).await
    }

    async fn redrive(&self, now: Timestamp, entry_id: i64) -> Result<bool, StoreError> {
        self.write(move |tx| redrive(tx, now, entry_id)).await
    }

    async fn see_to(&self, now: Timestamp, errand: Errand) -> Result<SeenTo, StoreError> {
        self.write(move |tx| see_to(tx, now, &errand)).await
    }

    async fn close_pai(
        &self,
        now: Timestamp,
        partner: PartnerId,
        pai: Pai,
        reason: DeclineReason,
    ) -> Result<PaiEnd, StoreError> {
        self.write(move |tx| close_pai(tx, now, &partner, pai, reason)).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    /// Everything that a statement does to find its rows.
    fn plan(connection: &Connection, sql: &str) -> Vec<String> {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("is SQL");
        let mut steps = explain.raw_query();
        let mut plan = Vec::new();
        while let Some(step) = steps.next().expect("explains") {
            plan.push(step.get("detail").expect("is text"));
        }
        plan
    }

    #[test]
    fn a_page_reads_a_page_however_long_the_books_are() {
        let mut connection = Connection::open_in_memory().expect("opens");
        schema::migrate(&mut connection).expect("migrates");
        let mut pages = vec![PARKED.to_owned()];
        for dated in [Dated::Created, Dated::Settled] {
            for status in [None, Some(TransactionStatus::Pending), Some(TransactionStatus::Approved)] {
                pages.push(page_of(CHARGE, "t.transaction_id", dated, status));
                pages.push(page_of(REFUND, "t.refund_id", dated, status));
            }
        }
        for sql in pages {
            for step in plan(&connection, &sql) {
                assert!(!step.contains("SCAN o") || step.contains("outbox_parked"), "{sql}: {step}");
                assert!(!step.starts_with("SCAN t") && !step.contains("TEMP B-TREE"), "{sql}: {step}");
            }
            if sql.contains("'PENDING'") && sql.contains("t.created_at <") {
                assert!(plan(&connection, &sql)[0].contains("_pending"), "{sql}");
            }
        }
    }
}
