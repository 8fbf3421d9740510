//! Adoption of what was lost, in SQL.

use super::{AdoptResult, FollowResult, LostCharge, LostPai, LostRedemption, LostRefund, compare_states};
use crate::config::Booking;
use crate::store::coupon::postgres::read_months;
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::pai::postgres as pai;
use crate::store::pai::postgres_lock as pai_lock;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, parse_optional_column, read_amount, read_hash};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{Job, WebhookJob, postgres as queue};
use crate::store::redemption_outcome::charge_name;
use crate::store::spending::postgres as spending;
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::spending::SpendingLimits;
use onbill_domain::tax::tax_given_back;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;
use tokio_postgres::Row;

fn status_word(is_billed: bool) -> &'static str {
    if is_billed { TransactionStatus::Approved.as_str() } else { TransactionStatus::Pending.as_str() }
}

/// An adopted charge, whatever it is for.
struct NewRow<'a> {
    transaction_id: &'a str,
    ext_transaction_id: &'a str,
    pai: &'a str,
    amount: Money,
    tax_minor: Option<i64>,
    description: &'a str,
    period: ServicePeriod,
    booking: Booking,
    is_billed: bool,
}

/// False when there is such a charge already.
async fn insert_charge(tx: &PgConnection<'_>, now: Timestamp, row: NewRow<'_>) -> Result<bool, TxError> {
    let settled_at = row.is_billed.then(|| now.unix_seconds());
    let written = tx
        .execute(
            "INSERT INTO transactions (transaction_id, partner, ext_transaction_id, pai, amount_minor, currency, tax_minor,
                 description, period_from, period_to, status, responding_until, created_at, settled_at, offer, plan,
                 charge_code)
             SELECT $1, p.partner, $2, p.pai, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14, $15
             FROM pais p WHERE p.pai = $3 ON CONFLICT DO NOTHING",
            &[
                &row.transaction_id,
                &row.ext_transaction_id,
                &row.pai,
                &row.amount.amount_minor,
                &row.amount.currency.as_str(),
                &row.tax_minor,
                &row.description,
                &row.period.from().to_string(),
                &row.period.to().to_string(),
                &status_word(row.is_billed),
                &now.unix_seconds(),
                &settled_at,
                &row.booking.offer.as_ref().map(OfferId::as_str),
                &row.booking.plan.as_ref().map(ExtId::as_str),
                &row.booking.charge_code.as_ref().map(ChargeCode::as_str),
            ],
        )
        .await?;
    Ok(written == 1)
}

pub(super) async fn adopt_charge(
    tx: &PgConnection<'_>,
    now: Timestamp,
    lost: &LostCharge,
) -> Result<AdoptResult, TxError> {
    pai_lock::lock_named_pais(tx, &[lost.pai.as_str()]).await?;
    let payer = tx
        .query_optional(
            "SELECT p.subscriber_id, p.dark_since IS NOT NULL AS is_dark, m.offer, m.plan FROM pais p
                 LEFT JOIN partner_subscriptions s ON s.pai = p.pai AND s.status <> 'CANCELLED'
                 LEFT JOIN mandates m ON m.sequence = (
                     SELECT c.sequence FROM mandates c
                     WHERE c.partner_subscription_id = s.partner_subscription_id
                     ORDER BY c.in_force_from > $3,
                         CASE WHEN c.in_force_from <= $3 THEN c.in_force_from END DESC, c.in_force_from,
                         c.sequence DESC
                     LIMIT 1)
             WHERE p.partner = $1 AND p.pai = $2",
            &[&lost.partner.as_str(), &lost.pai.to_string(), &lost.service_period.from().to_string()],
        )
        .await?;
    let Some(payer) = payer else { return Ok(AdoptResult::PaiNotFound) };
    if payer.try_get("is_dark")? && !lost.is_billed {
        return Ok(AdoptResult::NotCutOver);
    }
    let booking = lost.codes.book(
        &lost.partner,
        parse_optional_column(&payer, "mandates.offer", OfferId::parse)?,
        parse_optional_column(&payer, "mandates.plan", ExtId::parse)?,
    );
    let row = NewRow {
        transaction_id: &lost.transaction_id,
        ext_transaction_id: lost.ext_transaction_id.as_str(),
        pai: &lost.pai.to_string(),
        amount: lost.amount,
        tax_minor: lost.tax_minor,
        description: &lost.description,
        period: lost.service_period,
        booking,
        is_billed: lost.is_billed,
    };
    if !insert_charge(tx, now, row).await? {
        return Ok(AdoptResult::Present);
    }
    let subscriber_id: &str = payer.try_get("subscriber_id")?;
    // It was within the limits when it was posted, and counts against them.
    let limits = SpendingLimits::default();
    let id = &lost.transaction_id;
    if let Ok(spent) =
        spending::count_charge_against_limits(tx, now, subscriber_id, id, lost.amount, &limits).await?
    {
        spending::write_spending(tx, subscriber_id, lost.amount.currency, spent).await?;
    }
    let transaction_id = lost.transaction_id.clone();
    if !lost.is_billed {
        // As after a first attempt: the next one asks billing first.
        queue::put(tx, &Job::Charge { transaction_id }, now, 1).await?;
    } else if lost.informs_partner {
        queue::put(tx, &Job::Webhook(WebhookJob::Charge { transaction_id }), now, 0).await?;
    }
    Ok(AdoptResult::Adopted)
}

