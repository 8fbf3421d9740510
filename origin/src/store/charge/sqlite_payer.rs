//! Who pays a charge, and what they have agreed to, in SQL.

use super::coverage::CANDIDATES_MAX;
use super::{Decline, Mandate, NewCharge};
use crate::store::error::StoreError;
use crate::store::number::BilledSubscriber;
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_price, read_subscriber};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::pai::PaiState;
use rusqlite::{Connection, Row, params};

/// Who pays a charge, and why the PAI declines it, if it does.
pub(super) struct Payer {
    pub(super) subscriber_id: String,
    pub(super) handle: String,
    pub(super) subscriber: Option<BilledSubscriber>,
    pub(super) decline_reason: Option<DeclineReason>,
    pub(super) mandate: Option<Mandate>,
    /// Another system charges the PAI.
    pub(super) is_dark: bool,
}

impl Payer {
    /// What declines the charge whatever else was charged.
    pub(super) fn find_decline(&self, new: &NewCharge) -> Option<Decline> {
        let by_pai = self.decline_reason.map(Decline::from);
        by_pai.or_else(|| new.find_gap(self.mandate.as_ref()).map(Decline::from))
    }
}

/// The payer, with a mandate of each subscription that the charge may be for, or of the one that it
/// names. Of a subscription it is the latest mandate that was in force on the first day of the period,
/// or else the first that came into force within its first month, because the first month of a partner
/// that charges calendar months begins before its customer has come. Those come first that were in force
/// on the first day; among them the latest, and among the others the earliest. Those that had been
/// cancelled when the period began come last, so that the response can say so.
///
/// Days are charged already by another charge of the same subscription, and by an adopted charge, of
/// which the ledger has lost the mandate, or a claim, which another system has posted. Charges of two subscriptions may be for the same day only if
/// one's period had begun before the other subscription came into force: it is what is left of that
/// period. Otherwise the partner could have the same days paid again by reporting a new subscription. A
/// charge of which all was given back does not count, by billing here or by another system. What billing
/// has not answered for is not given back yet.
const FIND_PAYER: &str =
    "SELECT p.state, p.closed_reason, p.dark_since IS NOT NULL AS is_dark, h.subscriber_id, h.handle, h.number_index, h.number_sealed, h.subscriber_ref,
         m.mandate_id, m.offer, m.plan, m.price_minor, m.currency AS price_currency,
         coalesce(s.ended_at < ?5, FALSE) AS is_over,
         CASE WHEN s.ended_at < ?5 THEN FALSE ELSE EXISTS (
             SELECT 1 FROM transactions t LEFT JOIN mandates o ON o.mandate_id = t.mandate_id
             WHERE t.pai = p.pai AND t.status <> 'DECLINED' AND t.period_to >= ?3 AND t.period_from <= ?4
                 AND (o.partner_subscription_id = s.partner_subscription_id
                     OR t.mandate_id IS NULL AND t.fingerprint IS NULL
                     OR o.mandate_id IS NOT NULL AND NOT (
                         (SELECT min(b.in_force_from) > t.period_from AND min(b.in_force_from) <= ?3 FROM mandates b
                             WHERE b.partner_subscription_id = s.partner_subscription_id)
                         OR (SELECT min(b.in_force_from) > ?3 AND min(b.in_force_from) <= t.period_from
                             FROM mandates b WHERE b.partner_subscription_id = o.partner_subscription_id)))
                 AND (t.migration_file IS NULL OR t.amount_minor > t.refunded_minor)
                 AND t.amount_minor > t.refunded_minor - (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                                       WHERE f.transaction_id = t.transaction_id AND f.status = 'PENDING')
         ) END AS is_charged
     FROM pais p JOIN subscribers h USING (subscriber_id)
         LEFT JOIN partner_subscriptions s
             ON s.pai = p.pai AND (?7 IS NULL OR s.partner_subscription_id = ?7)
         LEFT JOIN mandates m ON m.sequence = (
             SELECT c.sequence FROM mandates c
             WHERE c.partner_subscription_id = s.partner_subscription_id AND c.in_force_from <= ?6
             ORDER BY c.in_force_from > ?3, CASE WHEN c.in_force_from <= ?3 THEN c.in_force_from END DESC,
                 c.in_force_from, c.sequence DESC
             LIMIT 1)
     WHERE p.partner = ?1 AND p.pai = ?2
     ORDER BY m.sequence IS NULL, coalesce(s.ended_at < ?5, FALSE), m.in_force_from > ?3,
         CASE WHEN m.in_force_from <= ?3 THEN m.in_force_from END DESC, m.in_force_from, m.sequence DESC
     LIMIT ?8";

pub(super) fn find_payer(tx: &Connection, new: &NewCharge) -> Result<Option<Payer>, StoreError> {
    let mut select = tx.prepare_cached(FIND_PAYER)?;
    let mut rows = select.query(params![
        new.partner.as_str(),
        new.request.pai.to_string(),
        new.request.service_period.from().to_string(),
        new.request.service_period.to().to_string(),
        new.rules.begins_at.unix_seconds(),
        new.first_month_end().to_string(),
        new.named_subscription(),
        CANDIDATES_MAX,
    ])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut payer = Payer {
        subscriber_id: row.get("subscriber_id")?,
        handle: row.get("handle")?,
        subscriber: read_subscriber(row)?,
        decline_reason: read_decline_reason_of_pai(row)?,
        mandate: None,
        is_dark: row.get("is_dark")?,
    };
    let mut candidates: Vec<Mandate> = read_mandate(row)?.into_iter().collect();
    while let Some(row) = rows.next()? {
        candidates.extend(read_mandate(row)?);
    }
    payer.mandate = new.choose_mandate(candidates);
    Ok(Some(payer))
}

fn read_mandate(row: &Row<'_>) -> Result<Option<Mandate>, StoreError> {
    let Some(id) = row.get("mandate_id")? else { return Ok(None) };
    Ok(Some(Mandate {
        id,
        offer: parse_optional_column(row, "mandates.offer", OfferId::parse)?,
        plan: parse_column(row, "mandates.plan", ExtId::parse)?,
        price: read_price(row, "mandates.price_currency")?,
        is_over: row.get("is_over")?,
        is_charged: row.get("is_charged")?,
    }))
}

/// Reads why a PAI's state declines its charges: it is suspended or closed.
fn read_decline_reason_of_pai(row: &Row<'_>) -> Result<Option<DeclineReason>, StoreError> {
    match parse_column(row, "pais.state", PaiState::parse)? {
        PaiState::Active => Ok(None),
        PaiState::Suspended => Ok(Some(DeclineReason::AccountOnHold)),
        PaiState::Closed => Ok(Some(parse_column(row, "pais.closed_reason", DeclineReason::parse)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn payer_and_mandate_are_found_along_indexes() {
        for step in query_plan(FIND_PAYER) {
            assert!(!step.starts_with("SCAN") || step.contains("CONSTANT"), "{step}");
        }
    }
}
