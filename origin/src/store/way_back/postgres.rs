//! The way back in SQL.

use super::{HandedBackCharge, HandedBackPai, HandedBackSubscription};
use crate::store::error::inconsistent_row;
use crate::store::page::{Cursor, Page};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{
    parse_column, parse_optional_column, read_amount, read_pai, read_price, read_subscriber, read_time,
};
use crate::store::postgres::tx_error::TxError;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::mandate::MandateProof;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{SubscriptionSource, TransactionStatus};
use tokio_postgres::Row;

/// A PAI has changed if its state, its subscriber's number or its subscription has, if a mandate is not the
/// loaded one, or if one of its charges has. What was loaded has a mandate by import at most, which nothing
/// supersedes.
///
/// A page is bounded by its form, as PostgreSQL may have no statistics: each join is for one row, each EXISTS has
/// an offset, and the partner is asked for in a CASE, as a filter it would seem to leave few rows to sort. So
/// would an order by `sequence` alone seem to need a few rows of all mandates.
const PAIS: &str = "SELECT p.pai, p.state, p.created_at, p.dark_since, h.number_index, h.number_sealed, h.subscriber_ref,
        s.ext_subscription_id, s.origin, coalesce(m.plan, s.plan) AS plan, m.price_minor, m.currency,
        a.accepted_at, a.proof, a.proof_reference, p.paid_until,
        (SELECT max(t.period_to) FROM transactions t
         WHERE t.pai = p.pai AND t.status <> 'DECLINED' AND t.amount_minor > t.refunded_minor) AS charged_until,
        (p.migration_file IS NULL OR p.version > 1 OR h.number_since_nanoseconds IS NOT NULL
            OR EXISTS (SELECT 1 FROM partner_subscriptions c
                WHERE c.pai = p.pai AND (c.changed_at IS NOT NULL OR c.created_at >= p.cut_over_at
                    OR c.ended_at >= p.cut_over_at) OFFSET 0)
            OR EXISTS (SELECT 1 FROM mandates c
                WHERE c.pai = p.pai AND (c.proof <> 'imported' OR c.supersedes IS NOT NULL) OFFSET 0)
            OR EXISTS (SELECT 1 FROM transactions t WHERE t.pai = p.pai AND (t.migration_file IS NULL
                OR EXISTS (SELECT 1 FROM refunds r WHERE r.transaction_id = t.transaction_id OFFSET 0))
                OFFSET 0)) AS is_changed
    FROM pais p
        CROSS JOIN LATERAL (SELECT * FROM subscribers l WHERE l.subscriber_id = p.subscriber_id LIMIT 1) h
        LEFT JOIN LATERAL (SELECT * FROM partner_subscriptions l
            WHERE l.pai = p.pai AND l.status <> 'CANCELLED' LIMIT 1) s ON TRUE
        LEFT JOIN LATERAL (SELECT * FROM mandates l
            WHERE l.partner_subscription_id = s.partner_subscription_id
                AND l.partner_subscription_id IS NOT NULL AND l.in_force_from <= $3
            ORDER BY l.in_force_from DESC, l.sequence DESC LIMIT 1) m ON TRUE
        LEFT JOIN LATERAL (SELECT * FROM mandates l
            WHERE l.partner_subscription_id = s.partner_subscription_id AND l.partner_subscription_id IS NOT NULL
            ORDER BY l.sequence + 0 LIMIT 1) a ON TRUE
    WHERE p.pai > $1 AND CASE WHEN p.partner = $2 THEN TRUE ELSE FALSE END ORDER BY p.pai LIMIT $4";

/// Our own charges, and the other system's, each along its own index. No coupon has one of the latter.
const CHARGES: &str = "SELECT t.transaction_id, t.ext_transaction_id, t.pai, t.amount_minor, t.currency, t.refunded_minor,
        t.status, coalesce(t.billing_ref, t.transaction_id) AS billing_ref, t.created_at, t.period_from, t.period_to,
        (t.migration_file IS NULL
            OR EXISTS (SELECT 1 FROM refunds r WHERE r.transaction_id = t.transaction_id OFFSET 0)) AS is_changed,
        (t.status = 'PENDING' AND t.migration_file IS NULL
            OR EXISTS (SELECT 1 FROM refunds r
                WHERE r.transaction_id = t.transaction_id AND r.status = 'PENDING' OFFSET 0)) AS is_pending
    FROM ((SELECT * FROM transactions t
            WHERE t.partner = $1 AND (t.created_at, t.transaction_id) > ($2, $3) AND t.migration_file IS NULL
                AND NOT EXISTS (SELECT 1 FROM coupon_redemptions c WHERE c.transaction_id = t.transaction_id OFFSET 0)
            ORDER BY t.created_at, t.transaction_id LIMIT $4)
        UNION ALL (SELECT * FROM transactions t
            WHERE t.partner = $1 AND (t.created_at, t.transaction_id) > ($2, $3) AND t.migration_file IS NOT NULL
            ORDER BY t.created_at, t.transaction_id LIMIT $4)) t
    ORDER BY t.created_at, t.transaction_id LIMIT $4";

