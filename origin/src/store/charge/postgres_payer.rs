//! Who pays a charge, and what they have agreed to, in SQL.

use super::coverage::CANDIDATES_MAX;
use super::{Decline, Mandate, NewCharge};
use crate::store::number::BilledSubscriber;
use crate::store::postgres::connection::{PgConnection, Values};
use crate::store::postgres::rows::{parse_column, parse_optional_column, read_price, read_subscriber};
use crate::store::postgres::tx_error::TxError;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::pai::PaiState;
use tokio_postgres::Row;

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

/// The payer's columns, and those of a mandate.
pub(super) const PAYER: &str =
    "p.state, p.closed_reason, p.dark_since IS NOT NULL AS is_dark, h.subscriber_id, h.handle, h.number_index, h.number_sealed, h.subscriber_ref,
     m.mandate_id, m.offer, m.plan, m.price_minor, m.price_currency, m.is_over, m.is_charged";

/// Whether another charge `t` is for days from `period_from` to `period_to`, so that the subscription
/// cannot be charged for them: another charge of the same subscription, and an adopted charge, of which
/// the ledger has lost the mandate, or a claim, which another system has posted. Charges of two subscriptions may be for the same day only if one's
/// period had begun before the other subscription came into force, and the other's period begins no
/// earlier than that: it is what is left of that period.
/// Otherwise the partner could have the same days paid again by reporting a new subscription. A charge
/// of which all was given back does not count, by billing here or by another system, nor one that does
/// not meet the `condition`. What billing has not answered for is not given back yet.
pub(super) fn is_charged(
    pai: &str,
    subscription: &str,
    period_from: &str,
    period_to: &str,
    condition: &str,
) -> String {
    let first_day = |subscription: &str| {
        format!(
            "(SELECT min(b.in_force_from) FROM mandates b WHERE b.partner_subscription_id = {subscription})"
        )
    };
    let (begin, others_begin) = (first_day(subscription), first_day("o.partner_subscription_id"));
    format!(
        "EXISTS (SELECT 1 FROM transactions t LEFT JOIN LATERAL
                 (SELECT * FROM mandates l WHERE l.mandate_id = t.mandate_id LIMIT 1) o ON TRUE
                 WHERE t.pai = {pai} AND t.status <> 'DECLINED' AND t.period_to >= {period_from}
                     AND t.period_from <= {period_to} {condition}
                     AND (o.partner_subscription_id = {subscription}
                         OR t.mandate_id IS NULL AND t.fingerprint IS NULL
                         OR o.mandate_id IS NOT NULL
                             AND NOT (t.period_from < {begin} AND {begin} <= {period_from}
                                 OR {period_from} < {others_begin} AND {others_begin} <= t.period_from))
                     AND (t.migration_file IS NULL OR t.amount_minor > t.refunded_minor)
                     AND t.amount_minor > t.refunded_minor - (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                                           WHERE f.transaction_id = t.transaction_id AND f.status = 'PENDING'))"
    )
}

