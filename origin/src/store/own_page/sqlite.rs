//! The customer's own page in SQL.

use crate::store::error::{StoreError, inconsistent_row};
use crate::store::number::NumberIndex;
use crate::store::own_page::{CustomerCharge, PartnerLink};
use crate::store::page::{Cursor, Page};
use crate::store::pai::sqlite as pai;
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_amount, read_pai};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_domain::wire::subscription::SubscriptionStatus;
use rusqlite::{Connection, Row, params};

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
    WHERE h.number_index = ?1 AND h.ended_at IS NULL AND h.subscriber_ref = ?2 AND p.dark_since IS NULL
        AND (s.plan IS NOT NULL OR EXISTS (SELECT 1 FROM transactions t WHERE t.pai = p.pai))";

const IN_ORDER: &str = "ORDER BY p.state = 'CLOSED', since DESC, p.pai";

const CHARGES: &str =
    "SELECT t.transaction_id, t.ext_transaction_id, t.partner, t.created_at, t.description, t.period_from,
        t.period_to, t.amount_minor, t.currency, t.tax_minor, t.status, t.decline_reason, t.billed_on,
        t.refunded_minor AS taken_off_minor,
        t.refunded_minor - (SELECT coalesce(sum(r.amount_minor), 0) FROM refunds r
         WHERE r.transaction_id = t.transaction_id AND r.status = 'PENDING') AS refunded_minor
    FROM transactions t WHERE t.pai = ?1 AND (t.created_at, t.transaction_id) < (?2, ?3)
    ORDER BY t.created_at DESC, t.transaction_id DESC LIMIT ?4";

pub(super) fn list_partner_links(
    db: &Connection,
    number: NumberIndex,
    subscriber_ref: &str,
) -> Result<Vec<PartnerLink>, StoreError> {
    let mut select = db.prepare_cached(&format!("{LINKS} {IN_ORDER}"))?;
    let mut rows = select.query(params![number.0, subscriber_ref])?;
    let mut links = Vec::new();
    while let Some(row) = rows.next()? {
        links.push(read_partner_link(row)?);
    }
    Ok(links)
}

fn find_partner_link(
    db: &Connection,
    number: NumberIndex,
    subscriber_ref: &str,
    pai: &str,
) -> Result<Option<PartnerLink>, StoreError> {
    let mut select = db.prepare_cached(&format!("{LINKS} AND p.pai = ?3"))?;
    let mut rows = select.query(params![number.0, subscriber_ref, pai])?;
    rows.next()?.map(read_partner_link).transpose()
}

fn read_partner_link(row: &Row<'_>) -> Result<PartnerLink, StoreError> {
    let plan = parse_optional_column(row, "partner_subscriptions.plan", ExtId::parse)?;
    let status = parse_optional_column(row, "partner_subscriptions.status", SubscriptionStatus::parse)?;
    let closed_at: Option<i64> = row.get("closed_at")?;
    Ok(PartnerLink {
        pai: read_pai(row, "pais.pai")?,
        partner: parse_column(row, "pais.partner", PartnerId::parse)?,
        subscription: plan.zip(status),
        is_coupons_only: row.get("is_coupons_only")?,
        since: Timestamp::from_unix_seconds(row.get("since")?),
        state: parse_column(row, "pais.state", PaiState::parse)?,
        closed_at: closed_at.map(Timestamp::from_unix_seconds),
        closed_reason: parse_optional_column(row, "pais.closed_reason", DeclineReason::parse)?,
    })
}

/// The newest charges of each PAI, and of these the newest: the cost does not grow with the ledger.
pub(super) fn list_own_charges(
    db: &Connection,
    pais: &[Pai],
    before: Option<&Cursor>,
    limit: u32,
) -> Result<Page<CustomerCharge>, StoreError> {
    let (at, id) = before.map_or((i64::MAX, ""), |cursor| (cursor.at.unix_seconds(), &cursor.id));
    // One more than the page holds shows whether there is a next page.
    let wanted = limit + 1;
    let mut select = db.prepare_cached(CHARGES)?;
    let mut charges = Vec::new();
    for pai in pais {
        let mut rows = select.query(params![pai.to_string(), at, id, wanted])?;
        while let Some(row) = rows.next()? {
            charges.push(read_own_charge(row)?);
        }
    }
    charges.sort_unstable_by(|one, other| {
        (other.created_at, &other.transaction_id).cmp(&(one.created_at, &one.transaction_id))
    });
    Ok(CustomerCharge::page(charges, limit))
}

fn read_own_charge(row: &Row<'_>) -> Result<CustomerCharge, StoreError> {
    let (from, to) = (
        parse_column(row, "transactions.period_from", Day::parse)?,
        parse_column(row, "transactions.period_to", Day::parse)?,
    );
    let refunded_minor = row.get("refunded_minor")?;
    Ok(CustomerCharge {
        transaction_id: row.get("transaction_id")?,
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        partner: parse_column(row, "transactions.partner", PartnerId::parse)?,
        created_at: Timestamp::from_unix_seconds(row.get("created_at")?),
        description: row.get("description")?,
        service_period: ServicePeriod::new(from, to)
            .map_err(|_| inconsistent_row("transactions.period_to"))?,
        amount: read_amount(row, "transactions.currency")?,
        tax_minor: row.get("tax_minor")?,
        status: parse_column(row, "transactions.status", TransactionStatus::parse)?,
        decline_reason: parse_optional_column(row, "transactions.decline_reason", DeclineReason::parse)?,
        billed_on: parse_optional_column(row, "transactions.billed_on", Day::parse)?,
        refunded_minor,
        refunding_minor: row.get::<_, i64>("taken_off_minor")? - refunded_minor,
    })
}

pub(in crate::store) fn unlink_partner(
    tx: &Connection,
    now: Timestamp,
    number: NumberIndex,
    subscriber_ref: &str,
    pai: Pai,
) -> Result<Option<PartnerLink>, StoreError> {
    let pai = pai.to_string();
    if find_partner_link(tx, number, subscriber_ref, &pai)?.is_none() {
        return Ok(None);
    }
    pai::close_pai_row(tx, now, &pai, DeclineReason::PaiRevokedByUser)?;
    find_partner_link(tx, number, subscriber_ref, &pai)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn own_page_costs_the_same_in_any_ledger() {
        for sql in [LINKS, CHARGES] {
            for step in query_plan(sql) {
                let sorts_the_ledger = sql == CHARGES && step.contains("TEMP B-TREE");
                assert!(!step.starts_with("SCAN") && !sorts_the_ledger, "{sql}: {step}");
            }
        }
    }
}