pub(super) async fn adopt_refund(
    tx: &PgConnection<'_>,
    now: Timestamp,
    lost: &LostRefund,
) -> Result<AdoptResult, TxError> {
    let is_dark = pai_lock::lock_switch_of_charge(tx, &lost.partner, &lost.ext_transaction_id).await?;
    let charge = tx
        .query_optional(
            "SELECT transaction_id, amount_minor, currency, refunded_minor, tax_minor FROM transactions
             WHERE partner = $1 AND ext_transaction_id = $2 AND status = 'APPROVED' FOR UPDATE",
            &[&lost.partner.as_str(), &lost.ext_transaction_id.as_str()],
        )
        .await?;
    let present = tx
        .query_optional(
            "SELECT 1 FROM refunds WHERE partner = $1 AND ext_refund_id = $2",
            &[&lost.partner.as_str(), &lost.ext_refund_id.as_str()],
        )
        .await?;
    if present.is_some() {
        return Ok(AdoptResult::Present);
    }
    let Some(charge) = charge else { return Ok(AdoptResult::ChargeNotFound) };
    if !lost.is_billed && is_dark {
        return Ok(AdoptResult::NotCutOver);
    }
    let Money { amount_minor, currency } = read_amount(&charge, "transactions.currency")?;
    let refunded_minor: i64 = charge.try_get("refunded_minor")?;
    let left = amount_minor - refunded_minor;
    if lost.amount.currency != currency || !(1..=left).contains(&lost.amount.amount_minor) {
        return Ok(AdoptResult::NotWithinRemainder);
    }
    let transaction_id: &str = charge.try_get("transaction_id")?;
    tx.execute_one(
        "transactions",
        "UPDATE transactions SET refunded_minor = refunded_minor + $2 WHERE transaction_id = $1",
        &[&transaction_id, &lost.amount.amount_minor],
    )
    .await?;
    let tax_minor = charge
        .try_get::<_, Option<i64>>("tax_minor")?
        .map(|tax| tax_given_back(amount_minor, tax, refunded_minor, lost.amount.amount_minor));
    insert_refund(tx, now, lost, transaction_id, tax_minor).await?;
    let refund_id = lost.refund_id.clone();
    if lost.is_billed {
        spending::release_refund(tx, transaction_id, lost.amount.amount_minor).await?;
        if lost.informs_partner {
            queue::put(tx, &Job::Webhook(WebhookJob::Refund { refund_id }), now, 0).await?;
        }
    } else {
        queue::put(tx, &Job::Refund { refund_id }, now, 1).await?;
    }
    Ok(AdoptResult::Adopted)
}

