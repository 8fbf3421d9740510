//! Who pays a charge, and what they have agreed to, in SQL.

use super::{Decline, Mandate, NewCharge};
use crate::store::number::BilledSubscriber;
use crate::store::postgres::connection::{PgConnection, Values};
use crate::store::postgres::rows::{parse_column, parse_optional_column, read_subscriber};
use crate::store::postgres::tx_error::TxError;
use onbill_domain::currency::Currency;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::ExtId;
use onbill_domain::money::Money;
use onbill_domain::pai::PaiState;
use tokio_postgres::Row;

/// Who pays a charge, and why the PAI declines it, if it does.
pub(super) struct Payer {
    pub(super) subscriber_id: String,
    pub(super) handle: String,
    pub(super) subscriber: Option<BilledSubscriber>,
    pub(super) decline_reason: Option<DeclineReason>,
    pub(super) mandate: Option<Mandate>,
}

impl Payer {
    /// The plan that the charge is for.
    pub(super) fn plan(&self) -> Option<ExtId> {
        self.mandate.as_ref().map(|mandate| mandate.plan.clone())
    }

    /// What declines the charge whatever else was charged.
    pub(super) fn find_decline(&self, new: &NewCharge) -> Option<Decline> {
        let by_pai = self.decline_reason.map(Decline::from);
        by_pai.or_else(|| new.find_gap(self.mandate.as_ref()).map(Decline::from))
    }
}

/// A charge `t` of which billing has not refunded everything.
pub(super) const UNREFUNDED: &str = "t.amount_minor > (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
    WHERE f.transaction_id = t.transaction_id AND f.status = 'APPROVED')";

/// The payer's columns, and those of the mandate.
pub(super) const PAYER: &str =
    "p.state, p.closed_reason, h.subscriber_id, h.handle, h.number_index, h.number_sealed, h.subscriber_ref,
     m.mandate_id, m.plan, m.price_minor, m.price_currency, m.is_over, m.is_charged";

/// The mandate `m` of a charge `c`, of those whose subscription had not been cancelled when the
/// period began: the latest that was in force on its first day, or else the first that came into
/// force within its first month, because the first month of a partner that charges calendar months
/// begins before its customer has come. Without one, a mandate that had ended, so that the response
/// can say so.
///
/// Days are charged already by another charge of the same subscription; by one of another
/// subscription that began with this one or later, or the partner could have the same days paid again
/// by reporting a new subscription; and by an adopted charge, of which the ledger has lost the mandate.
pub(super) fn join_mandate() -> String {
    format!(
        "LEFT JOIN LATERAL (
             SELECT a.mandate_id, a.plan, a.price_minor, a.currency AS price_currency,
                 coalesce(e.ended_at < c.begins_at, FALSE) AS is_over,
                 EXISTS (SELECT 1 FROM transactions t LEFT JOIN mandates o ON o.mandate_id = t.mandate_id
                         WHERE t.pai = p.pai AND t.status <> 'DECLINED' AND t.period_to >= c.period_from
                             AND t.period_from <= c.period_to
                             AND (o.partner_subscription_id = a.partner_subscription_id
                                 OR o.mandate_id IS NOT NULL AND t.period_from >= least(a.in_force_from, c.period_from)
                                 OR t.mandate_id IS NULL AND t.fingerprint IS NULL)
                             AND {UNREFUNDED})
                     AS is_charged
             FROM mandates a JOIN partner_subscriptions e USING (partner_subscription_id)
             WHERE a.pai = p.pai AND a.in_force_from <= c.first_month_to
             ORDER BY coalesce(e.ended_at < c.begins_at, FALSE), a.in_force_from > c.period_from,
                 CASE WHEN a.in_force_from <= c.period_from THEN a.in_force_from END DESC, a.in_force_from,
                 a.sequence DESC
             LIMIT 1) m ON TRUE"
    )
}

pub(super) async fn find_payer(tx: &PgConnection<'_>, new: &NewCharge) -> Result<Option<Payer>, TxError> {
    let sql = format!(
        "SELECT {PAYER} FROM (SELECT $3::TEXT AS period_from, $4::TEXT AS period_to, $5::BIGINT AS begins_at,
                 $6::TEXT AS first_month_to) c
             CROSS JOIN pais p JOIN subscribers h USING (subscriber_id) {}
         WHERE p.partner = $1 AND p.pai = $2",
        join_mandate()
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
    ];
    let row = tx.query_optional(&sql, values).await?;
    row.as_ref().map(read_payer).transpose()
}

pub(super) fn read_payer(row: &Row) -> Result<Payer, TxError> {
    Ok(Payer {
        subscriber_id: row.try_get("subscriber_id")?,
        handle: row.try_get("handle")?,
        subscriber: read_subscriber(row)?,
        decline_reason: read_decline_reason_of_pai(row)?,
        mandate: read_mandate(row)?,
    })
}

fn read_mandate(row: &Row) -> Result<Option<Mandate>, TxError> {
    let Some(id) = row.try_get("mandate_id")? else { return Ok(None) };
    let currency = parse_optional_column(row, "mandates.price_currency", Currency::parse)?;
    let amount_minor: Option<i64> = row.try_get("price_minor")?;
    Ok(Some(Mandate {
        id,
        plan: parse_column(row, "mandates.plan", ExtId::parse)?,
        price: amount_minor.zip(currency).map(|(amount_minor, currency)| Money { amount_minor, currency }),
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
