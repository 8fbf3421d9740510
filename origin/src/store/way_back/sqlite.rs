//! The way back in SQL.

use super::{HandedBackCharge, HandedBackPai, HandedBackSubscription};
use crate::store::error::{StoreError, inconsistent_row};
use crate::store::page::{Cursor, Page};
use crate::store::sqlite::rows::{
    parse_column, parse_optional_column, read_amount, read_pai, read_price, read_subscriber, read_time,
};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::mandate::MandateProof;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{SubscriptionSource, TransactionStatus};
use rusqlite::{Connection, Row, params};

/// A PAI has changed if its state, its subscriber's number or its subscription has, if a mandate is not the
/// loaded one, or if one of its charges has. What was loaded has a mandate by import at most, which nothing
/// supersedes.
const PAIS: &str = "SELECT p.pai, p.state, p.created_at, p.dark_since, h.number_index, h.number_sealed, h.subscriber_ref,
        s.ext_subscription_id, s.origin, coalesce(m.plan, s.plan) AS plan, m.price_minor, m.currency,
        a.accepted_at, a.proof, a.proof_reference, p.paid_until,
        (SELECT max(t.period_to) FROM transactions t
         WHERE t.pai = p.pai AND t.status <> 'DECLINED' AND t.amount_minor > t.refunded_minor) AS charged_until,
        (p.migration_file IS NULL OR p.version > 1 OR h.number_since_nanoseconds IS NOT NULL
            OR EXISTS (SELECT 1 FROM partner_subscriptions c
                WHERE c.pai = p.pai AND (c.changed_at IS NOT NULL OR c.created_at >= p.cut_over_at
                    OR c.ended_at >= p.cut_over_at))
            OR EXISTS (SELECT 1 FROM mandates c WHERE c.pai = p.pai AND (c.proof <> 'imported' OR c.supersedes IS NOT NULL))
            OR EXISTS (SELECT 1 FROM transactions t WHERE t.pai = p.pai AND (t.migration_file IS NULL
            OR EXISTS (SELECT 1 FROM refunds r WHERE r.transaction_id = t.transaction_id)))) AS is_changed
    FROM pais p JOIN subscribers h USING (subscriber_id)
        LEFT JOIN partner_subscriptions s ON s.pai = p.pai AND s.status <> 'CANCELLED'
        LEFT JOIN mandates m ON m.sequence =
            (SELECT l.sequence FROM mandates l
             WHERE l.partner_subscription_id = s.partner_subscription_id
                 AND l.partner_subscription_id IS NOT NULL AND l.in_force_from <= ?3
             ORDER BY l.in_force_from DESC, l.sequence DESC LIMIT 1)
        LEFT JOIN mandates a ON a.sequence =
            (SELECT min(l.sequence) FROM mandates l
             WHERE l.partner_subscription_id = s.partner_subscription_id AND l.partner_subscription_id IS NOT NULL)
    WHERE p.pai > ?1 AND p.partner = ?2 ORDER BY p.pai LIMIT ?4";

/// Our own charges, and the other system's, each along its own index. No coupon has one of the latter.
const CHARGES: &str = "SELECT t.transaction_id, t.ext_transaction_id, t.pai, t.amount_minor, t.currency, t.refunded_minor,
        t.status, coalesce(t.billing_ref, t.transaction_id) AS billing_ref, t.created_at, t.period_from, t.period_to,
        (t.migration_file IS NULL
            OR EXISTS (SELECT 1 FROM refunds r WHERE r.transaction_id = t.transaction_id)) AS is_changed,
        (t.status = 'PENDING' AND t.migration_file IS NULL
            OR EXISTS (SELECT 1 FROM refunds r
                WHERE r.transaction_id = t.transaction_id AND r.status = 'PENDING')) AS is_pending
    FROM (SELECT * FROM (SELECT * FROM transactions t
            WHERE t.partner = ?1 AND (t.created_at, t.transaction_id) > (?2, ?3) AND t.migration_file IS NULL
                AND NOT EXISTS (SELECT 1 FROM coupon_redemptions c WHERE c.transaction_id = t.transaction_id)
            ORDER BY t.created_at, t.transaction_id LIMIT ?4)
        UNION ALL SELECT * FROM (SELECT * FROM transactions t
            WHERE t.partner = ?1 AND (t.created_at, t.transaction_id) > (?2, ?3) AND t.migration_file IS NOT NULL
            ORDER BY t.created_at, t.transaction_id LIMIT ?4)) t
    ORDER BY t.created_at, t.transaction_id LIMIT ?4";