pub(super) async fn list_handed_back_pais(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    today: Day,
    after: Option<Pai>,
    limit: u32,
) -> Result<Vec<HandedBackPai>, TxError> {
    let after = after.map_or_else(String::new, |pai| pai.to_string());
    let rows = db.query(PAIS, &[&after, &partner.as_str(), &today.to_string(), &i64::from(limit)]).await?;
    rows.iter().map(read_handed_back_pai).collect()
}

fn read_handed_back_pai(row: &Row) -> Result<HandedBackPai, TxError> {
    let paid_until = parse_optional_column(row, "pais.paid_until", Day::parse)?;
    let charged_until = parse_optional_column(row, "transactions.charged_until", Day::parse)?;
    Ok(HandedBackPai {
        pai: read_pai(row, "pais.pai")?,
        state: parse_column(row, "pais.state", PaiState::parse)?,
        since: read_time(row, "pais.created_at")?,
        subscriber: read_subscriber(row)?,
        subscription: read_subscription(row)?,
        paid_until: paid_until.max(charged_until),
        consent: read_consent(row)?,
        is_dark: row.try_get::<_, Option<i64>>("dark_since")?.is_some(),
        is_changed: row.try_get::<_, bool>("is_changed")?,
    })
}

fn read_subscription(row: &Row) -> Result<Option<HandedBackSubscription>, TxError> {
    let ext_id = parse_optional_column(row, "partner_subscriptions.ext_subscription_id", ExtId::parse)?;
    let Some(ext_subscription_id) = ext_id else { return Ok(None) };
    Ok(Some(HandedBackSubscription {
        ext_subscription_id,
        origin: parse_column(row, "partner_subscriptions.origin", SubscriptionSource::parse)?,
        plan: parse_column(row, "partner_subscriptions.plan", ExtId::parse)?,
        price: read_price(row, "mandates.currency")?,
    }))
}

/// The first mandate of the subscription says when the customer agreed. An imported one has the other
/// system's own word for how.
fn read_consent(row: &Row) -> Result<Option<(Timestamp, String)>, TxError> {
    let Some(proof) = parse_optional_column(row, "mandates.proof", MandateProof::parse)? else {
        return Ok(None);
    };
    let at = row.try_get::<_, i64>("accepted_at")?;
    let reference = row.try_get::<_, Option<String>>("proof_reference")?;
    let by = match (proof, reference) {
        (MandateProof::Imported, Some(by)) if !by.is_empty() => by,
        // It was loaded without a consent.
        (MandateProof::Imported, _) => return Ok(None),
        (proof, _) => format!("onbill:{}", proof.as_str()),
    };
    Ok(Some((Timestamp::from_unix_seconds(at), by)))
}

pub(super) async fn list_handed_back_charges(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Page<HandedBackCharge>, TxError> {
    let (at, id) = after.map_or((i64::MIN, ""), |cursor| (cursor.at.unix_seconds(), &cursor.id));
    let rows = db.query(CHARGES, &[&partner.as_str(), &at, &id, &i64::from(limit)]).await?;
    let charges = rows.iter().map(read_handed_back_charge).collect::<Result<_, TxError>>()?;
    Ok(Page::of(charges, limit, |charge: &HandedBackCharge| charge.posted.clone()))
}

fn read_handed_back_charge(row: &Row) -> Result<HandedBackCharge, TxError> {
    let from = parse_column(row, "transactions.period_from", Day::parse)?;
    let to = parse_column(row, "transactions.period_to", Day::parse)?;
    Ok(HandedBackCharge {
        posted: Cursor { at: read_time(row, "transactions.created_at")?, id: row.try_get("transaction_id")? },
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        pai: read_pai(row, "transactions.pai")?,
        amount: read_amount(row, "transactions.currency")?,
        refunded_minor: row.try_get("refunded_minor")?,
        status: parse_column(row, "transactions.status", TransactionStatus::parse)?,
        billing_ref: row.try_get("billing_ref")?,
        service_period: ServicePeriod::new(from, to)
            .map_err(|_| inconsistent_row("transactions.period_to"))?,
        is_changed: row.try_get("is_changed")?,
        is_pending: row.try_get("is_pending")?,
    })
}
