//! Redemptions in SQL.

use crate::store::charge::{ChargeRules, NewCharge, sqlite as charge};
use crate::store::coupon::sqlite as coupon;
use crate::store::error::{StoreError, inconsistent_row, missing_row};
use crate::store::pai::sqlite as pai;
use crate::store::queue::{Job, sqlite as queue};
use crate::store::redemption::{NewRedemption, RedeemResult, period_after};
use crate::store::redemption_outcome::sqlite::find_outcome;
use crate::store::redemption_outcome::{RedemptionOutcome, charge_name};
use crate::store::sqlite::rows::{parse_column, read_amount, read_pai};
use crate::store::subscription::sqlite as subscription;
use crate::store::tally::{Counted, sqlite as tally};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::digest::sha256;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionRequest;
use rusqlite::{Connection, params};

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

pub(in crate::store) fn redeem_coupon(
    tx: &Connection,
    now: Timestamp,
    new: &NewRedemption,
) -> Result<RedeemResult, StoreError> {
    if let Some(redeeming) = replay_redemption(tx, now, new)? {
        return Ok(redeeming);
    }
    let Some(coupon) = find_claimed_coupon(tx, now, new)? else {
        return count_wrong_code(tx, now, &new.partner);
    };
    if let Some(transaction_id) = &coupon.transaction_id {
        return Ok(match find_outcome(tx, now, transaction_id)? {
            Some(_) => RedeemResult::Used,
            None => RedeemResult::InProgress,
        });
    }
    if coupon.is_expired {
        return Ok(RedeemResult::Expired);
    }
    let named = new.pai.map(|pai| pai::find_pai(tx, &new.partner, pai)).transpose()?.flatten();
    let buyer = pai::find_pai(tx, &new.partner, coupon.request.pai)?;
    if named.iter().chain(&buyer).any(|row| row.is_dark) {
        return Ok(RedeemResult::NotCutOver);
    }
    let pai = match new.pai {
        // A partner names users who pay on the bill. If it names none and the buyer pays on the
        // bill, the user is another person, who is not known.
        None => (!subscription::has_live_subscription(tx, coupon.request.pai)?).then_some(coupon.request.pai),
        Some(pai) => match named.map(|row| row.state) {
            Some(PaiState::Active | PaiState::Suspended) => Some(pai),
            Some(PaiState::Closed) | None => return Ok(RedeemResult::PaiNotFound),
        },
    };
    let Some(period) = find_next_period(tx, Day::of_timestamp(now), pai, coupon.months)? else {
        return Ok(RedeemResult::NoDaysLeft);
    };
    claim_coupon(tx, now, new, coupon, pai, period)
}

