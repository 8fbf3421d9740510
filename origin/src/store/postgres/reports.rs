//! Reports: pages along an index, rows by name, and what a person does about them.

use super::failure::Broken;
use super::rows::{amount, count, optional_text, pai as read_pai, text, time};
use super::statements::Db;
use super::transaction::in_transaction;
use super::{PostgresStore, filing, outbox, pais, read};
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
use tokio_postgres::Row;

const CHARGE: &str = "SELECT t.transaction_id, t.ext_transaction_id, t.pai, t.amount_minor, t.currency,
        coalesce(t.tax_minor, 0) AS tax_minor, t.refunded_minor, t.status, t.decline_reason, t.created_at,
        t.settled_at
    FROM transactions t";

const REFUND: &str = "SELECT t.refund_id, t.ext_refund_id, t.transaction_id, c.ext_transaction_id, c.pai,
        t.amount_minor, c.currency, c.amount_minor AS charged_minor, coalesce(c.tax_minor, 0) AS charged_tax_minor,
        (SELECT CAST(coalesce(sum(e.amount_minor), 0) AS BIGINT) FROM refunds e
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
    WHERE o.parked_at IS NOT NULL AND o.entry_id > $1 ORDER BY o.entry_id LIMIT $2";

/// The statement of a page: what is read, by which time, and how it stands. Words of ours only, so it is safe to write
/// them out, and an index of pending lines is only found by a status that is written out.
fn page_of(lines: &str, id: &str, dated: Dated, status: Option<TransactionStatus>) -> String {
    let at = match dated {
        Dated::Created => "t.created_at",
        Dated::Settled => "t.settled_at",
    };
    let status = status.map(|status| format!("AND t.status = '{}'", status.as_str())).unwrap_or_default();
    format!(
        "{lines} WHERE t.partner = $1 AND {at} < $2 AND ({at}, {id}) > ($3, $4) {status}
         ORDER BY {at}, {id} LIMIT $5"
    )
}

async fn page<T>(
    db: &Db<'_>,
    sql: &str,
    select: &Select,
    after: Option<&Cursor>,
    limit: u32,
    read: fn(&Row) -> Result<T, Broken>,
) -> Result<Vec<T>, Broken> {
    let (at, id) = after.map_or((select.period.from, ""), |cursor| (cursor.at, &cursor.id));
    let (until, at, limit) = (select.period.until.unix_seconds(), at.unix_seconds(), i64::from(limit));
    let rows = db.rows(sql, &[&select.partner.as_str(), &until, &at, &id, &limit]).await?;
    rows.iter().map(read).collect()
}

async fn named<T>(
    db: &Db<'_>,
    lines: &str,
    (our_id, their_id): (&str, &str),
    partner: &PartnerId,
    names: &Names,
    read: fn(&Row) -> Result<T, Broken>,
) -> Result<Vec<T>, Broken> {
    let (column, names): (_, Vec<&str>) = match names {
        Names::Ours(ids) => (our_id, ids.iter().map(String::as_str).collect()),
        Names::Partners(ids) => (their_id, ids.iter().map(ExtId::as_str).collect()),
    };
    let sql = format!("{lines} WHERE t.partner = $1 AND {column} = ANY($2)");
    db.rows(&sql, &[&partner.as_str(), &names]).await?.iter().map(read).collect()
}

fn settled_at(row: &Row) -> Result<Option<Timestamp>, Broken> {
    Ok(row.try_get::<_, Option<i64>>("settled_at")?.map(Timestamp::from_unix_seconds))
}

fn charge_line(row: &Row) -> Result<ChargeLine, Broken> {
    Ok(ChargeLine {
        transaction_id: row.try_get("transaction_id")?,
        ext_transaction_id: text(row, "ext_transaction_id", ExtId::parse)?,
        pai: read_pai(row)?,
        amount: amount(row)?,
        tax_minor: row.try_get("tax_minor")?,
        refunded_minor: row.try_get("refunded_minor")?,
        status: text(row, "status", TransactionStatus::parse)?,
        decline_reason: optional_text(row, "decline_reason", DeclineReason::parse)?,
        created_at: time(row, "created_at")?,
        settled_at: settled_at(row)?,
    })
}

fn refund_line(row: &Row) -> Result<RefundLine, Broken> {
    Ok(RefundLine {
        refund_id: row.try_get("refund_id")?,
        ext_refund_id: text(row, "ext_refund_id", ExtId::parse)?,
        transaction_id: row.try_get("transaction_id")?,
        ext_transaction_id: text(row, "ext_transaction_id", ExtId::parse)?,
        pai: read_pai(row)?,
        amount: amount(row)?,
        charged_minor: row.try_get("charged_minor")?,
        charged_tax_minor: row.try_get("charged_tax_minor")?,
        given_back_before_minor: row.try_get("given_back_before_minor")?,
        status: text(row, "status", TransactionStatus::parse)?,
        created_at: time(row, "created_at")?,
        settled_at: settled_at(row)?,
    })
}

async fn parked(db: &Db<'_>, after: Option<i64>, limit: u32) -> Result<Vec<ParkedEntry>, Broken> {
    let rows = db.rows(PARKED, &[&after.unwrap_or(i64::MIN), &i64::from(limit)]).await?;
    rows.iter().map(parked_entry).collect()
}

fn parked_entry(row: &Row) -> Result<ParkedEntry, Broken> {
    Ok(ParkedEntry {
        entry_id: row.try_get("entry_id")?,
        kind: row.try_get("kind")?,
        id: row.try_get("id")?,
        partner: text(row, "partner", PartnerId::parse)?,
        ext_id: text(row, "ext_id", ExtId::parse)?,
        attempts: count(row, "attempts")?,
        parked_at: time(row, "parked_at")?,
    })
}

async fn redrive(tx: &Db<'_>, now: Timestamp, entry_id: i64) -> Result<bool, Broken> {
    let changed = tx
        .change(
            "UPDATE outbox SET parked_at = NULL, due_at = $2, attempts = 1
             WHERE entry_id = $1 AND parked_at IS NOT NULL",
            &[&entry_id, &now.unix_seconds()],
        )
        .await?;
    Ok(changed == 1)
}

/// The charge or refund before its entry, as everybody takes them: crosswise, two would wait for each other.
async fn see_to(tx: &Db<'_>, now: Timestamp, errand: &Errand) -> Result<SeenTo, Broken> {
    let (kind, id) = errand.parts();
    let subject = outbox::subject(kind);
    let table = if subject == "transaction_id" { "transactions" } else { "refunds" };
    let sql =
        format!("SELECT settled_at IS NOT NULL AS is_settled FROM {table} WHERE {subject} = $1 FOR UPDATE");
    let row = tx.row(&sql, &[&id]).await?;
    let is_settled: Option<bool> = row.map(|row| row.try_get("is_settled")).transpose()?;
    if is_settled != Some(errand.wants_settled()) {
        return Ok(SeenTo::NotNeeded);
    }
    let sql = format!(
        "SELECT entry_id, due_at, parked_at IS NOT NULL AS is_parked FROM outbox
         WHERE kind = $1 AND {subject} = $2 FOR UPDATE"
    );
    let Some(entry) = tx.row(&sql, &[&kind, &id]).await? else {
        // Asked after the entry: whoever makes a file takes that away with the same commit.
        if !errand.wants_settled() && filing::is_in_a_file(tx, subject, id).await? {
            return Ok(SeenTo::UnderWay);
        }
        outbox::put(tx, kind, id, now, 1).await?;
        return Ok(SeenTo::PutBack);
    };
    let entry_id: i64 = entry.try_get("entry_id")?;
    if entry.try_get("is_parked")? {
        redrive(tx, now, entry_id).await?;
        return Ok(SeenTo::Redriven);
    }
    if time(&entry, "due_at")? <= now.plus_seconds(LEASE_SECONDS_MAX) {
        return Ok(SeenTo::UnderWay);
    }
    let sql = "UPDATE outbox SET due_at = $2 WHERE entry_id = $1";
    tx.change_one("outbox entry", sql, &[&entry_id, &now.unix_seconds()]).await?;
    Ok(SeenTo::Hurried)
}

async fn close_pai(
    tx: &Db<'_>,
    now: Timestamp,
    partner: &PartnerId,
    pai: Pai,
    reason: DeclineReason,
) -> Result<PaiEnd, Broken> {
    if !reason.closes_pai() {
        return Ok(PaiEnd::NotAnEnd);
    }
    let sql = "SELECT closed_reason FROM pais WHERE partner = $1 AND pai = $2 FOR UPDATE";
    let Some(row) = tx.row(sql, &[&partner.as_str(), &pai.to_string()]).await? else {
        return Ok(PaiEnd::NotFound);
    };
    if let Some(first) = optional_text(&row, "closed_reason", DeclineReason::parse)? {
        return Ok(PaiEnd::WasClosed(first));
    }
    pais::close(tx, now, &pai.to_string(), reason).await?;
    Ok(PaiEnd::Closed)
}

#[async_trait]
impl Reports for PostgresStore {
    async fn charges(
        &self,
        select: Select,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<ChargeLine>, StoreError> {
        let sql = page_of(CHARGE, "t.transaction_id", select.dated, select.status);
        let lines = read!(&self.pool, |db| page(db, &sql, &select, after.as_ref(), limit, charge_line))?;
        Ok(Page::of(lines, limit, |line| line.cursor(select.dated)))
    }

    async fn refunds(
        &self,
        select: Select,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<RefundLine>, StoreError> {
        let sql = page_of(REFUND, "t.refund_id", select.dated, select.status);
        let lines = read!(&self.pool, |db| page(db, &sql, &select, after.as_ref(), limit, refund_line))?;
        Ok(Page::of(lines, limit, |line| line.cursor(select.dated)))
    }

    async fn charges_named(&self, partner: PartnerId, names: Names) -> Result<Vec<ChargeLine>, StoreError> {
        let columns = ("t.transaction_id", "t.ext_transaction_id");
        read!(&self.pool, |db| named(db, CHARGE, columns, &partner, &names, charge_line))
    }

    async fn refunds_named(&self, partner: PartnerId, names: Names) -> Result<Vec<RefundLine>, StoreError> {
        let columns = ("t.refund_id", "t.ext_refund_id");
        read!(&self.pool, |db| named(db, REFUND, columns, &partner, &names, refund_line))
    }

    async fn parked(&self, after: Option<i64>, limit: u32) -> Result<Vec<ParkedEntry>, StoreError> {
        read!(&self.pool, |db| parked(db, after, limit))
    }

    async fn redrive(&self, now: Timestamp, entry_id: i64) -> Result<bool, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| { redrive(tx, now, entry_id).await? })
    }

    async fn see_to(&self, now: Timestamp, errand: Errand) -> Result<SeenTo, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| { see_to(tx, now, &errand).await? })
    }

    async fn close_pai(
        &self,
        now: Timestamp,
        partner: PartnerId,
        pai: Pai,
        reason: DeclineReason,
    ) -> Result<PaiEnd, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| { close_pai(tx, now, &partner, pai, reason).await? })
    }
}
