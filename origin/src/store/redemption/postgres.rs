//! Redemptions in SQL.
//!
//! The PAIs of buyer and user are locked, so that two redemptions for one user come one after the other,
//! and neither PAI is turned off meanwhile. A partner's charge locks its PAI too, and looks for coupons
//! afterwards.

use crate::store::charge::{ChargeRules, NewCharge, postgres as charge};
use crate::store::coupon::postgres as coupon;
use crate::store::coupon::postgres::{lock_coupon, read_months};
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::pai::postgres_lock as pai_lock;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, read_amount, read_count, read_hash, read_pai};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{Job, postgres as queue};
use crate::store::redemption::{NewRedemption, RedeemResult, period_after};
use crate::store::redemption_outcome::postgres::find_outcome;
use crate::store::redemption_outcome::{RedemptionOutcome, charge_name};
use crate::store::subscription::postgres as subscription;
use crate::store::tally::{Counted, postgres as tally};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::digest::sha256;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionRequest;

struct Claimed {
    coupon_id: String,
    months: u8,
    is_expired: bool,
    transaction_id: Option<String>,
    /// The id of its charge, if it can be redeemed.
    charge_id: String,
    offer: OfferId,
    request: TransactionRequest,
}

pub(in crate::store) async fn redeem_coupon(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewRedemption,
) -> Result<RedeemResult, TxError> {
    if let Some(redeeming) = replay_redemption(tx, now, new).await? {
        return Ok(redeeming);
    }
    let Some(coupon) = lock_and_find_coupon(tx, now, new).await? else {
        return count_wrong_code(tx, now, &new.partner).await;
    };
    // Another call with the same reference may have held the lock until now.
    if let Some(redeeming) = replay_redemption(tx, now, new).await? {
        return Ok(redeeming);
    }
    if let Some(transaction_id) = &coupon.transaction_id {
        return Ok(match find_outcome(tx, now, transaction_id).await? {
            Some(_) => RedeemResult::Used,
            None => RedeemResult::InProgress,
        });
    }
    if coupon.is_expired {
        return Ok(RedeemResult::Expired);
    }
    let named_or_buyer = new.pai.unwrap_or(coupon.request.pai);
    let locked = pai_lock::lock_pais(tx, &new.partner, &[coupon.request.pai, named_or_buyer]).await?;
    if locked.values().any(|pai| pai.is_dark) {
        return Ok(RedeemResult::NotCutOver);
    }
    match locked.get(&named_or_buyer).map(|pai| pai.state) {
        Some(PaiState::Active | PaiState::Suspended) => {}
        Some(PaiState::Closed) if new.pai.is_none() => {}
        Some(PaiState::Closed) | None => return Ok(RedeemResult::PaiNotFound),
    }
    // A partner names users who pay on the bill. If it names none and the buyer pays on the bill,
    // the user is another person, who is not known. A subscription that begins at this moment waits
    // for the PAI.
    let is_unassigned = new.pai.is_none() && subscription::has_live_subscription(tx, named_or_buyer).await?;
    let pai = (!is_unassigned).then_some(named_or_buyer);
    let Some(period) = find_next_period(tx, Day::of_timestamp(now), pai, coupon.months).await? else {
        return Ok(RedeemResult::NoDaysLeft);
    };
    claim_coupon(tx, now, new, coupon, pai, period).await
}

