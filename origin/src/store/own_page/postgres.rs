//! The customer's own page in SQL.

use crate::store::error::inconsistent_row;
use crate::store::number::NumberIndex;
use crate::store::own_page::{CustomerCharge, PartnerLink};
use crate::store::page::{Cursor, Page};
use crate::store::pai::postgres as pai;
use crate::store::pai::postgres_lock as pai_lock;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::number_lock;
use crate::store::postgres::rows::{parse_column, parse_optional_column, read_amount, read_pai, read_time};
use crate::store::postgres::tx_error::TxError;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_domain::wire::subscription::SubscriptionStatus;
use tokio_postgres::Row;

/// A PAI without a subscription or a charge is not shown: the sign-up was never finished. Nor is a dark
/// one: it is another system's to show and to end.
const LINKS: &str = "SELECT p.pai, p.partner, p.state, p.closed_reason, p.closed_at,
        coalesce((SELECT min(f.created_at) FROM partner_subscriptions f WHERE f.pai = p.pai), p.created_at) AS since,
        s.plan, s.status,
        s.plan IS NULL AND NOT EXISTS (SELECT 1 FROM transactions c WHERE c.pai = p.pai AND NOT EXISTS
            (SELECT 1 FROM coupon_redemptions r WHERE r.transaction_id = c.transaction_id)) AS is_coupons_only
    FROM subscribers h JOIN pais p USING (subscriber_id)
        LEFT JOIN partner_subscriptions s ON s.partner_subscription_id =
            (SELECT l.partner_subscription_id FROM partner_subscriptions l WHERE l.pai = p.pai
             ORDER BY l.created_at DESC, l.partner_subscription_id LIMIT 1)
    WHERE h.number_index = $1 AND h.ended_at IS NULL AND h.subscriber_ref = $2 AND p.dark_since IS NULL
        AND (s.plan IS NOT NULL OR EXISTS (SELECT 1 FROM transactions t WHERE t.pai = p.pai))";

/// The newest charges of each PAI, and of these the newest: the cost does not grow with the ledger.
const CHARGES: &str = "SELECT t.*, t.taken_off_minor - (SELECT CAST(coalesce(sum(r.amount_minor), 0) AS BIGINT) FROM refunds r
         WHERE r.transaction_id = t.transaction_id AND r.status = 'PENDING') AS refunded_minor
    FROM unnest($1::TEXT[]) AS own (pai) CROSS JOIN LATERAL (
        SELECT transaction_id, ext_transaction_id, partner, created_at, description, period_from, period_to, amount_minor, currency,
            tax_minor, status, decline_reason, billed_on, refunded_minor AS taken_off_minor
        FROM transactions WHERE pai = own.pai AND (created_at, transaction_id) < ($2, $3)
        ORDER BY created_at DESC, transaction_id DESC LIMIT $4) t
    ORDER BY t.created_at DESC, t.transaction_id DESC LIMIT $4";

pub(super) async fn list_partner_links(
    db: &PgConnection<'_>,
    number: NumberIndex,
    subscriber_ref: &str,
) -> Result<Vec<PartnerLink>, TxError> {
    let sql = format!("{LINKS} ORDER BY p.state = 'CLOSED', since DESC, p.pai");
    db.query(&sql, &[&number.0.as_slice(), &subscriber_ref]).await?.iter().map(read_partner_link).collect()
}

async fn find_partner_link(
    db: &PgConnection<'_>,
    number: NumberIndex,
    subscriber_ref: &str,
    pai: &str,
) -> Result<Option<PartnerLink>, TxError> {
    let row = db
        .query_optional(&format!("{LINKS} AND p.pai = $3"), &[&number.0.as_slice(), &subscriber_ref, &pai])
        .await?;
    row.as_ref().map(read_partner_link).transpose()
}

fn read_partner_link(row: &Row) -> Result<PartnerLink, TxError> {
    let plan = parse_optional_column(row, "partner_subscriptions.plan", ExtId::parse)?;
    let status = parse_optional_column(row, "partner_subscriptions.status", SubscriptionStatus::parse)?;
    let closed_at: Option<i64> = row.try_get("closed_at")?;
    Ok(PartnerLink {
        pai: read_pai(row, "pais.pai")?,
        partner: parse_column(row, "pais.partner", PartnerId::parse)?,
        subscription: plan.zip(status),
        is_coupons_only: row.try_get("is_coupons_only")?,
        since: read_time(row, "pais.since")?,
        state: parse_column(row, "pais.state", PaiState::parse)?,
        closed_at: closed_at.map(Timestamp::from_unix_seconds),
        closed_reason: parse_optional_column(row, "pais.closed_reason", DeclineReason::parse)?,
    })
}

pub(super) async fn list_own_charges(
    db: &PgConnection<'_>,
    pais: &[Pai],
    before: Option<&Cursor>,
    limit: u32,
) -> Result<Page<CustomerCharge>, TxError> {
    let pais: Vec<String> = pais.iter().map(Pai::to_string).collect();
    let (at, id) = before.map_or((i64::MAX, ""), |cursor| (cursor.at.unix_seconds(), &cursor.id));
    // One more than the page holds shows whether there is a next page.
    let rows = db.query(CHARGES, &[&pais, &at, &id, &i64::from(limit + 1)]).await?;
    let charges = rows.iter().map(read_own_charge).collect::<Result<_, _>>()?;
    Ok(CustomerCharge::page(charges, limit))
}

fn read_own_charge(row: &Row) -> Result<CustomerCharge, TxError> {
    let (from, to) = (
        parse_column(row, "transactions.period_from", Day::parse)?,
        parse_column(row, "transactions.period_to", Day::parse)?,
    );
    let refunded_minor = row.try_get("refunded_minor")?;
    Ok(CustomerCharge {
        transaction_id: row.try_get("transaction_id")?,
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        partner: parse_column(row, "transactions.partner", PartnerId::parse)?,
        created_at: read_time(row, "transactions.created_at")?,
        description: row.try_get("description")?,
        service_period: ServicePeriod::new(from, to)
            .map_err(|_| inconsistent_row("transactions.period_to"))?,
        amount: read_amount(row, "transactions.currency")?,
        tax_minor: row.try_get("tax_minor")?,
        status: parse_column(row, "transactions.status", TransactionStatus::parse)?,
        decline_reason: parse_optional_column(row, "transactions.decline_reason", DeclineReason::parse)?,
        billed_on: parse_optional_column(row, "transactions.billed_on", Day::parse)?,
        refunded_minor,
        refunding_minor: row.try_get::<_, i64>("taken_off_minor")? - refunded_minor,
    })
}

/// Locks the number first, as everything does that ends or moves its subscriber: the PAI is still
/// theirs when it is closed. Then it locks the PAI, which is not turned off meanwhile.
pub(super) async fn unlink_partner(
    tx: &PgConnection<'_>,
    now: Timestamp,
    number: NumberIndex,
    subscriber_ref: &str,
    pai: Pai,
) -> Result<Option<PartnerLink>, TxError> {
    let pai = pai.to_string();
    number_lock::acquire(tx, now, number).await?;
    pai_lock::lock_named_pais(tx, &[&pai]).await?;
    if find_partner_link(tx, number, subscriber_ref, &pai).await?.is_none() {
        return Ok(None);
    }
    pai::close_pai_row(tx, now, &pai, DeclineReason::PaiRevokedByUser).await?;
    find_partner_link(tx, number, subscriber_ref, &pai).await
}
