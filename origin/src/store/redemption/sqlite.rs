//! Redemptions in SQL. A coupon becomes free again only if its charge is declined before the call
//! is answered.

use crate::store::charge::{NewCharge, sqlite as charge};
use crate::store::coupon::sqlite as coupon;
use crate::store::error::{StoreError, inconsistent_row, missing_row};
use crate::store::pai::sqlite as pai;
use crate::store::queue::{Job, SettleResult, SmsJob, sqlite as queue};
use crate::store::redemption::{
    DueReminder, NewRedemption, RedeemResult, Redemption, RedemptionOutcome, period_after,
};
use crate::store::sqlite::rows::{
    parse_column, parse_optional_column, read_amount, read_locale, read_number, read_pai,
};
use crate::store::subscription::sqlite as subscription;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::digest::sha256;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionRequest;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

struct Claimed {
    coupon_id: String,
    months: u8,
    is_expired: bool,
    transaction_id: Option<String>,
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
    let pai = match new.pai {
        // A partner names users who pay on the bill. If it names none and the buyer pays on the
        // bill, the user is another person, who is not known.
        None => (!subscription::has_live_subscription(tx, coupon.request.pai)?).then_some(coupon.request.pai),
        Some(pai) => match pai::find_pai(tx, &new.partner, pai)?.map(|row| row.state) {
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
        "SELECT transaction_id, code_hash, requested_pai FROM coupon_redemptions
         WHERE partner = ?1 AND ext_reference = ?2",
    )?;
    let mut rows = select.query(params![new.partner.as_str(), new.ext_reference.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let requested_pai: Option<String> = row.get("requested_pai")?;
    if row.get::<_, [u8; 32]>("code_hash")? != new.code || requested_pai != new.pai.map(|pai| pai.to_string())
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
    Ok(Some(Claimed {
        coupon_id: row.get("coupon_id")?,
        months: row.get("months")?,
        is_expired: now.unix_seconds() >= row.get("expires_at")?,
        transaction_id: row.get("transaction_id")?,
        request: TransactionRequest {
            ext_transaction_id: new
                .ext_transaction_id()
                .ok_or_else(|| inconsistent_row("transactions.ext_transaction_id"))?,
            pai: read_pai(row, "coupons.pai")?,
            amount: read_amount(row, "coupons.currency")?,
            description: row.get("description")?,
            // A placeholder, until the days are known.
            service_period: ServicePeriod::new(Day::of_timestamp(now), Day::of_timestamp(now))
                .map_err(|_| inconsistent_row("coupon_redemptions.period_from"))?,
            tax: None,
        },
    }))
}

fn count_wrong_code(
    tx: &Connection,
    now: Timestamp,
    partner: &PartnerId,
) -> Result<RedeemResult, StoreError> {
    let wrong = tx
        .prepare_cached(
            "INSERT INTO coupon_guesses (partner, hour, wrong) VALUES (?1, ?2, 1)
             ON CONFLICT (partner, hour) DO UPDATE SET wrong = wrong + 1 RETURNING wrong",
        )?
        .query_row(params![partner.as_str(), now.unix_seconds() / 3_600], |row| row.get(0))?;
    Ok(RedeemResult::Unknown { wrong })
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
                 AND t.amount_minor > (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                                       WHERE f.transaction_id = t.transaction_id AND f.status = 'APPROVED')
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
        transaction_id: new.transaction_id.clone(),
        partner: new.partner.clone(),
        fingerprint,
        request,
        limits: None,
        responding_until: new.responding_until,
    };
    let (charge, verdict) =
        charge::record_coupon_charge(tx, now, &charge)?.ok_or_else(|| missing_row("pais"))?;
    tx.prepare_cached(
        "INSERT INTO coupon_redemptions (transaction_id, coupon_id, partner, ext_reference, code_hash, requested_pai, pai,
             period_from, period_to, outcome, responding_until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        new.transaction_id,
        coupon.coupon_id,
        new.partner.as_str(),
        new.ext_reference.as_str(),
        new.code,
        new.pai.map(|pai| pai.to_string()),
        pai.map(|pai| pai.to_string()),
        period.from().to_string(),
        period.to().to_string(),
        if verdict.is_some() { "DECLINED" } else { "PENDING" },
        new.responding_until.unix_seconds(),
    ])?;
    if let Some(reason) = verdict {
        return Ok(RedeemResult::Decided(RedemptionOutcome::Declined(reason)));
    }
    tx.prepare_cached("UPDATE coupons SET redeemed_at = ?2, transaction_id = ?3 WHERE coupon_id = ?1")?
        .execute(params![coupon.coupon_id, now.unix_seconds(), new.transaction_id])?;
    let job = Job::Charge { transaction_id: new.transaction_id.clone() };
    queue::put_leased(tx, &job, new.responding_until)?;
    Ok(RedeemResult::Created(Box::new(charge)))
}

/// `None` while the first call is being answered. If it never was, this call decides.
fn find_outcome(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
) -> Result<Option<RedemptionOutcome>, StoreError> {
    let in_progress: bool = tx
        .prepare_cached(
            "SELECT outcome = 'PENDING' AND responding_until > ?2 FROM coupon_redemptions WHERE transaction_id = ?1",
        )?
        .query_row(params![transaction_id, now.unix_seconds()], |row| row.get(0))?;
    if in_progress { Ok(None) } else { store_outcome(tx, transaction_id).map(Some) }
}

/// Stores the outcome that every replay gets: unless the coupon is free again by now, it is spent
/// permanently.
pub(in crate::store) fn store_outcome(
    tx: &Connection,
    transaction_id: &str,
) -> Result<RedemptionOutcome, StoreError> {
    tx.prepare_cached(
        "UPDATE coupon_redemptions SET outcome = 'REDEEMED' WHERE transaction_id = ?1 AND outcome = 'PENDING'",
    )?
    .execute([transaction_id])?;
    let mut select = tx.prepare_cached(
        "SELECT r.transaction_id, r.outcome, r.pai, r.period_from, r.period_to, c.plan, c.months, c.offer,
             c.amount_minor, c.currency, t.decline_reason
         FROM coupon_redemptions r JOIN coupons c USING (coupon_id)
             JOIN transactions t ON t.transaction_id = r.transaction_id
         WHERE r.transaction_id = ?1",
    )?;
    let mut rows = select.query([transaction_id])?;
    let row = rows.next()?.ok_or_else(|| missing_row("coupon_redemptions"))?;
    if row.get_ref("outcome")?.as_str().map_err(|_| inconsistent_row("coupon_redemptions.outcome"))?
        == "DECLINED"
    {
        return Ok(RedemptionOutcome::Declined(parse_column(
            row,
            "transactions.decline_reason",
            DeclineReason::parse,
        )?));
    }
    Ok(RedemptionOutcome::Redeemed(Box::new(Redemption {
        transaction_id: row.get("transaction_id")?,
        plan: parse_column(row, "coupons.plan", ExtId::parse)?,
        months: row.get("months")?,
        offer: parse_column(row, "coupons.offer", OfferId::parse)?,
        amount: read_amount(row, "coupons.currency")?,
        pai: parse_optional_column(row, "coupon_redemptions.pai", Pai::parse)?,
        service_period: read_period(row)?,
    })))
}

fn read_period(row: &Row<'_>) -> Result<ServicePeriod, StoreError> {
    let (from, to) = (
        parse_column(row, "coupon_redemptions.period_from", Day::parse)?,
        parse_column(row, "coupon_redemptions.period_to", Day::parse)?,
    );
    ServicePeriod::new(from, to).map_err(|_| inconsistent_row("coupon_redemptions.period_to"))
}

/// After a charge was declined: if it is a coupon's, the coupon is free again when the call has not
/// been answered; otherwise it stays spent, and unpaid.
pub(in crate::store) fn release_coupon(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
) -> Result<SettleResult, StoreError> {
    let redemption: Option<(String, String)> = tx
        .prepare_cached("SELECT coupon_id, outcome FROM coupon_redemptions WHERE transaction_id = ?1")?
        .query_row([transaction_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((coupon_id, outcome)) = redemption else { return Ok(SettleResult::Written) };
    if outcome == "PENDING" {
        tx.prepare_cached("UPDATE coupon_redemptions SET outcome = 'DECLINED' WHERE transaction_id = ?1")?
            .execute([transaction_id])?;
        tx.prepare_cached(
            "UPDATE coupons SET redeemed_at = NULL, transaction_id = NULL WHERE coupon_id = ?1",
        )?
        .execute([coupon_id])?;
        return Ok(SettleResult::Written);
    }
    tx.prepare_cached("UPDATE coupons SET unpaid_at = ?2 WHERE coupon_id = ?1")?
        .execute(params![coupon_id, now.unix_seconds()])?;
    Ok(SettleResult::Unpaid)
}

pub(in crate::store) fn is_coupon_charge(db: &Connection, transaction_id: &str) -> Result<bool, StoreError> {
    Ok(db
        .prepare_cached("SELECT 1 FROM coupon_redemptions WHERE transaction_id = ?1")?
        .exists([transaction_id])?)
}

/// The user's days end with this coupon, and they have not subscribed though they could.
const REMINDABLE: &str = "FROM coupon_redemptions r JOIN coupons c USING (coupon_id)
         JOIN transactions t ON t.transaction_id = r.transaction_id
         JOIN pais p ON p.pai = r.pai JOIN subscribers h USING (subscriber_id)
     WHERE r.outcome = 'REDEEMED' AND r.reminded_at IS NULL
        AND t.amount_minor > (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                              WHERE f.transaction_id = t.transaction_id AND f.status = 'APPROVED')
         AND p.state = 'ACTIVE'
         AND NOT EXISTS (SELECT 1 FROM partner_subscriptions s WHERE s.pai = r.pai AND s.status <> 'CANCELLED')
         AND NOT EXISTS (SELECT 1 FROM coupon_redemptions n JOIN transactions u ON u.transaction_id = n.transaction_id
                         WHERE n.pai = r.pai AND n.outcome <> 'DECLINED' AND n.period_to > r.period_to
                             AND u.amount_minor > (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                                             WHERE f.transaction_id = u.transaction_id AND f.status = 'APPROVED'))";

pub(in crate::store) fn list_due_reminders(
    db: &Connection,
    today: Day,
    ends_by: Day,
    limit: u32,
) -> Result<Vec<DueReminder>, StoreError> {
    let mut select = db.prepare_cached(&format!(
        "SELECT r.transaction_id, r.period_to, c.offer, c.locale, h.number_index, h.number_sealed, h.subscriber_ref
         {REMINDABLE} AND r.period_to BETWEEN ?1 AND ?2 ORDER BY r.period_to LIMIT ?3"
    ))?;
    let mut rows = select.query(params![today.to_string(), ends_by.to_string(), limit])?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        due.push(DueReminder {
            transaction_id: row.get("transaction_id")?,
            number: read_number(row)?,
            subscriber_ref: row.get("subscriber_ref")?,
            locale: read_locale(row, "coupons.locale")?,
            offer: parse_column(row, "coupons.offer", OfferId::parse)?,
            paid_until: parse_column(row, "coupon_redemptions.period_to", Day::parse)?,
        });
    }
    Ok(due)
}

pub(in crate::store) fn queue_reminder(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
    message: &[u8],
) -> Result<bool, StoreError> {
    let coupon_id: Option<String> = tx
        .prepare_cached(&format!("SELECT r.coupon_id {REMINDABLE} AND r.transaction_id = ?1"))?
        .query_row([transaction_id], |row| row.get(0))
        .optional()?;
    let Some(coupon_id) = coupon_id else { return Ok(false) };
    tx.prepare_cached("UPDATE coupon_redemptions SET reminded_at = ?2 WHERE transaction_id = ?1")?
        .execute(params![transaction_id, now.unix_seconds()])?;
    let reminder = SmsJob::CouponReminder { coupon_id, message: message.to_vec() };
    queue::put(tx, &Job::Sms(reminder), now, 0)?;
    Ok(true)
}