async fn insert_refund(
    tx: &PgConnection<'_>,
    now: Timestamp,
    lost: &LostRefund,
    transaction_id: &str,
    tax_minor: Option<i64>,
) -> Result<(), TxError> {
    tx.execute_one(
        "refunds",
        "INSERT INTO refunds (refund_id, partner, ext_refund_id, transaction_id, amount_minor, reason, status,
             responding_until, created_at, settled_at, tax_minor)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10)",
        &[
            &lost.refund_id,
            &lost.partner.as_str(),
            &lost.ext_refund_id.as_str(),
            &transaction_id,
            &lost.amount.amount_minor,
            &lost.reason,
            &status_word(lost.is_billed),
            &now.unix_seconds(),
            &lost.is_billed.then(|| now.unix_seconds()),
            &tax_minor,
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn adopt_redemption(
    tx: &PgConnection<'_>,
    now: Timestamp,
    lost: &LostRedemption,
) -> Result<AdoptResult, TxError> {
    let coupon = tx
        .query_optional(
            "SELECT c.coupon_id, c.transaction_id, c.voided_at, c.pai, c.months, c.amount_minor, c.currency,
                 c.description, c.code_hash, c.offer, p.partner
             FROM coupons c JOIN pais p USING (pai) WHERE c.ext_coupon_id = $1 FOR UPDATE OF c",
            &[&lost.ext_coupon_id.as_str()],
        )
        .await?;
    let Some(coupon) = coupon else { return Ok(AdoptResult::CouponNotFound) };
    if coupon.try_get::<_, Option<&str>>("transaction_id")?.is_some() {
        return Ok(AdoptResult::Present);
    }
    if pai_lock::lock_switch(tx, "$1", &[&coupon.try_get::<_, &str>("pai")?]).await? && !lost.is_billed {
        return Ok(AdoptResult::NotCutOver);
    }
    let amount = read_amount(&coupon, "coupons.currency")?;
    if coupon.try_get::<_, Option<i64>>("voided_at")?.is_some() || amount != lost.amount {
        return Ok(AdoptResult::CouponDiffers);
    }
    let period = match lost.service_period {
        Some(period) => period,
        None => ServicePeriod::from_months(Day::of_timestamp(now), read_months(&coupon)?)
            .ok_or_else(|| inconsistent_row("coupons.months"))?,
    };
    let ext_transaction_id = charge_name(&lost.transaction_id)
        .ok_or_else(|| inconsistent_row("transactions.ext_transaction_id"))?;
    let row = NewRow {
        transaction_id: &lost.transaction_id,
        ext_transaction_id: ext_transaction_id.as_str(),
        pai: coupon.try_get("pai")?,
        amount,
        tax_minor: None,
        description: coupon.try_get("description")?,
        period,
        booking: lost.codes.book(
            &parse_column(&coupon, "pais.partner", PartnerId::parse)?,
            Some(parse_column(&coupon, "coupons.offer", OfferId::parse)?),
            None,
        ),
        is_billed: lost.is_billed,
    };
    if !insert_charge(tx, now, row).await? {
        return Ok(AdoptResult::Present);
    }
    spend_coupon(tx, now, lost, &coupon, period).await?;
    if !lost.is_billed {
        queue::put(tx, &Job::Charge { transaction_id: lost.transaction_id.clone() }, now, 1).await?;
    }
    Ok(AdoptResult::Adopted)
}

/// Records the redemption, and that the coupon is spent.
async fn spend_coupon(
    tx: &PgConnection<'_>,
    now: Timestamp,
    lost: &LostRedemption,
    coupon: &Row,
    period: ServicePeriod,
) -> Result<(), TxError> {
    let coupon_id: &str = coupon.try_get("coupon_id")?;
    tx.execute_one(
        "coupon_redemptions",
        "INSERT INTO coupon_redemptions (transaction_id, coupon_id, partner, ext_reference, code_hash, pai, period_from,
             period_to, outcome, responding_until)
         VALUES ($1, $2, $3, $4, $5, (SELECT pai FROM pais WHERE pai = $6), $7, $8, 'REDEEMED', $9)",
        &[
            &lost.transaction_id,
            &coupon_id,
            &coupon.try_get::<_, &str>("partner")?,
            &lost.ext_reference.as_ref().map(ExtId::as_str),
            &read_hash(coupon, "coupons.code_hash")?.as_slice(),
            &lost.pai.map(|pai| pai.to_string()),
            &period.from().to_string(),
            &period.to().to_string(),
            &now.unix_seconds(),
        ],
    )
    .await?;
    tx.execute_one(
        "coupons",
        "UPDATE coupons SET redeemed_at = $2, transaction_id = $3 WHERE coupon_id = $1",
        &[&coupon_id, &now.unix_seconds(), &lost.transaction_id],
    )
    .await?;
    Ok(())
}

pub(super) async fn adopt_pai(
    tx: &PgConnection<'_>,
    now: Timestamp,
    lost: &LostPai,
) -> Result<AdoptResult, TxError> {
    let wanted = lost.new.fresh.pai;
    let (row, is_new) = pai::find_or_create_pai(tx, now, &lost.new).await?;
    if row.pai != wanted {
        return Ok(AdoptResult::OtherPai);
    }
    if !is_new {
        return Ok(AdoptResult::Present);
    }
    follow_edge(tx, now, wanted, lost.state, lost.version).await?;
    // The edge may know the subscriber by another handle: this one is later.
    let pai = wanted.to_string();
    tx.execute_one("pais", "UPDATE pais SET version = version + 1 WHERE pai = $1", &[&pai]).await?;
    queue::put_pai_change(tx, now, &pai).await?;
    Ok(AdoptResult::Adopted)
}

pub(super) async fn follow_edge(
    tx: &PgConnection<'_>,
    now: Timestamp,
    pai: Pai,
    state: PaiState,
    version: u64,
) -> Result<FollowResult, TxError> {
    let pai = pai.to_string();
    let row = tx.query_optional("SELECT state FROM pais WHERE pai = $1 FOR UPDATE", &[&pai]).await?;
    let row = row.ok_or_else(|| missing_row("pais"))?;
    let result = compare_states(parse_column(&row, "pais.state", PaiState::parse)?, state);
    match result {
        FollowResult::Closed => pai::close_pai_row(tx, now, &pai, DeclineReason::AccountClosed).await?,
        FollowResult::Suspended => {
            let suspend = "UPDATE pais SET state = 'SUSPENDED', version = version + 1 WHERE pai = $1";
            tx.execute_one("pais", suspend, &[&pai]).await?;
        }
        FollowResult::Renumbered | FollowResult::ActiveAtEdge => {}
    }
    let version = i64::try_from(version).map_err(|_| inconsistent_row("pais.version"))?;
    tx.execute_one(
        "pais",
        "UPDATE pais SET version = greatest(version, $2) WHERE pai = $1",
        &[&pai, &version],
    )
    .await?;
    Ok(result)
}