/// The reference was used before: the same code and PAI get the stored outcome, others are refused.
fn replay_redemption(
    tx: &Connection,
    now: Timestamp,
    new: &NewRedemption,
) -> Result<Option<RedeemResult>, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT r.transaction_id, r.code_hash, r.requested_pai, t.fingerprint IS NULL AS is_adopted
         FROM coupon_redemptions r JOIN transactions t USING (transaction_id)
         WHERE r.partner = ?1 AND r.ext_reference = ?2",
    )?;
    let mut rows = select.query(params![new.partner.as_str(), new.ext_reference.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let requested_pai: Option<String> = row.get("requested_pai")?;
    // What the partner has asked for is not known of an adopted one.
    let is_adopted: bool = row.get("is_adopted")?;
    if row.get::<_, [u8; 32]>("code_hash")? != new.code
        || (!is_adopted && requested_pai != new.pai.map(|pai| pai.to_string()))
    {
        return Ok(Some(RedeemResult::Conflict));
    }
    let end = find_outcome(tx, now, &row.get::<_, String>("transaction_id")?)?;
    Ok(Some(end.map_or(RedeemResult::InProgress, RedeemResult::Decided)))
}

fn find_claimed_coupon(
    tx: &Connection,
    now: Timestamp,
    new: &NewRedemption,
) -> Result<Option<Claimed>, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT c.* FROM coupons c JOIN pais p USING (pai)
         WHERE c.code_hash = ?1 AND p.partner = ?2 AND c.voided_at IS NULL",
    )?;
    let mut rows = select.query(params![new.code, new.partner.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let coupon_id: String = row.get("coupon_id")?;
    let declined_before = count_redemptions(tx, &coupon_id)?;
    let charge_id =
        (new.charge_id)(&parse_column(row, "coupons.ext_coupon_id", ExtId::parse)?, declined_before);
    Ok(Some(Claimed {
        coupon_id,
        months: row.get("months")?,
        is_expired: now.unix_seconds() >= row.get("expires_at")?,
        transaction_id: row.get("transaction_id")?,
        request: TransactionRequest {
            ext_transaction_id: charge_name(&charge_id)
                .ok_or_else(|| inconsistent_row("transactions.ext_transaction_id"))?,
            pai: read_pai(row, "coupons.pai")?,
            amount: read_amount(row, "coupons.currency")?,
            description: row.get("description")?,
            // A placeholder, until the days are known.
            service_period: ServicePeriod::new(Day::of_timestamp(now), Day::of_timestamp(now))
                .map_err(|_| inconsistent_row("coupon_redemptions.period_from"))?,
            tax: None,
            partner_subscription_id: None,
        },
        offer: parse_column(row, "coupons.offer", OfferId::parse)?,
        charge_id,
    }))
}

/// Of a coupon that can be redeemed, all redemptions so far were declined.
fn count_redemptions(tx: &Connection, coupon_id: &str) -> Result<u32, StoreError> {
    Ok(tx
        .prepare_cached("SELECT count(*) FROM coupon_redemptions WHERE coupon_id = ?1")?
        .query_row([coupon_id], |row| row.get(0))?)
}

fn count_wrong_code(
    tx: &Connection,
    now: Timestamp,
    partner: &PartnerId,
) -> Result<RedeemResult, StoreError> {
    Ok(RedeemResult::Unknown { wrong: tally::count_in_hour(tx, now, Counted::WrongCouponCodes(partner))? })
}

/// The months from the first day that no coupon and no charge has paid for; from today if the user
/// is not known. A fully refunded charge pays for nothing, once billing has approved the refunds.
fn find_next_period(
    tx: &Connection,
    today: Day,
    pai: Option<Pai>,
    months: u8,
) -> Result<Option<ServicePeriod>, StoreError> {
    let Some(pai) = pai else { return Ok(period_after(today, std::iter::empty(), months)) };
    // A coupon's charge is its buyer's, while its days may be another user's.
    let charged: Option<String> = tx
        .prepare_cached(
            "SELECT max(t.period_to) FROM transactions t WHERE t.pai = ?1 AND t.status <> 'DECLINED'
                 AND (t.migration_file IS NULL OR t.amount_minor > t.refunded_minor)
                 AND t.amount_minor > t.refunded_minor - (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                                       WHERE f.transaction_id = t.transaction_id AND f.status = 'PENDING')
                 AND NOT EXISTS (SELECT 1 FROM coupon_redemptions r WHERE r.transaction_id = t.transaction_id)",
        )?
        .query_row([pai.to_string()], |row| row.get(0))?;
    let charged = charged
        .map(|day| Day::parse(&day).ok_or_else(|| inconsistent_row("transactions.period_to")))
        .transpose()?;
    let redeemed = coupon::find_paid_until(tx, pai, today)?;
    Ok(period_after(today, charged.into_iter().chain(redeemed), months))
}

fn claim_coupon(
    tx: &Connection,
    now: Timestamp,
    new: &NewRedemption,
    coupon: Claimed,
    pai: Option<Pai>,
    period: ServicePeriod,
) -> Result<RedeemResult, StoreError> {
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
        charge::record_coupon_charge(tx, now, &charge)?.ok_or_else(|| missing_row("pais"))?;
    tx.prepare_cached(
        "INSERT INTO coupon_redemptions (transaction_id, coupon_id, partner, ext_reference, code_hash, requested_pai, pai,
             period_from, period_to, outcome, responding_until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        coupon.charge_id,
        coupon.coupon_id,
        new.partner.as_str(),
        new.ext_reference.as_str(),
        new.code,
        new.pai.map(|pai| pai.to_string()),
        pai.map(|pai| pai.to_string()),
        period.from().to_string(),
        period.to().to_string(),
        if decline.is_some() { "DECLINED" } else { "PENDING" },
        new.responding_until.unix_seconds(),
    ])?;
    if let Some(reason) = decline {
        return Ok(RedeemResult::Decided(RedemptionOutcome::Declined(reason)));
    }
    tx.prepare_cached("UPDATE coupons SET redeemed_at = ?2, transaction_id = ?3 WHERE coupon_id = ?1")?
        .execute(params![coupon.coupon_id, now.unix_seconds(), coupon.charge_id])?;
    let job = Job::Charge { transaction_id: coupon.charge_id };
    queue::put_leased(tx, &job, now, new.responding_until)?;
    Ok(RedeemResult::Created(Box::new(charge)))
}