pub(super) fn list_handed_back_pais(
    db: &Connection,
    partner: &PartnerId,
    today: Day,
    after: Option<Pai>,
    limit: u32,
) -> Result<Vec<HandedBackPai>, StoreError> {
    let after = after.map_or_else(String::new, |pai| pai.to_string());
    let mut select = db.prepare_cached(PAIS)?;
    let mut rows = select.query(params![after, partner.as_str(), today.to_string(), limit])?;
    let mut pais = Vec::new();
    while let Some(row) = rows.next()? {
        pais.push(read_handed_back_pai(row)?);
    }
    Ok(pais)
}

fn read_handed_back_pai(row: &Row<'_>) -> Result<HandedBackPai, StoreError> {
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
        is_dark: row.get::<_, Option<i64>>("dark_since")?.is_some(),
        is_changed: row.get::<_, bool>("is_changed")?,
    })
}

fn read_subscription(row: &Row<'_>) -> Result<Option<HandedBackSubscription>, StoreError> {
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
fn read_consent(row: &Row<'_>) -> Result<Option<(Timestamp, String)>, StoreError> {
    let Some(proof) = parse_optional_column(row, "mandates.proof", MandateProof::parse)? else {
        return Ok(None);
    };
    let at = row.get::<_, i64>("accepted_at")?;
    let reference = row.get::<_, Option<String>>("proof_reference")?;
    let by = match (proof, reference) {
        (MandateProof::Imported, Some(by)) if !by.is_empty() => by,
        // It was loaded without a consent.
        (MandateProof::Imported, _) => return Ok(None),
        (proof, _) => format!("onbill:{}", proof.as_str()),
    };
    Ok(Some((Timestamp::from_unix_seconds(at), by)))
}

pub(super) fn list_handed_back_charges(
    db: &Connection,
    partner: &PartnerId,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Page<HandedBackCharge>, StoreError> {
    let (at, id) = after.map_or((i64::MIN, ""), |cursor| (cursor.at.unix_seconds(), &cursor.id));
    let mut select = db.prepare_cached(CHARGES)?;
    let mut rows = select.query(params![partner.as_str(), at, id, limit])?;
    let mut charges = Vec::new();
    while let Some(row) = rows.next()? {
        charges.push(read_handed_back_charge(row)?);
    }
    Ok(Page::of(charges, limit, |charge: &HandedBackCharge| charge.posted.clone()))
}

fn read_handed_back_charge(row: &Row<'_>) -> Result<HandedBackCharge, StoreError> {
    let from = parse_column(row, "transactions.period_from", Day::parse)?;
    let to = parse_column(row, "transactions.period_to", Day::parse)?;
    Ok(HandedBackCharge {
        posted: Cursor { at: read_time(row, "transactions.created_at")?, id: row.get("transaction_id")? },
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        pai: read_pai(row, "transactions.pai")?,
        amount: read_amount(row, "transactions.currency")?,
        refunded_minor: row.get("refunded_minor")?,
        status: parse_column(row, "transactions.status", TransactionStatus::parse)?,
        billing_ref: row.get("billing_ref")?,
        service_period: ServicePeriod::new(from, to)
            .map_err(|_| inconsistent_row("transactions.period_to"))?,
        is_changed: row.get("is_changed")?,
        is_pending: row.get("is_pending")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn pages_begin_where_the_last_ones_ended() {
        for sql in [PAIS, CHARGES] {
            let mut plan = query_plan(sql).into_iter();
            assert!(plan.all(|step| !step.starts_with("SCAN") || step.starts_with("SCAN (")), "{sql}");
        }
        let plan = query_plan(CHARGES);
        for index in ["transactions_by_creation", "transactions_claims"] {
            let along = format!("INDEX {index} (partner=? AND (created_at,transaction_id)>(?,?))");
            assert!(plan.iter().any(|step| step.ends_with(&along)), "{index}: {plan:?}");
        }
    }
}