/// A mandate `m` of each subscription that a charge `c` may be for, or of the one that it names, in the
/// order of `m.rank`. Of a subscription it is the latest mandate that was in force on the first day of
/// the period, or else the first that came into force within its first month, because the first month
/// of a partner that charges calendar months begins before its customer has come. Those come first that
/// were in force on the first day; among them the latest, and among the others the earliest. Those that
/// had been cancelled when the period began come last, so that the response can say so.
pub(super) fn join_mandates() -> String {
    let is_charged = is_charged("p.pai", "e.partner_subscription_id", "c.period_from", "c.period_to", "");
    let order = |mandate: &str| {
        format!(
            "{mandate}.in_force_from > c.period_from,
             CASE WHEN {mandate}.in_force_from <= c.period_from THEN {mandate}.in_force_from END DESC,
             {mandate}.in_force_from, {mandate}.sequence DESC"
        )
    };
    let (of_subscription, of_all) = (order("b"), order("a"));
    format!(
        "LEFT JOIN LATERAL (
             SELECT a.mandate_id, a.offer, a.plan, a.price_minor, a.currency AS price_currency,
                 coalesce(e.ended_at < c.begins_at, FALSE) AS is_over,
                 CASE WHEN e.ended_at < c.begins_at THEN FALSE ELSE {is_charged} END AS is_charged,
                 row_number() OVER (ORDER BY coalesce(e.ended_at < c.begins_at, FALSE), {of_all}) AS rank
             FROM partner_subscriptions e CROSS JOIN LATERAL (
                 SELECT b.* FROM mandates b
                 WHERE b.partner_subscription_id = e.partner_subscription_id
                     AND b.in_force_from <= c.first_month_to
                 ORDER BY {of_subscription} LIMIT 1) a
             WHERE e.pai = p.pai AND (c.subscription IS NULL OR e.partner_subscription_id = c.subscription)
             ORDER BY rank LIMIT {CANDIDATES_MAX}) m ON TRUE"
    )
}

pub(super) async fn find_payer(tx: &PgConnection<'_>, new: &NewCharge) -> Result<Option<Payer>, TxError> {
    let sql = format!(
        "SELECT {PAYER} FROM (SELECT $3::TEXT AS period_from, $4::TEXT AS period_to, $5::BIGINT AS begins_at,
                 $6::TEXT AS first_month_to, $7::TEXT AS subscription) c
             CROSS JOIN pais p JOIN subscribers h USING (subscriber_id) {}
         WHERE p.partner = $1 AND p.pai = $2 ORDER BY m.rank",
        join_mandates()
    );
    let (from, to) =
        (new.request.service_period.from().to_string(), new.request.service_period.to().to_string());
    let values: Values<'_> = &[
        &new.partner.as_str(),
        &new.request.pai.to_string(),
        &from,
        &to,
        &new.rules.begins_at.unix_seconds(),
        &new.first_month_end().to_string(),
        &new.named_subscription(),
    ];
    let rows = tx.query(&sql, values).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let mut candidates = Vec::new();
    for row in &rows {
        candidates.extend(read_mandate(row)?);
    }
    Ok(Some(read_payer(first, new, candidates)?))
}

/// Reads the payer from any of its rows, and chooses among the mandates of all.
pub(super) fn read_payer(row: &Row, new: &NewCharge, candidates: Vec<Mandate>) -> Result<Payer, TxError> {
    Ok(Payer {
        subscriber_id: row.try_get("subscriber_id")?,
        handle: row.try_get("handle")?,
        subscriber: read_subscriber(row)?,
        decline_reason: read_decline_reason_of_pai(row)?,
        mandate: new.choose_mandate(candidates),
        is_dark: row.try_get("is_dark")?,
    })
}

pub(super) fn read_mandate(row: &Row) -> Result<Option<Mandate>, TxError> {
    let Some(id) = row.try_get("mandate_id")? else { return Ok(None) };
    Ok(Some(Mandate {
        id,
        offer: parse_optional_column(row, "mandates.offer", OfferId::parse)?,
        plan: parse_column(row, "mandates.plan", ExtId::parse)?,
        price: read_price(row, "mandates.price_currency")?,
        is_over: row.try_get("is_over")?,
        is_charged: row.try_get("is_charged")?,
    }))
}

/// Reads why a PAI's state declines its charges: it is suspended or closed.
fn read_decline_reason_of_pai(row: &Row) -> Result<Option<DeclineReason>, TxError> {
    match parse_column(row, "pais.state", PaiState::parse)? {
        PaiState::Active => Ok(None),
        PaiState::Suspended => Ok(Some(DeclineReason::AccountOnHold)),
        PaiState::Closed => Ok(Some(parse_column(row, "pais.closed_reason", DeclineReason::parse)?)),
    }
}