/// The reference was used before: the same code and PAI get the stored outcome, others are refused.
async fn replay_redemption(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewRedemption,
) -> Result<Option<RedeemResult>, TxError> {
    let row = tx
        .query_optional(
            "SELECT r.transaction_id, r.coupon_id, r.code_hash, r.requested_pai, t.fingerprint IS NULL AS is_adopted
             FROM coupon_redemptions r JOIN transactions t USING (transaction_id)
             WHERE r.partner = $1 AND r.ext_reference = $2",
            &[&new.partner.as_str(), &new.ext_reference.as_str()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let requested_pai: Option<String> = row.try_get("requested_pai")?;
    // What the partner has asked for is not known of an adopted one.
    let is_adopted: bool = row.try_get("is_adopted")?;
    if read_hash(&row, "coupon_redemptions.code_hash")? != new.code
        || (!is_adopted && requested_pai != new.pai.map(|pai| pai.to_string()))
    {
        return Ok(Some(RedeemResult::Conflict));
    }
    lock_coupon(tx, row.try_get("coupon_id")?).await?;
    let end = find_outcome(tx, now, row.try_get("transaction_id")?).await?;
    Ok(Some(end.map_or(RedeemResult::InProgress, RedeemResult::Decided)))
}

async fn lock_and_find_coupon(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewRedemption,
) -> Result<Option<Claimed>, TxError> {
    let row = tx
        .query_optional(
            "SELECT c.coupon_id, c.ext_coupon_id, c.months, c.expires_at, c.transaction_id, c.pai, c.amount_minor,
                 c.currency, c.description, c.offer
             FROM coupons c JOIN pais p USING (pai)
             WHERE c.code_hash = $1 AND p.partner = $2 AND c.voided_at IS NULL FOR UPDATE OF c",
            &[&new.code.as_slice(), &new.partner.as_str()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let coupon_id: String = row.try_get("coupon_id")?;
    // Not in the query that has locked the coupon: it could have waited, and would count what was
    // there before.
    let declined_before = count_redemptions(tx, &coupon_id).await?;
    let charge_id =
        (new.charge_id)(&parse_column(&row, "coupons.ext_coupon_id", ExtId::parse)?, declined_before);
    Ok(Some(Claimed {
        coupon_id,
        months: read_months(&row)?,
        is_expired: now.unix_seconds() >= row.try_get("expires_at")?,
        transaction_id: row.try_get("transaction_id")?,
        request: TransactionRequest {
            ext_transaction_id: charge_name(&charge_id)
                .ok_or_else(|| inconsistent_row("transactions.ext_transaction_id"))?,
            pai: read_pai(&row, "coupons.pai")?,
            amount: read_amount(&row, "coupons.currency")?,
            description: row.try_get("description")?,
            // A placeholder, until the days are known.
            service_period: ServicePeriod::new(Day::of_timestamp(now), Day::of_timestamp(now))
                .map_err(|_| inconsistent_row("coupon_redemptions.period_from"))?,
            tax: None,
            partner_subscription_id: None,
        },
        offer: parse_column(&row, "coupons.offer", OfferId::parse)?,
        charge_id,
    }))
}

/// Of a coupon that can be redeemed, all redemptions so far were declined.
async fn count_redemptions(tx: &PgConnection<'_>, coupon_id: &str) -> Result<u32, TxError> {
    let row = tx
        .query_optional(
            "SELECT count(*) AS count FROM coupon_redemptions WHERE coupon_id = $1",
            &[&coupon_id],
        )
        .await?
        .ok_or_else(|| missing_row("coupon_redemptions"))?;
    read_count(&row, "coupon_redemptions.count")
}

async fn count_wrong_code(
    tx: &PgConnection<'_>,
    now: Timestamp,
    partner: &PartnerId,
) -> Result<RedeemResult, TxError> {
    let wrong = tally::count_in_hour(tx, now, Counted::WrongCouponCodes(partner)).await?;
    Ok(RedeemResult::Unknown { wrong })
}

/// The months from the first day that no coupon and no charge has paid for; from today if the user
/// is not known. A fully refunded charge pays for nothing, once billing has approved the refunds.
async fn find_next_period(
    tx: &PgConnection<'_>,
    today: Day,
    pai: Option<Pai>,
    months: u8,
) -> Result<Option<ServicePeriod>, TxError> {
    let Some(pai) = pai else { return Ok(period_after(today, std::iter::empty(), months)) };
    // A coupon's charge is its buyer's, while its days may be another user's.
    let charged = tx
        .query_optional(
            "SELECT max(t.period_to) AS until FROM transactions t WHERE t.pai = $1 AND t.status <> 'DECLINED'
                 AND (t.migration_file IS NULL OR t.amount_minor > t.refunded_minor)
                 AND t.amount_minor > t.refunded_minor - (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                                       WHERE f.transaction_id = t.transaction_id AND f.status = 'PENDING')
                 AND NOT EXISTS (SELECT 1 FROM coupon_redemptions r WHERE r.transaction_id = t.transaction_id OFFSET 0)",
            &[&pai.to_string()],
        )
        .await?;
    let charged = coupon::read_last_day(charged)?;
    let redeemed = coupon::find_paid_until(tx, pai, today).await?;
    Ok(period_after(today, charged.into_iter().chain(redeemed), months))
}

async fn claim_coupon(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewRedemption,
    coupon: Claimed,
    pai: Option<Pai>,
    period: ServicePeriod,
) -> Result<RedeemResult, TxError> {
    let request = TransactionRequest { service_period: period, ..coupon.request };
    let fingerprint =
        sha256(&serde_json::to_vec(&request).map_err(|_| inconsistent_row("transactions.fingerprint"))?);
    let charge = NewCharge {
        transaction_id: coupon.charge_id.clone(),
        partner: new.partner.clone(),
        fingerprint,
        request,
        codes: new.codes.clone(),
        offer: Some(coupon.offer),
        limits: None,
        rules: ChargeRules::none(now),
        responding_until: new.responding_until,
    };
    let (charge, decline) =
        charge::record_coupon_charge(tx, now, &charge).await?.ok_or_else(|| missing_row("pais"))?;
    tx.execute_one(
        "coupon_redemptions",
        "INSERT INTO coupon_redemptions (transaction_id, coupon_id, partner, ext_reference, code_hash, requested_pai, pai,
             period_from, period_to, outcome, responding_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            &coupon.charge_id,
            &coupon.coupon_id,
            &new.partner.as_str(),
            &new.ext_reference.as_str(),
            &new.code.as_slice(),
            &new.pai.map(|pai| pai.to_string()),
            &pai.map(|pai| pai.to_string()),
            &period.from().to_string(),
            &period.to().to_string(),
            &if decline.is_some() { "DECLINED" } else { "PENDING" },
            &new.responding_until.unix_seconds(),
        ],
    )
    .await?;
    if let Some(reason) = decline {
        return Ok(RedeemResult::Decided(RedemptionOutcome::Declined(reason)));
    }
    tx.execute_one(
        "coupons",
        "UPDATE coupons SET redeemed_at = $2, transaction_id = $3 WHERE coupon_id = $1",
        &[&coupon.coupon_id, &now.unix_seconds(), &coupon.charge_id],
    )
    .await?;
    let job = Job::Charge { transaction_id: coupon.charge_id };
    queue::put_leased(tx, &job, now, new.responding_until).await?;
    Ok(RedeemResult::Created(Box::new(charge)))
}
